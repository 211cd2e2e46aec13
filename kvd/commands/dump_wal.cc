// kvd dump-wal: what is in a write-ahead log.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_util.h"
#include "engine/format/file_names.h"
#include "engine/format/internal_key.h"
#include "engine/format/log_frame.h"
#include "engine/format/wal_record.h"
#include "engine/wal/log_reader.h"
#include "holdfast/env/file_system.h"
#include "kvd/command.h"
#include "kvd/commands/commands.h"
#include "kvd/exit_code.h"
#include "kvd/inspect.h"
#include "kvd/json.h"
#include "kvd/options.h"
#include "kvd/text.h"

namespace holdfast::kvd {
namespace {

class DumpWalCommand : public Command {
 public:
  const About& about() const override {
    static constexpr About kAbout = {
        .name = "dump-wal",
        .summary = "Shows a write-ahead log: every change and how it ends.",
        .examples =
            "kvd dump-wal /tmp/db/000003.wal\n"
            "kvd dump-wal /tmp/db 3 --json\n"};
    return kAbout;
  }

  void AddOptions(CLI::App& app) override {
    AddWord(app, "FILE", "The log, or a database if NUMBER is given", &path_);
    AddOptionalArgument(app, "NUMBER", "The number of a log of the database",
                        &number_);
  }

  bool PollsInterrupts() const override { return true; }

  absl::StatusOr<ExitCode> Run(Session& session) override {
    FileSystem& file_system = session.env.file_system();
    HF_ASSIGN_OR_RETURN(const std::string path,
                        FindFile(file_system, FileKind::kWal, path_, number_));
    HF_ASSIGN_OR_RETURN(const std::unique_ptr<RandomAccessFile> file,
                        file_system.OpenFile(path));
    const absl::StatusOr<LogHeader> claimed = PeekLogHeader(*file, path);
    if (!claimed.ok()) return ExplainLogError(claimed.status(), path);
    if (claimed->kind != LogKind::kWal) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, " is a ", LogKindName(claimed->kind),
                       "; see kvd help dump-manifest"));
    }
    LogReader log(file.get(), path, claimed->identity());
    HF_ASSIGN_OR_RETURN(const LogHeader header, log.ReadHeader());
    HF_RETURN_IF_ERROR(session.out.Write(Head(path, header)));
    std::string payload;
    while (true) {
      if (session.interrupts->Requested()) return ExitCode::kInterrupted;
      HF_ASSIGN_OR_RETURN(const bool more, log.ReadRecord(&payload));
      if (!more) break;
      HF_ASSIGN_OR_RETURN(const std::string text,
                          RecordText(path, log.record_offset(), payload));
      HF_RETURN_IF_ERROR(session.out.Write(text));
    }
    HF_RETURN_IF_ERROR(session.out.Write(Foot(log.end())));
    return ExitCode::kDone;
  }

 private:
  std::string Head(const std::string& path, const LogHeader& header) const {
    if (json()) {
      return WriteJson({{"wal", path},
                        {"version", header.version},
                        {"number", header.number},
                        {"db_id", FormatIdentity(header.db_id)},
                        {"previous_number", header.previous_number},
                        {"previous_bytes", header.previous_bytes},
                        {"first_sequence", header.first_sequence}}) +
             "\n";
    }
    return absl::StrCat(
        "# wal ", path, "\n# number ", header.number, ", format version ",
        header.version, ", database ", FormatIdentity(header.db_id),
        header.previous_number == 0
            ? ""
            : absl::StrCat("; follows log ", header.previous_number, " of ",
                           FormatCount(header.previous_bytes), " bytes"),
        "\n# sequence, change, key, value:\n");
  }

  absl::StatusOr<std::string> RecordText(const std::string& path,
                                         uint64_t offset,
                                         std::string_view payload) const {
    const absl::StatusOr<WalRecord> record = DecodeWalRecord(payload);
    if (!record.ok()) return DataLoss(path, offset, record.status().message());
    std::string text;
    if (!json()) {
      text =
          absl::StrCat("# offset ", offset, ", ", record->count, " changes\n");
    }
    SequenceNumber sequence = record->first_sequence;
    const absl::Status status = ForEachChange(
        record->changes, record->count,
        [&](ValueType type, std::string_view key, std::string_view value) {
          text.append(FormatChange({.sequence = sequence++,
                                    .type = type,
                                    .key = key,
                                    .value = value},
                                   json(), hex()));
        });
    if (!status.ok()) return DataLoss(path, offset, status.message());
    return text;
  }

  std::string Foot(const LogEnd& end) const {
    if (json()) {
      return WriteJson({{"end", end.bytes},
                        {"sealed", end.sealed},
                        {"successor", end.successor},
                        {"torn", end.torn},
                        {"torn_why", end.torn_why},
                        {"dropped_bytes", end.dropped_bytes}}) +
             "\n";
    }
    std::string how = "open: the database was not closed";
    if (end.torn) {
      how = absl::StrCat("torn: ", end.torn_why, "; ",
                         FormatCount(end.dropped_bytes), " bytes after it");
    } else if (end.sealed && end.successor != 0) {
      how = absl::StrCat("sealed; log ", end.successor, " goes on");
    } else if (end.sealed) {
      how = "sealed: the database was closed";
    }
    return absl::StrCat("# end at offset ", end.bytes, ", ", how, "\n");
  }

  std::string path_;
  std::string number_;
};

}  // namespace

std::unique_ptr<Command> NewDumpWalCommand() {
  return std::make_unique<DumpWalCommand>();
}

}  // namespace holdfast::kvd
