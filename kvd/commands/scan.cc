// kvd scan: the keys of a range, in order or backwards.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/status_util.h"
#include "holdfast/db.h"
#include "holdfast/iterator.h"
#include "kvd/command.h"
#include "kvd/commands/commands.h"
#include "kvd/database.h"
#include "kvd/exit_code.h"
#include "kvd/options.h"
#include "kvd/record_writer.h"

namespace holdfast::kvd {
namespace {

class ScanCommand : public Command {
 public:
  const About& about() const override {
    static constexpr About kAbout = {
        .name = "scan",
        .summary = "Writes keys and values in order, a line each.",
        .examples =
            "kvd scan /tmp/db --prefix city/CH/ --limit 10\n"
            "kvd scan /tmp/db --from a --to b --keys-only\n"
            "kvd scan /tmp/db --reverse --limit 1 --json\n"};
    return kAbout;
  }

  void AddOptions(CLI::App& app) override {
    AddDatabase(app, &database_);
    AddOptionalWord(app, "--prefix", "Only keys that begin so", &prefix_);
    AddOptionalWord(app, "--from", "Only this key and those after it", &from_);
    AddOptionalWord(app, "--to", "Only keys before this one", &to_);
    app.add_flag("--reverse", reverse_, "Last key first");
    AddCount(app, "--limit", "Stop after so many (default: no limit)", &limit_);
    app.add_flag("--keys-only", keys_only_, "No values");
  }

  bool PollsInterrupts() const override { return true; }

  absl::StatusOr<ExitCode> Run(Session& session) override {
    ReadOptions options;
    options.fill_cache = false;
    HF_RETURN_IF_ERROR(Decode("--prefix", prefix_, &options.prefix));
    HF_RETURN_IF_ERROR(Decode("--from", from_, &options.lower_bound));
    HF_RETURN_IF_ERROR(Decode("--to", to_, &options.upper_bound));
    return WithDatabase(session, database_, [&](DB& db) {
      return Walk(session, *db.NewIterator(options));
    });
  }

 private:
  absl::Status Decode(std::string_view name,
                      const std::optional<std::string>& text,
                      std::optional<std::string>* bytes) const {
    if (!text.has_value()) return absl::OkStatus();
    HF_ASSIGN_OR_RETURN(*bytes, DecodeArgument(name, *text));
    return absl::OkStatus();
  }

  absl::StatusOr<ExitCode> Walk(Session& session, Iterator& it) {
    reverse_ ? it.SeekToLast() : it.SeekToFirst();
    for (uint64_t n = 0; it.Valid() && n < limit_; ++n) {
      if (session.interrupts->Requested()) return ExitCode::kInterrupted;
      HF_RETURN_IF_ERROR(session.out.Write(Line(it)));
      reverse_ ? it.Prev() : it.Next();
    }
    HF_RETURN_IF_ERROR(it.status());
    return ExitCode::kDone;
  }

  std::string Line(const Iterator& it) const {
    std::string line;
    if (json() && keys_only_) {
      AppendJsonKeyLine(it.key(), hex(), &line);
    } else if (json()) {
      AppendJsonLine(it.key(), it.value(), hex(), &line);
    } else if (keys_only_) {
      AppendTextKeyLine(it.key(), notation(), &line);
    } else {
      AppendTsvLine(it.key(), it.value(), notation(), &line);
    }
    return line;
  }

  DatabaseOptions database_;
  std::optional<std::string> prefix_;
  std::optional<std::string> from_;
  std::optional<std::string> to_;
  bool reverse_ = false;
  uint64_t limit_ = UINT64_MAX;
  bool keys_only_ = false;
};

}  // namespace

std::unique_ptr<Command> NewScanCommand() {
  return std::make_unique<ScanCommand>();
}

}  // namespace holdfast::kvd
