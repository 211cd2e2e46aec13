#include "engine/memtable/arena.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "base/random.h"
#include "engine/cache/memory_env.h"
#include "engine/cache/page_pool.h"
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

TEST(ArenaTest, BytesAndNodesShareABlock) {
  Arena arena;
  char* const node = arena.AllocateNode(128);
  char* const first = arena.Allocate(3);
  char* const second = arena.Allocate(5);
  EXPECT_EQ(second, first + 3);
  EXPECT_EQ(arena.AllocateNode(100), node - 128);
  EXPECT_EQ(arena.memory_bytes(), Arena::kMinBlockBytes);
}

TEST(ArenaTest, TakesLargePagesOnlyWhenItIsLarge) {
  constexpr size_t kPage = PagePool::kPageBytes;
  MemoryEnv env;
  PagePool pages(&env, 2 * kPage);
  {
    Arena arena(&pages);
    while (arena.memory_bytes() < kPage) arena.Allocate(100);
    EXPECT_EQ(env.asked, 0u);
    for (size_t used = 0; used < 6 * kPage; used += 100) {
      arena.Allocate(50);
      arena.AllocateNode(50);
    }
    EXPECT_GE(env.asked, 5u);
    EXPECT_EQ(arena.memory_bytes(), (1 + env.asked) * kPage);
  }
  EXPECT_EQ(env.taken.size(), 2u);
  EXPECT_EQ(pages.idle_bytes(), 2 * kPage);
}

TEST(ArenaTest, TakesOrdinaryMemoryWhereThereAreNoPages) {
  constexpr size_t kPage = PagePool::kPageBytes;
  MemoryEnv env;
  env.limit = 1;
  PagePool pages(&env, kPage);
  Arena arena(&pages);
  for (size_t used = 0; used < 5 * kPage; used += 100)
    arena.Allocate(100)[99] = 1;
  EXPECT_EQ(env.taken.size(), 1u);
  EXPECT_GE(arena.memory_bytes(), 5 * kPage);
  EXPECT_LE(arena.memory_bytes(), 6 * kPage);
}

// Goal: whatever the sizes, nodes are aligned, and allocations keep their bytes
// and count in memory_bytes.
void ExpectNoOverlap(PagePool* pages) {
  Random random(1);
  Arena arena(pages);
  std::vector<std::pair<char*, size_t>> made;
  size_t sum = 0;
  for (int i = 0; i < 9000; ++i) {
    const size_t bytes = random.OneIn(100) ? 1 + random.Uniform(100000)
                                           : 1 + random.Uniform(300);
    const bool node = random.OneIn(3);
    char* const p = node ? arena.AllocateNode(bytes) : arena.Allocate(bytes);
    if (node) {
      ASSERT_EQ(reinterpret_cast<uintptr_t>(p) % Arena::kNodeAlignment, 0u);
    }
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

TEST(ArenaTest, AllocationsDoNotOverlap) { ExpectNoOverlap(nullptr); }

TEST(ArenaTest, AllocationsInPagesDoNotOverlap) {
  MemoryEnv env;
  PagePool pages(&env, 0);
  ExpectNoOverlap(&pages);
  EXPECT_GT(env.asked, 1u);
  EXPECT_TRUE(env.taken.empty());
}

}  // namespace
}  // namespace holdfast
