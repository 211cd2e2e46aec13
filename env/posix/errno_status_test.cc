#include "env/posix/errno_status.h"

#include <cerrno>

#include "gtest/gtest.h"

namespace holdfast {
namespace {

TEST(ErrnoStatusTest, MapsEachErrorToItsCode) {
  struct Case {
    int error;
    absl::StatusCode code;
  };
  const Case cases[] = {
      {ENOENT, absl::StatusCode::kNotFound},
      {EEXIST, absl::StatusCode::kAlreadyExists},
      {ENOSPC, absl::StatusCode::kResourceExhausted},
      {EDQUOT, absl::StatusCode::kResourceExhausted},
      {EFBIG, absl::StatusCode::kResourceExhausted},
      {EMFILE, absl::StatusCode::kResourceExhausted},
      {ENFILE, absl::StatusCode::kResourceExhausted},
      {EAGAIN, absl::StatusCode::kUnavailable},
      {EACCES, absl::StatusCode::kPermissionDenied},
      {EPERM, absl::StatusCode::kPermissionDenied},
      {EROFS, absl::StatusCode::kPermissionDenied},
      {EIO, absl::StatusCode::kInternal},
      {EINTR, absl::StatusCode::kInternal},
      {EBADF, absl::StatusCode::kInternal},
      {ENOTDIR, absl::StatusCode::kInternal},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(ErrnoStatus(c.error, "open", "/db/CURRENT").code(), c.code)
        << c.error;
  }
}

TEST(ErrnoStatusTest, NamesOperationPathAndCause) {
  EXPECT_EQ(ErrnoStatus(ENOENT, "open", "/db/000012.sst").message(),
            "open /db/000012.sst: No such file or directory");
  EXPECT_EQ(ErrnoStatus(99999, "sync", "/db/x").message(),
            "sync /db/x: Unknown error 99999");
}

TEST(ErrnoStatusDeathTest, RefusesSuccess) {
  EXPECT_DEATH((void)ErrnoStatus(0, "open", "/db/x"), "error != 0");
}

}  // namespace
}  // namespace holdfast
