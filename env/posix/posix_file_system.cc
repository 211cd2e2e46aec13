#include "env/posix/posix_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "env/posix/errno_status.h"
#include "env/posix/io_loop.h"
#include "env/posix/mapped_window.h"
#include "env/posix/posix_file_lock.h"
#include "env/posix/scoped_fd.h"

namespace holdfast {
namespace {

// The status of a call that returns 0 or sets errno.
absl::Status StatusOf(int result, std::string_view operation,
                      std::string_view path) {
  return result == 0 ? absl::OkStatus() : ErrnoStatus(errno, operation, path);
}

// What prepared space is written with, in pieces of this size at multiples of
// it. In larger ones the kernel takes pages together that then cost more at
// each small write (on ext4 of Linux 6.18 twice as much with pieces of 1 MiB).
constexpr uint64_t kZeroBytes = uint64_t{64} << 10;
constexpr char kZeros[kZeroBytes] = {};

// Below this a window is not worth its system calls.
constexpr uint64_t kLeastMappedBytes = uint64_t{16} << 10;

// How much is written between two requests to begin writing it to the disk: few
// enough to cost nothing, and little enough to be written in milliseconds. And
// what such a request covers begins and ends at a multiple of it, so that
// nothing is written that the next bytes make dirty again.
constexpr uint64_t kWriteBackBytes = uint64_t{4} << 20;

// fd_ changes in Close only, so Sync may run beside Write. After Close the
// calls get descriptor -1, which the system refuses.
class PosixWritableFile final : public WritableFile {
 public:
  PosixWritableFile(ScopedFd fd, std::string path, bool may_map)
      : fd_(std::move(fd)), path_(std::move(path)), cannot_map_(!may_map) {}

  absl::Status Write(uint64_t offset, std::string_view data) override {
    if (synced_.load(std::memory_order_relaxed)) window_.Unmap();
    if (window_.Write(offset, data)) return absl::OkStatus();
    const int error = WriteToFile(offset, data);
    if (error != 0) return ErrnoStatus(error, "write", path_);
    StartWriteBack(offset + data.size());
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    synced_.store(true, std::memory_order_relaxed);
    // What this call would not tell, or not again.
    const int error = write_back_error_.load(std::memory_order_relaxed);
    if (error != 0) return ErrnoStatus(error, "sync", path_);
    // On Linux fdatasync also makes the size durable, as it is needed to read
    // the data back; and what was stored in the window (mapped_window.h).
    return StatusOf(::fdatasync(fd_.get()), "sync", path_);
  }

  absl::Status PrepareSpace(uint64_t offset, uint64_t length) override {
    window_.Unmap();
    synced_.store(false, std::memory_order_relaxed);
    StartWriteBack(offset);
    for (uint64_t done = 0; done < length;) {
      const uint64_t at = offset + done;
      const uint64_t piece =
          std::min(length - done, kZeroBytes - at % kZeroBytes);
      const int error = WriteToFile(at, std::string_view(kZeros, piece));
      if (error != 0) {
        // Who asked can do without the space; others need what is left.
        RetryOnInterrupt(
            [&] { return ::ftruncate(fd_.get(), static_cast<off_t>(offset)); });
        return ErrnoStatus(error, "prepare", path_);
      }
      done += piece;
    }
    if (length < kLeastMappedBytes || cannot_map_) return absl::OkStatus();
    cannot_map_ = !MappedWindow::MayMapFilesOf(fd_.get()) ||
                  !window_.Map(fd_.get(), offset, length);
    return absl::OkStatus();
  }

  absl::Status Truncate(uint64_t size) override {
    window_.Unmap();  // A store beyond the end would be a signal.
    const int result = RetryOnInterrupt(
        [&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); });
    return StatusOf(result, "truncate", path_);
  }

  absl::Status Close() override {
    if (!fd_.valid()) return ErrnoStatus(EBADF, "close", path_);
    window_.Unmap();
    const int error = fd_.Close();
    return error == 0 ? absl::OkStatus() : ErrnoStatus(error, "close", path_);
  }

 private:
  // RETURNS the errno of the failure, 0 for none.
  int WriteToFile(uint64_t offset, std::string_view data) {
    const int fd = fd_.get();
    return WriteFully(
               [fd](const char* bytes, size_t n, uint64_t at) {
                 return ::pwrite(fd, bytes, n, static_cast<off_t>(at));
               },
               offset, data)
        .error;
  }

  // Lets the disk begin with what lies before `end`, without waiting for it, so
  // that the sync of a large file finds little left to do.
  void StartWriteBack(uint64_t end) {
    end -= end % kWriteBackBytes;
    if (end <= write_back_started_) return;
    const int result = ::sync_file_range(
        fd_.get(), static_cast<off_t>(write_back_started_),
        static_cast<off_t>(end - write_back_started_), SYNC_FILE_RANGE_WRITE);
    write_back_started_ = end;
    // File systems need not have it. Any other error is of the data.
    if (result == 0 || errno == ENOSYS || errno == EINVAL || errno == ESPIPE) {
      return;
    }
    write_back_error_.store(errno, std::memory_order_relaxed);
  }

  ScopedFd fd_;
  const std::string path_;
  // Only in Write, PrepareSpace, Truncate and Close.
  MappedWindow window_;
  uint64_t write_back_started_ = 0;  // Of what lies before.
  // An errno that no Sync has told yet, 0 for none. Stays, like all that is
  // known of a file whose write-back failed.
  std::atomic<int> write_back_error_{0};
  // Since the window was mapped. The first store to a page that a sync wrote
  // takes a fault, and makes all of the pages that the kernel keeps together
  // dirty, which the next sync would write; a call makes one block dirty. So
  // who syncs gets calls, for the rest of the space.
  std::atomic<bool> synced_{false};
  bool cannot_map_;  // Must not, or it was tried.
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
    return ::open(name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);
  }));
  if (!fd.valid()) return ErrnoStatus(errno, "create", path);
  return std::make_unique<PosixWritableFile>(std::move(fd), std::move(name),
                                             map_logs_);
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
