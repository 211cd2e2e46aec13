// A disk that is full: writes fail cleanly, reads go on, and when there is
// space again, so do writes, without reopening. On a file system of a few MiB
// that this test mounts.

#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "env/posix/temp_directory.h"
#include "gtest/gtest.h"
#include "holdfast/db.h"
#include "tests/util/contents.h"
#include "tests/util/directory.h"
#include "tests/util/open.h"
#include "tests/util/status_testing.h"

namespace holdfast {
namespace {

constexpr size_t kDiskBytes = size_t{4} << 20;

// A tmpfs on a directory, for as long as it lives.
class SmallDisk {
 public:
  explicit SmallDisk(std::string path) : path_(std::move(path)) {
    std::filesystem::create_directory(path_);
    if (mount("tmpfs", path_.c_str(), "tmpfs", 0,
              absl::StrCat("size=", kDiskBytes).c_str()) != 0) {
      error_ = errno;
    }
  }
  ~SmallDisk() {
    if (error_ == 0) umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  // errno of mounting; 0 when it is there.
  int error() const { return error_; }

 private:
  const std::string path_;
  int error_ = 0;
};

class DiskFullTest : public testing::Test {
 protected:
  DiskFullTest() : mount_(directory_.File("disk")), disk_(mount_) {}

  void SetUp() override {
    if (disk_.error() == EPERM || disk_.error() == EACCES) {
      GTEST_SKIP() << "not permitted to mount a file system";
    }
    ASSERT_EQ(disk_.error(), 0) << std::strerror(disk_.error());
  }

  std::string File(std::string_view name) const {
    return absl::StrCat(mount_, "/", name);
  }

  // Writes until there is no space; RETURNS what was acknowledged, in
  // *contents. Values do not shrink, and keys are used again, so that
  // compaction has work.
  void FillUp(DB& db, Contents* contents, int from) {
    for (int i = from; i < from + 100'000; ++i) {
      const std::string key = absl::StrCat("key", i % 2000);
      std::string value = absl::StrCat(i, "-");
      for (uint64_t word = static_cast<uint64_t>(i) + 1; value.size() < 900;) {
        word = word * 6364136223846793005u + 1442695040888963407u;
        value.push_back(static_cast<char>(word >> 56));
      }
      WriteOptions options;
      options.sync = i % 16 == 0;
      const absl::Status status = db.Put(options, key, value);
      if (!status.ok()) {
        ASSERT_CODE(status, kResourceExhausted);
        return;
      }
      (*contents)[key] = std::move(value);
    }
    FAIL() << "the disk does not fill up";
  }

  void CheckNoOrphans(DB& db) {
    // A compaction that met the full disk may tell it only now; waiting again
    // has it tried again.
    const absl::Status status = db.WaitForBackgroundWork();
    if (!absl::IsResourceExhausted(status)) {
      ASSERT_OK(status);
    }
    ASSERT_OK(db.WaitForBackgroundWork());
    uint64_t tables = 0;
    for (const LevelStats& level : db.Stats().levels) tables += level.tables;
    uint64_t found = 0;
    for (const std::string& name : FileNames(File("db"))) {
      found += absl::EndsWith(name, ".sst");
      EXPECT_FALSE(absl::EndsWith(name, ".tmp")) << name;
    }
    EXPECT_EQ(found, tables);
  }

  // One life of a full disk: with so much of it taken by something else, which
  // goes away later.
  void FillAndFree(const Options& options, size_t ballast_bytes) {
    SCOPED_TRACE(absl::StrCat("ballast of ", ballast_bytes));
    WriteFileBytes(File("ballast"), std::string(ballast_bytes, 'b'));
    Contents contents;
    {
      const auto db = OpenOrDie(options, File("db"));
      ASSERT_NO_FATAL_FAILURE(FillUp(*db, &contents, 0));
      ASSERT_TRUE(Holds(*db, contents));
      // Full is full: again and again, and nothing breaks.
      for (int i = 0; i < 3; ++i) {
        ASSERT_NO_FATAL_FAILURE(FillUp(*db, &contents, 5000 * (i + 1)));
      }
      ASSERT_TRUE(Holds(*db, contents));

      std::filesystem::remove(File("ballast"));
      // The very next write works.
      ASSERT_OK(db->Put({}, "after", "1"));
      contents["after"] = "1";
      WriteOptions sync;
      sync.sync = true;
      ASSERT_OK(db->Put(sync, "synced after", "1"));
      contents["synced after"] = "1";
      ASSERT_TRUE(Holds(*db, contents));
      EXPECT_EQ(db->Health().state, HealthState::kHealthy);
      CheckNoOrphans(*db);
      EXPECT_OK(db->VerifyChecksums());
    }
    const auto db = OpenOrDie(options, File("db"));
    ASSERT_TRUE(Holds(*db, contents));
    CheckNoOrphans(*db);
    ASSERT_OK(db->Close());
    ASSERT_OK(DB::Destroy({}, File("db")));
  }

  TempDirectory directory_;
  const std::string mount_;
  SmallDisk disk_;
};

TEST_F(DiskFullTest, WritingWorksAgainWhenThereIsSpace) {
  // From a disk full at once to one full after some compactions; without the
  // ballast there is space to compact everything.
  for (size_t ballast = kDiskBytes * 5 / 9; ballast < kDiskBytes - 200'000;
       ballast += 50'021) {
    ASSERT_NO_FATAL_FAILURE(FillAndFree(TinyOptions(), ballast));
  }
}

// Writers must wait for compaction, and compaction for space: they are told,
// not made to wait for ever.
TEST_F(DiskFullTest, WritersAreNotStalledByACompactionWithoutSpace) {
  Options options = TinyOptions();
  options.level0_compaction_trigger = 2;
  options.level0_slowdown_trigger = 2;
  options.level0_stop_trigger = 3;
  for (size_t ballast = kDiskBytes * 5 / 9; ballast < kDiskBytes - 200'000;
       ballast += 50'021) {
    ASSERT_NO_FATAL_FAILURE(FillAndFree(options, ballast));
  }
}

TEST_F(DiskFullTest, FullDiskOpensAndReads) {
  Contents contents;
  WriteFileBytes(File("ballast"), std::string(kDiskBytes / 2, 'b'));
  {
    const auto db = OpenOrDie(TinyOptions(), File("db"));
    ASSERT_NO_FATAL_FAILURE(FillUp(*db, &contents, 0));
  }
  // Opening needs some space; it says so, or works.
  const auto full = DB::Open(TinyOptions(), File("db"));
  if (full.ok()) {
    EXPECT_TRUE(Holds(**full, contents));
  } else {
    EXPECT_CODE(full, kResourceExhausted);
  }
  std::filesystem::remove(File("ballast"));
  if (!full.ok()) {
    EXPECT_TRUE(Holds(*OpenOrDie(TinyOptions(), File("db")), contents));
  }
}

TEST_F(DiskFullTest, CreationOnAFullDiskCanBeTriedAgain) {
  for (size_t left = 0; left < 40'000; left += 4096) {
    WriteFileBytes(File("ballast"), std::string(kDiskBytes - left, 'b'));
    const auto db = DB::Open(TinyOptions(), File("db"));
    if (!db.ok()) EXPECT_CODE(db, kResourceExhausted);
    std::filesystem::remove(File("ballast"));
    if (!db.ok()) OpenOrDie(TinyOptions(), File("db"))->Close().IgnoreError();
    if (db.ok()) ASSERT_OK((*db)->Close());
    ASSERT_OK(DB::Destroy({}, File("db")));
  }
}

}  // namespace
}  // namespace holdfast
