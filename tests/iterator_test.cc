// What an iterator does, by examples.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "env/posix/temp_directory.h"
#include "gtest/gtest.h"
#include "holdfast/db.h"
#include "tests/util/open.h"
#include "tests/util/status_testing.h"

namespace holdfast {
namespace {

class IteratorTest : public testing::Test {
 protected:
  IteratorTest() {
    Options options;
    options.create_if_missing = true;
    db_ = OpenOrDie(options, directory_.File("db"));
  }

  void Put(std::string_view key, std::string_view value = "v") {
    ASSERT_OK(db_->Put({}, key, value));
  }
  // The keys an iterator shows from first to last: "a b c".
  std::string Keys(const ReadOptions& options = {}) {
    std::vector<std::string> keys;
    const auto it = db_->NewIterator(options);
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      keys.emplace_back(it->key());
    }
    EXPECT_OK(it->status());
    return absl::StrJoin(keys, " ");
  }
  // The key where an iterator stands, or "end".
  static std::string At(const Iterator& it) {
    return it.Valid() ? std::string(it.key()) : "end";
  }

  TempDirectory directory_;
  std::unique_ptr<DB> db_;
};

TEST_F(IteratorTest, StandsNowhereBeforeTheFirstSeek) {
  Put("a");
  const auto it = db_->NewIterator({});
  EXPECT_FALSE(it->Valid());
  EXPECT_OK(it->status());
}

TEST_F(IteratorTest, IsAtItsEndInAnEmptyDatabase) {
  const auto it = db_->NewIterator({});
  it->SeekToFirst();
  EXPECT_FALSE(it->Valid());
  it->SeekToLast();
  EXPECT_FALSE(it->Valid());
  it->Seek("");
  EXPECT_FALSE(it->Valid());
  it->SeekForPrev("z");
  EXPECT_FALSE(it->Valid());
  EXPECT_OK(it->status());
}

TEST_F(IteratorTest, WalksInTheOrderOfUnsignedBytes) {
  for (const char* key : {"b", "\xff", "a", "\x7f", "", "\x80", "ab"}) {
    Put(key);
  }
  EXPECT_EQ(Keys(), " a ab b \x7f \x80 \xff");
}

TEST_F(IteratorTest, ShowsTheNewestValueOnce) {
  Put("a", "1");
  ASSERT_OK(db_->Flush());
  Put("a", "2");
  const auto it = db_->NewIterator({});
  it->SeekToFirst();
  ASSERT_TRUE(it->Valid());
  EXPECT_EQ(it->value(), "2");
  it->Next();
  EXPECT_FALSE(it->Valid());
  it->SeekToLast();
  ASSERT_TRUE(it->Valid());
  EXPECT_EQ(it->value(), "2");
}

TEST_F(IteratorTest, DoesNotShowDeletedKeys) {
  Put("a");
  Put("b");
  Put("c");
  ASSERT_OK(db_->Flush());
  ASSERT_OK(db_->Delete({}, "b"));
  EXPECT_EQ(Keys(), "a c");
  ASSERT_OK(db_->Flush());
  EXPECT_EQ(Keys(), "a c");
  ASSERT_OK(db_->CompactRange({}, {}));
  EXPECT_EQ(Keys(), "a c");
}

TEST_F(IteratorTest, SeekFindsTheKeyOrTheNext) {
  Put("b");
  Put("d");
  const auto it = db_->NewIterator({});
  it->Seek("b");
  EXPECT_EQ(At(*it), "b");
  it->Seek("c");
  EXPECT_EQ(At(*it), "d");
  it->Seek("");
  EXPECT_EQ(At(*it), "b");
  it->Seek("e");
  EXPECT_EQ(At(*it), "end");
}

TEST_F(IteratorTest, SeekForPrevFindsTheKeyOrTheOneBefore) {
  Put("b");
  Put("d");
  const auto it = db_->NewIterator({});
  it->SeekForPrev("d");
  EXPECT_EQ(At(*it), "d");
  it->SeekForPrev("c");
  EXPECT_EQ(At(*it), "b");
  it->SeekForPrev("z");
  EXPECT_EQ(At(*it), "d");
  it->SeekForPrev("a");
  EXPECT_EQ(At(*it), "end");
}

TEST_F(IteratorTest, TurnsRoundAnywhere) {
  // Some in a table, some in the memtable, one deleted.
  Put("a");
  Put("c");
  Put("d");
  ASSERT_OK(db_->Flush());
  Put("b");
  Put("e");
  ASSERT_OK(db_->Delete({}, "d"));
  const auto it = db_->NewIterator({});
  it->Seek("b");
  it->Next();
  EXPECT_EQ(At(*it), "c");
  it->Next();
  EXPECT_EQ(At(*it), "e");
  it->Prev();
  EXPECT_EQ(At(*it), "c");
  it->Prev();
  EXPECT_EQ(At(*it), "b");
  it->Next();
  EXPECT_EQ(At(*it), "c");
  it->Prev();
  it->Prev();
  EXPECT_EQ(At(*it), "a");
  it->Prev();
  EXPECT_EQ(At(*it), "end");
}

TEST_F(IteratorTest, CanSeekAgainFromItsEnd) {
  Put("a");
  const auto it = db_->NewIterator({});
  it->Seek("z");
  EXPECT_EQ(At(*it), "end");
  it->SeekToFirst();
  EXPECT_EQ(At(*it), "a");
}

TEST_F(IteratorTest, SeesNothingWrittenAfterIt) {
  Put("a", "old");
  Put("b", "old");
  const auto it = db_->NewIterator({});
  Put("a", "new");
  ASSERT_OK(db_->Delete({}, "b"));
  Put("c", "new");
  ASSERT_OK(db_->CompactRange({}, {}));
  it->SeekToFirst();
  EXPECT_EQ(At(*it), "a");
  EXPECT_EQ(it->value(), "old");
  it->Next();
  EXPECT_EQ(At(*it), "b");
  it->Next();
  EXPECT_EQ(At(*it), "end");
}

TEST_F(IteratorTest, StaysWithinItsBounds) {
  for (const char* key : {"a", "b", "c", "d", "e"}) Put(key);
  ReadOptions options;
  options.lower_bound = "b";
  options.upper_bound = "d";
  EXPECT_EQ(Keys(options), "b c");  // The lower is in, the upper is not.
  const auto it = db_->NewIterator(options);
  it->SeekToLast();
  EXPECT_EQ(At(*it), "c");
  it->Seek("a");
  EXPECT_EQ(At(*it), "b");
  it->SeekForPrev("z");
  EXPECT_EQ(At(*it), "c");
  it->Seek("d");
  EXPECT_EQ(At(*it), "end");
  it->SeekForPrev("a");
  EXPECT_EQ(At(*it), "end");
  it->Seek("b");
  it->Prev();
  EXPECT_EQ(At(*it), "end");
}

TEST_F(IteratorTest, ShowsNothingWhenTheBoundsCross) {
  for (const char* key : {"a", "b", "c"}) Put(key);
  ReadOptions options;
  options.lower_bound = "c";
  options.upper_bound = "a";
  EXPECT_EQ(Keys(options), "");
  const auto it = db_->NewIterator(options);
  it->SeekToLast();
  EXPECT_EQ(At(*it), "end");
  it->Seek("b");
  EXPECT_EQ(At(*it), "end");
  it->SeekForPrev("b");
  EXPECT_EQ(At(*it), "end");
}

TEST_F(IteratorTest, CopiesItsBounds) {
  for (const char* key : {"a", "b", "c"}) Put(key);
  auto options = std::make_unique<ReadOptions>();
  options->lower_bound = "b";
  const auto it = db_->NewIterator(*options);
  options.reset();
  it->SeekToFirst();
  EXPECT_EQ(At(*it), "b");
}

TEST_F(IteratorTest, ShowsOnlyKeysWithThePrefix) {
  for (const char* key : {"use", "user", "user/1", "user/2", "user0", "z"}) {
    Put(key);
  }
  ReadOptions options;
  options.prefix = "user/";
  EXPECT_EQ(Keys(options), "user/1 user/2");
  const auto it = db_->NewIterator(options);
  it->SeekToLast();
  EXPECT_EQ(At(*it), "user/2");
  options.prefix = "";
  EXPECT_EQ(Keys(options), "use user user/1 user/2 user0 z");
}

TEST_F(IteratorTest, FindsThePrefixOfHighestBytes) {
  for (const char* key : {"a", "\xfe", "\xff", "\xff\xff", "\xff\xff\xff"}) {
    Put(key);
  }
  ReadOptions options;
  options.prefix = "\xff\xff";
  EXPECT_EQ(Keys(options), "\xff\xff \xff\xff\xff");
  const auto it = db_->NewIterator(options);
  it->SeekToLast();
  EXPECT_EQ(At(*it), "\xff\xff\xff");
}

TEST_F(IteratorTest, NarrowsThePrefixByTheBounds) {
  for (const char* key : {"a1", "a2", "a3", "b1"}) Put(key);
  ReadOptions options;
  options.prefix = "a";
  options.lower_bound = "a2";
  EXPECT_EQ(Keys(options), "a2 a3");
  options.upper_bound = "a3";
  EXPECT_EQ(Keys(options), "a2");
  options.lower_bound = "b";
  options.upper_bound = "z";
  EXPECT_EQ(Keys(options), "");
}

TEST_F(IteratorTest, ReadsAsOfASnapshotThatItNeedsNoLonger) {
  Put("a", "old");
  auto snapshot = db_->GetSnapshot();
  Put("a", "new");
  ReadOptions options;
  options.snapshot = snapshot.get();
  const auto it = db_->NewIterator(options);
  snapshot.reset();
  ASSERT_OK(db_->CompactRange({}, {}));
  it->SeekToFirst();
  ASSERT_TRUE(it->Valid());
  EXPECT_EQ(it->value(), "old");
}

TEST_F(IteratorTest, WalksOverManyTombstones) {
  for (int i = 0; i < 2000; ++i) Put(absl::StrCat("k", 10000 + i));
  Put("z");
  ASSERT_OK(db_->Flush());
  for (int i = 0; i < 2000; ++i) {
    ASSERT_OK(db_->Delete({}, absl::StrCat("k", 10000 + i)));
  }
  Put("a");
  EXPECT_EQ(Keys(), "a z");
  const auto it = db_->NewIterator({});
  it->SeekToLast();
  it->Prev();
  EXPECT_EQ(At(*it), "a");
}

TEST_F(IteratorTest, WalksOverManyVersions) {
  Put("a");
  for (int i = 0; i < 2000; ++i) Put("k", absl::StrCat(i));
  Put("z");
  EXPECT_EQ(Keys(), "a k z");
  const auto it = db_->NewIterator({});
  it->SeekForPrev("k");
  ASSERT_TRUE(it->Valid());
  EXPECT_EQ(it->value(), "1999");
  it->Prev();
  EXPECT_EQ(At(*it), "a");
}

}  // namespace
}  // namespace holdfast
