#include "engine/wal/log_writer.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/mutant.h"
#include "base/status_util.h"

namespace holdfast {
namespace {

// A buffer that grew beyond this for a huge record is given back.
constexpr size_t kKeepBufferBytes = size_t{1} << 20;

// Zeros are written ahead of the log in steps of its own size, within these
// bounds: few steps for a busy log, little waste for a small one. Not larger,
// as the zeros should still be in the processor's cache when they are written
// over.
constexpr uint64_t kLeastAheadBytes = 512;
constexpr uint64_t kMostAheadBytes = uint64_t{256} << 10;

// For larger records it does not pay: their write call costs less than writing
// as many zeros before them.
constexpr uint64_t kMostPreparedRecordBytes = uint64_t{4} << 10;

}  // namespace

LogWriter::LogWriter(std::unique_ptr<WritableFile> file, std::string path,
                     const LogIdentity& identity)
    : path_(std::move(path)),
      identity_(identity),
      context_(identity.context()),
      file_(std::move(file)) {
  HF_CHECK(file_ != nullptr);
}

absl::Status LogWriter::AddHeader(const LogHeader& header) {
  HF_CHECK(bytes() == 0);
  HF_CHECK(header.db_id == identity_.db_id);
  HF_CHECK(header.kind == identity_.kind);
  HF_CHECK(header.number == identity_.number);
  // No sync can have failed yet: of an empty log, Sync does nothing.
  Stage(FrameType::kHeader, EncodeLogHeader(header), {});
  HF_RETURN_IF_ERROR(WriteStaged());
  if (HF_MUTANT("log_writer.header_is_alone")) PrepareAhead(0);
  return absl::OkStatus();
}

absl::Status LogWriter::AddRecord(std::string_view payload) {
  return AddRecord(payload, {});
}

absl::Status LogWriter::AddRecord(std::string_view prefix,
                                  std::string_view body) {
  HF_CHECK(bytes() > 0);
  HF_CHECK(!sealed_);
  HF_RETURN_IF_ERROR(HF_STEP("log_writer.poisoned_record", SyncError()));
  const uint64_t offset = bytes();
  const size_t record_bytes = prefix.size() + body.size();
  const size_t fragments = record_bytes / kMaxFragmentBytes + 1;
  buffer_.reserve(record_bytes + fragments * kFrameHeaderBytes);
  bool first = true;
  bool last = false;
  while (!last) {
    const std::string_view head = prefix.substr(0, kMaxFragmentBytes);
    const std::string_view tail =
        body.substr(0, kMaxFragmentBytes - head.size());
    prefix.remove_prefix(head.size());
    body.remove_prefix(tail.size());
    last = prefix.empty() && body.empty();
    Stage(first ? (last ? FrameType::kFull : FrameType::kFirst)
                : (last ? FrameType::kLast : FrameType::kMiddle),
          head, tail);
    first = false;
  }
  HF_RETURN_IF_ERROR(WriteStaged());
  PrepareAhead(offset);
  return absl::OkStatus();
}

absl::Status LogWriter::AddSeal(uint64_t successor) {
  HF_CHECK(bytes() > 0);
  HF_CHECK(!sealed_);
  HF_RETURN_IF_ERROR(HF_STEP("log_writer.poisoned_seal", SyncError()));
  Stage(FrameType::kSeal, EncodeLogSeal({.successor = successor}), {});
  HF_RETURN_IF_ERROR(WriteStaged());
  sealed_ = true;
  return absl::OkStatus();
}

absl::Status LogWriter::Sync() {
  HF_RETURN_IF_ERROR(HF_STEP("log_writer.poisoned_sync", SyncError()));
  uint64_t covered = bytes();
  if (covered == synced_bytes()) return absl::OkStatus();
  absl::Status status = HF_STEP("log_writer.sync", file_->Sync());
  if (!status.ok()) {
    sync_error_ = status;
    if (HF_MUTANT("log_writer.poison")) return status;
    sync_failed_.store(true, std::memory_order_release);  // Invariant (3).
    return status;
  }
  // Not what was added meanwhile.
  if (HF_MUTANT("log_writer.sync_covers_what_was_there")) covered = bytes();
  synced_bytes_.store(covered, std::memory_order_release);
  return absl::OkStatus();
}

absl::Status LogWriter::Close() {
  HF_CHECK(file_ != nullptr);
  const std::unique_ptr<WritableFile> file = std::move(file_);
  const absl::Status status = file->Close();
  HF_RETURN_IF_ERROR(SyncError());
  return status;
}

void LogWriter::Stage(FrameType type, std::string_view head,
                      std::string_view tail) {
  if (buffer_.empty()) staged_checksum_ = previous_checksum_;
  const uint64_t synced =
      HF_MUTANT("log_writer.frame_says_synced") ? 0 : synced_bytes();
  staged_checksum_ = AppendFrame(&buffer_, context_, bytes() + buffer_.size(),
                                 staged_checksum_, type, synced, head, tail);
}

absl::Status LogWriter::WriteStaged() {
  const uint64_t offset = bytes();
  const uint64_t end = offset + buffer_.size();
  const absl::Status status = file_->Write(offset, buffer_);
  buffer_.clear();
  if (buffer_.capacity() > kKeepBufferBytes) std::string().swap(buffer_);
  if (!status.ok() && HF_MUTANT("log_writer.failed_write_is_overwritten")) {
    bytes_.store(end, std::memory_order_release);
  }
  HF_RETURN_IF_ERROR(status);
  previous_checksum_ = staged_checksum_;
  bytes_.store(end, std::memory_order_release);
  return absl::OkStatus();
}

void LogWriter::PrepareAhead(uint64_t offset) {
  uint64_t end = bytes();
  if (end < prepared_bytes_ || identity_.kind != LogKind::kWal ||
      end - offset > kMostPreparedRecordBytes) {
    return;
  }
  prepared_bytes_ = end + std::clamp(end, kLeastAheadBytes, kMostAheadBytes);
  // Behind all records: zeros over one would be its end.
  if (HF_MUTANT("log_writer.prepares_behind_records")) end = offset;
  // When it fails, the writes that need the space say so. Not asked for again,
  // either.
  file_->PrepareSpace(end, prepared_bytes_ - end).IgnoreError();
}

absl::Status LogWriter::SyncError() const {
  if (!sync_failed_.load(std::memory_order_acquire)) return absl::OkStatus();
  return sync_error_;
}

}  // namespace holdfast
