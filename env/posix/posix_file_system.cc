#include "env/posix/posix_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "env/posix/errno_status.h"
#include "env/posix/io_loop.h"
#include "env/posix/posix_file_lock.h"
#include "env/posix/scoped_fd.h"

namespace holdfast {
namespace {

// The status of a call that returns 0 or sets errno.
absl::Status StatusOf(int result, std::string_view operation,
                      std::string_view path) {
  return result == 0 ? absl::OkStatus() : ErrnoStatus(errno, operation, path);
}

// fd_ changes in Close only, so Sync may run beside Write. After Close the
// calls get descriptor -1, which the system refuses.
class PosixWritableFile final : public WritableFile {
 public:
  PosixWritableFile(ScopedFd fd, std::string path)
      : fd_(std::move(fd)), path_(std::move(path)) {}

  absl::Status Write(uint64_t offset, std::string_view data) override {
    const int fd = fd_.get();
    const IoResult written = WriteFully(
        [fd](const char* bytes, size_t n, uint64_t at) {
          return ::pwrite(fd, bytes, n, static_cast<off_t>(at));
        },
        offset, data);
    if (written.error == 0) return absl::OkStatus();
    return ErrnoStatus(written.error, "write", path_);
  }

  absl::Status Sync() override {
    // On Linux fdatasync also makes the size durable, as it is needed to read
    // the data back.
    return StatusOf(::fdatasync(fd_.get()), "sync", path_);
  }

  absl::Status Preallocate(uint64_t offset, uint64_t length) override {
    if (length == 0) return absl::OkStatus();
    const int result = RetryOnInterrupt([&] {
      return ::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE,
                         static_cast<off_t>(offset),
                         static_cast<off_t>(length));
    });
    if (result == 0) return absl::OkStatus();
    switch (errno) {
      case EOPNOTSUPP:
      case ENOSYS:
        return absl::OkStatus();
      case ENOSPC:  // Only a hint: the write itself will report it, if the
      case EDQUOT:  // space is needed at all.
      case EFBIG:
        return absl::OkStatus();
      default:
        return ErrnoStatus(errno, "preallocate", path_);
    }
  }

  absl::Status Truncate(uint64_t size) override {
    const int result = RetryOnInterrupt(
        [&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); });
    return StatusOf(result, "truncate", path_);
  }

  absl::Status Close() override {
    if (!fd_.valid()) return ErrnoStatus(EBADF, "close", path_);
    const int error = fd_.Close();
    return error == 0 ? absl::OkStatus() : ErrnoStatus(error, "close", path_);
  }

 private:
  ScopedFd fd_;
  const std::string path_;
};

class PosixRandomAccessFile final : public RandomAccessFile {
 public:
  PosixRandomAccessFile(ScopedFd fd, std::string path)
      : fd_(std::move(fd)), path_(std::move(path)) {}

  absl::Status Read(uint64_t offset, size_t n, char* scratch,
                    std::string_view* result) const override {
    const int fd = fd_.get();
    const IoResult read = ReadFully(
        [fd](char* bytes, size_t want, uint64_t at) {
          return ::pread(fd, bytes, want, static_cast<off_t>(at));
        },
        offset, n, scratch);
    if (read.error != 0) return ErrnoStatus(read.error, "read", path_);
    *result = std::string_view(scratch, read.bytes);
    return absl::OkStatus();
  }

  absl::StatusOr<uint64_t> Size() const override {
    struct stat info;
    if (::fstat(fd_.get(), &info) != 0) {
      return ErrnoStatus(errno, "stat", path_);
    }
    return static_cast<uint64_t>(info.st_size);
  }

 private:
  const ScopedFd fd_;
  const std::string path_;
};

struct DirectoryCloser {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

absl::StatusOr<std::unique_ptr<WritableFile>> PosixFileSystem::CreateFile(
    std::string_view path) {
  std::string name(path);
  ScopedFd fd(RetryOnInterrupt([&] {
    return ::open(name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
  }));
  if (!fd.valid()) return ErrnoStatus(errno, "create", path);
  return std::make_unique<PosixWritableFile>(std::move(fd), std::move(name));
}

absl::StatusOr<std::unique_ptr<RandomAccessFile>> PosixFileSystem::OpenFile(
    std::string_view path) {
  std::string name(path);
  ScopedFd fd(RetryOnInterrupt(
      [&] { return ::open(name.c_str(), O_RDONLY | O_CLOEXEC); }));
  if (!fd.valid()) return ErrnoStatus(errno, "open", path);
  return std::make_unique<PosixRandomAccessFile>(std::move(fd),
                                                 std::move(name));
}

absl::StatusOr<uint64_t> PosixFileSystem::FileSize(std::string_view path) {
  struct stat info;
  if (::stat(std::string(path).c_str(), &info) != 0) {
    return ErrnoStatus(errno, "stat", path);
  }
  return static_cast<uint64_t>(info.st_size);
}

absl::StatusOr<bool> PosixFileSystem::FileExists(std::string_view path) {
  struct stat info;
  if (::stat(std::string(path).c_str(), &info) == 0) return true;
  if (errno == ENOENT) return false;
  return ErrnoStatus(errno, "stat", path);
}

absl::StatusOr<std::vector<std::string>> PosixFileSystem::ListDirectory(
    std::string_view path) {
  const std::unique_ptr<DIR, DirectoryCloser> directory(
      ::opendir(std::string(path).c_str()));
  if (directory == nullptr) return ErrnoStatus(errno, "list", path);
  std::vector<std::string> names;
  while (true) {
    errno = 0;  // readdir returns null for the end and for an error.
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) {
      if (errno != 0) return ErrnoStatus(errno, "list", path);
      break;
    }
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::Status PosixFileSystem::CreateDirectory(std::string_view path) {
  return StatusOf(::mkdir(std::string(path).c_str(), 0755), "create directory",
                  path);
}

absl::Status PosixFileSystem::RemoveFile(std::string_view path) {
  return StatusOf(::unlink(std::string(path).c_str()), "remove", path);
}

absl::Status PosixFileSystem::RemoveDirectory(std::string_view path) {
  return StatusOf(::rmdir(std::string(path).c_str()), "remove directory", path);
}

absl::Status PosixFileSystem::RenameFile(std::string_view from,
                                         std::string_view to) {
  if (::rename(std::string(from).c_str(), std::string(to).c_str()) == 0) {
    return absl::OkStatus();
  }
  return ErrnoStatus(errno, "rename", absl::StrCat(from, " to ", to));
}

absl::Status PosixFileSystem::LinkFile(std::string_view from,
                                       std::string_view to) {
  if (::link(std::string(from).c_str(), std::string(to).c_str()) == 0) {
    return absl::OkStatus();
  }
  return ErrnoStatus(errno, "link", absl::StrCat(from, " to ", to));
}

absl::Status PosixFileSystem::SyncDirectory(std::string_view path) {
  const std::string name(path);
  const ScopedFd fd(RetryOnInterrupt([&] {
    return ::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  }));
  if (!fd.valid()) return ErrnoStatus(errno, "sync directory", path);
  return StatusOf(::fsync(fd.get()), "sync directory", path);
}

absl::StatusOr<std::unique_ptr<FileLock>> PosixFileSystem::LockFile(
    std::string_view path) {
  return AcquirePosixFileLock(std::string(path));
}

absl::StatusOr<uint64_t> PosixFileSystem::UniqueId() {
  uint64_t id;
  // Up to 256 bytes come whole or not at all.
  const ssize_t got =
      RetryOnInterrupt([&] { return ::getrandom(&id, sizeof(id), 0); });
  if (got != static_cast<ssize_t>(sizeof(id))) {
    return ErrnoStatus(got < 0 ? errno : EIO, "read", "getrandom");
  }
  return id;
}

}  // namespace holdfast
