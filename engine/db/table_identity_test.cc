// A number that was given to a table before a crash, and lost with it, is given
// again. The blocks of the lost table may lie where the new one's should be, if
// the disk loses or misdirects a write: they must not pass for them.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/db/testing/harness.h"
#include "engine/db/testing/status_testing.h"
#include "engine/version/manifest.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

// How the table is made.
enum class By { kFlush, kCompaction, kRecovery };

// A table that one process made, and what it wrote it from.
struct Made {
  DiskImage image;
  std::string path;
  uint64_t identity = 0;
  Contents contents;
};

// A database with a log, but with no table. What follows is lost in a crash.
DiskImage Base(By by, const std::string& tag) {
  ManualEnv env;
  const auto db = OpenDb(&env);
  EXPECT_OK(db);
  if (by == By::kRecovery) {
    EXPECT_OK((*db)->Put({}, "key", BigValue(tag, 5'000)));
  }
  return env.fs.Now();
}

// Opens `base` in a process of its own, which draws other unique ids than those
// before it, and makes a table.
Made MakeTable(const DiskImage& base, By by, uint64_t unique_id,
               const std::string& tag) {
  ManualEnv env(base);
  env.fs.unique_id = unique_id;
  Options options = QuietOptions();
  options.compression = Compression::kNone;
  const auto db = OpenDb(&env, options);
  EXPECT_OK(db);
  if (by != By::kRecovery) {
    EXPECT_OK((*db)->Put({}, "key", BigValue(tag, 5'000)));
    EXPECT_OK((*db)->Flush());
  }
  if (by == By::kCompaction) {
    EXPECT_OK((*db)->Put({}, "key2", "2"));
    EXPECT_OK((*db)->CompactRange({}, {}));
  }
  EXPECT_OK((*db)->WaitForBackgroundWork());
  Made made;
  made.contents = *ReadAll(**db);
  made.image = env.fs.Now();
  const auto current = ReadCurrent(&env.fs, kDbDir);
  EXPECT_OK(current);
  const auto state = ReadManifest(&env.fs, kDbDir, *current);
  EXPECT_OK(state);
  for (int level = 0; level < kNumLevels; ++level) {
    for (const FilePtr& file : state->version->files(level)) {
      made.identity = file->identity;
    }
  }
  for (const auto& [path, content] : made.image.files) {
    if (absl::EndsWith(path, ".sst")) {
      EXPECT_EQ(made.path, "");
      made.path = path;
    }
  }
  return made;
}

void ExpectLostTableIsNotTakenForTheNewOne(By by) {
  const Made lost = MakeTable(Base(by, "lost tag"), by, 1, "lost tag");
  const Made made = MakeTable(Base(by, "made tag"), by, 2, "made tag");
  ASSERT_EQ(lost.path, made.path) << "not the same number: nothing to see";
  ASSERT_FALSE(made.path.empty());
  EXPECT_NE(lost.identity, made.identity);
  EXPECT_TRUE(*ContentsAfterCrash(made.image) == made.contents);

  const std::string& old_bytes = lost.image.files.at(lost.path);
  const std::string& new_bytes = made.image.files.at(made.path);
  ASSERT_EQ(old_bytes.size(), new_bytes.size());
  const size_t half = old_bytes.size() / 2;
  for (const bool stale_begin : {true, false}) {
    for (const bool stale_end : {true, false}) {
      if (!stale_begin && !stale_end) continue;
      DiskImage image = made.image;
      image.files[made.path] =
          (stale_begin ? old_bytes : new_bytes).substr(0, half) +
          (stale_end ? old_bytes : new_bytes).substr(half);
      const auto contents = ContentsAfterCrash(image);
      EXPECT_CODE(contents, kDataLoss)
          << "stale begin " << stale_begin << ", end " << stale_end;
    }
  }
}

TEST(TableIdentityTest, DiffersBetweenFlushesUnderTheSameNumber) {
  ExpectLostTableIsNotTakenForTheNewOne(By::kFlush);
}

TEST(TableIdentityTest, DiffersBetweenCompactionsUnderTheSameNumber) {
  ExpectLostTableIsNotTakenForTheNewOne(By::kCompaction);
}

TEST(TableIdentityTest, DiffersBetweenRecoveriesUnderTheSameNumber) {
  ExpectLostTableIsNotTakenForTheNewOne(By::kRecovery);
}

// A database is opened by processes that give tables other identities, and
// reads those of all before it.
TEST(TableIdentityTest, TablesOfEarlierProcessesAreRead) {
  DiskImage image;
  Contents contents;
  for (uint64_t i = 1; i <= 4; ++i) {
    ManualEnv env(image);
    env.fs.unique_id = i;
    const auto db = OpenDb(&env);
    ASSERT_OK(db);
    const std::string key = absl::StrCat(i);
    contents[key] = BigValue(key, 100);
    ASSERT_OK((*db)->Put({}, key, contents[key]));
    ASSERT_OK((*db)->Flush());
    EXPECT_TRUE(*ReadAll(**db) == contents);
    EXPECT_OK((*db)->VerifyChecksums());
    image = env.fs.Now();
  }
  EXPECT_TRUE(*ContentsAfterCrash(image) == contents);
}

}  // namespace
}  // namespace holdfast
