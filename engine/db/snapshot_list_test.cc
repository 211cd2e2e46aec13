#include "engine/db/snapshot_list.h"

#include <memory>

#include "gtest/gtest.h"

namespace holdfast {
namespace {

using Sequences = std::vector<SequenceNumber>;

TEST(SnapshotListTest, ListsThePresentWhenThereIsNoSnapshot) {
  SnapshotList list;
  const std::atomic<SequenceNumber> visible{7};
  EXPECT_EQ(list.Sequences(visible), Sequences({7}));
  EXPECT_EQ(list.size(), 0u);
}

TEST(SnapshotListTest, ListsEachLiveNumberOnceAscending) {
  SnapshotList list;
  std::atomic<SequenceNumber> visible{3};
  auto a = list.Acquire(visible);
  auto b = list.Acquire(visible);
  visible = 5;
  auto c = list.Acquire(visible);
  visible = 9;
  EXPECT_EQ(a->sequence(), 3u);
  EXPECT_EQ(c->sequence(), 5u);
  EXPECT_EQ(list.Sequences(visible), Sequences({3, 5, 9}));
  EXPECT_EQ(list.size(), 3u);
  a.reset();
  EXPECT_EQ(list.Sequences(visible), Sequences({3, 5, 9}));
  b.reset();
  EXPECT_EQ(list.Sequences(visible), Sequences({5, 9}));
}

TEST(SnapshotListTest, PresentThatIsASnapshotIsListedOnce) {
  SnapshotList list;
  const std::atomic<SequenceNumber> visible{4};
  auto held = list.Acquire(visible);
  EXPECT_EQ(list.Sequences(visible), Sequences({4}));
}

TEST(SnapshotListTest, SnapshotMayOutliveTheList) {
  const std::atomic<SequenceNumber> visible{1};
  std::shared_ptr<const Snapshot> held;
  {
    SnapshotList list;
    held = list.Acquire(visible);
  }
  EXPECT_EQ(held->sequence(), 1u);
}

TEST(SnapshotListTest, KnowsItsOwn) {
  SnapshotList ours;
  SnapshotList theirs;
  const std::atomic<SequenceNumber> visible{1};
  EXPECT_TRUE(ours.Owns(*ours.Acquire(visible)));
  EXPECT_FALSE(ours.Owns(*theirs.Acquire(visible)));
}

}  // namespace
}  // namespace holdfast
