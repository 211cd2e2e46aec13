#include "engine/cache/page_pool.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "engine/cache/memory_env.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

constexpr size_t kPage = PagePool::kPageBytes;

TEST(PagePoolTest, TakesNothingUntilItMust) {
  MemoryEnv env;
  PagePool pages(&env, 4 * kPage);
  EXPECT_TRUE(env.taken.empty());
  EXPECT_EQ(pages.idle_bytes(), 0u);
}

TEST(PagePoolTest, ServesAPageThatWasGivenBackAgain) {
  MemoryEnv env;
  PagePool pages(&env, kPage);
  void* const page = pages.Take();
  ASSERT_NE(page, nullptr);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(page) % kPage, 0u);
  std::memset(page, 'x', kPage);
  pages.Give(page);
  EXPECT_EQ(pages.idle_bytes(), kPage);
  EXPECT_EQ(pages.Take(), page);
  EXPECT_EQ(pages.idle_bytes(), 0u);
  std::memset(page, 'y', kPage);
  EXPECT_EQ(env.asked, 1u);
  pages.Give(page);
}

TEST(PagePoolTest, KeepsNoMoreIdleThanItMay) {
  MemoryEnv env;
  PagePool pages(&env, kPage + 1);  // Two, by rounding up.
  std::vector<void*> taken;
  for (int i = 0; i < 5; ++i) taken.push_back(pages.Take());
  EXPECT_EQ(env.taken.size(), 5u);
  for (void* const page : taken) {
    pages.Give(page);
    EXPECT_LE(pages.idle_bytes(), 2 * kPage);
  }
  EXPECT_EQ(env.taken.size(), 2u);
}

TEST(PagePoolTest, GivesEverythingBackAtItsEnd) {
  MemoryEnv env;
  {
    PagePool pages(&env, 4 * kPage);
    void* const first = pages.Take();
    void* const second = pages.Take();
    pages.Give(first);
    pages.Give(second);
    EXPECT_EQ(env.taken.size(), 2u);
  }
  EXPECT_TRUE(env.taken.empty());
}

TEST(PagePoolTest, HasNothingWhereTheEnvironmentHasNothing) {
  MemoryEnv env;
  env.limit = 0;
  PagePool pages(&env, 4 * kPage);
  EXPECT_EQ(pages.Take(), nullptr);
  env.limit = 1;
  void* const page = pages.Take();
  EXPECT_NE(page, nullptr);
  pages.Give(page);
}

// Goal: no page is with two threads at a time. Method: each writes its own
// number all over the pages that it has, and looks at it before it gives them.
TEST(PagePoolTest, ServesManyThreads) {
  MemoryEnv env;
  {
    PagePool pages(&env, 2 * kPage);
    std::vector<std::thread> threads;
    for (int t = 1; t <= 4; ++t) {
      threads.emplace_back([&pages, t] {
        for (int i = 0; i < 200; ++i) {
          std::vector<char*> mine;
          for (int j = 0; j <= i % 3; ++j) {
            mine.push_back(static_cast<char*>(pages.Take()));
            mine.back()[0] = mine.back()[kPage - 1] = static_cast<char>(t);
          }
          for (char* const page : mine) {
            EXPECT_EQ(page[0], t);
            EXPECT_EQ(page[kPage - 1], t);
            pages.Give(page);
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(env.taken.size() * kPage, pages.idle_bytes());
  }
  EXPECT_TRUE(env.taken.empty());
}

}  // namespace
}  // namespace holdfast
