#include "engine/cache/sharded_cache.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "base/random.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

#ifdef HOLDFAST_SANITIZER
constexpr int kScale = 1;
#else
constexpr int kScale = 5;
#endif

using Cache = ShardedCache<int>;

std::shared_ptr<const int> Int(int value) {
  return std::make_shared<const int>(value);
}

TEST(ShardedCacheTest, GivesBackWhatWasInserted) {
  Cache cache(1000);
  EXPECT_EQ(cache.Lookup({1, 2}), nullptr);
  const auto stored = cache.Insert({1, 2}, Int(7), 10);
  EXPECT_EQ(cache.Lookup({1, 2}), stored);
  EXPECT_EQ(cache.Lookup({2, 1}), nullptr);
  EXPECT_EQ(cache.Lookup({1, 3}), nullptr);
  EXPECT_EQ(cache.charge(), 10u);
  EXPECT_EQ(cache.entries(), 1u);
  EXPECT_EQ(cache.hits(), 1u);
  EXPECT_EQ(cache.misses(), 3u);
}

TEST(ShardedCacheTest, InsertReturnsTheOneThatIsThere) {
  Cache cache(1000);
  const auto first = cache.Insert({1, 1}, Int(1), 10);
  const auto second = cache.Insert({1, 1}, Int(2), 20);
  EXPECT_EQ(second, first);
  EXPECT_EQ(cache.charge(), 10u);
  EXPECT_EQ(cache.entries(), 1u);
}

TEST(ShardedCacheTest, HasRoomWhileNothingNeedsToGo) {
  Cache cache(1600);
  for (uint64_t i = 0; i < 14; ++i) {
    EXPECT_TRUE(cache.HasRoomFor({1, i}, 100)) << i;
    cache.Insert({1, i}, Int(1), 100);
  }
  EXPECT_FALSE(cache.HasRoomFor({1, 14}, 100));  // 100 are to spare.
  EXPECT_TRUE(cache.HasRoomFor({1, 14}, 99));
  EXPECT_FALSE(Cache(0).HasRoomFor({1, 1}, 1));
}

TEST(ShardedCacheTest, StoresNothingAtCapacityZero) {
  Cache cache(0);
  const auto value = cache.Insert({1, 1}, Int(1), 1);
  EXPECT_EQ(*value, 1);
  EXPECT_EQ(cache.Lookup({1, 1}), nullptr);
  EXPECT_EQ(cache.charge(), 0u);
  EXPECT_EQ(cache.entries(), 0u);
  cache.Erase({1, 1});
}

TEST(ShardedCacheTest, DoesNotStoreWhatIsLargerThanAShard) {
  Cache cache(100);
  cache.Insert({1, 1}, Int(1), 60);
  const auto big = cache.Insert({1, 2}, Int(2), 101);
  EXPECT_EQ(*big, 2);
  EXPECT_EQ(cache.Lookup({1, 2}), nullptr);
  EXPECT_NE(cache.Lookup({1, 1}), nullptr);  // Nothing was evicted for it.
  cache.Insert({1, 3}, Int(3), 100);         // Just fits, alone.
  EXPECT_NE(cache.Lookup({1, 3}), nullptr);
  EXPECT_EQ(cache.charge(), 100u);
  EXPECT_EQ(cache.entries(), 1u);
}

TEST(ShardedCacheTest, AFullCacheWantsASecondMiss) {
  Cache cache(1000);
  bool worth = false;
  for (uint64_t i = 0; i < 94; ++i) {
    cache.Lookup({1, i}, &worth);
    EXPECT_TRUE(worth) << i;  // There is room.
    cache.Insert({1, i}, Int(1), 10);
    EXPECT_NE(cache.Lookup({1, i}, &worth), nullptr);
  }
  for (int times = 0; times < 3; ++times) {
    cache.Lookup({2, 7}, &worth);
    EXPECT_FALSE(worth);
    cache.Lookup({2, 7}, &worth);
    EXPECT_TRUE(worth);
  }
  // What was missed long ago does not count.
  cache.Lookup({2, 7}, &worth);
  int seen_before = 0;
  for (uint64_t i = 0; i < 2000; ++i) {
    cache.Lookup({3, i}, &worth);
    seen_before += worth;
  }
  EXPECT_LT(seen_before, 10);
  cache.Lookup({2, 7}, &worth);
  EXPECT_FALSE(worth);
  EXPECT_EQ(cache.entries(), 94u);
}

TEST(ShardedCacheTest, NothingIsWorthStoringAtCapacityZero) {
  Cache cache(0);
  for (int times = 0; times < 3; ++times) {
    bool worth = true;
    cache.Lookup({1, 1}, &worth);
    EXPECT_FALSE(worth);
  }
}

TEST(ShardedCacheTest, EvictedValueLivesWhileHeld) {
  Cache cache(10);
  std::shared_ptr<const int> held = cache.Insert({1, 1}, Int(1), 10);
  std::weak_ptr<const int> not_held = cache.Insert({1, 2}, Int(2), 10);
  EXPECT_EQ(cache.Lookup({1, 1}), nullptr);
  EXPECT_EQ(*held, 1);
  cache.Insert({1, 3}, Int(3), 10);
  EXPECT_TRUE(not_held.expired());
}

TEST(ShardedCacheTest, EraseForgetsAndUncharges) {
  Cache cache(100);
  const auto held = cache.Insert({1, 1}, Int(1), 30);
  cache.Insert({1, 2}, Int(2), 40);
  cache.Erase({1, 1});
  cache.Erase({1, 1});
  cache.Erase({9, 9});
  EXPECT_EQ(cache.Lookup({1, 1}), nullptr);
  EXPECT_EQ(*held, 1);
  EXPECT_EQ(cache.charge(), 40u);
  cache.Insert({1, 1}, Int(5), 60);
  EXPECT_EQ(*cache.Lookup({1, 1}), 5);
  EXPECT_EQ(*cache.Lookup({1, 2}), 2);
}

// Goal: a scan through many keys does not push out what is looked up between.
TEST(ShardedCacheTest, KeepsWhatIsInUseThroughAScan) {
  Cache cache(100);
  for (uint64_t i = 0; i < 5; ++i) cache.Insert({1, i}, Int(1), 10);
  for (uint64_t n = 0; n < 1000; ++n) {
    for (uint64_t i = 0; i < 5; ++i) {
      ASSERT_NE(cache.Lookup({1, i}), nullptr) << n;
    }
    cache.Insert({2, n}, Int(2), 10);
  }
}

// Goal: an entry that is not looked up goes, even if it was once in use.
TEST(ShardedCacheTest, ForgetsWhatIsNoLongerInUse) {
  Cache cache(100);
  cache.Insert({1, 0}, Int(1), 10);
  EXPECT_NE(cache.Lookup({1, 0}), nullptr);
  for (uint64_t n = 0; n < 60; ++n) cache.Insert({2, n}, Int(2), 10);
  EXPECT_EQ(cache.Lookup({1, 0}), nullptr);
  EXPECT_EQ(cache.charge(), 100u);
}

// Goal: what is stored stays where it is found, however many were taken from
// around it.
TEST(ShardedCacheTest, FindsAllThatIsStored) {
  constexpr uint64_t kKeys = 3000;
  Cache cache(kKeys);
  Random random(1);
  std::map<uint64_t, int> model;
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t key = random.Uniform(kKeys);
    if (random.OneIn(2)) {
      cache.Insert({key, 0}, Int(i), 1);
      model.emplace(key, i);
    } else {
      cache.Erase({key, 0});
      model.erase(key);
    }
  }
  ASSERT_EQ(cache.entries(), model.size());
  for (uint64_t key = 0; key < kKeys; ++key) {
    const auto found = cache.Lookup({key, 0});
    const auto it = model.find(key);
    ASSERT_EQ(found != nullptr, it != model.end()) << key;
    if (found != nullptr) ASSERT_EQ(*found, it->second) << key;
  }
}

TEST(ShardedCacheTest, UsesAllShardsOfALargeCache) {
  // Goal: with 16 shards nearly all of the capacity can be used.
  constexpr size_t kCapacity = 16 * Cache::kMinShardBytes + 7;
  Cache cache(kCapacity);
  for (uint64_t i = 0; i < 8192; ++i) {
    cache.Insert({i % 7, i * 4096}, Int(0), 4096);
    ASSERT_LE(cache.charge(), kCapacity);
  }
  EXPECT_GE(cache.charge(), kCapacity - 16 * 4096 - 7);
}

TEST(ShardedCacheTest, DropsValuesWithoutTheLock) {
  // Goal: a value's destructor may use the cache (it would deadlock).
  struct Nested {
    explicit Nested(ShardedCache<Nested>* owner) : cache(owner) {}
    ~Nested() { cache->Lookup({1, 1}); }
    ShardedCache<Nested>* const cache;
  };
  ShardedCache<Nested> cache(10);
  cache.Insert({1, 1}, std::make_shared<const Nested>(&cache), 10);
  cache.Insert({1, 1}, std::make_shared<const Nested>(&cache), 10);
  cache.Insert({1, 2}, std::make_shared<const Nested>(&cache), 10);
  cache.Insert({1, 3}, std::make_shared<const Nested>(&cache), 11);
  cache.Erase({1, 2});
  EXPECT_EQ(cache.hits() + cache.misses(), 4u);
}

TEST(ShardedCacheDeathTest, RefusesNullAndChargeZero) {
  Cache cache(10);
  EXPECT_DEATH(cache.Insert({1, 1}, nullptr, 1), "CHECK failed");
  EXPECT_DEATH(cache.Insert({1, 1}, Int(1), 0), "CHECK failed");
}

// Goal: against a model that knows what was stored last for each key: a hit
// gives that, charge and count are those of what can be found, and the
// capacity is never passed.
RC_GTEST_PROP(ShardedCacheTest, AgreesWithModel, ()) {
  const size_t capacity = *rc::gen::inRange<size_t>(0, 60);
  const int ops = *rc::gen::inRange(1, 300);
  Random random(*rc::gen::arbitrary<uint64_t>());
  Cache cache(capacity);
  struct Stored {
    std::shared_ptr<const int> value;
    size_t charge;
  };
  std::map<uint64_t, Stored> model;  // May hold what was evicted since.
  uint64_t lookups = 0;
  const auto find = [&](uint64_t key) {
    ++lookups;
    const auto found = cache.Lookup({key, ~key});
    const auto it = model.find(key);
    if (found == nullptr) {
      if (it != model.end()) model.erase(it);
    } else {
      RC_ASSERT(it != model.end());
      RC_ASSERT(found == it->second.value);
    }
    return found;
  };
  for (int i = 0; i < ops; ++i) {
    const uint64_t key = random.Uniform(16);
    switch (random.Uniform(4)) {
      case 0:
        find(key);
        break;
      case 1:
        cache.Erase({key, ~key});
        model.erase(key);
        break;
      default: {
        const size_t charge = 1 + random.Uniform(30);
        const auto before = find(key);
        const auto value = Int(i);
        const auto winner = cache.Insert({key, ~key}, value, charge);
        RC_ASSERT(winner == (before != nullptr ? before : value));
        if (before == nullptr && charge <= capacity) {
          model[key] = {value, charge};
          RC_ASSERT(find(key) == value);
        }
      }
    }
    RC_ASSERT(cache.charge() <= capacity);
  }
  size_t charge = 0;
  size_t entries = 0;
  for (uint64_t key = 0; key < 16; ++key) {
    if (find(key) == nullptr) continue;
    charge += model[key].charge;
    ++entries;
  }
  RC_ASSERT(cache.charge() == charge);
  RC_ASSERT(cache.entries() == entries);
  RC_ASSERT(cache.hits() + cache.misses() == lookups);
}

// Goal: under contention every value found is one made for that key, and the
// capacity holds at every moment.
TEST(ShardedCacheTest, StressFromManyThreads) {
  constexpr size_t kCapacity = 4 * Cache::kMinShardBytes;
  constexpr size_t kCharge = 16 << 10;
  constexpr int kThreads = 4;
  constexpr uint64_t kOps = 4000 * kScale;
  ShardedCache<uint64_t> cache(kCapacity, 2);
  std::atomic<uint64_t> wrong{0};
  std::atomic<uint64_t> lookups{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      Random random(static_cast<uint64_t>(t));
      uint64_t own_lookups = 0;
      for (uint64_t i = 0; i < kOps; ++i) {
        const CacheKey key{random.Uniform(4), random.Uniform(64)};
        const uint64_t expected = key.file * 1000 + key.part;
        ++own_lookups;
        auto value = cache.Lookup(key);
        if (value == nullptr) {
          value = cache.Insert(key, std::make_shared<const uint64_t>(expected),
                               kCharge);
        }
        if (*value != expected) wrong.fetch_add(1);
        if (i % 16 == 0) cache.Erase(key);
        if (i % 64 == 0 && cache.charge() > kCapacity) wrong.fetch_add(1);
      }
      lookups.fetch_add(own_lookups);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0u);
  EXPECT_EQ(cache.hits() + cache.misses(), lookups.load());
  EXPECT_EQ(cache.charge(), cache.entries() * kCharge);
}

}  // namespace
}  // namespace holdfast
