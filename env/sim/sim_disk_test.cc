#include "holdfast/testing/sim_disk.h"

#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace holdfast {
namespace {

using Files = std::map<std::string, std::string>;

// A disk with the durable file /f of `content`.
SimDisk DiskWith(std::string_view content) {
  SimDisk disk;
  disk.Put("/f", content);
  return disk;
}

TEST(SimDiskTest, ProcessSeesWhatItWrote) {
  SimDisk disk;
  const auto inode = disk.Create("/f").value();
  disk.Write(inode, 0, "hello");
  disk.Write(inode, 5, " world");
  disk.Write(inode, 0, "J");
  EXPECT_EQ(disk.Files(), (Files{{"/f", "Jello world"}}));
  disk.Truncate(inode, 4);
  disk.Truncate(inode, 6);
  EXPECT_EQ(disk.Files(), (Files{{"/f", std::string("Jell\0\0", 6)}}));
}

TEST(SimDiskTest, CrashKeepsAllOrNone) {
  SimDisk disk = DiskWith("old");
  disk.Write(disk.Lookup("/f").value(), 0, "new and longer");
  ASSERT_TRUE(disk.Create("/g").ok());
  EXPECT_TRUE(disk.HasPending());
  EXPECT_EQ(disk.CrashKeepingNone().Files(), (Files{{"/f", "old"}}));
  EXPECT_EQ(disk.CrashKeepingAll().Files(),
            (Files{{"/f", "new and longer"}, {"/g", ""}}));
  EXPECT_FALSE(disk.CrashKeepingAll().HasPending());
}

TEST(SimDiskTest, SyncMakesContentDurableAndSyncOfDirectoryTheName) {
  SimDisk disk;
  const auto inode = disk.Create("/f").value();
  disk.Write(inode, 0, "x");
  ASSERT_TRUE(disk.Sync(inode).ok());
  EXPECT_EQ(disk.CrashKeepingNone().Files(), Files());
  ASSERT_TRUE(disk.SyncDirectory("/").ok());
  EXPECT_EQ(disk.CrashKeepingNone().Files(), (Files{{"/f", "x"}}));
  EXPECT_FALSE(disk.HasPending());
}

TEST(SimDiskTest, CopiesAreIndependent) {
  SimDisk disk = DiskWith("old");
  SimDisk copy = disk;
  copy.Write(copy.Lookup("/f").value(), 0, "new");
  EXPECT_EQ(disk.Files(), (Files{{"/f", "old"}}));
  EXPECT_EQ(copy.Files(), (Files{{"/f", "new"}}));
}

TEST(SimDiskTest, HashTellsNamesAndContent) {
  const SimDisk disk = DiskWith("content");
  SimDisk other = DiskWith("something else");
  EXPECT_NE(disk.Hash(), other.Hash());
  other.Put("/f", "content");
  EXPECT_EQ(disk.Hash(), other.Hash());
  ASSERT_TRUE(other.Rename("/f", "/g").ok());
  EXPECT_NE(disk.Hash(), other.Hash());
  ASSERT_TRUE(other.Rename("/g", "/f").ok());
  EXPECT_EQ(disk.Hash(), other.Hash());
}

TEST(SimDiskTest, CountsBytesOfAllFiles) {
  SimDisk disk = DiskWith("1234");
  const auto inode = disk.Lookup("/f").value();
  disk.Hold(inode);
  ASSERT_TRUE(disk.Remove("/f").ok());
  EXPECT_EQ(disk.bytes(), 4u);  // Open still.
  disk.Release(inode);
  EXPECT_EQ(disk.bytes(), 0u);
}

TEST(SimDiskTest, ReleaseAllLetsGoOfWhatHasNoName) {
  SimDisk disk = DiskWith("1234");
  const auto inode = disk.Lookup("/f").value();
  disk.Hold(inode);
  disk.Hold(inode);
  ASSERT_TRUE(disk.Remove("/f").ok());
  disk.ReleaseAll();
  EXPECT_EQ(disk.bytes(), 0u);
  EXPECT_EQ(disk.CrashKeepingNone().Files(), (Files{{"/f", "1234"}}));
}

}  // namespace
}  // namespace holdfast
