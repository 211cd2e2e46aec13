// What a snapshot is, by examples.

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "env/posix/temp_directory.h"
#include "gtest/gtest.h"
#include "holdfast/db.h"
#include "tests/util/contents.h"
#include "tests/util/open.h"
#include "tests/util/status_testing.h"

namespace holdfast {
namespace {

ReadOptions AsOf(const std::shared_ptr<const Snapshot>& snapshot) {
  ReadOptions options;
  options.snapshot = snapshot.get();
  return options;
}

class SnapshotTest : public testing::Test {
 protected:
  SnapshotTest() : db_(OpenOrDie(TinyOptions(), directory_.File("db"))) {}

  TempDirectory directory_;
  std::unique_ptr<DB> db_;
};

TEST_F(SnapshotTest, SeesWhatWasThere) {
  ASSERT_OK(db_->Put({}, "kept", "1"));
  ASSERT_OK(db_->Put({}, "changed", "1"));
  ASSERT_OK(db_->Put({}, "deleted", "1"));
  const auto snapshot = db_->GetSnapshot();
  ASSERT_OK(db_->Put({}, "changed", "2"));
  ASSERT_OK(db_->Delete({}, "deleted"));
  ASSERT_OK(db_->Put({}, "new", "2"));

  EXPECT_TRUE(Holds(*db_, {{"kept", "1"}, {"changed", "1"}, {"deleted", "1"}},
                    AsOf(snapshot)));
  EXPECT_CODE(db_->Get(AsOf(snapshot), "new"), kNotFound);
  EXPECT_TRUE(Holds(*db_, {{"kept", "1"}, {"changed", "2"}, {"new", "2"}}));
}

TEST_F(SnapshotTest, OfAnEmptyDatabaseStaysEmpty) {
  const auto snapshot = db_->GetSnapshot();
  ASSERT_OK(db_->Put({}, "a", "1"));
  ASSERT_OK(db_->CompactRange({}, {}));
  EXPECT_TRUE(Holds(*db_, {}, AsOf(snapshot)));
}

TEST_F(SnapshotTest, SurvivesFlushAndCompaction) {
  // Ten snapshots, each of another value of the same keys.
  constexpr int kSnapshots = 10;
  std::vector<std::shared_ptr<const Snapshot>> snapshots;
  for (int round = 0; round < kSnapshots; ++round) {
    for (int key = 0; key < 20; ++key) {
      ASSERT_OK(db_->Put({}, absl::StrCat("key", key),
                         absl::StrCat(round, std::string(1000, 'x'))));
    }
    snapshots.push_back(db_->GetSnapshot());
    if (round % 3 == 0) ASSERT_OK(db_->Flush());
  }
  ASSERT_OK(db_->CompactRange({}, {}));
  for (int round = 0; round < kSnapshots; ++round) {
    Contents expected;
    for (int key = 0; key < 20; ++key) {
      expected[absl::StrCat("key", key)] =
          absl::StrCat(round, std::string(1000, 'x'));
    }
    EXPECT_TRUE(Holds(*db_, expected, AsOf(snapshots[round]))) << round;
  }
}

TEST_F(SnapshotTest, KeepsADeletedKeyThroughCompaction) {
  ASSERT_OK(db_->Put({}, "a", "1"));
  const auto before = db_->GetSnapshot();
  ASSERT_OK(db_->Delete({}, "a"));
  const auto after = db_->GetSnapshot();
  ASSERT_OK(db_->CompactRange({}, {}));
  EXPECT_TRUE(Holds(*db_, {{"a", "1"}}, AsOf(before)));
  EXPECT_TRUE(Holds(*db_, {}, AsOf(after)));
}

TEST_F(SnapshotTest, HoldsSpaceOnlyWhileItLives) {
  const auto entries = [this] {
    uint64_t sum = 0;
    for (const LevelStats& level : db_->Stats().levels) sum += level.entries;
    return sum;
  };
  ASSERT_OK(db_->Put({}, "a", "1"));
  auto snapshot = db_->GetSnapshot();
  ASSERT_OK(db_->Put({}, "a", "2"));
  ASSERT_OK(db_->CompactRange({}, {}));
  EXPECT_EQ(entries(), 2u);
  snapshot.reset();
  ASSERT_OK(db_->CompactRange({}, {}));
  EXPECT_EQ(entries(), 1u);
}

TEST_F(SnapshotTest, NumbersRise) {
  const auto first = db_->GetSnapshot();
  const auto same = db_->GetSnapshot();
  EXPECT_EQ(first->sequence(), same->sequence());
  ASSERT_OK(db_->Put({}, "a", "1"));
  const auto second = db_->GetSnapshot();
  EXPECT_LT(first->sequence(), second->sequence());
  EXPECT_EQ(second->sequence(), db_->Stats().last_sequence);
}

TEST_F(SnapshotTest, AreCounted) {
  EXPECT_EQ(db_->Stats().snapshots, 0u);
  auto first = db_->GetSnapshot();
  const auto second = db_->GetSnapshot();
  EXPECT_EQ(db_->Stats().snapshots, 2u);
  first.reset();
  EXPECT_EQ(db_->Stats().snapshots, 1u);
}

TEST_F(SnapshotTest, SeesABatchWholeOrNotAtAll) {
  WriteBatch batch;
  batch.Put("a", "1");
  batch.Put("b", "1");
  const auto before = db_->GetSnapshot();
  ASSERT_OK(db_->Write({}, batch));
  const auto after = db_->GetSnapshot();
  EXPECT_TRUE(Holds(*db_, {}, AsOf(before)));
  EXPECT_TRUE(Holds(*db_, {{"a", "1"}, {"b", "1"}}, AsOf(after)));
}

TEST_F(SnapshotTest, OfAnotherDatabaseIsRefused) {
  const auto other = OpenOrDie(TinyOptions(), directory_.File("other"));
  ASSERT_OK(db_->Put({}, "a", "1"));
  const auto snapshot = other->GetSnapshot();
  EXPECT_CODE(db_->Get(AsOf(snapshot), "a"), kInvalidArgument);
  PinnedValue pin;
  EXPECT_CODE(db_->Get(AsOf(snapshot), "a", &pin), kInvalidArgument);
  const auto it = db_->NewIterator(AsOf(snapshot));
  it->SeekToFirst();
  EXPECT_FALSE(it->Valid());
  EXPECT_CODE(it->status(), kInvalidArgument);
}

TEST_F(SnapshotTest, OfAnEarlierOpeningIsRefused) {
  ASSERT_OK(db_->Put({}, "a", "1"));
  const auto snapshot = db_->GetSnapshot();
  ASSERT_OK(db_->Close());
  db_.reset();
  db_ = OpenOrDie(TinyOptions(), directory_.File("db"));
  EXPECT_CODE(db_->Get(AsOf(snapshot), "a"), kInvalidArgument);
}

TEST_F(SnapshotTest, MayOutliveTheDatabase) {
  ASSERT_OK(db_->Put({}, "a", "1"));
  auto snapshot = db_->GetSnapshot();
  db_.reset();
  snapshot.reset();  // Touches nothing that is gone (checked by ASan).
}

}  // namespace
}  // namespace holdfast
