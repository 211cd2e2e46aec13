#include "engine/iter/merging_iterator.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/random.h"
#include "engine/format/internal_key.h"
#include "engine/iter/internal_iterator.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

struct Entry {
  std::string key;
  std::string value;

  friend bool operator==(const Entry&, const Entry&) = default;
};

bool Less(const Entry& a, const Entry& b) {
  return CompareInternalKeys(a.key, b.key) < 0;
}

Entry At(std::string_view user_key, SequenceNumber sequence) {
  return {MakeInternalKey(user_key, sequence, ValueType::kValue),
          std::string(user_key) + "@" + std::to_string(sequence)};
}

constexpr int kNever = std::numeric_limits<int>::max();

// Entries in a vector. Its moves count down *budget, when it has one; the move
// that finds it at 0 fails instead, as does each one after it. Keys are views
// of a copy that each move overwrites, so that a stale view shows.
class VectorIterator : public InternalIterator {
 public:
  explicit VectorIterator(std::vector<Entry> entries, int* budget = nullptr)
      : entries_(std::move(entries)), budget_(budget) {
    EXPECT_TRUE(std::is_sorted(entries_.begin(), entries_.end(), Less));
  }

  bool SeekToFirst() override { return Move(0); }
  bool SeekToLast() override {
    return Move(entries_.empty() ? kEnd : entries_.size() - 1);
  }
  bool Seek(std::string_view target) override {
    return Move(static_cast<size_t>(
        std::lower_bound(entries_.begin(), entries_.end(),
                         Entry{std::string(target), ""}, Less) -
        entries_.begin()));
  }
  bool Next() override {
    EXPECT_TRUE(Valid());
    return Move(at_ + 1);
  }
  bool Prev() override {
    EXPECT_TRUE(Valid());
    return Move(at_ == 0 ? kEnd : at_ - 1);
  }
  absl::Status status() const override { return status_; }

  void FailFromOutside() {
    StandNowhere();
    status_ = absl::DataLossError("late");
  }

 private:
  static constexpr size_t kEnd = std::numeric_limits<size_t>::max();

  bool Move(size_t to) {
    at_ = to;
    status_ = absl::OkStatus();
    if (budget_ != nullptr && (*budget_)-- <= 0) {
      *budget_ = 0;
      status_ = absl::DataLossError("planted");
    }
    std::fill(key_.begin(), key_.end(), '#');
    std::fill(value_.begin(), value_.end(), '#');
    if (!status_.ok() || at_ >= entries_.size()) return StandNowhere();
    key_ = entries_[at_].key;
    value_ = entries_[at_].value;
    return StandOn(key_, value_);
  }

  const std::vector<Entry> entries_;
  int* const budget_;
  size_t at_ = kEnd;
  std::string key_;
  std::string value_;
  absl::Status status_;
};

// Finds nothing: each search, and each step forward, ends at the first entry.
class LostIterator final : public VectorIterator {
 public:
  using VectorIterator::VectorIterator;

  bool Seek(std::string_view) override { return SeekToFirst(); }
  bool Next() override { return SeekToFirst(); }
};

using Children = std::vector<std::unique_ptr<InternalIterator>>;

std::vector<Entry> Forward(InternalIterator& it) {
  std::vector<Entry> found;
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    found.push_back({std::string(it.key()), std::string(it.value())});
  }
  return found;
}

std::vector<Entry> Backward(InternalIterator& it) {
  std::vector<Entry> found;
  for (it.SeekToLast(); it.Valid(); it.Prev()) {
    found.push_back({std::string(it.key()), std::string(it.value())});
  }
  return found;
}

TEST(MergingIteratorTest, OfNothingIsEmpty) {
  const auto it = NewMergingIterator({});
  it->SeekToFirst();
  EXPECT_FALSE(it->Valid());
  it->SeekToLast();
  EXPECT_FALSE(it->Valid());
  EXPECT_TRUE(it->status().ok());
}

TEST(MergingIteratorTest, OfOneIsThatOne) {
  Children children;
  children.push_back(NewEmptyIterator(absl::OkStatus()));
  const InternalIterator* const child = children[0].get();
  EXPECT_EQ(NewMergingIterator(std::move(children)).get(), child);
}

TEST(MergingIteratorTest, MergesInInternalKeyOrder) {
  Children children;
  children.push_back(std::make_unique<VectorIterator>(
      std::vector<Entry>{At("a", 9), At("b", 7), At("d", 8)}));
  children.push_back(NewEmptyIterator(absl::OkStatus()));
  children.push_back(std::make_unique<VectorIterator>(
      std::vector<Entry>{At("b", 5), At("c", 4)}));
  children.push_back(std::make_unique<VectorIterator>(
      std::vector<Entry>{At("b", 2), At("b", 1), At("e", 3)}));
  const auto it = NewMergingIterator(std::move(children));
  EXPECT_FALSE(it->Valid());
  std::vector<Entry> expected{At("a", 9), At("b", 7), At("b", 5), At("b", 2),
                              At("b", 1), At("c", 4), At("d", 8), At("e", 3)};
  EXPECT_EQ(Forward(*it), expected);
  EXPECT_TRUE(it->status().ok());
  std::reverse(expected.begin(), expected.end());
  EXPECT_EQ(Backward(*it), expected);
  EXPECT_TRUE(it->status().ok());
}

// Goal: equal internal keys are a bug elsewhere, but they neither loop nor
// vanish here: first child first, and the reverse backward.
TEST(MergingIteratorTest, EqualKeysNeitherLoopNorVanish) {
  Children children;
  for (int i = 0; i < 3; ++i) {
    const std::string value(1, static_cast<char>('0' + i));
    children.push_back(std::make_unique<VectorIterator>(
        std::vector<Entry>{{At("a", 1).key, value}, {At("b", 1).key, value}}));
  }
  const auto it = NewMergingIterator(std::move(children));
  std::string order;
  for (const Entry& entry : Forward(*it)) order += entry.value;
  EXPECT_EQ(order, "012012");
  order.clear();
  for (const Entry& entry : Backward(*it)) order += entry.value;
  EXPECT_EQ(order, "210210");
  // Turns at each place: there, one step, and back to it.
  it->SeekToFirst();
  order.clear();
  while (it->Valid()) {
    order += it->value();
    const std::string here(it->value());
    it->Next();
    if (!it->Valid()) break;
    it->Prev();
    ASSERT_TRUE(it->Valid());
    EXPECT_EQ(it->value(), here);
    it->Next();
  }
  EXPECT_EQ(order, "012012");
}

TEST(MergingIteratorTest, ErrorAtAnyChildStopsEverySeek) {
  for (size_t bad = 0; bad < 3; ++bad) {
    Children children;
    for (size_t i = 0; i < 3; ++i) {
      if (i == bad) {
        children.push_back(NewEmptyIterator(absl::DataLossError("bad")));
      } else {
        children.push_back(std::make_unique<VectorIterator>(
            std::vector<Entry>{At("a", i + 1)}));
      }
    }
    const auto it = NewMergingIterator(std::move(children));
    it->SeekToFirst();
    EXPECT_FALSE(it->Valid());
    EXPECT_EQ(it->status(), absl::DataLossError("bad"));
    it->SeekToLast();
    EXPECT_FALSE(it->Valid());
    EXPECT_EQ(it->status(), absl::DataLossError("bad"));
    it->Seek(At("a", 2).key);
    EXPECT_FALSE(it->Valid());
    EXPECT_EQ(it->status(), absl::DataLossError("bad"));
  }
}

// Goal: a child that had ended well and tells of an error later is heard
// before the end is reported.
TEST(MergingIteratorTest, AsksEndedChildrenAgainAtTheEnd) {
  Children children;
  auto short_child =
      std::make_unique<VectorIterator>(std::vector<Entry>{At("a", 1)});
  VectorIterator* const late = short_child.get();
  children.push_back(std::move(short_child));
  children.push_back(std::make_unique<VectorIterator>(
      std::vector<Entry>{At("b", 2), At("c", 3)}));
  const auto it = NewMergingIterator(std::move(children));
  it->SeekToFirst();
  it->Next();
  ASSERT_TRUE(it->Valid());
  late->FailFromOutside();
  it->Next();
  ASSERT_TRUE(it->Valid());
  it->Next();
  EXPECT_FALSE(it->Valid());
  EXPECT_EQ(it->status(), absl::DataLossError("late"));
}

TEST(MergingIteratorTest, SeekAfterAnErrorStartsAfresh) {
  int budget = 1;
  Children children;
  children.push_back(std::make_unique<VectorIterator>(
      std::vector<Entry>{At("a", 1), At("c", 3)}, &budget));
  children.push_back(
      std::make_unique<VectorIterator>(std::vector<Entry>{At("b", 2)}));
  const auto it = NewMergingIterator(std::move(children));
  it->SeekToFirst();
  ASSERT_TRUE(it->Valid());
  it->Next();
  EXPECT_FALSE(it->Valid());
  EXPECT_FALSE(it->status().ok());
  budget = 100;
  EXPECT_EQ(Forward(*it).size(), 3u);
  EXPECT_TRUE(it->status().ok());
}

// Goal: bytes that nobody verified may give any order; that ends in an error,
// not in a crash or a walk in circles.
TEST(MergingIteratorTest, TurnFailsWhenAChildIsOutOfOrder) {
  Children children;
  children.push_back(
      std::make_unique<VectorIterator>(std::vector<Entry>{At("m", 1)}));
  children.push_back(std::make_unique<LostIterator>(
      std::vector<Entry>{At("a", 2), At("z", 3)}));
  const auto it = NewMergingIterator(std::move(children));
  it->SeekToLast();
  it->Prev();
  ASSERT_TRUE(it->Valid());
  EXPECT_EQ(it->value(), "m@1");
  it->Next();
  EXPECT_FALSE(it->Valid());
  EXPECT_EQ(it->status().code(), absl::StatusCode::kInternal);
}

// Entries that grow, as those of a memtable do.
class GrowingIterator final : public InternalIterator {
 public:
  struct KeyLess {
    bool operator()(const std::string& a, const std::string& b) const {
      return CompareInternalKeys(a, b) < 0;
    }
  };
  using Entries = std::map<std::string, std::string, KeyLess>;

  // `after_seek`, if any, runs when a Seek has found its place.
  explicit GrowingIterator(const Entries* entries,
                           std::function<void()> after_seek = nullptr)
      : entries_(*entries),
        at_(entries->end()),
        after_seek_(std::move(after_seek)) {}

  bool SeekToFirst() override { return Stand(entries_.begin()); }
  bool SeekToLast() override {
    return Stand(entries_.empty() ? entries_.end() : std::prev(entries_.end()));
  }
  bool Seek(std::string_view target) override {
    Stand(entries_.lower_bound(std::string(target)));
    if (after_seek_) after_seek_();
    return Valid();
  }
  bool Next() override { return Stand(std::next(at_)); }
  bool Prev() override {
    return Stand(at_ == entries_.begin() ? entries_.end() : std::prev(at_));
  }
  absl::Status status() const override { return absl::OkStatus(); }

 private:
  bool Stand(Entries::const_iterator at) {
    at_ = at;
    return at_ == entries_.end() ? StandNowhere()
                                 : StandOn(at_->first, at_->second);
  }

  const Entries& entries_;
  Entries::const_iterator at_;
  const std::function<void()> after_seek_;
};

// Goal: entries that came in between where a child stands and the current one
// do not stop a turn, and are not gone back to.
TEST(MergingIteratorTest, TurnsBesideEntriesThatCameMeanwhile) {
  for (const bool forward : {true, false}) {
    for (const bool child_has_others : {true, false}) {
      GrowingIterator::Entries growing;
      const auto add = [&growing](const char* key, SequenceNumber sequence) {
        const Entry entry = At(key, sequence);
        growing[entry.key] = entry.value;
      };
      if (child_has_others) {
        add("a", 1);
        add("z", 2);
      }
      Children children;
      children.push_back(std::make_unique<GrowingIterator>(&growing));
      children.push_back(std::make_unique<VectorIterator>(
          std::vector<Entry>{At("l", 3), At("m", 4), At("n", 5)}));
      const auto it = NewMergingIterator(std::move(children));
      if (forward) {
        it->Seek(At("l", 3).key);
        it->Next();
      } else {
        it->SeekToLast();
        while (it->value() != "m@4") it->Prev();
      }
      for (const char* key : {"k", "lm", "mn", "o"}) add(key, 6);
      std::vector<std::string> seen;
      for (forward ? it->Prev() : it->Next(); it->Valid();
           forward ? it->Prev() : it->Next()) {
        seen.emplace_back(it->value());
      }
      EXPECT_TRUE(it->status().ok()) << it->status();
      std::vector<std::string> expected =
          forward ? std::vector<std::string>{"lm@6", "l@3", "k@6"}
                  : std::vector<std::string>{"mn@6", "n@5", "o@6"};
      if (child_has_others) expected.push_back(forward ? "a@1" : "z@2");
      EXPECT_EQ(seen, expected);
    }
  }
}

// Goal: nor do those that come while a turn looks for its place.
TEST(MergingIteratorTest, TurnsBesideEntriesThatComeWhileItSearches) {
  for (const bool child_has_others : {true, false}) {
    GrowingIterator::Entries growing;
    const auto add = [&growing](const char* key, SequenceNumber sequence) {
      const Entry entry = At(key, sequence);
      growing[entry.key] = entry.value;
    };
    if (child_has_others) {
      add("a", 1);
      add("z", 2);
    }
    Children children;
    bool armed = false;
    children.push_back(std::make_unique<GrowingIterator>(&growing, [&] {
      if (armed) add("mm", 7);
      if (armed) add("mk", 7);
    }));
    children.push_back(std::make_unique<VectorIterator>(
        std::vector<Entry>{At("l", 3), At("m", 4)}));
    const auto it = NewMergingIterator(std::move(children));
    it->Seek(At("m", 4).key);
    ASSERT_EQ(it->value(), "m@4");
    add("n", 6);
    armed = true;
    std::vector<std::string> seen;
    for (it->Prev(); it->Valid(); it->Prev()) seen.emplace_back(it->value());
    EXPECT_TRUE(it->status().ok()) << it->status();
    std::vector<std::string> expected = {"l@3"};
    if (child_has_others) expected.emplace_back("a@1");
    EXPECT_EQ(seen, expected);
  }
}

TEST(MergingIteratorDeathTest, RefusesMovesWhenNotValid) {
  Children children;
  children.push_back(NewEmptyIterator(absl::OkStatus()));
  children.push_back(NewEmptyIterator(absl::OkStatus()));
  const auto it = NewMergingIterator(std::move(children));
  it->SeekToFirst();
  EXPECT_DEATH(it->Next(), "CHECK failed");
  EXPECT_DEATH(it->Prev(), "CHECK failed");
  EXPECT_DEATH(it->key(), "CHECK failed");
}

// A sorted sequence, dealt out to children at random.
struct Dealt {
  std::vector<Entry> all;
  std::vector<std::vector<Entry>> parts;
};

Dealt Deal(Random& random, size_t children, size_t entries) {
  Dealt dealt;
  for (size_t i = 0; i < entries; ++i) {
    const std::string key(1 + random.Uniform(3),
                          static_cast<char>('a' + random.Uniform(6)));
    dealt.all.push_back(At(key, i + 1));
  }
  std::sort(dealt.all.begin(), dealt.all.end(), Less);
  dealt.parts.resize(children);
  for (const Entry& entry : dealt.all) {
    // Runs of one child, and some children that stay empty.
    dealt.parts[random.OneIn(2) ? 0 : random.Uniform(children)].push_back(
        entry);
  }
  return dealt;
}

std::unique_ptr<InternalIterator> Merge(const Dealt& dealt,
                                        int* budget = nullptr,
                                        size_t failing = 0) {
  Children children;
  for (size_t i = 0; i < dealt.parts.size(); ++i) {
    children.push_back(std::make_unique<VectorIterator>(
        dealt.parts[i], i == failing ? budget : nullptr));
  }
  return NewMergingIterator(std::move(children));
}

// Walks at random, beside the sorted vector. RETURNS false when the iterator
// stopped with an error; fails the property when it stands elsewhere.
bool Walk(Random& random, InternalIterator& it, const std::vector<Entry>& all,
          int moves) {
  size_t at = all.size();
  bool positioned = false;
  for (int move = 0; move < moves; ++move) {
    switch (positioned ? random.Uniform(10) : random.Uniform(3)) {
      case 0:
        it.SeekToFirst();
        at = 0;
        break;
      case 1:
        it.SeekToLast();
        at = all.empty() ? 0 : all.size() - 1;
        break;
      case 2: {
        const std::string key(1 + random.Uniform(4),
                              static_cast<char>('a' + random.Uniform(7)));
        const Entry target = At(key, random.Uniform(all.size() + 2));
        it.Seek(target.key);
        at = static_cast<size_t>(
            std::lower_bound(all.begin(), all.end(), target, Less) -
            all.begin());
        break;
      }
      case 3:
      case 4:
      case 5:
      case 6:
        it.Next();
        ++at;
        break;
      default:
        it.Prev();
        at = at == 0 ? all.size() : at - 1;
    }
    if (!it.status().ok()) {
      RC_ASSERT(!it.Valid());
      return false;
    }
    positioned = it.Valid();
    RC_ASSERT(positioned == (at < all.size()));
    if (positioned) {
      RC_ASSERT(it.key() == all[at].key);
      RC_ASSERT(it.value() == all[at].value);
    }
  }
  return true;
}

RC_GTEST_PROP(MergingIteratorTest, WalksLikeASortedVector, ()) {
  Random random(*rc::gen::arbitrary<uint64_t>());
  const size_t children = *rc::gen::inRange<size_t>(1, 9);
  const size_t entries = *rc::gen::inRange<size_t>(0, 60);
  const Dealt dealt = Deal(random, children, entries);
  const auto it = Merge(dealt);
  RC_ASSERT(Walk(random, *it, dealt.all, 200));
}

// Goal: whichever child fails at whichever of its moves, the walk is right up
// to that move and stops there with that error: never a missing entry.
RC_GTEST_PROP(MergingIteratorTest, FailingChildStopsTheWalkAtOnce, ()) {
  Random random(*rc::gen::arbitrary<uint64_t>());
  const size_t children = *rc::gen::inRange<size_t>(1, 6);
  const Dealt dealt = Deal(random, children, random.Uniform(40));
  const size_t failing = random.Uniform(children);
  for (int nth = 0; nth < 30; ++nth) {
    int budget = nth;
    const auto it = Merge(dealt, &budget, failing);
    Random walk(random.Next64());
    if (Walk(walk, *it, dealt.all, 100)) {
      // It ended well: the child never came to its nth move.
      RC_ASSERT(budget >= 0);
      continue;
    }
    RC_ASSERT(it->status() == absl::DataLossError("planted"));
    RC_ASSERT(!it->Valid());
    budget = kNever;
    RC_ASSERT(Walk(walk, *it, dealt.all, 50));
  }
}

// Goal: the same for full scans: either complete or an error.
RC_GTEST_PROP(MergingIteratorTest, ScanIsCompleteOrFails, ()) {
  Random random(*rc::gen::arbitrary<uint64_t>());
  const size_t children = *rc::gen::inRange<size_t>(2, 6);
  const Dealt dealt = Deal(random, children, random.Uniform(40));
  std::vector<Entry> reversed(dealt.all.rbegin(), dealt.all.rend());
  for (size_t failing = 0; failing < children; ++failing) {
    const int moves = static_cast<int>(dealt.parts[failing].size()) + 1;
    for (int nth = 0; nth <= moves; ++nth) {
      for (const bool forward : {true, false}) {
        int budget = nth;
        const auto it = Merge(dealt, &budget, failing);
        const auto found = forward ? Forward(*it) : Backward(*it);
        RC_ASSERT(it->status().ok() == (nth == moves));
        if (nth == moves) {
          RC_ASSERT(found == (forward ? dealt.all : reversed));
        }
      }
    }
  }
}

}  // namespace
}  // namespace holdfast
