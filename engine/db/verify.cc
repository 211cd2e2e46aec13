#include "engine/db/verify.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/mutant.h"
#include "base/status_util.h"
#include "engine/format/file_names.h"
#include "engine/format/log_frame.h"
#include "engine/format/wal_record.h"
#include "engine/version/manifest.h"
#include "engine/wal/log_reader.h"

namespace holdfast {
namespace {

// The first bytes of a file: a log as it was before later writes.
class FilePrefix final : public RandomAccessFile {
 public:
  FilePrefix(const RandomAccessFile* file, uint64_t bytes)
      : file_(*file), bytes_(bytes) {}

  absl::Status Read(uint64_t offset, size_t n, char* scratch,
                    std::string_view* result) const override {
    const uint64_t left = offset < bytes_ ? bytes_ - offset : 0;
    return file_.Read(offset, static_cast<size_t>(std::min<uint64_t>(n, left)),
                      scratch, result);
  }
  absl::StatusOr<uint64_t> Size() const override { return bytes_; }

 private:
  const RandomAccessFile& file_;
  const uint64_t bytes_;
};

absl::Status VerifyManifest(DbCore& core) {
  // The manifest must not grow meanwhile.
  MutexLock lock(&core.manifest_mu);
  HF_ASSIGN_OR_RETURN(CurrentFile current,
                      ReadCurrent(&core.file_system, core.dir));
  // CURRENT knows how long the manifest was at first; we know what was added.
  if (current.manifest_number == core.versions.manifest_number() &&
      !HF_MUTANT("verify.manifest_bytes")) {
    current.manifest_bytes =
        std::max(current.manifest_bytes, core.versions.manifest_bytes());
  }
  return HF_STEP("verify.manifest",
                 ReadManifest(&core.file_system, core.dir, current).status());
}

// Reads one log to its end and sets *successor to the log that its seal names,
// or to 0.
absl::Status VerifyLog(DbCore& core, uint64_t number, const LogExtent& active,
                       uint64_t* successor) {
  const std::string path = WalFileName(core.dir, number);
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<RandomAccessFile> file,
                      core.file_system.OpenFile(path));
  HF_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  const bool is_active = number == active.number;
  // All of an older log was synced before the next one was written to.
  const FilePrefix prefix(file.get(),
                          is_active ? std::min(active.bytes, size) : size);
  LogReader reader(
      &prefix, path, {core.versions.db_id(), LogKind::kWal, number},
      is_active && !HF_MUTANT("verify.log_bytes") ? active.bytes
                                                  : kLogHeaderFrameBytes);
  HF_RETURN_IF_ERROR(reader.ReadHeader().status());
  std::string bytes;
  for (;;) {
    HF_ASSIGN_OR_RETURN(const bool found, reader.ReadRecord(&bytes));
    if (!found) break;
    absl::StatusOr<WalRecord> record = DecodeWalRecord(bytes);
    absl::Status status = record.status();
    if (status.ok()) {
      status =
          ForEachChange(record->changes, record->count,
                        [](ValueType, std::string_view, std::string_view) {});
    }
    if (!status.ok()) {
      return DataLoss(path, reader.record_offset(), status.message());
    }
  }
  const LogEnd& end = reader.end();
  if (!is_active && !end.sealed && active.follows_seal &&
      !HF_MUTANT("verify.log_is_sealed")) {
    return DataLoss(path, end.bytes,
                    "the log ends without its seal, but a later one is in use");
  }
  *successor = end.sealed ? end.successor : 0;
  return absl::OkStatus();
}

absl::Status VerifyLogs(DbCore& core, uint64_t first, const LogExtent& active) {
  for (uint64_t number = first; number != 0 && number <= active.number;) {
    uint64_t successor = 0;
    const absl::Status status = VerifyLog(core, number, active, &successor);
    // A flush may have ended meanwhile and removed it.
    if (absl::IsNotFound(status) && number < core.versions.log_number()) {
      successor = core.versions.log_number();
    } else {
      HF_RETURN_IF_ERROR(status);
    }
    number = successor;
  }
  return absl::OkStatus();
}

absl::Status VerifyTables(DbCore& core) {
  const std::shared_ptr<const Version> version = core.versions.current();
  for (int level = 0; level < kNumLevels; ++level) {
    for (const FilePtr& table : version->files(level)) {
      HF_ASSIGN_OR_RETURN(
          const std::shared_ptr<const TableReader> reader,
          core.table_cache.Acquire(table->slot, table->number, table->bytes,
                                   table->identity));
      HF_RETURN_IF_ERROR(HF_STEP("verify.table", reader->Verify()));
      const TableProperties& properties = reader->properties();
      if ((properties.entries != table->entries ||
           properties.tombstones != table->tombstones) &&
          !HF_MUTANT("verify.table_counts")) {
        return DataLoss(
            reader->path(), 0,
            absl::StrCat("the table has ", properties.entries, " entries, ",
                         properties.tombstones,
                         " of them tombstones; the "
                         "manifest says ",
                         table->entries, " and ", table->tombstones));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status VerifyDatabase(DbCore& core, const LogExtent& active) {
  HF_RETURN_IF_ERROR(VerifyManifest(core));
  HF_RETURN_IF_ERROR(VerifyLogs(core, core.versions.log_number(), active));
  return VerifyTables(core);
}

}  // namespace holdfast
