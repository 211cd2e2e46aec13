// A layer over any FileSystem that counts calls and makes chosen ones fail.
//
//   FaultFileSystem faults(&env->file_system());
//   faults.Plan({.call = 17, .times = 1, .error = absl::InternalError("EIO")});
//   ... the 17th call from now fails, without taking effect ...
//
// A call that fails has not been made on the file system below, except a
// Write with `effect` kPartial: half of its bytes are written first.
//
// Thread-safe.

#ifndef HOLDFAST_TESTS_UTIL_FAULT_FILE_SYSTEM_H_
#define HOLDFAST_TESTS_UTIL_FAULT_FILE_SYSTEM_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "holdfast/env/file_system.h"
#include "holdfast/env/sync.h"

namespace holdfast {

enum class FileOp {
  kCreate,
  kOpen,
  kRead,
  kWrite,
  kSync,
  kTruncate,
  kPreallocate,
  kClose,
  kRemove,
  kRename,
  kLink,
  kSyncDirectory,
  kList,
  kStat,  // FileSize, FileExists and RandomAccessFile::Size.
  kMakeDirectory,
  kRemoveDirectory,
  kLock,
};

std::string_view FileOpName(FileOp op);

struct Fault {
  // Which calls it is about: all, or those of one kind, on paths that contain
  // `path_part`.
  std::optional<FileOp> op;
  std::string path_part;
  // The first of them that fails, counted from 0, and how many in a row do.
  uint64_t call = 0;
  uint64_t times = UINT64_MAX;
  enum class Effect { kNone, kPartial } effect = Effect::kNone;
  absl::Status error = absl::InternalError("input/output error");
};

class FaultFileSystem final : public FileSystem {
 public:
  // `base` outlives this.
  explicit FaultFileSystem(FileSystem* base) : base_(*base) {}

  // Puts a plan in force, in place of the one before; counting begins anew.
  void Plan(Fault fault);
  // No more faults.
  void Clear();

  // How many calls the plan was about, and how many of them it made fail.
  uint64_t calls() const;
  uint64_t failed() const;
  // The first call that failed: "sync /db/000004.wal".
  std::string first_failed() const;
  // Files and locks that are open now.
  int open_files() const { return open_files_.load(); }

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

  // For the files: the fault that strikes this call, if any; and their number.
  std::optional<Fault> Strike(FileOp op, std::string_view path);
  void CountOpenFile(int change) { open_files_ += change; }

 private:
  absl::Status Check(FileOp op, std::string_view path);

  FileSystem& base_;
  std::atomic<int> open_files_{0};
  mutable Mutex mu_;
  std::optional<Fault> plan_ ABSL_GUARDED_BY(mu_);
  uint64_t calls_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t failed_ ABSL_GUARDED_BY(mu_) = 0;
  std::string first_failed_ ABSL_GUARDED_BY(mu_);
};

}  // namespace holdfast

#endif  // HOLDFAST_TESTS_UTIL_FAULT_FILE_SYSTEM_H_
