// kvd get: the value of a key.

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_util.h"
#include "holdfast/db.h"
#include "holdfast/pinned_value.h"
#include "kvd/command.h"
#include "kvd/commands/commands.h"
#include "kvd/database.h"
#include "kvd/exit_code.h"
#include "kvd/json.h"
#include "kvd/options.h"
#include "kvd/record_writer.h"
#include "kvd/text.h"

namespace holdfast::kvd {
namespace {

class GetCommand : public Command {
 public:
  const About& about() const override {
    static constexpr About kAbout = {
        .name = "get",
        .summary = "Writes the value of a key; exit code 1 when there is none.",
        .examples =
            "kvd get /tmp/db greeting\n"
            "kvd get /tmp/db photo > photo.jpg\n"
            "kvd get /tmp/db --json greeting\n"};
    return kAbout;
  }

  void AddOptions(CLI::App& app) override {
    AddDatabase(app, &database_);
    AddWord(app, "KEY", "The key", &key_);
    app.add_flag("--raw", raw_,
                 "On a terminal too: the bytes as they are, no line end");
  }

  absl::StatusOr<ExitCode> Run(Session& session) override {
    HF_ASSIGN_OR_RETURN(const std::string key, DecodeArgument("KEY", key_));
    return WithDatabase(
        session, database_, [&](DB& db) -> absl::StatusOr<ExitCode> {
          PinnedValue value;
          const absl::Status status = db.Get({}, key, &value);
          if (absl::IsNotFound(status)) return Absent(session, key);
          HF_RETURN_IF_ERROR(status);
          HF_RETURN_IF_ERROR(Present(session, key, value.view()));
          return ExitCode::kDone;
        });
  }

 private:
  absl::StatusOr<ExitCode> Absent(Session& session, std::string_view key) {
    if (json()) {
      Json answer = Json::object();
      SetBytes("key", key, hex(), &answer);
      answer["found"] = false;
      HF_RETURN_IF_ERROR(session.out.Write(WriteJson(answer) + "\n"));
    } else {
      Note(session, absl::StrCat("kvd: no key ", EncodeText(notation(), key),
                                 " in ", database_.path));
    }
    return ExitCode::kNegative;
  }

  absl::Status Present(Session& session, std::string_view key,
                       std::string_view value) {
    std::string text;
    if (json()) {
      AppendJsonLine(key, value, hex(), &text);
    } else if (hex()) {
      text = EncodeText(Notation::kHex, value) + "\n";
    } else if (raw_ || !session.out_is_terminal) {
      return session.out.Write(value);
    } else if (IsPrintableText(value)) {
      text = absl::StrCat(value, "\n");
    } else {
      text = EncodeText(Notation::kEscaped, value) + "\n";
    }
    return session.out.Write(text);
  }

  DatabaseOptions database_;
  std::string key_;
  bool raw_ = false;
};

}  // namespace

std::unique_ptr<Command> NewGetCommand() {
  return std::make_unique<GetCommand>();
}

}  // namespace holdfast::kvd
