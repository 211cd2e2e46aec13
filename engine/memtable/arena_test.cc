#include "engine/memtable/arena.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "base/random.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

TEST(ArenaTest, UnusedHasReservedNothing) {
  Arena arena;
  EXPECT_EQ(arena.memory_bytes(), 0u);
}

TEST(ArenaTest, StartsSmallAndGrowsToTheLargestBlock) {
  Arena arena;
  arena.Allocate(1);
  EXPECT_EQ(arena.memory_bytes(), Arena::kMinBlockBytes);
  size_t largest_step = 0;
  size_t before = arena.memory_bytes();
  for (size_t used = 0; used < (16 << 20); used += 64) {
    arena.Allocate(64);
    largest_step = std::max(largest_step, arena.memory_bytes() - before);
    before = arena.memory_bytes();
  }
  EXPECT_EQ(largest_step, Arena::kMaxBlockBytes);
  EXPECT_LE(arena.memory_bytes(), (16 << 20) + 2 * Arena::kMaxBlockBytes);
}

TEST(ArenaTest, AllocatesLargeThingsApart) {
  Arena arena;
  arena.Allocate(8);
  const size_t before = arena.memory_bytes();
  char* const big = arena.Allocate(100 << 20);
  big[0] = 1;
  big[(100 << 20) - 1] = 1;
  EXPECT_EQ(arena.memory_bytes(), before + (100 << 20));
  // Goal: the block in use before goes on being used.
  arena.Allocate(8);
  EXPECT_EQ(arena.memory_bytes(), before + (100 << 20));
}

TEST(ArenaTest, StaysNearWhatIsUsedForMiddleSizes) {
  for (const size_t bytes : {300u, 1000u, 2000u, 5000u, 70000u, 300000u}) {
    Arena arena;
    size_t used = 0;
    for (int i = 0; i < 1000; ++i) {
      arena.Allocate(bytes);
      used += bytes;
    }
    EXPECT_GE(arena.memory_bytes(), used);
    EXPECT_LE(arena.memory_bytes(), used * 4 / 3 + (3 << 20)) << bytes;
  }
}

// Goal: whatever the sizes, allocations are aligned, keep their bytes and
// count in memory_bytes.
TEST(ArenaTest, AllocationsDoNotOverlap) {
  Random random(1);
  Arena arena;
  std::vector<std::pair<char*, size_t>> made;
  size_t sum = 0;
  for (int i = 0; i < 5000; ++i) {
    const size_t bytes = random.OneIn(100) ? 1 + random.Uniform(100000)
                                           : 1 + random.Uniform(300);
    char* const p = arena.Allocate(bytes);
    ASSERT_EQ(reinterpret_cast<uintptr_t>(p) % Arena::kAlignment, 0u);
    std::memset(p, i & 0xff, bytes);
    made.emplace_back(p, bytes);
    sum += bytes;
    ASSERT_GE(arena.memory_bytes(), sum);
  }
  for (size_t i = 0; i < made.size(); ++i) {
    const auto [p, bytes] = made[i];
    ASSERT_TRUE(std::all_of(p, p + bytes, [i](char c) {
      return c == static_cast<char>(i & 0xff);
    })) << i;
  }
}

TEST(ArenaTest, ManyThreadsAllocateWithoutOverlap) {
  constexpr int kThreads = 4;
  Arena arena;
  std::vector<std::vector<std::pair<char*, size_t>>> made(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      Random random(static_cast<uint64_t>(t));
      for (int i = 0; i < 10000; ++i) {
        const size_t bytes = random.OneIn(200) ? 1 + random.Uniform(20000)
                                               : 1 + random.Uniform(100);
        char* const p = arena.Allocate(bytes);
        std::memset(p, t, bytes);
        made[static_cast<size_t>(t)].emplace_back(p, bytes);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  size_t sum = 0;
  for (int t = 0; t < kThreads; ++t) {
    for (const auto& [p, bytes] : made[static_cast<size_t>(t)]) {
      sum += bytes;
      ASSERT_TRUE(std::all_of(p, p + bytes, [t](char c) { return c == t; }));
    }
  }
  EXPECT_GE(arena.memory_bytes(), sum);
}

}  // namespace
}  // namespace holdfast
