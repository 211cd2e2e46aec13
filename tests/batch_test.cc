// What a batch, a put and a delete do, by examples.

#include <memory>
#include <string>
#include <utility>

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

class BatchTest : public testing::Test {
 protected:
  BatchTest() : db_(OpenOrDie(TinyOptions(), directory_.File("db"))) {}

  void Reopen() {
    ASSERT_OK(db_->Close());
    db_.reset();
    db_ = OpenOrDie(TinyOptions(), directory_.File("db"));
  }

  TempDirectory directory_;
  std::unique_ptr<DB> db_;
};

TEST_F(BatchTest, PutThenGet) {
  ASSERT_OK(db_->Put({}, "key", "value"));
  const auto value = db_->Get({}, "key");
  ASSERT_OK(value);
  EXPECT_EQ(*value, "value");
  EXPECT_CODE(db_->Get({}, "other"), kNotFound);
}

TEST_F(BatchTest, DeleteOfAKeyThatIsNotThereIsFine) {
  EXPECT_OK(db_->Delete({}, "nothing"));
  EXPECT_TRUE(Holds(*db_, {}));
}

TEST_F(BatchTest, TakesEmptyKeysAndValues) {
  ASSERT_OK(db_->Put({}, "", "value of the empty key"));
  ASSERT_OK(db_->Put({}, "empty value", ""));
  const Contents expected = {{"", "value of the empty key"},
                             {"empty value", ""}};
  EXPECT_TRUE(Holds(*db_, expected));
  Reopen();
  EXPECT_TRUE(Holds(*db_, expected));
  ASSERT_OK(db_->CompactRange({}, {}));
  EXPECT_TRUE(Holds(*db_, expected));
}

TEST_F(BatchTest, TakesAnyBytes) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  Contents expected;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string key(1, static_cast<char>(byte));
    ASSERT_OK(db_->Put({}, key, all + key));
    expected[key] = all + key;
  }
  EXPECT_TRUE(Holds(*db_, expected));
  ASSERT_OK(db_->Flush());
  EXPECT_TRUE(Holds(*db_, expected));
}

TEST_F(BatchTest, AppliesItsChangesInOrder) {
  WriteBatch batch;
  batch.Put("a", "1");
  batch.Put("a", "2");
  batch.Put("b", "1");
  batch.Delete("b");
  batch.Delete("c");
  batch.Put("c", "3");
  EXPECT_EQ(batch.count(), 6u);
  ASSERT_OK(db_->Write({}, batch));
  const Contents expected = {{"a", "2"}, {"c", "3"}};
  EXPECT_TRUE(Holds(*db_, expected));
  Reopen();
  EXPECT_TRUE(Holds(*db_, expected));
}

TEST_F(BatchTest, CanBeWrittenAgainAndGrown) {
  WriteBatch batch;
  batch.Put("a", "1");
  ASSERT_OK(db_->Write({}, batch));
  ASSERT_OK(db_->Put({}, "a", "2"));
  ASSERT_OK(db_->Write({}, batch));
  EXPECT_TRUE(Holds(*db_, {{"a", "1"}}));

  WriteBatch more;
  more.Delete("a");
  more.Put("b", "1");
  batch.Append(more);
  EXPECT_EQ(batch.count(), 3u);
  ASSERT_OK(db_->Write({}, batch));
  EXPECT_TRUE(Holds(*db_, {{"b", "1"}}));

  batch.Clear();
  EXPECT_TRUE(batch.empty());
}

TEST_F(BatchTest, AppendedToItselfIsTwiceAsLong) {
  WriteBatch batch;
  batch.Put("a", "1");
  batch.Append(batch);
  EXPECT_EQ(batch.count(), 2u);
  ASSERT_OK(db_->Write({}, batch));
  EXPECT_TRUE(Holds(*db_, {{"a", "1"}}));
}

TEST_F(BatchTest, TellsItsChanges) {
  struct Recorder : WriteBatch::Handler {
    void Put(std::string_view key, std::string_view value) override {
      absl::StrAppend(&log, "put ", key, "=", value, ";");
    }
    void Delete(std::string_view key) override {
      absl::StrAppend(&log, "delete ", key, ";");
    }
    std::string log;
  };
  WriteBatch batch;
  batch.Put("a", "1");
  batch.Delete("b");
  Recorder recorder;
  batch.Iterate(recorder);
  EXPECT_EQ(recorder.log, "put a=1;delete b;");
}

TEST_F(BatchTest, MayBeEmpty) {
  EXPECT_OK(db_->Write({}, WriteBatch()));
  WriteOptions sync;
  sync.sync = true;
  EXPECT_OK(db_->Write(sync, WriteBatch()));
  WriteOptions unlogged;
  unlogged.disable_wal = true;
  EXPECT_OK(db_->Write(unlogged, WriteBatch()));
  Reopen();
  EXPECT_TRUE(Holds(*db_, {}));
}

TEST_F(BatchTest, LargerThanAMemtableIsAppliedWhole) {
  WriteBatch batch;
  Contents expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string key = absl::StrCat("key", i);
    expected[key] = absl::StrCat(i, std::string(500, 'x'));
    batch.Put(key, expected[key]);
  }
  ASSERT_OK(db_->Write({}, batch));
  EXPECT_TRUE(Holds(*db_, expected));
  Reopen();
  EXPECT_TRUE(Holds(*db_, expected));
}

TEST_F(BatchTest, SurvivesTheDeathOfTheProcess) {
  ASSERT_OK(db_->Put({}, "unsynced", "1"));
  CopyDirectory(directory_.File("db"), directory_.File("copy"));
  const auto copy = OpenOrDie(TinyOptions(), directory_.File("copy"));
  EXPECT_TRUE(Holds(*copy, {{"unsynced", "1"}}));
}

TEST_F(BatchTest, UnloggedIsDurableAfterFlush) {
  WriteOptions unlogged;
  unlogged.disable_wal = true;
  ASSERT_OK(db_->Put(unlogged, "flushed", "1"));
  ASSERT_OK(db_->Flush());
  ASSERT_OK(db_->Put(unlogged, "lost", "1"));
  ASSERT_OK(db_->Put({}, "logged", "1"));
  ASSERT_OK(db_->WaitForBackgroundWork());
  EXPECT_TRUE(Holds(*db_, {{"flushed", "1"}, {"logged", "1"}, {"lost", "1"}}));
  CopyDirectory(directory_.File("db"), directory_.File("copy"));
  const auto copy = OpenOrDie(TinyOptions(), directory_.File("copy"));
  EXPECT_TRUE(Holds(*copy, {{"flushed", "1"}, {"logged", "1"}}));
}

TEST_F(BatchTest, PinnedValueOutlivesWhatItWasReadFrom) {
  const std::string value(10'000, 'v');
  ASSERT_OK(db_->Put({}, "a", value));
  PinnedValue from_memtable;
  ASSERT_OK(db_->Get({}, "a", &from_memtable));
  ASSERT_OK(db_->Flush());
  PinnedValue from_table;
  ASSERT_OK(db_->Get({}, "a", &from_table));
  ASSERT_OK(db_->Delete({}, "a"));
  ASSERT_OK(db_->CompactRange({}, {}));
  EXPECT_CODE(db_->Get({}, "a"), kNotFound);
  EXPECT_EQ(from_memtable.view(), value);
  EXPECT_EQ(from_table.view(), value);
  PinnedValue moved = std::move(from_table);
  EXPECT_EQ(moved.view(), value);
  // A failed Get empties what it is given.
  EXPECT_CODE(db_->Get({}, "a", &moved), kNotFound);
  EXPECT_EQ(moved.view(), "");
}

TEST_F(BatchTest, CompactRangeDropsWhatIsGone) {
  const std::string value(1000, 'v');
  for (int i = 0; i < 300; ++i) {
    ASSERT_OK(db_->Put({}, absl::StrCat("key", i), value));
  }
  for (int i = 0; i < 300; ++i) {
    ASSERT_OK(db_->Delete({}, absl::StrCat("key", i)));
  }
  ASSERT_OK(db_->CompactRange({}, {}));
  EXPECT_TRUE(Holds(*db_, {}));
  for (const LevelStats& level : db_->Stats().levels) {
    EXPECT_EQ(level.tables, 0u) << level.level;
  }
}

TEST_F(BatchTest, CountsWhatIsDone) {
  WriteBatch batch;
  batch.Put("a", "123");
  batch.Put("b", "456");
  ASSERT_OK(db_->Write({}, batch));
  WriteOptions sync;
  sync.sync = true;
  ASSERT_OK(db_->Put(sync, "c", "789"));
  ASSERT_OK(db_->Get({}, "a"));
  ASSERT_OK(db_->Flush());
  const DbStats stats = db_->Stats();
  EXPECT_EQ(stats.writes_total, 2u);
  EXPECT_EQ(stats.write_keys_total, 3u);
  EXPECT_EQ(stats.write_bytes_total, 12u);
  EXPECT_EQ(stats.last_sequence, 3u);
  EXPECT_GE(stats.wal_syncs_total, 1u);
  EXPECT_EQ(stats.reads_total, 1u);
  EXPECT_EQ(stats.flushes_total, 1u);
  EXPECT_EQ(stats.memtables, 1u);
  EXPECT_EQ(db_->Health().state, HealthState::kHealthy);
}

}  // namespace
}  // namespace holdfast
