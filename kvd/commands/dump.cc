// kvd dump: the whole database as text that kvd load reads back.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_util.h"
#include "holdfast/db.h"
#include "holdfast/iterator.h"
#include "kvd/command.h"
#include "kvd/commands/commands.h"
#include "kvd/database.h"
#include "kvd/exit_code.h"
#include "kvd/options.h"
#include "kvd/output.h"
#include "kvd/progress.h"
#include "kvd/record_writer.h"
#include "kvd/text.h"

namespace holdfast::kvd {
namespace {

class DumpCommand : public Command {
 public:
  const About& about() const override {
    static constexpr About kAbout = {
        .name = "dump",
        .summary = "Writes the whole database as text that load reads back.",
        .examples =
            "kvd dump /tmp/db -o backup.jsonl\n"
            "kvd dump /tmp/db --format tsv | lz4 > backup.tsv.lz4\n"
            "kvd dump /tmp/db | kvd load /tmp/copy -\n"};
    return kAbout;
  }

  void AddOptions(CLI::App& app) override {
    AddDatabase(app, &database_);
    AddChoice(app, "--format",
              "jsonl (default), tsv, or escaped: tsv in plain ASCII",
              {"jsonl", "tsv", "escaped"}, &format_);
    AddOptionalWord(app, "-o,--output",
                    "Write to this file, which appears when it is whole",
                    &output_path_);
  }

  bool PollsInterrupts() const override { return true; }

  absl::StatusOr<ExitCode> Run(Session& session) override {
    if (json() && format_ != "jsonl") {
      return absl::InvalidArgumentError("--json and --format exclude another");
    }
    return WithDatabase(session, database_, [&](DB& db) {
      return output_path_.has_value() ? DumpToFile(session, db)
                                      : Dump(session, db, session.out);
    });
  }

 private:
  absl::StatusOr<ExitCode> DumpToFile(Session& session, DB& db) {
    HF_ASSIGN_OR_RETURN(
        std::unique_ptr<ReplacementFile> file,
        ReplacementFile::Create(session.env.file_system(), *output_path_));
    Output out(*file);
    HF_ASSIGN_OR_RETURN(const ExitCode code, Dump(session, db, out));
    if (code != ExitCode::kDone) return code;
    HF_RETURN_IF_ERROR(out.Flush());
    HF_RETURN_IF_ERROR(file->Commit());
    return ExitCode::kDone;
  }

  absl::StatusOr<ExitCode> Dump(Session& session, DB& db, Output& out) {
    ReadOptions options;
    options.fill_cache = false;
    const std::unique_ptr<Iterator> it = db.NewIterator(options);
    uint64_t entries = 0;
    {
      Progress progress("dump", ShowsProgress(session), session.env.clock(),
                        session.messages);
      std::string line;
      for (it->SeekToFirst(); it->Valid(); it->Next()) {
        if (session.interrupts->Requested()) return ExitCode::kInterrupted;
        line.clear();
        AppendRecord(*it, &line);
        HF_RETURN_IF_ERROR(out.Write(line));
        progress.Update(++entries, 0, 0);
      }
    }
    HF_RETURN_IF_ERROR(it->status());
    Note(session, absl::StrCat("dumped ", FormatCount(entries), " entries"));
    return ExitCode::kDone;
  }

  void AppendRecord(const Iterator& it, std::string* line) const {
    if (format_ == "jsonl") {
      AppendJsonLine(it.key(), it.value(), hex(), line);
    } else {
      const Notation text =
          format_ == "escaped" && !hex() ? Notation::kEscapedAscii : notation();
      AppendTsvLine(it.key(), it.value(), text, line);
    }
  }

  DatabaseOptions database_;
  std::string format_ = "jsonl";
  std::optional<std::string> output_path_;
};

}  // namespace

std::unique_ptr<Command> NewDumpCommand() {
  return std::make_unique<DumpCommand>();
}

}  // namespace holdfast::kvd
