#include "engine/db/replay_buffer.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
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

}  // namespace
}  // namespace holdfast
