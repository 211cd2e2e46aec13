// Files in memory that count what is asked of them and fail on demand.
//
// Thread-compatible.

#ifndef HOLDFAST_FUZZ_LOG_BYTES_FILE_H_
#define HOLDFAST_FUZZ_LOG_BYTES_FILE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "holdfast/env/file_system.h"

namespace holdfast {

// Reads `content`, which must outlive it.
class BytesReader final : public RandomAccessFile {
 public:
  explicit BytesReader(std::string_view content) : content_(content) {}

  // Reads are cut to so many bytes (at least 1); those that touch the offset
  // fail.
  size_t most_at_once = SIZE_MAX;
  uint64_t unreadable_offset = UINT64_MAX;

  uint64_t bytes_read() const { return bytes_read_; }
  bool failed() const { return failed_; }

  absl::Status Read(uint64_t offset, size_t n, char* scratch,
                    std::string_view* result) const override {
    const std::string_view part =
        content_.substr(std::min<uint64_t>(offset, content_.size()))
            .substr(0, std::min(n, most_at_once));
    if (unreadable_offset - offset < part.size()) {
      failed_ = true;
      return absl::InternalError("unreadable");
    }
    bytes_read_ += part.size();
    // A copy, so that sanitizers see who holds a view too long.
    part.copy(scratch, part.size());
    *result = std::string_view(scratch, part.size());
    return absl::OkStatus();
  }

  absl::StatusOr<uint64_t> Size() const override { return content_.size(); }

 private:
  const std::string_view content_;
  mutable uint64_t bytes_read_ = 0;
  mutable bool failed_ = false;
};

// Writes into `content`, which must outlive it.
class BytesWriter final : public WritableFile {
 public:
  // Of the next call; each failure is planned anew.
  struct Plan {
    bool fail_write = false;
    size_t failed_write_bytes = 0;  // What it puts into the file all the same.
    bool fail_sync = false;
  };

  BytesWriter(std::string* content, Plan* plan)
      : content_(*content), plan_(*plan) {}

  absl::Status Write(uint64_t offset, std::string_view data) override {
    const bool fails = plan_.fail_write;
    plan_.fail_write = false;
    if (fails) data = data.substr(0, plan_.failed_write_bytes);
    const uint64_t end = offset + data.size();
    if (!data.empty() && end > content_.size()) content_.resize(end);
    data.copy(content_.data() + offset, data.size());
    return fails ? absl::ResourceExhaustedError("planned") : absl::OkStatus();
  }
  absl::Status Sync() override {
    const bool fails = plan_.fail_sync;
    plan_.fail_sync = false;
    return fails ? absl::InternalError("planned") : absl::OkStatus();
  }
  absl::Status PrepareSpace(uint64_t, uint64_t) override {
    return absl::OkStatus();
  }
  absl::Status Truncate(uint64_t size) override {
    content_.resize(size);
    return absl::OkStatus();
  }
  absl::Status Close() override { return absl::OkStatus(); }

 private:
  std::string& content_;
  Plan& plan_;
};

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_LOG_BYTES_FILE_H_
