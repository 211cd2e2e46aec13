// kvd load: records of a text file into a database, batch by batch.

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
#include "holdfast/write_batch.h"
#include "kvd/command.h"
#include "kvd/commands/commands.h"
#include "kvd/database.h"
#include "kvd/exit_code.h"
#include "kvd/input.h"
#include "kvd/json.h"
#include "kvd/key_template.h"
#include "kvd/options.h"
#include "kvd/progress.h"
#include "kvd/record_reader.h"
#include "kvd/text.h"

namespace holdfast::kvd {
namespace {

// A batch is written when it has so many bytes, whatever --batch says: it must
// fit into memory several times.
constexpr size_t kMaxLoadBatchBytes = size_t{8} << 20;

class LoadCommand : public Command {
 public:
  const About& about() const override {
    static constexpr About kAbout = {
        .name = "load",
        .summary = "Reads records from a file into a database.",
        .examples =
            "kvd load /tmp/db cities.jsonl.lz4 --key-template "
            "'city/{country}/{admin1}/{name}/{line}'\n"
            "kvd load /tmp/db backup.tsv --sync --batch 100\n"
            "kvd dump /tmp/db | kvd load /tmp/copy -\n"};
    return kAbout;
  }

  void AddOptions(CLI::App& app) override {
    AddDatabase(app, &database_);
    AddWord(app, "FILE", "The file, plain or LZ4; - is standard input", &path_);
    AddChoice(app, "--format",
              "auto (default), jsonl: a JSON object a line, or tsv: key, "
              "tab, value",
              {"auto", "jsonl", "tsv"}, &format_);
    AddOptionalWord(app, "--key-template",
                    "Make the key of the fields of a JSON record: "
                    "'{field}/{inner.field}/{line:08}'. The value is the line",
                    &key_template_);
    AddCount(app, "--batch", "Records written in one step (default 1000)",
             &batch_records_);
    AddCount(app, "--skip", "Go on after so many records (default 0)", &skip_);
    app.add_flag("--sync", sync_,
                 "Make each batch survive power loss before the next");
    app.add_flag("--ack", ack_,
                 "Say \"ack N\" after each batch: N records are in");
    AddByteCount(app, "--max-line-bytes",
                 "Refuse a longer line (default 64MiB)", &max_line_bytes_);
    AddTuning(app, &database_);
  }

  bool PollsInterrupts() const override { return true; }

  absl::StatusOr<ExitCode> Run(Session& session) override {
    if (batch_records_ == 0) {
      return absl::InvalidArgumentError("--batch 0 would never write");
    }
    HF_ASSIGN_OR_RETURN(RecordReaderOptions options, ReaderOptions());
    // Before the database, so that a mistyped file makes none.
    HF_ASSIGN_OR_RETURN(reader_,
                        RecordReader::Open(path_, std::move(options),
                                           session.interrupts->descriptor()));
    whole_bytes_ = InputBytes(path_);
    database_.options.create_if_missing = true;
    written_records_ = skip_;
    const uint64_t begin_micros = session.env.clock().NowMicros();
    absl::StatusOr<ExitCode> code = WithDatabase(
        session, database_, [&](DB& db) { return Load(session, db); });
    if (!code.ok()) return code.status();
    HF_RETURN_IF_ERROR(
        Report(session, *code, session.env.clock().NowMicros() - begin_micros));
    return code;
  }

 private:
  absl::StatusOr<RecordReaderOptions> ReaderOptions() const {
    RecordReaderOptions options;
    options.notation = notation();
    options.max_line_bytes = max_line_bytes_;
    if (format_ == "jsonl") options.format = RecordFormat::kJsonLines;
    if (format_ == "tsv") options.format = RecordFormat::kTsv;
    if (key_template_.has_value()) {
      HF_ASSIGN_OR_RETURN(options.key_template,
                          KeyTemplate::Parse(*key_template_));
    }
    return options;
  }

  absl::StatusOr<ExitCode> Load(Session& session, DB& db) {
    Progress progress("load", ShowsProgress(session), session.env.clock(),
                      session.messages);
    Record record;
    while (true) {
      const absl::StatusOr<bool> more = reader_->Next(&record);
      if (more.ok() && *more) {
        ++read_records_;
        if (read_records_ <= skip_) continue;
        batch_.Put(record.key, record.value);
        if (batch_.count() < batch_records_ &&
            batch_.size_bytes() < kMaxLoadBatchBytes) {
          continue;
        }
      }
      // After the last record, and also after a bad one: what came before it
      // goes in, so that the message can say where to go on.
      HF_RETURN_IF_ERROR(WriteBatchOfRecords(session, db));
      if (more.ok() && !*more) return AtTheEnd();
      // Before the error: an interrupted wait for input is one too.
      if (session.interrupts->Requested()) return ExitCode::kInterrupted;
      if (!more.ok()) return Annotate(more.status(), ResumeAdvice());
      progress.Update(read_records_, reader_->consumed_bytes(), whole_bytes_);
    }
  }

  absl::StatusOr<ExitCode> AtTheEnd() const {
    if (read_records_ >= skip_) return ExitCode::kDone;
    return absl::InvalidArgumentError(absl::StrCat("--skip ", skip_, ": ",
                                                   path_, " has only ",
                                                   read_records_, " records"));
  }

  absl::Status WriteBatchOfRecords(Session& session, DB& db) {
    if (batch_.empty()) return absl::OkStatus();
    const absl::Status written = db.Write({.sync = sync_}, batch_);
    if (!written.ok()) return Annotate(written, ResumeAdvice());
    written_records_ = read_records_;
    batch_.Clear();
    if (!ack_) return absl::OkStatus();
    HF_RETURN_IF_ERROR(session.out.Write(
        json() ? WriteJson({{"ack", written_records_}}) + "\n"
               : absl::StrCat("ack ", written_records_, "\n")));
    return session.out.Flush();
  }

  // How to go on after what went wrong is mended.
  std::string ResumeAdvice() const {
    return absl::StrCat("the first ", FormatCount(written_records_),
                        " records are in (go on with --skip ", written_records_,
                        ")");
  }

  absl::Status Report(Session& session, ExitCode code, uint64_t micros) {
    const uint64_t loaded = written_records_ - skip_;
    if (json()) {
      HF_RETURN_IF_ERROR(session.out.Write(
          WriteJson({{"records", loaded},
                     {"records_of_file", written_records_},
                     {"interrupted", code == ExitCode::kInterrupted},
                     {"seconds", static_cast<double>(micros) / 1e6}}) +
          "\n"));
    }
    if (code == ExitCode::kInterrupted) {
      Note(session, absl::StrCat("interrupted: ", ResumeAdvice()));
      return absl::OkStatus();
    }
    const double seconds = static_cast<double>(micros) / 1e6;
    Note(session,
         absl::StrCat(
             "loaded ", FormatCount(loaded), " records in ",
             FormatDuration(micros), ", ",
             FormatCount(static_cast<uint64_t>(static_cast<double>(loaded) /
                                               (seconds > 0 ? seconds : 1))),
             " a second"));
    return absl::OkStatus();
  }

  DatabaseOptions database_;
  std::string path_;
  std::string format_ = "auto";
  std::optional<std::string> key_template_;
  uint64_t batch_records_ = 1000;
  uint64_t skip_ = 0;
  bool sync_ = false;
  bool ack_ = false;
  uint64_t max_line_bytes_ = RecordReaderOptions().max_line_bytes;

  std::unique_ptr<RecordReader> reader_;
  uint64_t whole_bytes_ = 0;
  WriteBatch batch_;
  uint64_t read_records_ = 0;     // Of the file, skipped ones included.
  uint64_t written_records_ = 0;  // The same, as far as they are in.
};

}  // namespace

std::unique_ptr<Command> NewLoadCommand() {
  return std::make_unique<LoadCommand>();
}

}  // namespace holdfast::kvd
