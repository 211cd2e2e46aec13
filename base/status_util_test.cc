#include "base/status_util.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

TEST(StatusUtilTest, DataLossNamesFileOffsetAndReason) {
  const absl::Status status =
      DataLoss("/db/000012.sst", 4096, "block checksum mismatch");
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(status.message(),
            "/db/000012.sst at offset 4096: block checksum mismatch");
}

TEST(StatusUtilTest, DataLossTakesTheLargestOffset) {
  EXPECT_EQ(DataLoss("f", ~uint64_t{0}, "x").message(),
            "f at offset 18446744073709551615: x");
}

TEST(StatusUtilTest, AnnotateKeepsOk) {
  EXPECT_EQ(Annotate(absl::OkStatus(), "recovery"), absl::OkStatus());
}

TEST(StatusUtilTest, AnnotatePutsContextBeforeAndKeepsCodeAndPayloads) {
  absl::Status status = absl::UnavailableError("locked");
  status.SetPayload("url/a", absl::Cord("1"));
  status.SetPayload("url/b", absl::Cord("2"));
  const absl::Status annotated = Annotate(status, "open /db");
  EXPECT_EQ(annotated.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(annotated.message(), "open /db: locked");
  EXPECT_EQ(annotated.GetPayload("url/a"), absl::Cord("1"));
  EXPECT_EQ(annotated.GetPayload("url/b"), absl::Cord("2"));
}

TEST(StatusUtilTest, ReturnIfErrorReturnsTheErrorAndEvaluatesOnce) {
  int evaluations = 0;
  const auto run = [&](const absl::Status& status) -> absl::Status {
    HF_RETURN_IF_ERROR((++evaluations, status));
    return absl::CancelledError("went on");
  };
  EXPECT_EQ(run(absl::DataLossError("bad")), absl::DataLossError("bad"));
  EXPECT_EQ(evaluations, 1);
  EXPECT_EQ(run(absl::OkStatus()), absl::CancelledError("went on"));
  EXPECT_EQ(evaluations, 2);
}

TEST(StatusUtilTest, ReturnIfErrorIsOneStatement) {
  const auto run = [](bool check) -> absl::Status {
    if (check)
      HF_RETURN_IF_ERROR(absl::DataLossError("bad"));
    else
      return absl::CancelledError("else");
    return absl::OkStatus();
  };
  EXPECT_EQ(run(true), absl::DataLossError("bad"));
  EXPECT_EQ(run(false), absl::CancelledError("else"));
}

TEST(StatusUtilTest, AssignOrReturnAssignsOrReturns) {
  const auto run = [](absl::StatusOr<int> a,
                      absl::StatusOr<int> b) -> absl::StatusOr<int> {
    HF_ASSIGN_OR_RETURN(const int x, a);
    int y = 0;
    HF_ASSIGN_OR_RETURN(y, b);
    return x * 10 + y;
  };
  EXPECT_EQ(run(1, 2), absl::StatusOr<int>(12));
  EXPECT_EQ(run(absl::DataLossError("a"), 2),
            absl::StatusOr<int>(absl::DataLossError("a")));
  EXPECT_EQ(run(1, absl::DataLossError("b")),
            absl::StatusOr<int>(absl::DataLossError("b")));
}

TEST(StatusUtilTest, AssignOrReturnMovesAndGoesIntoAnotherStatusOr) {
  const auto run = [](absl::StatusOr<std::unique_ptr<int>> source)
      -> absl::StatusOr<std::string> {
    HF_ASSIGN_OR_RETURN(const std::unique_ptr<int> p, std::move(source));
    return std::to_string(*p);
  };
  EXPECT_EQ(run(std::make_unique<int>(5)), absl::StatusOr<std::string>("5"));
  EXPECT_EQ(run(absl::NotFoundError("x")).status(), absl::NotFoundError("x"));
}

}  // namespace
}  // namespace holdfast
