#include "engine/cache/slab_pool.h"

#include <cstdint>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "base/random.h"
#include "engine/cache/memory_env.h"
#include "engine/cache/page_pool.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

constexpr size_t kSlab = SlabPool::kSlabBytes;

TEST(SlabPoolTest, TakesNothingUntilItMust) {
  MemoryEnv env;
  PagePool pages(&env, 0);
  SlabPool pool(&pages, 4 * kSlab);
  EXPECT_EQ(pool.slab_bytes(), 0u);
  void* const memory = pool.Allocate(5000);
  ASSERT_NE(memory, nullptr);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % SlabPool::kStepBytes, 0u);
  EXPECT_EQ(pool.slab_bytes(), kSlab);
  SlabPool::Free(memory);
}

TEST(SlabPoolTest, GivesASlabBackInWhichNothingIsUsed) {
  MemoryEnv env;
  PagePool pages(&env, 0);
  SlabPool pool(&pages, 4 * kSlab);
  void* const memory = pool.Allocate(1);
  EXPECT_EQ(env.taken.size(), 1u);
  SlabPool::Free(memory);
  EXPECT_TRUE(env.taken.empty());
  EXPECT_EQ(pool.slab_bytes(), 0u);
}

TEST(SlabPoolTest, RefusesWhatIsTooLarge) {
  MemoryEnv env;
  PagePool pages(&env, 0);
  SlabPool pool(&pages, 4 * kSlab);
  void* const largest = pool.Allocate(SlabPool::kMaxBytes);
  EXPECT_NE(largest, nullptr);
  EXPECT_EQ(pool.Allocate(SlabPool::kMaxBytes + 1), nullptr);
  SlabPool::Free(largest);
}

TEST(SlabPoolTest, HasNothingWhereTheEnvironmentHasNothing) {
  MemoryEnv env;
  PagePool pages(&env, 0);
  env.limit = 0;
  SlabPool pool(&pages, 4 * kSlab);
  EXPECT_EQ(pool.Allocate(100), nullptr);
  EXPECT_EQ(pool.Allocate(100), nullptr);
}

TEST(SlabPoolTest, StaysWithinItsCapacity) {
  MemoryEnv env;
  PagePool pages(&env, 0);
  SlabPool pool(&pages, 3 * kSlab + kSlab / 2);
  std::vector<void*> all;
  while (void* const memory = pool.Allocate(4500)) all.push_back(memory);
  EXPECT_EQ(env.taken.size(), 3u);
  EXPECT_EQ(pool.slab_bytes(), 3 * kSlab);
  // At most a place and the rest of the division lie idle in each span.
  EXPECT_GT(all.size() * 4500, 3 * kSlab * 95 / 100);
  for (void* const memory : all) SlabPool::Free(memory);
  EXPECT_TRUE(env.taken.empty());
}

TEST(SlabPoolTest, UsesASpanForAnotherSizeOnceItIsEmpty) {
  MemoryEnv env;
  PagePool pages(&env, 0);
  SlabPool pool(&pages, kSlab);
  for (const size_t bytes : {size_t{100}, size_t{4500}, size_t{20'000}}) {
    std::vector<void*> all;
    while (void* const memory = pool.Allocate(bytes)) all.push_back(memory);
    EXPECT_GT(all.size() * bytes, kSlab * 3 / 4) << bytes;
    for (void* const memory : all) SlabPool::Free(memory);
  }
}

TEST(SlabPoolTest, LeavesAloneWhatOutlivesIt) {
  MemoryEnv env;
  PagePool pages(&env, 0);
  void* memory;
  {
    SlabPool pool(&pages, kSlab);
    memory = pool.Allocate(100);
    std::memset(memory, 'x', 100);
  }
  EXPECT_EQ(env.taken.size(), 1u);
  EXPECT_EQ(static_cast<char*>(memory)[99], 'x');
  SlabPool::Free(memory);
  EXPECT_EQ(env.taken.size(), 1u);
}

// Goal: no place is given twice, whatever comes and goes. Method: each holds a
// pattern of its own, looked at when it is freed.
TEST(SlabPoolTest, PlacesDoNotOverlap) {
  MemoryEnv env;
  PagePool pages(&env, 0);
  {
    SlabPool pool(&pages, 2 * kSlab);
    Random random(301);
    std::vector<std::pair<unsigned char*, size_t>> live;
    const auto free_one = [&](size_t i) {
      auto& [memory, bytes] = live[i];
      for (size_t at = 0; at < bytes; ++at) {
        ASSERT_EQ(memory[at], bytes % 251);
      }
      SlabPool::Free(memory);
      live[i] = live.back();
      live.pop_back();
    };
    for (int i = 0; i < 20'000; ++i) {
      // Sizes change with time, so that spans change theirs.
      const size_t around = 1 + static_cast<size_t>(i) / 4000 * 5000;
      const size_t bytes = around + random.Uniform(3000);
      void* const memory =
          random.Uniform(100) < 55 ? pool.Allocate(bytes) : nullptr;
      if (memory != nullptr) {
        std::memset(memory, static_cast<int>(bytes % 251), bytes);
        live.emplace_back(static_cast<unsigned char*>(memory), bytes);
      } else if (!live.empty()) {
        free_one(random.Uniform(live.size()));
      }
      ASSERT_LE(pool.slab_bytes(), 2 * kSlab);
    }
    while (!live.empty()) free_one(live.size() - 1);
  }
  EXPECT_TRUE(env.taken.empty());
}

TEST(SlabPoolTest, ServesManyThreads) {
  MemoryEnv env;
  PagePool pages(&env, 0);
  {
    SlabPool pool(&pages, 2 * kSlab);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&pool, t] {
        std::vector<char*> live;
        for (int i = 0; i < 2000; ++i) {
          if (live.size() < 20) {
            if (void* const memory = pool.Allocate(4000)) {
              std::memset(memory, t, 4000);
              live.push_back(static_cast<char*>(memory));
            }
          } else {
            EXPECT_EQ(live.front()[3999], t);
            SlabPool::Free(live.front());
            live.erase(live.begin());
          }
        }
        for (char* const memory : live) SlabPool::Free(memory);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_TRUE(env.taken.empty());
}

}  // namespace
}  // namespace holdfast
