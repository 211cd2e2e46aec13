// An exclusive lock on a file through flock(2).
//
// Rejected: fcntl(F_SETLK), which two opens in one process share and which any
// close of the file in the process drops.
//
// Invariants:
//   (1) At most one PosixFileLock exists on a path, over all processes of the
//       machine.
//   (2) The lock file is never removed: a remover could take away the file that
//       the next holder has just locked. If somebody else removes or replaces
//       it, a lock on the nameless file is noticed and does not count.
//
// A child made by fork shares the lock: it stays taken until the child, too,
// has exited or called exec.
//
// Thread safety: thread-safe.
// Crash safety: the lock goes with the process and leaves the file, which
// holds the process id of the last holder for messages only.

#ifndef HOLDFAST_ENV_POSIX_POSIX_FILE_LOCK_H_
#define HOLDFAST_ENV_POSIX_POSIX_FILE_LOCK_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "holdfast/env/file_system.h"

namespace holdfast {

// Takes the lock on `path`, creating the file when needed. Never waits:
// kUnavailable when anybody holds it.
absl::StatusOr<std::unique_ptr<FileLock>> AcquirePosixFileLock(
    const std::string& path);

}  // namespace holdfast

#endif  // HOLDFAST_ENV_POSIX_POSIX_FILE_LOCK_H_
