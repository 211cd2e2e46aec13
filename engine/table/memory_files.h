// Files in memory for the tests of this room: what a table was written to can
// be looked at and damaged, and the n-th call can fail.

#ifndef HOLDFAST_ENGINE_TABLE_MEMORY_FILES_H_
#define HOLDFAST_ENGINE_TABLE_MEMORY_FILES_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "holdfast/env/file_system.h"

namespace holdfast {

// Counts calls; the one with number `fail_at` (from 0), and with `for_ever` all
// after it, fails. Thread-safe.
struct FaultCounter {
  std::atomic<int> calls{0};
  std::atomic<int> fail_at{-1};
  std::atomic<bool> for_ever{false};
  absl::Status error = absl::InternalError("injected fault");

  absl::Status Next() {
    const int call = calls.fetch_add(1);
    const int at = fail_at.load();
    const bool fails = at >= 0 && (call == at || (for_ever && call > at));
    return fails ? error : absl::OkStatus();
  }
};

// What a WritableFile left behind.
struct WrittenFile {
  std::string bytes;
  std::string synced;  // `bytes` as of the last Sync.
  bool closed = false;
  int writes = 0;
  FaultCounter faults;  // Of Write, Sync and Close together.
};

class MemoryWritableFile final : public WritableFile {
 public:
  // `file` must outlive this.
  explicit MemoryWritableFile(WrittenFile* file) : file_(file) {}

  absl::Status Write(uint64_t offset, std::string_view data) override {
    absl::Status status = file_->faults.Next();
    if (!status.ok()) return status;
    if (file_->bytes.size() < offset + data.size()) {
      file_->bytes.resize(offset + data.size());
    }
    std::memcpy(file_->bytes.data() + offset, data.data(), data.size());
    ++file_->writes;
    return absl::OkStatus();
  }
  absl::Status Sync() override {
    absl::Status status = file_->faults.Next();
    if (status.ok()) file_->synced = file_->bytes;
    return status;
  }
  absl::Status PrepareSpace(uint64_t, uint64_t) override {
    return absl::OkStatus();
  }
  absl::Status Truncate(uint64_t size) override {
    file_->bytes.resize(size);
    return absl::OkStatus();
  }
  absl::Status Close() override {
    absl::Status status = file_->faults.Next();
    if (status.ok()) file_->closed = true;
    return status;
  }

 private:
  WrittenFile* const file_;
};

// Reads a string. `faults` (of Read) may be nullptr.
class MemoryReadFile final : public RandomAccessFile {
 public:
  explicit MemoryReadFile(std::shared_ptr<const std::string> bytes,
                          FaultCounter* faults = nullptr)
      : bytes_(std::move(bytes)), faults_(faults) {}

  absl::Status Read(uint64_t offset, size_t n, char* scratch,
                    std::string_view* result) const override {
    if (faults_ != nullptr) {
      absl::Status status = faults_->Next();
      if (!status.ok()) return status;
    }
    const size_t begin = std::min<uint64_t>(offset, bytes_->size());
    const size_t length = std::min(n, bytes_->size() - begin);
    std::memcpy(scratch, bytes_->data() + begin, length);
    *result = std::string_view(scratch, length);
    return absl::OkStatus();
  }
  absl::StatusOr<uint64_t> Size() const override { return bytes_->size(); }

 private:
  const std::shared_ptr<const std::string> bytes_;
  FaultCounter* const faults_;
};

// A file system for reading only. Set `files` up first; then thread-safe.
class MemoryFiles final : public FileSystem {
 public:
  std::map<std::string, std::shared_ptr<const std::string>, std::less<>> files;
  FaultCounter opens;
  FaultCounter reads;
  // Files open at a time; over the limit, OpenFile gives kResourceExhausted.
  std::atomic<int> open_files{0};
  std::atomic<int> max_open_files{1 << 30};

  absl::StatusOr<std::unique_ptr<RandomAccessFile>> OpenFile(
      std::string_view path) override {
    absl::Status status = opens.Next();
    if (!status.ok()) return status;
    const auto it = files.find(path);
    if (it == files.end()) {
      return absl::NotFoundError(absl::StrCat("open ", path));
    }
    if (open_files.fetch_add(1) >= max_open_files) {
      open_files.fetch_sub(1);
      return absl::ResourceExhaustedError("too many open files");
    }
    return std::make_unique<CountedFile>(it->second, this);
  }

  absl::StatusOr<std::unique_ptr<WritableFile>> CreateFile(
      std::string_view) override {
    return No();
  }
  absl::StatusOr<uint64_t> FileSize(std::string_view) override { return No(); }
  absl::StatusOr<bool> FileExists(std::string_view) override { return No(); }
  absl::StatusOr<std::vector<std::string>> ListDirectory(
      std::string_view) override {
    return No();
  }
  absl::Status CreateDirectory(std::string_view) override { return No(); }
  absl::Status RemoveFile(std::string_view) override { return No(); }
  absl::Status RemoveDirectory(std::string_view) override { return No(); }
  absl::Status RenameFile(std::string_view, std::string_view) override {
    return No();
  }
  absl::Status LinkFile(std::string_view, std::string_view) override {
    return No();
  }
  absl::Status SyncDirectory(std::string_view) override { return No(); }
  absl::StatusOr<std::unique_ptr<FileLock>> LockFile(
      std::string_view) override {
    return No();
  }
  absl::StatusOr<uint64_t> UniqueId() override { return No(); }

 private:
  class CountedFile final : public RandomAccessFile {
   public:
    CountedFile(std::shared_ptr<const std::string> bytes, MemoryFiles* files)
        : file_(std::move(bytes), &files->reads), files_(files) {}
    ~CountedFile() override { files_->open_files.fetch_sub(1); }
    absl::Status Read(uint64_t offset, size_t n, char* scratch,
                      std::string_view* result) const override {
      return file_.Read(offset, n, scratch, result);
    }
    absl::StatusOr<uint64_t> Size() const override { return file_.Size(); }

   private:
    const MemoryReadFile file_;
    MemoryFiles* const files_;
  };

  static absl::Status No() { return absl::UnimplementedError("read only"); }
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_TABLE_MEMORY_FILES_H_
