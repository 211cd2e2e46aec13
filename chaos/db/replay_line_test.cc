#include "chaos/db/replay_line.h"

#include <string>

#include "gtest/gtest.h"

namespace holdfast {
namespace {

TEST(ReplayLineTest, TextParsesBack) {
  const ReplayLine plain = {
      .workload = "flush", .profile = "posix", .path = "17:none 4:kept 3=0"};
  EXPECT_EQ(plain.Text(), "flush posix 17:none 4:kept 3=0");
  const ReplayLine all = {.workload = "{open create; put a 1}",
                          .profile = "xfs",
                          .faults = "sync *.wal @2 lost; write * @1 eio",
                          .recovery_faults = "read * @3 eio",
                          .executor_seed = 7,
                          .path = "1:kill"};
  EXPECT_EQ(all.Text(),
            "{open create; put a 1} xfs "
            "faults={sync *.wal @2 lost; write * @1 eio} "
            "recovery={read * @3 eio} seed=7 1:kill");
  for (const ReplayLine& line : {plain, all}) {
    const auto parsed = ReplayLine::Parse(line.Text());
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, line);
  }
}

TEST(ReplayLineTest, RefusesWhatIsNoLine) {
  for (const char* text :
       {"", "flush", "flush posix", "flush posix seed=x 1:kill",
        "flush posix faults={sync 1:kill",
        "flush posix recovery={sync 1:kill"}) {
    EXPECT_FALSE(ReplayLine::Parse(text).ok()) << text;
  }
}

TEST(ReplayLineTest, CommandIsOneWordForAShell) {
  const ReplayLine line = {
      .workload = "{put a '}", .profile = "posix", .path = "1:kill"};
  EXPECT_EQ(line.Command(),
            "bazel run //chaos:replay -- '{put a '\\''} posix 1:kill'");
}

}  // namespace
}  // namespace holdfast
