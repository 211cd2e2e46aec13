// Owns a file descriptor.
// Thread-compatible.

#ifndef HOLDFAST_ENV_POSIX_SCOPED_FD_H_
#define HOLDFAST_ENV_POSIX_SCOPED_FD_H_

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace holdfast {

class ScopedFd {
 public:
  // -1: owns nothing.
  explicit ScopedFd(int fd = -1) : fd_(fd) {}
  ScopedFd(ScopedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ScopedFd(const ScopedFd&) = delete;
  ScopedFd& operator=(const ScopedFd&) = delete;
  ~ScopedFd() { Close(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

  // Closes the descriptor; then it owns nothing. RETURNS the errno of a failed
  // close, else 0. Never repeated: on Linux the descriptor is free after any
  // result, and a second close could hit a file that another thread opened
  // meanwhile. For the same reason EINTR is no failure.
  int Close() {
    if (fd_ < 0) return 0;
    const int fd = std::exchange(fd_, -1);
    return ::close(fd) == 0 || errno == EINTR ? 0 : errno;
  }

 private:
  int fd_;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENV_POSIX_SCOPED_FD_H_
