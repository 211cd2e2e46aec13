#include "kvd/exit_code.h"

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace holdfast::kvd {
namespace {

TEST(ExitCodeTest, MapsEveryStatusOfTheEngine) {
  const struct {
    absl::Status status;
    ExitCode want;
  } kCases[] = {
      {absl::OkStatus(), ExitCode::kDone},
      {absl::NotFoundError(""), ExitCode::kUsage},
      {absl::InvalidArgumentError(""), ExitCode::kUsage},
      {absl::DataLossError(""), ExitCode::kCorruption},
      {absl::UnavailableError(""), ExitCode::kBusy},
      {absl::ResourceExhaustedError(""), ExitCode::kIo},
      {absl::PermissionDeniedError(""), ExitCode::kIo},
      {absl::InternalError(""), ExitCode::kIo},
      {absl::FailedPreconditionError(""), ExitCode::kIo},
      {absl::UnimplementedError(""), ExitCode::kUnsupported},
      {absl::CancelledError(""), ExitCode::kInterrupted},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(ExitCodeOf(c.status), c.want) << c.status;
  }
}

TEST(ExitCodeTest, OnlyOkIsZero) {
  // Codes added later must not turn into success either.
  for (int code = 1; code < 32; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "x");
    EXPECT_NE(ExitCodeOf(status), ExitCode::kDone) << status;
  }
}

}  // namespace
}  // namespace holdfast::kvd
