#include "engine/memtable/entry_tree.h"

#include <atomic>
#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/random.h"
#include "engine/format/internal_key.h"
#include "engine/memtable/arena.h"
#include "engine/memtable/entry.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

#ifdef HOLDFAST_SANITIZER
constexpr int kScale = 1;
#else
constexpr int kScale = 10;
#endif

// Of tiny nodes, so that a few entries make splits of all kinds and levels.
using TinyTree = BasicEntryTree<4, 3>;
using SmallTree = BasicEntryTree<16, 5>;

struct InternalLess {
  bool operator()(const std::string& a, const std::string& b) const {
    return CompareInternalKeys(a, b) < 0;
  }
};
using Model = std::map<std::string, std::string, InternalLess>;

uint64_t At(SequenceNumber sequence) {
  return PackTrailer(sequence, ValueType::kValue);
}

std::string Padded(uint64_t n) {
  std::string digits = std::to_string(n);
  return std::string(10 - digits.size(), '0') + digits;
}

std::string BigEndian(uint64_t n) {
  std::string key;
  for (int shift = 56; shift >= 0; shift -= 8) {
    key.push_back(static_cast<char>((n >> shift) & 0xff));
  }
  return key;
}

constexpr uint64_t kShapes = 6;

// Keys in the order of their numbers, but for shapes 4 and 5.
std::string KeyOfShape(uint64_t shape, uint64_t n) {
  switch (shape) {
    case 0:
      return Padded(n);
    case 1:
      return BigEndian(n * 0x0101010101010101u);
    case 2:  // The prefix has no room in a node.
      return std::string(60, 'p') + Padded(n);
    case 3:  // Some have room and some have not.
      return std::string(32, 'p') + Padded(n);
    case 4: {  // Short, and with zeros, which are also what a head lacks.
      std::string key;
      for (uint64_t rest = n / 4; rest > 0; rest /= 4) {
        key.push_back("\0\1a\377"[rest % 4]);
      }
      return key.append(n % 4, '\0');
    }
    default:  // The end of the prefix differs in length.
      return std::string(n % 50, 'p') + Padded(n).substr(7);
  }
}

template <typename Tree>
class EntryTreeTest : public testing::Test {};

using Trees = testing::Types<TinyTree, SmallTree, EntryTree>;
TYPED_TEST_SUITE(EntryTreeTest, Trees);

TYPED_TEST(EntryTreeTest, EmptyHasNothing) {
  Arena arena;
  TypeParam tree(&arena);
  typename TypeParam::Iterator it(&tree);
  EXPECT_FALSE(it.Valid());
  it.SeekToFirst();
  EXPECT_FALSE(it.Valid());
  it.SeekToLast();
  EXPECT_FALSE(it.Valid());
  it.Seek("", kMaxSequenceNumber);
  EXPECT_FALSE(it.Valid());
  EXPECT_EQ(tree.Find("", At(kMaxSequenceNumber)), nullptr);
  EXPECT_EQ(arena.memory_bytes(), 0u);
}

TYPED_TEST(EntryTreeTest, OrdersVersionsOfAKeyNewestFirst) {
  Arena arena;
  TypeParam tree(&arena);
  tree.Insert("b", At(5), "b5");
  tree.Insert("b", At(7), "b7");
  tree.Insert("a", At(6), "a6");
  tree.Insert("b", At(6), "b6");
  tree.Insert("ba", At(1), "ba1");
  typename TypeParam::Iterator it(&tree);
  std::string order;
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    order.append(it.value()).append(" ");
  }
  EXPECT_EQ(order, "a6 b7 b6 b5 ba1 ");
  it.Seek("b", At(6));
  EXPECT_EQ(it.value(), "b6");
  it.Seek("b", At(4));
  EXPECT_EQ(it.value(), "ba1");
  it.Prev();
  EXPECT_EQ(it.value(), "b5");
  it.SeekToFirst();
  it.Prev();
  EXPECT_FALSE(it.Valid());
  EXPECT_EQ(ValueOf(tree.Find("b", At(6))), "b6");
  EXPECT_EQ(tree.Find("b", At(4)), nullptr);
  EXPECT_EQ(ValueOf(tree.Find("ba", At(4))), "ba1");
}

TEST(EntryTreeDeathTest, RefusesADuplicate) {
  for (const bool is_last : {true, false}) {
    Arena arena;
    EntryTree tree(&arena);
    tree.Insert("a", At(1), "");
    if (!is_last) tree.Insert("z", At(2), "");
    EXPECT_DEATH(tree.Insert("a", At(1), "other"), "CHECK failed");
  }
}

// The walk of an iterator beside the one of a model's.
template <typename Tree>
class Walk {
 public:
  Walk(const Tree* tree, const Model* model)
      : it_(tree), model_(*model), at_(model_.end()) {}

  void Seek(const std::string& key, uint64_t trailer) {
    std::string target = key;
    PutFixed64(&target, trailer);
    it_.Seek(key, trailer);
    at_ = model_.lower_bound(target);
  }
  void SeekToFirst() {
    it_.SeekToFirst();
    at_ = model_.begin();
  }
  void SeekToLast() {
    it_.SeekToLast();
    at_ = model_.empty() ? model_.end() : std::prev(model_.end());
  }
  void Move(bool forward) {
    if (at_ == model_.end()) return;
    if (forward) {
      it_.Next();
      ++at_;
    } else {
      it_.Prev();
      at_ = at_ == model_.begin() ? model_.end() : std::prev(at_);
    }
  }
  bool Agrees() const {
    if (it_.Valid() != (at_ != model_.end())) return false;
    return !it_.Valid() ||
           (it_.internal_key() == at_->first && it_.value() == at_->second);
  }
  bool Valid() const { return at_ != model_.end(); }

 private:
  typename Tree::Iterator it_;
  const Model& model_;
  Model::const_iterator at_;
};

template <typename Tree>
void CheckAgainstMap() {
  Random random(*rc::gen::arbitrary<uint64_t>());
  const uint64_t runs = *rc::gen::inRange<uint64_t>(0, 60);
  const uint64_t shape = random.Uniform(kShapes);
  const uint64_t range = 1 + random.Uniform(2000);
  Arena arena;
  Tree tree(&arena);
  Model model;
  std::vector<Walk<Tree>> walks(3, Walk<Tree>(&tree, &model));
  SequenceNumber sequence = 2;
  for (uint64_t run = 0; run < runs; ++run) {
    // Single keys, and runs in order, up and down, also of versions.
    const uint64_t length = random.OneIn(2) ? 1 : 1 + random.Uniform(40);
    const uint64_t step = random.Uniform(3);
    const bool up = random.OneIn(2);
    uint64_t n = 100 + random.Uniform(range);
    for (uint64_t i = 0; i < length; ++i) {
      const std::string key = KeyOfShape(shape, n);
      const std::string value(random.Uniform(30), 'v');
      // Mostly, but not always, newer than all before.
      sequence += 2;
      const SequenceNumber own = random.OneIn(4) ? sequence - 3 : sequence;
      tree.Insert(key, At(own), value);
      model[MakeInternalKey(key, own, ValueType::kValue)] = value;
      n = up ? n + step : n - step;
      // Goal: an iterator goes on rightly whatever came since it last moved.
      for (Walk<Tree>& walk : walks) {
        if (random.OneIn(2)) continue;
        if (!walk.Valid()) {
          const std::string target = KeyOfShape(shape, random.Uniform(range));
          walk.Seek(target, At(random.Uniform(sequence + 2)));
        } else {
          walk.Move(!random.OneIn(3));
        }
        RC_ASSERT(walk.Agrees());
      }
    }
  }
  Walk<Tree> walk(&tree, &model);
  for (walk.SeekToFirst(); walk.Valid(); walk.Move(true)) {
    RC_ASSERT(walk.Agrees());
  }
  RC_ASSERT(walk.Agrees());
  for (walk.SeekToLast(); walk.Valid(); walk.Move(false)) {
    RC_ASSERT(walk.Agrees());
  }
  RC_ASSERT(walk.Agrees());
  for (int i = 0; i < 200; ++i) {
    const std::string key = KeyOfShape(shape, random.Uniform(range + 200));
    const uint64_t trailer = At(random.Uniform(sequence + 2));
    walk.Seek(key, trailer);
    RC_ASSERT(walk.Agrees());
    std::string target = key;
    PutFixed64(&target, trailer);
    const auto found = model.lower_bound(target);
    const bool is_there =
        found != model.end() && ExtractUserKey(found->first) == key;
    const Entry entry = tree.Find(key, trailer);
    RC_ASSERT((entry != nullptr) == is_there);
    if (is_there) RC_ASSERT(InternalKeyOf(entry) == found->first);
  }
}

// Goal: the same as std::map, whatever the keys, the order of insertion and the
// walk of an iterator beside it.
RC_GTEST_PROP(EntryTreeTest, TinyAgreesWithMap, ()) {
  CheckAgainstMap<TinyTree>();
}
RC_GTEST_PROP(EntryTreeTest, SmallAgreesWithMap, ()) {
  CheckAgainstMap<SmallTree>();
}
RC_GTEST_PROP(EntryTreeTest, AgreesWithMap, ()) {
  CheckAgainstMap<EntryTree>();
}

// Goal: keys in order leave full leaves behind, so a pointer and a head for
// each, and little more; keys in no order leave them full to more than 3/5.
TEST(EntryTreeTest, MemoryBesideTheEntriesIsBounded) {
  constexpr uint64_t kCount = 30000;
  constexpr uint64_t kIdle = 2 << 20;
  const auto bytes_for = [](auto key_of) {
    Arena arena;
    EntryTree tree(&arena);
    size_t payload = 0;
    for (uint64_t i = 0; i < kCount; ++i) {
      const std::string key = key_of(i);
      tree.Insert(key, At(i + 1), "");
      payload += key.size() + kTrailerBytes + 2;
    }
    return arena.memory_bytes() - payload;
  };
  constexpr size_t kOrdered = kCount * 20 + kIdle;
  EXPECT_LE(bytes_for([](uint64_t i) { return Padded(i); }), kOrdered);
  EXPECT_LE(bytes_for([](uint64_t i) { return Padded(kCount - i); }), kOrdered);
  EXPECT_LE(bytes_for([](uint64_t) { return std::string("k"); }), kOrdered);
  // Many runs at once.
  EXPECT_LE(bytes_for([](uint64_t i) { return Padded(i % 8 * kCount + i); }),
            kOrdered);
  EXPECT_LE(bytes_for([](uint64_t i) { return Padded((i * 40503) & 0xffff); }),
            kCount * 27 + kIdle);
}

// Goal: a reader always sees ordered and whole entries, and every entry that
// was inserted before it began, forward, backward and by search.
template <typename Tree>
void CheckReadersBesideAWriter(uint64_t count, uint64_t shape) {
  constexpr int kReaders = 2;
  Arena arena;
  Tree tree(&arena);
  std::atomic<uint64_t> done{0};  // Entries inserted.
  std::atomic<int> wrong{0};
  // Half of them in order, and half in none.
  const auto key_of = [shape](uint64_t i) {
    const uint64_t n = i % 2 == 0 ? i : ((i * 40503) & 0xffff) | 1;
    return KeyOfShape(shape, n);
  };
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    for (uint64_t i = 0; i < count; ++i) {
      const std::string key = key_of(i);
      tree.Insert(key, At(i + 1), key + "=value");
      done.store(i + 1, std::memory_order_release);
    }
  });
  for (int r = 0; r < kReaders; ++r) {
    threads.emplace_back([&, r] {
      Random random(static_cast<uint64_t>(r));
      bool last_round = false;
      for (int round = 0; !last_round; ++round) {
        const uint64_t before = done.load(std::memory_order_acquire);
        last_round = before == count;
        for (int probe = 0; before > 0 && probe < 200; ++probe) {
          const uint64_t i = random.Uniform(before);
          const std::string key = key_of(i);
          typename Tree::Iterator it(&tree);
          it.Seek(key, At(i + 1));
          if (!it.Valid() || it.value() != key + "=value") wrong.fetch_add(1);
          const Entry entry = tree.Find(key, At(i + 1));
          if (entry == nullptr || KeyOf(entry).trailer != At(i + 1)) {
            wrong.fetch_add(1);
          }
        }
        const bool forward = round % 2 == 0;
        uint64_t seen = 0;
        std::string previous;
        typename Tree::Iterator it(&tree);
        forward ? it.SeekToFirst() : it.SeekToLast();
        while (it.Valid()) {
          const std::string key(it.internal_key());
          if (!previous.empty() &&
              (CompareInternalKeys(previous, key) < 0) != forward) {
            wrong.fetch_add(1);
          }
          if (it.value() != std::string(ExtractUserKey(key)) + "=value") {
            wrong.fetch_add(1);
          }
          if (ExtractSequence(key) <= before) ++seen;
          previous = key;
          forward ? it.Next() : it.Prev();
        }
        if (seen != before) wrong.fetch_add(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0);
}

TYPED_TEST(EntryTreeTest, ReadersSeeEverythingInsertedBefore) {
  for (const uint64_t shape : {0u, 2u}) {
    CheckReadersBesideAWriter<TypeParam>(2000 * kScale, shape);
  }
}

}  // namespace
}  // namespace holdfast
