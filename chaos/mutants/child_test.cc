#include "chaos/mutants/child.h"

#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

absl::StatusOr<ChildEnd> Shell(const std::string& script,
                               double max_seconds = 60) {
  return RunChild(
      {"/bin/sh", "-c", script},
      {.environment = {{"HOLDFAST_CHILD", "yes"}}, .max_seconds = max_seconds});
}

TEST(ChildTest, TellsHowItEnded) {
  auto end = Shell("echo out; echo err >&2; exit 3");
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(end->how, ChildEnd::How::kExited);
  EXPECT_EQ(end->code, 3);
  EXPECT_EQ(end->output, "out\nerr\n");
  EXPECT_FALSE(end->ok());
  end = Shell("test $HOLDFAST_CHILD = yes");
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_TRUE(end->ok());
}

TEST(ChildTest, DiedByASignal) {
  const auto end = Shell("kill -ABRT $$");
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(end->how, ChildEnd::How::kSignalled);
}

// Goal: one that never ends is killed, with what it started.
TEST(ChildTest, HungIsKilled) {
  const auto end = Shell("(while :; do :; done) & wait", /*max_seconds=*/0.2);
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(end->how, ChildEnd::How::kHung);
  EXPECT_LT(end->seconds, 30);
}

TEST(ChildTest, NoSuchProgram) {
  EXPECT_FALSE(RunChild({"/nowhere/at/all"}, {}).ok());
}

}  // namespace
}  // namespace holdfast
