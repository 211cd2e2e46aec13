#include "engine/db/replay_buffer.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "engine/cache/memory_env.h"
#include "engine/cache/page_pool.h"
#include "engine/format/internal_key.h"
#include "engine/iter/internal_iterator.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

using Entries = std::vector<std::pair<std::string, std::string>>;

Entries ReadAll(InternalIterator& iterator) {
  Entries entries;
  for (iterator.SeekToFirst(); iterator.Valid(); iterator.Next()) {
    entries.emplace_back(iterator.key(), iterator.value());
  }
  EXPECT_TRUE(iterator.status().ok());
  return entries;
}

TEST(ReplayBufferTest, BeginsEmpty) {
  ReplayBuffer buffer;
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.memory_bytes(), 0u);
  const auto iterator = buffer.NewIterator();
  iterator->SeekToFirst();
  EXPECT_FALSE(iterator->Valid());
  iterator->SeekToLast();
  EXPECT_FALSE(iterator->Valid());
}

// Goal: the order of internal keys, whatever the keys have in common: nothing,
// a beginning, one being the beginning of the other, zeros at the end.
TEST(ReplayBufferTest, SortsAnyKeys) {
  Random random(7);
  for (const char* beginning : {"", "user", "0000000000", "a long beginning"}) {
    for (int round = 0; round < 30; ++round) {
      ReplayBuffer buffer;
      Entries expected;
      const uint64_t count = random.Uniform(400);
      for (SequenceNumber sequence = 1; sequence <= count; ++sequence) {
        std::string key = beginning;
        for (uint64_t i = random.Uniform(12); i > 0; --i) {
          key.push_back(static_cast<char>(
              random.OneIn(3) ? 0 : 'a' + random.Uniform(round < 20 ? 3 : 26)));
        }
        if (random.OneIn(50)) key = key.substr(0, random.Uniform(3));
        if (random.OneIn(9)) key.push_back('\xff');
        const bool deletes = random.OneIn(4);
        const std::string value(random.Uniform(random.OneIn(20) ? 9000 : 20),
                                static_cast<char>('A' + sequence % 26));
        const ValueType type =
            deletes ? ValueType::kDeletion : ValueType::kValue;
        buffer.Add(sequence, type, key, value);
        expected.emplace_back(MakeInternalKey(key, sequence, type),
                              deletes ? "" : value);
      }
      std::sort(expected.begin(), expected.end(),
                [](const auto& a, const auto& b) {
                  return CompareInternalKeys(a.first, b.first) < 0;
                });
      EXPECT_EQ(buffer.entries(), count);
      const auto iterator = buffer.NewIterator();
      ASSERT_TRUE(ReadAll(*iterator) == expected);
      // The other ways to move.
      size_t back = expected.size();
      for (iterator->SeekToLast(); iterator->Valid(); iterator->Prev()) {
        ASSERT_EQ(iterator->key(), expected[--back].first);
      }
      EXPECT_EQ(back, 0u);
      for (const auto& [key, value] : expected) {
        iterator->Seek(key);
        ASSERT_TRUE(iterator->Valid());
        ASSERT_EQ(iterator->key(), key);
      }
    }
  }
}

// Goal: many entries, which are sorted digit by digit: heads that vary in few
// bits anywhere, in all of them, and many entries with one head or one key.
TEST(ReplayBufferTest, SortsManyEntries) {
  Random random(11);
  for (const uint64_t varying :
       {uint64_t{0}, uint64_t{1}, uint64_t{1} << 63, uint64_t{0x0f0f0f0f0f0f},
        uint64_t{0x700} << 32, ~uint64_t{0}}) {
    for (const uint64_t suffixes : {1, 5}) {
      ReplayBuffer buffer;
      std::vector<std::string> expected;
      for (SequenceNumber sequence = 1; sequence <= 5000; ++sequence) {
        uint64_t head = random.Next64() & varying;
        if (random.OneIn(3)) head &= 0xff00ff00ff00ff00;
        std::string key = "k";
        for (int shift = 56; shift >= 0; shift -= 8) {
          key.push_back(static_cast<char>(head >> shift));
        }
        key.push_back(static_cast<char>('a' + random.Uniform(suffixes)));
        buffer.Add(sequence, ValueType::kValue, key, "");
        expected.push_back(MakeInternalKey(key, sequence, ValueType::kValue));
      }
      std::sort(expected.begin(), expected.end(),
                [](const std::string& a, const std::string& b) {
                  return CompareInternalKeys(a, b) < 0;
                });
      const auto iterator = buffer.NewIterator();
      iterator->SeekToFirst();
      for (const std::string& key : expected) {
        ASSERT_TRUE(iterator->Valid());
        ASSERT_EQ(iterator->key(), key);
        iterator->Next();
      }
      EXPECT_FALSE(iterator->Valid());
    }
  }
}

TEST(ReplayBufferTest, CountsItsMemoryAndCanBeUsedAgain) {
  ReplayBuffer buffer;
  buffer.Add(1, ValueType::kValue, "b", std::string(1000, 'v'));
  buffer.Add(2, ValueType::kDeletion, "c", "not kept");
  EXPECT_GT(buffer.memory_bytes(), 1000u);
  EXPECT_LT(buffer.memory_bytes(), 1200u);
  buffer.Clear();
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.memory_bytes(), 0u);
  buffer.Add(3, ValueType::kValue, "a", "1");
  EXPECT_EQ(ReadAll(*buffer.NewIterator()),
            (Entries{{MakeInternalKey("a", 3, ValueType::kValue), "1"}}));
}

// Goal: a large one has large pages, and Clear gives them back.
TEST(ReplayBufferTest, TakesLargePagesAndGivesThemBack) {
  MemoryEnv env;
  PagePool pages(&env, /*max_idle_bytes=*/0);
  ReplayBuffer buffer(&pages);
  SequenceNumber sequence = 0;
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(env.taken.empty());
    for (int i = 0; i < 1000; ++i) {
      buffer.Add(++sequence, ValueType::kValue, "key",
                 std::string(10'000, 'v'));
    }
    EXPECT_GT(buffer.memory_bytes(), size_t{10'000'000});
    EXPECT_GE(env.taken.size(), 3u);
    EXPECT_LE(env.taken.size(), 5u);
    buffer.Clear();
  }
  EXPECT_TRUE(env.taken.empty());
}

}  // namespace
}  // namespace holdfast
