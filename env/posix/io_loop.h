// Loops around system calls that may be interrupted or do only a part of their
// work. Each takes the raw call as a callable that behaves like the system call
// (result or -1 with errno), so that a test can drive it with a script.
//
//   IoResult result = WriteFully(
//       [fd](const char* data, size_t n, uint64_t offset) {
//         return ::pwrite(fd, data, n, static_cast<off_t>(offset));
//       },
//       offset, data);
//   if (result.error != 0) ...
//
// What is not for these loops, because a second call is not a repetition of the
// first: close (the descriptor is gone after EINTR), fsync and fdatasync (an
// interrupted call may already have consumed the report of a lost write),
// rename, link, unlink and mkdir (may have been done before the interruption).

#ifndef HOLDFAST_ENV_POSIX_IO_LOOP_H_
#define HOLDFAST_ENV_POSIX_IO_LOOP_H_

#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast {

// The most that one system call is asked to move. Linux moves at most
// 2^31 - 4096 bytes at a time and other systems refuse more than 2^31 - 1.
inline constexpr size_t kMaxTransferBytes = size_t{1} << 30;

struct IoResult {
  size_t bytes = 0;  // Moved before the end or the error.
  int error = 0;     // errno of the call that failed; 0: none.
};

// Calls `raw` until it is not interrupted. RETURNS its result; errno is set as
// `raw` left it.
template <typename RawCall>
auto RetryOnInterrupt(RawCall&& raw) {
  while (true) {
    const auto result = raw();
    if (result != -1 || errno != EINTR) return result;
  }
}

// Writes all of `data` from `offset` on; goes on after short writes and
// interruptions. A write that moves nothing and reports no error is EIO: to try
// again could last for ever.
// `raw`: ssize_t(const char* data, size_t n, uint64_t offset), like pwrite.
template <typename RawWrite>
IoResult WriteFully(RawWrite&& raw, uint64_t offset, std::string_view data) {
  IoResult result;
  while (result.bytes < data.size()) {
    const size_t want = std::min(data.size() - result.bytes, kMaxTransferBytes);
    const ssize_t moved = RetryOnInterrupt([&] {
      return raw(data.data() + result.bytes, want, offset + result.bytes);
    });
    if (moved <= 0) {
      result.error = moved == 0 ? EIO : errno;
      break;
    }
    result.bytes += static_cast<size_t>(moved);
  }
  return result;
}

// Reads up to `n` bytes at `offset` into `scratch`; goes on after short reads
// and interruptions, and ends early only at the end of the file (a read of
// nothing) or at an error.
// `raw`: ssize_t(char* scratch, size_t n, uint64_t offset), like pread.
template <typename RawRead>
IoResult ReadFully(RawRead&& raw, uint64_t offset, size_t n, char* scratch) {
  IoResult result;
  while (result.bytes < n) {
    const size_t want = std::min(n - result.bytes, kMaxTransferBytes);
    const ssize_t moved = RetryOnInterrupt([&] {
      return raw(scratch + result.bytes, want, offset + result.bytes);
    });
    if (moved == 0) break;
    if (moved < 0) {
      result.error = errno;
      break;
    }
    result.bytes += static_cast<size_t>(moved);
  }
  return result;
}

}  // namespace holdfast

#endif  // HOLDFAST_ENV_POSIX_IO_LOOP_H_
