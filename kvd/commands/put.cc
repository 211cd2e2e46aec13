// kvd put and kvd del: change keys.

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/status_util.h"
#include "holdfast/db.h"
#include "holdfast/write_batch.h"
#include "kvd/command.h"
#include "kvd/commands/commands.h"
#include "kvd/database.h"
#include "kvd/exit_code.h"
#include "kvd/input.h"
#include "kvd/json.h"
#include "kvd/options.h"

namespace holdfast::kvd {
namespace {

constexpr char kSyncHelp[] =
    "Return when the change survives power loss (else only the death of "
    "processes)";

class PutCommand : public Command {
 public:
  const About& about() const override {
    static constexpr About kAbout = {
        .name = "put",
        .summary = "Sets a key to a value.",
        .examples =
            "kvd put --create /tmp/db greeting hello\n"
            "kvd put /tmp/db --sync photo - < photo.jpg\n"
            "kvd put /tmp/db --hex 00ff 2a\n"};
    return kAbout;
  }

  void AddOptions(CLI::App& app) override {
    AddDatabase(app, &database_);
    AddWord(app, "KEY", "The key", &key_);
    AddWord(app, "VALUE", "The value; - takes standard input as it is",
            &value_);
    app.add_flag("--create", database_.options.create_if_missing,
                 "Make the database when there is none");
    app.add_flag("--sync", sync_, kSyncHelp);
    AddTuning(app, &database_);
  }

  absl::StatusOr<ExitCode> Run(Session& session) override {
    HF_ASSIGN_OR_RETURN(const std::string key, DecodeArgument("KEY", key_));
    HF_ASSIGN_OR_RETURN(const std::string value, Value());
    return WithDatabase(
        session, database_, [&](DB& db) -> absl::StatusOr<ExitCode> {
          HF_RETURN_IF_ERROR(db.Put({.sync = sync_}, key, value));
          if (!json()) return ExitCode::kDone;
          Json answer = Json::object();
          SetBytes("key", key, hex(), &answer);
          answer["value_bytes"] = value.size();
          HF_RETURN_IF_ERROR(session.out.Write(WriteJson(answer) + "\n"));
          return ExitCode::kDone;
        });
  }

 private:
  absl::StatusOr<std::string> Value() const {
    if (value_ != "-") return DecodeArgument("VALUE", value_);
    HF_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> source, OpenInput("-"));
    absl::StatusOr<std::string> value = ReadAll(*source, kMaxValueBytes);
    if (!value.ok()) return Annotate(value.status(), kStdinName);
    return value;
  }

  DatabaseOptions database_;
  std::string key_;
  std::string value_;
  bool sync_ = false;
};

class DelCommand : public Command {
 public:
  const About& about() const override {
    static constexpr About kAbout = {
        .name = "del",
        .summary = "Removes keys, all in one step.",
        .examples =
            "kvd del /tmp/db greeting\n"
            "kvd del /tmp/db --sync a b c\n"};
    return kAbout;
  }

  void AddOptions(CLI::App& app) override {
    AddDatabase(app, &database_);
    AddWords(app, "KEY", "The keys; one that is not there is no error", &keys_);
    app.add_flag("--sync", sync_, kSyncHelp);
    AddTuning(app, &database_);
  }

  absl::StatusOr<ExitCode> Run(Session& session) override {
    WriteBatch batch;
    for (const std::string& text : keys_) {
      HF_ASSIGN_OR_RETURN(const std::string key, DecodeArgument("KEY", text));
      batch.Delete(key);
    }
    return WithDatabase(
        session, database_, [&](DB& db) -> absl::StatusOr<ExitCode> {
          HF_RETURN_IF_ERROR(db.Write({.sync = sync_}, batch));
          if (!json()) return ExitCode::kDone;
          HF_RETURN_IF_ERROR(
              session.out.Write(WriteJson({{"keys", batch.count()}}) + "\n"));
          return ExitCode::kDone;
        });
  }

 private:
  DatabaseOptions database_;
  std::vector<std::string> keys_;
  bool sync_ = false;
};

}  // namespace

std::unique_ptr<Command> NewPutCommand() {
  return std::make_unique<PutCommand>();
}

std::unique_ptr<Command> NewDelCommand() {
  return std::make_unique<DelCommand>();
}

}  // namespace holdfast::kvd
