#include "engine/memtable/skiplist.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/random.h"
#include "engine/format/internal_key.h"
#include "engine/memtable/arena.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

#ifdef HOLDFAST_SANITIZER
constexpr int kScale = 1;
#else
constexpr int kScale = 10;
#endif

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

TEST(SkipListTest, EmptyHasNothing) {
  Arena arena;
  SkipList list(&arena);
  SkipList::Iterator it(&list);
  EXPECT_FALSE(it.Valid());
  it.SeekToFirst();
  EXPECT_FALSE(it.Valid());
  it.SeekToLast();
  EXPECT_FALSE(it.Valid());
  it.Seek("", kMaxSequenceNumber);
  EXPECT_FALSE(it.Valid());
  EXPECT_EQ(arena.memory_bytes(), 0u);
}

TEST(SkipListTest, OrdersVersionsOfAKeyNewestFirst) {
  Arena arena;
  SkipList list(&arena);
  list.Insert("b", At(5), "b5");
  list.Insert("b", At(7), "b7");
  list.Insert("a", At(6), "a6");
  list.Insert("b", At(6), "b6");
  list.Insert("ba", At(1), "ba1");
  SkipList::Iterator it(&list);
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
}

TEST(SkipListDeathTest, RefusesADuplicate) {
  for (const bool hint_is_near : {true, false}) {
    Arena arena;
    SkipList list(&arena);
    list.Insert("a", At(1), "");
    if (!hint_is_near) list.Insert("z", At(2), "");
    EXPECT_DEATH(list.Insert("a", At(1), "other"), "CHECK failed");
  }
}

// Goal: the same as std::map, whatever the order of insertion (single keys and
// runs in order, which take the hint) and whatever walk an iterator takes.
RC_GTEST_PROP(SkipListTest, AgreesWithMap, ()) {
  Random random(*rc::gen::arbitrary<uint64_t>());
  const uint64_t runs = *rc::gen::inRange<uint64_t>(0, 60);
  Arena arena;
  SkipList list(&arena, random.Next64());
  Model model;
  SequenceNumber sequence = 0;
  for (uint64_t run = 0; run < runs; ++run) {
    uint64_t n = random.Uniform(200);
    const uint64_t length = 1 + random.Uniform(10);
    const uint64_t step = random.Uniform(3);  // 0: versions of one key.
    for (uint64_t i = 0; i < length; ++i, n += step) {
      const std::string key(Padded(n).substr(0, 7 + random.Uniform(4)));
      const std::string value(random.Uniform(200), 'v');
      ++sequence;
      list.Insert(key, At(sequence), value);
      model[MakeInternalKey(key, sequence, ValueType::kValue)] = value;
    }
  }
  SkipList::Iterator it(&list);
  auto at = model.begin();
  for (it.SeekToFirst(); it.Valid(); it.Next(), ++at) {
    RC_ASSERT(at != model.end());
    RC_ASSERT(it.internal_key() == at->first);
    RC_ASSERT(it.value() == at->second);
  }
  RC_ASSERT(at == model.end());
  for (int move = 0; move < 200; ++move) {
    switch (random.Uniform(6)) {
      case 0: {
        const std::string key = Padded(random.Uniform(220));
        const uint64_t trailer = At(random.Uniform(sequence + 2));
        std::string target = key;
        PutFixed64(&target, trailer);
        it.Seek(key, trailer);
        at = model.lower_bound(target);
        break;
      }
      case 1:
        it.SeekToLast();
        at = model.empty() ? model.end() : std::prev(model.end());
        break;
      case 2:
      case 3:
        if (at == model.end()) continue;
        it.Next();
        ++at;
        break;
      default:
        if (at == model.end()) continue;
        it.Prev();
        at = at == model.begin() ? model.end() : std::prev(at);
    }
    RC_ASSERT(it.Valid() == (at != model.end()));
    if (it.Valid()) RC_ASSERT(it.internal_key() == at->first);
  }
}

// Goal: every insertion of every thread arrives once, in order.
// Method: the first two threads insert ascending keys and fight for the hint,
// the others insert in random order.
TEST(SkipListTest, ConcurrentInsertionsAllArrive) {
  constexpr uint64_t kThreads = 4;
  constexpr uint64_t kEach = 2000 * kScale;
  Arena arena;
  SkipList list(&arena);
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&list, t] {
      // An odd factor permutes the numbers modulo 2^16.
      const uint64_t factor = t < 2 ? 1 : 40503;
      for (uint64_t i = 0; i < kEach; ++i) {
        const uint64_t n = ((i * factor) & 0xffff) * kThreads + t;
        list.Insert(Padded(n), At(1), Padded(n));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  uint64_t count = 0;
  std::string previous;
  SkipList::Iterator it(&list);
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    const std::string_view key = ExtractUserKey(it.internal_key());
    ASSERT_LT(previous, key);
    ASSERT_EQ(it.value(), key);
    previous = key;
    ++count;
  }
  EXPECT_EQ(count, kThreads * kEach);
  for (uint64_t t = 0; t < kThreads; ++t) {
    const uint64_t factor = t < 2 ? 1 : 40503;
    for (uint64_t i = 0; i < kEach; ++i) {
      const std::string key = Padded(((i * factor) & 0xffff) * kThreads + t);
      it.Seek(key, At(kMaxSequenceNumber));
      ASSERT_TRUE(it.Valid());
      ASSERT_EQ(it.value(), key);
    }
  }
}

// Goal: a reader always sees an ordered list with whole entries, and every
// entry that was inserted before it began, forward, backward and by search.
TEST(SkipListTest, ReadersSeeEverythingInsertedBefore) {
  constexpr uint64_t kWriters = 2;
  constexpr int kReaders = 2;
  constexpr uint64_t kEach = 1500 * kScale;
  Arena arena;
  SkipList list(&arena);
  // Writer w has inserted the first done[w] of its keys.
  std::atomic<uint64_t> done[kWriters] = {};
  std::atomic<int> wrong{0};
  const auto key_of = [](uint64_t writer, uint64_t i) {
    return Padded((writer == 0 ? i : (i * 40503) & 0xffff) * kWriters + writer);
  };
  std::vector<std::thread> threads;
  for (uint64_t w = 0; w < kWriters; ++w) {
    threads.emplace_back([&, w] {
      for (uint64_t i = 0; i < kEach; ++i) {
        const std::string key = key_of(w, i);
        list.Insert(key, At(1), key + "=value");
        done[w].store(i + 1, std::memory_order_release);
      }
    });
  }
  for (int r = 0; r < kReaders; ++r) {
    threads.emplace_back([&, r] {
      Random random(static_cast<uint64_t>(r));
      bool last_round = false;
      for (int round = 0; !last_round; ++round) {
        uint64_t before[kWriters];
        uint64_t sum = 0;
        for (uint64_t w = 0; w < kWriters; ++w) {
          before[w] = done[w].load(std::memory_order_acquire);
          sum += before[w];
        }
        last_round = sum == kWriters * kEach;
        for (int probe = 0; probe < 200; ++probe) {
          const uint64_t w = random.Uniform(kWriters);
          if (before[w] == 0) continue;
          const std::string key = key_of(w, random.Uniform(before[w]));
          SkipList::Iterator it(&list);
          it.Seek(key, At(kMaxSequenceNumber));
          if (!it.Valid() || it.value() != key + "=value") wrong.fetch_add(1);
        }
        const bool forward = round % 8 != 0 || last_round;
        if (!forward && sum > 3000) continue;  // O(n log n).
        uint64_t seen[kWriters] = {};
        std::string previous;
        SkipList::Iterator it(&list);
        forward ? it.SeekToFirst() : it.SeekToLast();
        while (it.Valid()) {
          const std::string key(ExtractUserKey(it.internal_key()));
          if (!previous.empty() && (previous < key) != forward) {
            wrong.fetch_add(1);
          }
          if (it.value() != key + "=value") wrong.fetch_add(1);
          ++seen[(key.back() - '0') % kWriters];
          previous = key;
          forward ? it.Next() : it.Prev();
        }
        for (uint64_t w = 0; w < kWriters; ++w) {
          if (seen[w] < before[w]) wrong.fetch_add(1);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0);
}

}  // namespace
}  // namespace holdfast
