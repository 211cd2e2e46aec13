#include "env/posix/errno_status.h"

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace holdfast {
namespace {

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
      return absl::StatusCode::kNotFound;
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
      return absl::StatusCode::kResourceExhausted;
    case EWOULDBLOCK:
      return absl::StatusCode::kUnavailable;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    default:
      return absl::StatusCode::kInternal;
  }
}

// strerror_r has two signatures; the compiler picks the one at hand.
[[maybe_unused]] const char* MessageOf(const char* gnu_result, const char*) {
  return gnu_result;
}
[[maybe_unused]] const char* MessageOf(int posix_result, const char* buffer) {
  return posix_result == 0 ? buffer : "unknown error";
}

}  // namespace

std::string ErrnoMessage(int error) {
  char buffer[256] = "";
  return MessageOf(::strerror_r(error, buffer, sizeof(buffer)), buffer);
}

absl::Status ErrnoStatus(int error, std::string_view operation,
                         std::string_view path) {
  HF_CHECK(error != 0);
  return absl::Status(CodeOf(error), absl::StrCat(operation, " ", path, ": ",
                                                  ErrnoMessage(error)));
}

}  // namespace holdfast
