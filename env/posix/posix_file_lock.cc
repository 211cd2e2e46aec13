#include "env/posix/posix_file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_util.h"
#include "env/posix/errno_status.h"
#include "env/posix/io_loop.h"
#include "env/posix/scoped_fd.h"

namespace holdfast {
namespace {

// How often a lock file may be replaced under our hands before we give up.
constexpr int kMaxAttempts = 16;

// The destructor of the descriptor releases the lock. It does not call
// flock(LOCK_UN), which a child made by fork would do to its parent's lock.
class PosixFileLock final : public FileLock {
 public:
  explicit PosixFileLock(ScopedFd fd) : fd_(std::move(fd)) {}

 private:
  const ScopedFd fd_;
};

// " (process 1234)", or nothing when the file does not tell.
std::string Holder(int fd) {
  char buffer[32];
  const IoResult read = ReadFully(
      [fd](char* scratch, size_t n, uint64_t offset) {
        return ::pread(fd, scratch, n, static_cast<off_t>(offset));
      },
      0, sizeof(buffer), buffer);
  int pid = 0;
  const std::string_view text =
      absl::StripSuffix(std::string_view(buffer, read.bytes), "\n");
  if (!absl::SimpleAtoi(text, &pid) || pid <= 0) return "";
  if (pid == ::getpid()) return " (this process)";
  return absl::StrCat(" (process ", pid, ")");
}

// Leaves our process id for those who find the lock taken. Best effort: a full
// disk must not keep a database from opening.
void WriteHolder(int fd) {
  if (::ftruncate(fd, 0) != 0) return;
  WriteFully(
      [fd](const char* data, size_t n, uint64_t offset) {
        return ::pwrite(fd, data, n, static_cast<off_t>(offset));
      },
      0, absl::StrCat(::getpid(), "\n"));
}

// RETURNS whether `path` still names the open file.
absl::StatusOr<bool> IsNamedBy(int fd, const std::string& path) {
  struct stat locked;
  struct stat named;
  if (::fstat(fd, &locked) != 0) return ErrnoStatus(errno, "stat", path);
  if (::stat(path.c_str(), &named) != 0) {
    if (errno == ENOENT) return false;
    return ErrnoStatus(errno, "stat", path);
  }
  return locked.st_dev == named.st_dev && locked.st_ino == named.st_ino;
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileLock>> AcquirePosixFileLock(
    const std::string& path) {
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    ScopedFd fd(RetryOnInterrupt([&] {
      return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    }));
    if (!fd.valid()) return ErrnoStatus(errno, "lock", path);
    const int locked =
        RetryOnInterrupt([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); });
    if (locked != 0) {
      const int error = errno;
      if (error != EWOULDBLOCK) return ErrnoStatus(error, "lock", path);
      return absl::UnavailableError(
          absl::StrCat("lock ", path, ": already held", Holder(fd.get())));
    }
    HF_ASSIGN_OR_RETURN(const bool named, IsNamedBy(fd.get(), path));
    if (!named) continue;  // Invariant (2).
    WriteHolder(fd.get());
    return std::make_unique<PosixFileLock>(std::move(fd));
  }
  return absl::UnavailableError(
      absl::StrCat("lock ", path, ": the file is being replaced"));
}

}  // namespace holdfast
