#include "engine/db/recovery.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/mutant.h"
#include "base/sometimes.h"
#include "base/status_util.h"
#include "engine/db/job_context.h"
#include "engine/format/file_names.h"
#include "engine/format/log_frame.h"
#include "engine/format/wal_record.h"
#include "engine/version/manifest.h"

namespace holdfast {
namespace {

// Files that a crash left may be numbered beyond what the manifest knows, but
// not so far: numbers are given out one by one.
constexpr uint64_t kMostNumbersAhead = uint64_t{1} << 32;

std::string ParentDirectory(std::string_view path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

}  // namespace

absl::StatusOr<std::unique_ptr<WalChain>> Recovery::Run() {
  absl::StatusOr<std::unique_ptr<WalChain>> wal = RunSteps();
  // On a full disk each attempt would leave it fuller.
  HF_SOMETIMES(!wal.ok() && !own_files_.empty(),
               "a failed opening removes what it made");
  HF_SOMETIMES(!wal.ok() && core_.versions.manifest_state_unknown(),
               "a failed opening leaves what CURRENT may name");
  if (!wal.ok() && (!core_.versions.manifest_state_unknown() ||
                    HF_MUTANT("recovery.keeps_what_may_be_named"))) {
    RemoveOwnFiles();
  }
  return wal;
}

void Recovery::RemoveOwnFiles() {
  if (HF_MUTANT("recovery.removes_own_files")) return;
  for (const std::string& path : own_files_) {
    core_.file_system.RemoveFile(path).IgnoreError();
  }
}

absl::StatusOr<std::unique_ptr<WalChain>> Recovery::RunSteps() {
  HF_ASSIGN_OR_RETURN(const DirectoryListing files, ListFiles());
  HF_RETURN_IF_ERROR(FindOrCreate(files));
  HF_ASSIGN_OR_RETURN(core_.identity_seed, core_.file_system.UniqueId());
  HF_SOMETIMES(files.largest_number >= core_.versions.next_file_number(),
               "a file is numbered beyond what the manifest knows");
  if (HF_MUTANT("recovery.fresh_identities")) core_.identity_seed = 1;
  if (!HF_MUTANT("recovery.fresh_numbers")) {
    core_.versions.MarkFileNumberUsed(files.largest_number);
  }
  last_sequence_ = core_.versions.last_sequence();
  if (!created_) {
    HF_RETURN_IF_ERROR(ReplayLogs(files));
    HF_RETURN_IF_ERROR(HF_STEP("recovery.unreached_logs_are_empty",
                               CheckUnreachedLogs(files)));
    HF_RETURN_IF_ERROR(
        HF_STEP("recovery.replayed_is_flushed", FlushReplayed()));
  }
  auto wal = std::make_unique<WalChain>(&core_.file_system, core_.dir,
                                        core_.versions.db_id());
  const uint64_t log_number = core_.versions.NewFileNumber();
  // Step 6.
  HF_RETURN_IF_ERROR(wal->Begin(log_number, last_sequence_ + 1));
  own_files_.push_back(wal->current().path());
  edit_.log_number = log_number;
  {
    MutexLock lock(&core_.manifest_mu);
    HF_RETURN_IF_ERROR(
        HF_STEP("recovery.manifest",
                core_.versions.LogAndApply(std::move(edit_))));  // 7.
  }
  core_.visible_sequence.store(last_sequence_, std::memory_order_release);
  {
    MutexLock lock(&core_.mu);
    core_.active = core_.NewMemTable();
    core_.PublishView();
  }
  core_.ReleaseViews();
  return wal;
}

absl::StatusOr<Recovery::DirectoryListing> Recovery::ListFiles() {
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                      core_.file_system.ListDirectory(core_.dir));
  DirectoryListing files;
  for (const std::string& name : names) {
    FileKind kind;
    uint64_t number = 0;
    if (!ParseFileName(name, &kind, &number)) continue;
    if (number >= files.largest_number) {
      files.largest_number = number;
      files.largest_name = name;
    }
    if (kind == FileKind::kWal) files.logs[number] = name;
    if (kind == FileKind::kTable) files.has_tables = true;
    if (kind == FileKind::kCurrent) files.has_current = true;
  }
  return files;
}

// Before anything is written: its number would be used up, and the next ones.
absl::Status Recovery::CheckLargestNumber(const DirectoryListing& files) const {
  const uint64_t next = core_.versions.next_file_number();
  if (files.largest_number < next ||
      files.largest_number - next < kMostNumbersAhead) {
    return absl::OkStatus();
  }
  return DataLoss(
      JoinPath(core_.dir, files.largest_name), 0,
      absl::StrCat("its number is far beyond that of the next file,"
                   " ",
                   next, "; remove it if it is not the database's"));
}

absl::Status Recovery::FindOrCreate(const DirectoryListing& files) {
  if (files.has_current) {
    if (core_.options.error_if_exists) {
      return absl::AlreadyExistsError(absl::StrCat(
          core_.dir, ": a database is there (option error_if_exists)"));
    }
    HF_RETURN_IF_ERROR(core_.versions.Recover());
    return CheckLargestNumber(files);
  }
  HF_RETURN_IF_ERROR(CheckNothingIsLost(files));
  HF_RETURN_IF_ERROR(CheckLargestNumber(files));
  if (!core_.options.create_if_missing) {
    return absl::NotFoundError(
        absl::StrCat(core_.dir,
                     ": no database here (option "
                     "create_if_missing would make one)"));
  }
  // Also when the directory was there: a creation that a crash cut short may
  // have left its name unsynced. Where a CURRENT is, this was done before it.
  HF_RETURN_IF_ERROR(
      HF_STEP("recovery.directory_sync",
              core_.file_system.SyncDirectory(ParentDirectory(core_.dir))));
  HF_ASSIGN_OR_RETURN(const uint64_t db_id, core_.file_system.UniqueId());
  core_.versions.CreateNew(db_id);
  created_ = true;
  return absl::OkStatus();
}

// Without CURRENT there is no database, or one whose creation a crash cut
// short: that one had no table, and of its log not more than the header.
// Anything more is a database that lost its CURRENT, and must not be taken for
// an empty place. Sizes tell; what the log holds may not be readable any more.
absl::Status Recovery::CheckNothingIsLost(const DirectoryListing& files) {
  if (files.has_tables && !HF_MUTANT("recovery.lost_current_tables")) {
    return DataLoss(CurrentFileName(core_.dir), 0,
                    "the file is missing, but there are tables");
  }
  for (const auto& [number, name] : files.logs) {
    HF_ASSIGN_OR_RETURN(
        const uint64_t bytes,
        core_.file_system.FileSize(WalFileName(core_.dir, number)));
    if (bytes > kLogHeaderFrameBytes &&
        !HF_MUTANT("recovery.lost_current_logs")) {
      return DataLoss(
          CurrentFileName(core_.dir), 0,
          absl::StrCat("the file is missing, but ", name, " holds records"));
    }
  }
  return absl::OkStatus();
}

// What is known of the lengths of the logs, besides their own seals: from the
// header of the log after each, and from the manifest after a clean close. All
// of it was durable before it was written down.
absl::Status Recovery::CollectRequiredBytes(const DirectoryListing& files) {
  for (auto it = files.logs.upper_bound(core_.versions.log_number());
       it != files.logs.end(); ++it) {
    const std::string path = WalFileName(core_.dir, it->first);
    HF_ASSIGN_OR_RETURN(std::unique_ptr<RandomAccessFile> file,
                        core_.file_system.OpenFile(path));
    LogReader reader(file.get(), path,
                     {core_.versions.db_id(), LogKind::kWal, it->first});
    const absl::StatusOr<LogHeader> header = reader.ReadHeader();
    // No header, or a damaged one: whoever needs this log will say so.
    if (absl::IsOutOfRange(header.status()) ||
        absl::IsDataLoss(header.status())) {
      continue;
    }
    HF_RETURN_IF_ERROR(header.status());
    if (HF_MUTANT("recovery.bytes_of_next_header")) continue;
    uint64_t& required = required_bytes_[header->previous_number];
    required = std::max(required, header->previous_bytes);
  }
  const std::optional<SealedLog> sealed = core_.versions.sealed_log();
  if (sealed.has_value() && !HF_MUTANT("recovery.bytes_of_close")) {
    uint64_t& required = required_bytes_[sealed->number];
    required = std::max(required, sealed->bytes);
  }
  return absl::OkStatus();
}

absl::Status Recovery::ReplayLogs(const DirectoryListing& files) {
  HF_RETURN_IF_ERROR(CollectRequiredBytes(files));
  uint64_t number = core_.versions.log_number();
  for (;;) {
    HF_SOMETIMES(last_log_read_ != 0, "recovery follows a seal");
    if (files.logs.count(number) == 0) {
      if (HF_MUTANT("recovery.missing_log_is_damage")) return absl::OkStatus();
      return DataLoss(WalFileName(core_.dir, number), 0,
                      last_log_read_ == 0
                          ? std::string("the manifest needs this log; it is "
                                        "missing")
                          : absl::StrCat("the seal of log ", last_log_read_,
                                         " names this log; it is missing"));
    }
    LogEnd end;
    HF_RETURN_IF_ERROR(ReplayLog(number, &end));
    last_log_read_ = number;
    last_log_end_ = end.bytes;
    if (!end.sealed || end.successor == 0) {
      return HF_STEP("recovery.reaches_close", CheckReachedClose(end));
    }
    if (end.successor <= number && !HF_MUTANT("recovery.chain_goes_forward")) {
      return DataLoss(WalFileName(core_.dir, number), end.bytes,
                      absl::StrCat("the seal names log ", end.successor,
                                   ", which is not a later one"));
    }
    number = end.successor;
  }
}

// After a clean close the chain leads to the log that was closed last.
absl::Status Recovery::CheckReachedClose(const LogEnd& end) {
  const std::optional<SealedLog> sealed = core_.versions.sealed_log();
  if (!sealed.has_value() || sealed->number < core_.versions.log_number()) {
    return absl::OkStatus();
  }
  if (last_log_read_ == sealed->number &&
      last_sequence_ >= sealed->last_sequence) {
    return absl::OkStatus();
  }
  return DataLoss(
      WalFileName(core_.dir, last_log_read_), end.bytes,
      absl::StrCat("the log ends here, with sequence number ", last_sequence_,
                   "; the manifest says that the database was closed with log ",
                   sealed->number, " at sequence number ",
                   sealed->last_sequence));
}

uint64_t Recovery::RequiredBytesOf(uint64_t number) const {
  const auto it = required_bytes_.find(number);
  if (HF_MUTANT("recovery.log_has_its_header")) {
    return it == required_bytes_.end() ? 0 : it->second;
  }
  // At least its header was durable before anything named it.
  return std::max<uint64_t>(kLogHeaderFrameBytes,
                            it == required_bytes_.end() ? 0 : it->second);
}

absl::Status Recovery::ReplayLog(uint64_t number, LogEnd* end) {
  const std::string path = WalFileName(core_.dir, number);
  HF_ASSIGN_OR_RETURN(std::unique_ptr<RandomAccessFile> file,
                      core_.file_system.OpenFile(path));
  LogReader reader(file.get(), path,
                   {core_.versions.db_id(), LogKind::kWal, number},
                   RequiredBytesOf(number));
  HF_RETURN_IF_ERROR(reader.ReadHeader().status());
  std::string_view record;
  for (;;) {
    HF_ASSIGN_OR_RETURN(const bool found, reader.ReadRecord(&record));
    if (!found) break;
    HF_RETURN_IF_ERROR(ReplayRecord(path, reader.record_offset(), record));
    if (replayed_.memory_bytes() >= core_.options.memtable_bytes) {
      HF_SOMETIMES(true, "a replay fills a memtable");
      HF_RETURN_IF_ERROR(FlushReplayed());
    }
  }
  *end = reader.end();
  return absl::OkStatus();
}

absl::Status Recovery::ReplayRecord(const std::string& path, uint64_t offset,
                                    std::string_view bytes) {
  const absl::StatusOr<WalRecord> record = DecodeWalRecord(bytes);
  if (!record.ok()) {
    return DataLoss(path, offset, record.status().message());
  }
  // Invariant (1) of the commit pipeline, checked after the fact. Gaps are
  // writes that were not logged. Above the bound no numbers would be left.
  HF_SOMETIMES(record->first_sequence > last_sequence_ + 1,
               "the log has a gap where writes were not logged");
  if ((record->first_sequence <= last_sequence_ ||
       record->first_sequence > kMaxRecoveredSequence - record->count) &&
      !HF_MUTANT("recovery.sequence_rises")) {
    return DataLoss(
        path, offset,
        absl::StrCat("the record begins at sequence number ",
                     record->first_sequence, " after ", last_sequence_));
  }
  SequenceNumber sequence = record->first_sequence;
  const absl::Status status = ForEachChange(
      record->changes, record->count,
      [&](ValueType type, std::string_view key, std::string_view value) {
        replayed_.Add(sequence++, type, key, value);
      });
  if (!status.ok()) return DataLoss(path, offset, status.message());
  if (record->count > 0) last_sequence_ = sequence - 1;
  return absl::OkStatus();
}

absl::Status Recovery::FlushReplayed() {
  if (replayed_.empty()) return absl::OkStatus();
  // Readers begin at the last number; no snapshot outlives a process.
  core_.visible_sequence.store(last_sequence_, std::memory_order_release);
  PendingOutputs outputs(&core_);
  HF_ASSIGN_OR_RETURN(std::optional<TableRecord> table,
                      WriteLevel0Table(core_, *replayed_.NewIterator(),
                                       replayed_.entries(), outputs));
  if (table.has_value()) {
    own_files_.push_back(TableFileName(core_.dir, table->number));
    edit_.added.push_back(*std::move(table));
  }
  replayed_.Clear();
  return absl::OkStatus();
}

absl::StatusOr<bool> Recovery::HasRecords(uint64_t number) {
  const std::string path = WalFileName(core_.dir, number);
  HF_ASSIGN_OR_RETURN(std::unique_ptr<RandomAccessFile> file,
                      core_.file_system.OpenFile(path));
  LogReader reader(file.get(), path,
                   {core_.versions.db_id(), LogKind::kWal, number});
  const absl::StatusOr<LogHeader> header = reader.ReadHeader();
  if (absl::IsOutOfRange(header.status())) return false;
  HF_RETURN_IF_ERROR(header.status());
  std::string_view record;
  return reader.ReadRecord(&record);
}

absl::Status Recovery::CheckUnreachedLogs(const DirectoryListing& files) {
  // Later logs that no seal reached: made by a rotation, a resume or a recovery
  // that a crash cut short, and never written to.
  for (auto it = files.logs.upper_bound(last_log_read_); it != files.logs.end();
       ++it) {
    HF_SOMETIMES(true, "a log that no seal names");
    HF_ASSIGN_OR_RETURN(const bool found, HasRecords(it->first));
    if (found) {
      HF_SOMETIMES(true, "a log that no seal names holds records");
      // The later log is as it should be: what is wrong is the end of this one.
      return DataLoss(
          WalFileName(core_.dir, last_log_read_), last_log_end_,
          absl::StrCat("the log ends here, but log ", it->first,
                       " holds records and this log does not lead to it"));
    }
  }
  return absl::OkStatus();
}

}  // namespace holdfast
