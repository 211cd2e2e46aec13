#include "kvd/testing/process.h"

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace holdfast::kvd {
namespace {

TEST(ProcessTest, GivesOutputAndExitCode) {
  EXPECT_EQ(*RunProcess({"/bin/echo", "a", "b c"}), "a b c\n");
  EXPECT_FALSE(RunProcess({"/bin/false"}).ok());
  EXPECT_FALSE(RunProcess({"/no/such/program"}).ok());
}

TEST(ProcessTest, TellsAKillFromAnEnd) {
  auto sleeper = Process::Start({"/bin/sleep", "1000"});
  ASSERT_TRUE(sleeper.ok()) << sleeper.status();
  sleeper->Kill();
  EXPECT_TRUE(sleeper->Wait().killed);
  auto ended = Process::Start({"/bin/false"});
  ASSERT_TRUE(ended.ok()) << ended.status();
  const ProcessEnd end = ended->Wait();
  EXPECT_FALSE(end.killed);
  EXPECT_EQ(end.exit_code, 1);
}

TEST(ProcessTest, TheDestructorLeavesNoProcess) {
  auto sleeper = Process::Start({"/bin/sleep", "1000"});
  ASSERT_TRUE(sleeper.ok()) << sleeper.status();
}

}  // namespace
}  // namespace holdfast::kvd
