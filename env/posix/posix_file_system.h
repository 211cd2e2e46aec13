// The operating system's files (Linux). Each method is one or a few system
// calls; contracts in holdfast/env/file_system.h.
//
// Syncs are never repeated, not even after EINTR: the first call may have
// consumed the only report of a lost write.
//
// Thread safety: thread-safe.

#ifndef HOLDFAST_ENV_POSIX_POSIX_FILE_SYSTEM_H_
#define HOLDFAST_ENV_POSIX_POSIX_FILE_SYSTEM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "holdfast/env/file_system.h"

namespace holdfast {

class PosixFileSystem final : public FileSystem {
 public:
  // See PosixEnvOptions.
  explicit PosixFileSystem(bool map_logs = true) : map_logs_(map_logs) {}

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

 private:
  const bool map_logs_;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENV_POSIX_POSIX_FILE_SYSTEM_H_
