// The one place that turns errno into absl::Status, as the head of
// holdfast/env/file_system.h promises:
//
//   kNotFound            ENOENT
//   kAlreadyExists       EEXIST
//   kResourceExhausted   ENOSPC, EDQUOT, EFBIG (no more room for this file),
//                        EMFILE, ENFILE (too many open files)
//   kUnavailable         EWOULDBLOCK (a lock that somebody holds)
//   kPermissionDenied    EACCES, EPERM, EROFS
//   kInternal            EIO and everything else
//
// Thread-safe.

#ifndef HOLDFAST_ENV_POSIX_ERRNO_STATUS_H_
#define HOLDFAST_ENV_POSIX_ERRNO_STATUS_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace holdfast {

// The system's words for an errno value.
std::string ErrnoMessage(int error);

// "OPERATION PATH: CAUSE", for example
//   "open /db/000012.sst: No such file or directory"
// REQUIRES: error != 0.
absl::Status ErrnoStatus(int error, std::string_view operation,
                         std::string_view path);

}  // namespace holdfast

#endif  // HOLDFAST_ENV_POSIX_ERRNO_STATUS_H_
