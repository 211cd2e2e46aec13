#include "chaos/explorer/crash_path.h"

#include <string>

#include "gtest/gtest.h"
#include "holdfast/testing/sim_disk.h"

namespace holdfast {
namespace {

TEST(CrashPathTest, TextParsesBack) {
  const CrashPath path = {{.calls = 17, .crash = "none"},
                          {.calls = 0, .crash = "kill"},
                          {.calls = 4, .crash = "kept 3=0 5=2"}};
  const std::string text = PathText(path);
  EXPECT_EQ(text, "17:none 0:kill 4:kept 3=0 5=2");
  const auto parsed = ParsePath(text);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, path);
}

TEST(CrashPathTest, RefusesWhatIsNoPath) {
  for (const char* text : {"", " ", "none", "17", "17:", ":none", "-1:none",
                           "kept 3=0", "1x:none"}) {
    EXPECT_FALSE(ParsePath(text).ok()) << text;
  }
}

// A file that was open when the process died and has no name takes no space any
// more; what is pending is pending still.
TEST(CrashPathTest, KilledProcessesHoldNothing) {
  SimDisk disk;
  const SimDisk::InodeId inode = *disk.Create("/f");
  disk.Hold(inode);
  disk.Write(inode, 0, "x");
  ASSERT_TRUE(disk.Remove("/f").ok());
  ASSERT_TRUE(disk.SyncDirectory("/").ok());
  ASSERT_TRUE(disk.Create("/pending").ok());
  EXPECT_EQ(disk.bytes(), 1u);
  const SimDisk killed = KillProcess(disk);
  EXPECT_EQ(killed.bytes(), 0u);
  EXPECT_EQ(killed.Pending().size(), 1u);
  EXPECT_TRUE(killed.Exists("/pending"));
}

}  // namespace
}  // namespace holdfast
