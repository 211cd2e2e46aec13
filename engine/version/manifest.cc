#include "engine/version/manifest.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/mutant.h"
#include "base/sometimes.h"
#include "base/status_util.h"
#include "engine/format/file_names.h"
#include "engine/format/format_version.h"
#include "engine/format/log_frame.h"
#include "engine/version/version_builder.h"
#include "engine/wal/log_reader.h"
#include "env/file_util.h"

namespace holdfast {
namespace {

// CURRENT is one line of about 80 bytes.
constexpr size_t kMaxCurrentBytes = 4096;

// Whether `edit` says all that the first record of a manifest must say.
bool IsSnapshot(const VersionEdit& edit) {
  return edit.db_id.has_value() && edit.log_number.has_value() &&
         edit.next_file_number.has_value() && edit.last_sequence.has_value() &&
         edit.removed.empty();
}

absl::Status Backwards(std::string_view what, uint64_t from, uint64_t to) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, " goes back from ", from, " to ", to));
}

absl::Status CheckNumbersAreLeft(const ManifestState& state) {
  if (state.next_file_number <= kMaxNextFileNumber &&
      state.last_sequence <= kMaxRecoveredSequence) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "next file number ", state.next_file_number, " and last sequence number ",
      state.last_sequence, ": too few are left"));
}

// What a reader of a manifest has gathered so far.
class Replay {
 public:
  Replay() : builder_(Version()) {}

  absl::Status Apply(const VersionEdit& edit) {
    if (first_ != IsSnapshot(edit) &&
        !HF_MUTANT("manifest.begins_with_snapshot")) {
      return absl::InvalidArgumentError(
          first_ ? "first record is not a snapshot"
                 : "second snapshot in one manifest");
    }
    if (!first_ && edit.db_id.has_value() &&
        !HF_MUTANT("manifest.db_id_comes_once")) {
      return absl::InvalidArgumentError("the database id comes again");
    }
    first_ = false;
    HF_RETURN_IF_ERROR(ApplyNumbers(edit, &state_));
    HF_RETURN_IF_ERROR(
        HF_STEP("manifest.leaves_numbers", CheckNumbersAreLeft(state_)));
    return builder_.Apply(edit);
  }

  absl::StatusOr<ManifestState> Finish() {
    if (first_) return absl::InvalidArgumentError("no snapshot");
    HF_ASSIGN_OR_RETURN(state_.version, builder_.Build());
    return std::move(state_);
  }

 private:
  bool first_ = true;
  ManifestState state_;
  VersionBuilder builder_;
};

// Reads the edits of an open manifest to its end. What `see` finds wrong is
// data loss at the record.
absl::Status ReadEdits(
    LogReader& reader, std::string_view path,
    absl::FunctionRef<absl::Status(uint64_t, const VersionEdit&)> see) {
  std::string record;
  while (true) {
    HF_ASSIGN_OR_RETURN(const bool more, reader.ReadRecord(&record));
    if (!more) return absl::OkStatus();
    const absl::StatusOr<VersionEdit> edit = DecodeVersionEdit(record);
    const absl::Status status =
        edit.ok() ? see(reader.record_offset(), *edit) : edit.status();
    if (!status.ok() && !HF_MUTANT("manifest.bad_edit_is_damage")) {
      return DataLoss(path, reader.record_offset(), status.message());
    }
  }
}

absl::Status WriteSnapshot(LogWriter& writer, uint64_t number,
                           const ManifestState& state) {
  LogHeader header;
  header.version = kFormatVersion;
  header.kind = LogKind::kManifest;
  header.db_id = state.db_id;
  header.number = number;
  HF_RETURN_IF_ERROR(writer.AddHeader(header));
  HF_RETURN_IF_ERROR(writer.AddRecord(EncodeVersionEdit(SnapshotOf(state))));
  return HF_STEP("manifest.snapshot_sync", writer.Sync());
}

}  // namespace

VersionEdit SnapshotOf(const ManifestState& state) {
  VersionEdit edit;
  edit.db_id = state.db_id;
  edit.log_number = state.log_number;
  edit.next_file_number = state.next_file_number;
  edit.last_sequence = state.last_sequence;
  edit.sealed_log = state.sealed_log;
  edit.added.reserve(state.version->file_count());
  for (int level = 0; level < kNumLevels; ++level) {
    for (const FilePtr& file : state.version->files(level)) {
      edit.added.push_back(file->RecordAt(level));
    }
  }
  return edit;
}

absl::Status ApplyNumbers(const VersionEdit& edit, ManifestState* state) {
  if (edit.db_id.has_value()) state->db_id = *edit.db_id;
  const uint64_t log = edit.log_number.value_or(state->log_number);
  const uint64_t next = edit.next_file_number.value_or(state->next_file_number);
  const uint64_t last = edit.last_sequence.value_or(state->last_sequence);
  if (log < state->log_number && !HF_MUTANT("manifest.log_number_rises")) {
    return Backwards("log number", state->log_number, log);
  }
  if (next < state->next_file_number &&
      !HF_MUTANT("manifest.file_number_rises")) {
    return Backwards("next file number", state->next_file_number, next);
  }
  if (last < state->last_sequence && !HF_MUTANT("manifest.sequence_rises")) {
    return Backwards("last sequence number", state->last_sequence, last);
  }
  if (log > next) {
    return absl::InvalidArgumentError(absl::StrCat(
        "log number ", log, " is after the next file number ", next));
  }
  for (const TableRecord& table : edit.added) {
    if (table.number >= next) {
      return absl::InvalidArgumentError(
          absl::StrCat("table ", table.number,
                       ": number is not before the next file number ", next));
    }
    if (table.largest_sequence > last) {
      return absl::InvalidArgumentError(
          absl::StrCat("table ", table.number, ": sequence number ",
                       table.largest_sequence, " is after the last, ", last));
    }
  }
  state->log_number = log;
  state->next_file_number = next;
  state->last_sequence = last;
  if (edit.sealed_log.has_value()) state->sealed_log = edit.sealed_log;
  return absl::OkStatus();
}

absl::StatusOr<CurrentFile> ReadCurrent(FileSystem* fs, std::string_view dir) {
  const std::string path = CurrentFileName(dir);
  HF_ASSIGN_OR_RETURN(const std::string contents,
                      ReadFileToString(*fs, path, kMaxCurrentBytes));
  return DecodeCurrent(path, contents);
}

absl::StatusOr<ManifestState> ReadManifest(FileSystem* fs, std::string_view dir,
                                           const CurrentFile& current) {
  const std::string path = ManifestFileName(dir, current.manifest_number);
  absl::StatusOr<std::unique_ptr<RandomAccessFile>> file = fs->OpenFile(path);
  if (absl::IsNotFound(file.status()) &&
      !HF_MUTANT("manifest.missing_is_damage")) {
    return DataLoss(path, 0, "missing, but CURRENT names it");
  }
  HF_RETURN_IF_ERROR(file.status());
  LogReader reader(
      file->get(), path,
      {current.db_id, LogKind::kManifest, current.manifest_number},
      HF_MUTANT("manifest.bytes_of_current") ? 0 : current.manifest_bytes);
  const absl::StatusOr<LogHeader> header = reader.ReadHeader();
  if (absl::IsOutOfRange(header.status())) {
    return DataLoss(path, 0, header.status().message());
  }
  HF_RETURN_IF_ERROR(header.status());

  Replay replay;
  HF_RETURN_IF_ERROR(
      ReadEdits(reader, path, [&replay](uint64_t, const VersionEdit& edit) {
        return replay.Apply(edit);
      }));
  absl::StatusOr<ManifestState> state = replay.Finish();
  if (!state.ok()) {
    return DataLoss(path, reader.end().bytes, state.status().message());
  }
  if (state->db_id != current.db_id && !HF_MUTANT("manifest.of_this_db")) {
    return DataLoss(path, kLogHeaderFrameBytes, "of another database");
  }
  return state;
}

absl::Status ForEachEdit(
    FileSystem* fs, std::string_view path,
    absl::FunctionRef<absl::Status(uint64_t offset, const VersionEdit& edit)>
        see) {
  HF_ASSIGN_OR_RETURN(const std::unique_ptr<RandomAccessFile> file,
                      fs->OpenFile(path));
  HF_ASSIGN_OR_RETURN(const LogHeader claimed, PeekLogHeader(*file, path));
  LogReader reader(file.get(), std::string(path), claimed.identity());
  HF_RETURN_IF_ERROR(reader.ReadHeader().status());
  return ReadEdits(reader, path, see);
}

absl::StatusOr<std::unique_ptr<LogWriter>> CreateManifest(
    FileSystem* fs, std::string_view dir, uint64_t number,
    const ManifestState& state) {
  const std::string path = ManifestFileName(dir, number);
  HF_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file, fs->CreateFile(path));
  auto writer = std::make_unique<LogWriter>(
      std::move(file), path,
      LogIdentity{state.db_id, LogKind::kManifest, number});
  absl::Status status = WriteSnapshot(*writer, number, state);
  if (status.ok()) {
    status = HF_STEP("manifest.name_sync", fs->SyncDirectory(dir));
  }
  if (!status.ok()) {
    HF_SOMETIMES(true, "a manifest could not be made and is removed");
    if (HF_MUTANT("manifest.failed_one_removed")) return status;
    // Nothing names the file, so it may go; if it stays, it is obsolete.
    writer->Close().IgnoreError();
    fs->RemoveFile(path).IgnoreError();
    return status;
  }
  return writer;
}

}  // namespace holdfast
