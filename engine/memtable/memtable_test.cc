#include "engine/memtable/memtable.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/random.h"
#include "engine/format/internal_key.h"
#include "engine/iter/internal_iterator.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

using Lookup = MemTable::Lookup;

Lookup GetAt(const MemTable& mem, std::string_view key,
             SequenceNumber sequence) {
  return mem.Get(LookupKey(key, sequence));
}

TEST(MemTableTest, StartsEmptyAndCostsNothing) {
  MemTable mem;
  EXPECT_TRUE(mem.empty());
  EXPECT_EQ(mem.entries(), 0u);
  EXPECT_EQ(mem.tombstones(), 0u);
  EXPECT_EQ(mem.memory_bytes(), 0u);
  EXPECT_EQ(mem.smallest_sequence(), 0u);
  EXPECT_EQ(mem.largest_sequence(), 0u);
  EXPECT_EQ(GetAt(mem, "a", kMaxSequenceNumber).kind, Lookup::kAbsent);
  EXPECT_FALSE(mem.NewIterator()->Valid());
}

TEST(MemTableTest, FindsTheNewestChangeAtOrBeforeTheNumber) {
  MemTable mem;
  mem.Add(10, ValueType::kValue, "k", "ten");
  mem.Add(30, ValueType::kDeletion, "k", "ignored");
  mem.Add(20, ValueType::kValue, "k", "twenty");
  EXPECT_EQ(GetAt(mem, "k", 9).kind, Lookup::kAbsent);
  EXPECT_EQ(GetAt(mem, "k", 10).value, "ten");
  EXPECT_EQ(GetAt(mem, "k", 10).sequence, 10u);
  EXPECT_EQ(GetAt(mem, "k", 19).value, "ten");
  EXPECT_EQ(GetAt(mem, "k", 20).value, "twenty");
  EXPECT_EQ(GetAt(mem, "k", 20).kind, Lookup::kValue);
  const Lookup deleted = GetAt(mem, "k", 99);
  EXPECT_EQ(deleted.kind, Lookup::kDeletion);
  EXPECT_EQ(deleted.sequence, 30u);
  EXPECT_EQ(deleted.value, "");
  // Goal: neighbours are not taken for it.
  EXPECT_EQ(GetAt(mem, "j", 99).kind, Lookup::kAbsent);
  EXPECT_EQ(GetAt(mem, "", 99).kind, Lookup::kAbsent);
  EXPECT_EQ(GetAt(mem, "kk", 99).kind, Lookup::kAbsent);
}

TEST(MemTableTest, CountsEntriesTombstonesAndSequences) {
  MemTable mem;
  mem.Add(7, ValueType::kValue, "b", "1");
  EXPECT_EQ(mem.smallest_sequence(), 7u);
  EXPECT_EQ(mem.largest_sequence(), 7u);
  mem.Add(9, ValueType::kDeletion, "a", "");
  mem.Add(5, ValueType::kValue, "c", "2");
  mem.Add(kMaxSequenceNumber, ValueType::kDeletion, "d", "");
  EXPECT_EQ(mem.entries(), 4u);
  EXPECT_EQ(mem.tombstones(), 2u);
  EXPECT_EQ(mem.smallest_sequence(), 5u);
  EXPECT_EQ(mem.largest_sequence(), kMaxSequenceNumber);
  EXPECT_FALSE(mem.empty());
}

TEST(MemTableTest, TakesEmptyAndBinaryKeysAndValues) {
  MemTable mem;
  const std::string zeros(3, '\0');
  const std::string high(3, '\xff');
  mem.Add(1, ValueType::kValue, "", "of the empty key");
  mem.Add(2, ValueType::kValue, "k", "");
  mem.Add(3, ValueType::kValue, zeros, high);
  mem.Add(4, ValueType::kValue, high, zeros);
  mem.Add(5, ValueType::kValue, std::string_view(), std::string_view());
  EXPECT_EQ(GetAt(mem, "", 4).value, "of the empty key");
  EXPECT_EQ(GetAt(mem, "", 5).kind, Lookup::kValue);
  EXPECT_EQ(GetAt(mem, "", 5).value, "");
  EXPECT_EQ(GetAt(mem, "k", 9).kind, Lookup::kValue);
  EXPECT_EQ(GetAt(mem, "k", 9).value, "");
  EXPECT_EQ(GetAt(mem, zeros, 9).value, high);
  EXPECT_EQ(GetAt(mem, high, 9).value, zeros);
  EXPECT_EQ(GetAt(mem, zeros.substr(1), 9).kind, Lookup::kAbsent);
}

TEST(MemTableTest, TakesLongKeysAndLargeValues) {
  MemTable mem;
  const std::string key_a = std::string(65535, 'k') + "a";
  const std::string key_b = std::string(65535, 'k') + "b";
  std::string value(100 << 20, 'v');
  value.back() = 'e';
  mem.Add(1, ValueType::kValue, key_b, "b");
  mem.Add(2, ValueType::kValue, key_a, value);
  EXPECT_EQ(GetAt(mem, key_b, 9).value, "b");
  EXPECT_EQ(GetAt(mem, key_a, 9).value, value);
  EXPECT_GE(mem.memory_bytes(), value.size() + 2 * 65536);
  EXPECT_LE(mem.memory_bytes(), value.size() + (1 << 20));
  const auto it = mem.NewIterator();
  it->SeekToFirst();
  ASSERT_TRUE(it->Valid());
  EXPECT_EQ(it->key(), MakeInternalKey(key_a, 2, ValueType::kValue));
  EXPECT_EQ(it->value(), value);
}

TEST(MemTableTest, MemoryIsAccountedFor) {
  MemTable mem;
  const std::string value(100, 'v');
  size_t payload = 0;
  for (SequenceNumber s = 1; s <= 20000; ++s) {
    const std::string key = std::to_string(s);
    mem.Add(s, ValueType::kValue, key, value);
    payload += key.size() + kTrailerBytes + value.size();
    ASSERT_GE(mem.memory_bytes(), payload);
  }
  // Nodes, lengths, and one block that is not full.
  EXPECT_LE(mem.memory_bytes(), payload + 20000 * 24 + (2 << 20));
}

TEST(MemTableTest, TheFilterCountsFromTheFirstAdd) {
  MemTable plain;
  MemTable mem(size_t{1} << 10);
  EXPECT_EQ(mem.memory_bytes(), 0u);
  plain.Add(1, ValueType::kValue, "k", "v");
  mem.Add(1, ValueType::kValue, "k", "v");
  EXPECT_EQ(mem.memory_bytes(), plain.memory_bytes() + (size_t{1} << 10));
  EXPECT_EQ(GetAt(mem, "k", 1).value, "v");
  EXPECT_EQ(GetAt(mem, "l", 1).kind, Lookup::kAbsent);
}

TEST(MemTableTest, ViewsOutliveTheIteratorsMoves) {
  MemTable mem;
  for (SequenceNumber s = 1; s <= 1000; ++s) {
    mem.Add(s, ValueType::kValue, std::to_string(s), std::to_string(s));
  }
  std::vector<std::pair<std::string_view, std::string_view>> views;
  {
    const auto it = mem.NewIterator();
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      views.emplace_back(it->key(), it->value());
    }
    EXPECT_TRUE(it->status().ok());
  }
  ASSERT_EQ(views.size(), 1000u);
  for (const auto& [key, value] : views) {
    EXPECT_EQ(ExtractUserKey(key), value);
  }
}

TEST(MemTableDeathTest, RefusesASequenceNumberGivenTwice) {
  MemTable mem;
  mem.Add(1, ValueType::kValue, "k", "one");
  EXPECT_DEATH(mem.Add(1, ValueType::kValue, "k", "two"), "CHECK failed");
  EXPECT_DEATH(mem.Add(kMaxSequenceNumber + 1, ValueType::kValue, "k", ""),
               "CHECK failed");
}

// Goal: as a map from key to its versions, for every number asked.
RC_GTEST_PROP(MemTableTest, AgreesWithMap, ()) {
  Random random(*rc::gen::arbitrary<uint64_t>());
  const SequenceNumber changes = *rc::gen::inRange<SequenceNumber>(0, 200);
  // Without a filter, with one that is much too small, and with one.
  MemTable mem(*rc::gen::element<size_t>(0, 8, 4096));
  // nullopt: deleted.
  std::map<std::string, std::map<SequenceNumber, std::optional<std::string>>>
      model;
  uint64_t tombstones = 0;
  for (SequenceNumber s = 1; s <= changes; ++s) {
    const std::string key(random.Uniform(4),
                          static_cast<char>('a' + random.Uniform(5)));
    if (random.OneIn(4)) {
      mem.Add(s, ValueType::kDeletion, key, "");
      model[key][s] = std::nullopt;
      ++tombstones;
    } else {
      const std::string value = std::to_string(random.Next64());
      mem.Add(s, ValueType::kValue, key, value);
      model[key][s] = value;
    }
  }
  RC_ASSERT(mem.entries() == changes);
  RC_ASSERT(mem.tombstones() == tombstones);
  RC_ASSERT(mem.largest_sequence() == changes);
  RC_ASSERT(mem.smallest_sequence() == (changes == 0 ? 0 : 1));
  for (const auto& [key, versions] : model) {
    for (SequenceNumber s = 0; s <= changes + 1; ++s) {
      const Lookup found = GetAt(mem, key, s);
      auto it = versions.upper_bound(s);
      if (it == versions.begin()) {
        RC_ASSERT(found.kind == Lookup::kAbsent);
        continue;
      }
      --it;
      RC_ASSERT(found.sequence == it->first);
      RC_ASSERT(found.kind ==
                (it->second ? Lookup::kValue : Lookup::kDeletion));
      if (it->second) RC_ASSERT(found.value == *it->second);
    }
  }
  // The iterator: keys ascending, versions descending, there and back.
  std::vector<std::string> expected;
  for (const auto& [key, versions] : model) {
    for (auto it = versions.rbegin(); it != versions.rend(); ++it) {
      expected.push_back(MakeInternalKey(
          key, it->first,
          it->second ? ValueType::kValue : ValueType::kDeletion));
    }
  }
  const std::unique_ptr<InternalIterator> it = mem.NewIterator();
  std::vector<std::string> forward;
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    forward.emplace_back(it->key());
  }
  RC_ASSERT(forward == expected);
  std::vector<std::string> backward;
  for (it->SeekToLast(); it->Valid(); it->Prev()) {
    backward.insert(backward.begin(), std::string(it->key()));
  }
  RC_ASSERT(backward == expected);
  for (const std::string& target : expected) {
    it->Seek(target);
    RC_ASSERT(it->Valid());
    RC_ASSERT(it->key() == target);
  }
}

// Goal: who sees a number published sees the changes up to it, beside the one
// who adds.
TEST(MemTableTest, ReadersSeeWhatWasPublished) {
  constexpr uint64_t kChanges = 9000;
  constexpr uint64_t kKeys = 50;
  MemTable mem(size_t{64} << 10);
  std::atomic<SequenceNumber> visible{0};
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (uint64_t r = 0; r < 2; ++r) {
    readers.emplace_back([&, r] {
      Random random(r);
      for (SequenceNumber s = 0; s < kChanges;) {
        s = visible.load(std::memory_order_acquire);
        if (s <= kKeys) continue;
        // The newest of the changes up to s that were to this key.
        const SequenceNumber expected = s - random.Uniform(kKeys);
        const Lookup found = GetAt(mem, std::to_string(expected % kKeys), s);
        const bool deleted = expected % 3 == 0;
        if (found.sequence != expected ||
            found.kind != (deleted ? Lookup::kDeletion : Lookup::kValue) ||
            (!deleted && found.value != std::to_string(expected))) {
          wrong.fetch_add(1);
        }
      }
    });
  }
  for (SequenceNumber s = 1; s <= kChanges; ++s) {
    mem.Add(s, s % 3 == 0 ? ValueType::kDeletion : ValueType::kValue,
            std::to_string(s % kKeys), std::to_string(s));
    visible.store(s, std::memory_order_release);
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_EQ(mem.entries(), kChanges);
  EXPECT_EQ(mem.tombstones(), kChanges / 3);
  EXPECT_EQ(mem.smallest_sequence(), 1u);
  EXPECT_EQ(mem.largest_sequence(), kChanges);
}

}  // namespace
}  // namespace holdfast
