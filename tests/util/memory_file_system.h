// Files in memory: thousands of databases a second to open and damage. It has
// no notion of a crash, and syncs do nothing; a copy of it taken while a
// database is open holds what the death of the process would leave.
//
//   MemoryFileSystem golden;
//   ... make a database in golden ...
//   MemoryFileSystem damaged(golden);
//   damaged.Contents("/db/CURRENT")[7] ^= 1;
//
// Thread-safe, but for Contents and copying.

#ifndef HOLDFAST_TESTS_UTIL_MEMORY_FILE_SYSTEM_H_
#define HOLDFAST_TESTS_UTIL_MEMORY_FILE_SYSTEM_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "holdfast/env/file_system.h"
#include "holdfast/env/sync.h"

namespace holdfast {

class MemoryFileSystem final : public FileSystem {
 public:
  // Has the directory "/".
  MemoryFileSystem() : directories_{"/"} {}
  // Copies names and contents; no lock is held in the copy.
  MemoryFileSystem(const MemoryFileSystem& other)
      ABSL_NO_THREAD_SAFETY_ANALYSIS;
  MemoryFileSystem& operator=(const MemoryFileSystem&) = delete;
  ~MemoryFileSystem() override;

  // The bytes of a file, to look at and to change. Dies when there is none.
  std::string& Contents(std::string_view path) ABSL_NO_THREAD_SAFETY_ANALYSIS;

  absl::StatusOr<std::unique_ptr<WritableFile>> CreateFile(
      std::string_view path) override;
  absl::StatusOr<std::unique_ptr<RandomAccessFile>> OpenFile(
      std::string_view path) override;
  absl::StatusOr<uint64_t> FileSize(std::string_view path) override;
  absl::StatusOr<bool> FileExists(std::string_view path) override;
  absl::StatusOr<std::vector<std::string>> ListDirectory(
      std::string_view path) override;
  absl::Status CreateDirectory(std::string_view path) override;
  absl::Status RemoveFile(std::string_view path) override;
  absl::Status RemoveDirectory(std::string_view path) override;
  absl::Status RenameFile(std::string_view from, std::string_view to) override;
  absl::Status LinkFile(std::string_view from, std::string_view to) override;
  absl::Status SyncDirectory(std::string_view path) override;
  absl::StatusOr<std::unique_ptr<FileLock>> LockFile(
      std::string_view path) override;
  absl::StatusOr<uint64_t> UniqueId() override;

  struct Inode;  // The file apart from its names.

 private:
  class Lock;
  using Names = std::map<std::string, std::shared_ptr<Inode>, std::less<>>;

  absl::StatusOr<std::shared_ptr<Inode>> Find(std::string_view path)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status CheckParent(std::string_view path)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Mutex mu_;
  Names files_ ABSL_GUARDED_BY(mu_);
  std::set<std::string, std::less<>> directories_ ABSL_GUARDED_BY(mu_);
  std::set<std::string, std::less<>> locked_ ABSL_GUARDED_BY(mu_);
  uint64_t next_id_ ABSL_GUARDED_BY(mu_) = 0x1234'5678'9abc'def0u;
};

}  // namespace holdfast

#endif  // HOLDFAST_TESTS_UTIL_MEMORY_FILE_SYSTEM_H_
