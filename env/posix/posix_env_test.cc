#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <memory>
#include <string>

#include "env/posix/temp_directory.h"
#include "gtest/gtest.h"
#include "holdfast/env/env.h"

namespace holdfast {
namespace {

TEST(PosixEnvTest, PartsWorkTogether) {
  TempDirectory directory;
  const std::unique_ptr<Env> env = NewPosixEnv();
  EXPECT_EQ(&env->file_system(), &env->file_system());
  std::latch done(1);
  env->executor().Schedule(Executor::Lane::kFlush, [&] {
    EXPECT_TRUE(env->file_system().CreateFile(directory.File("f")).ok());
    done.count_down();
  });
  done.wait();
  EXPECT_TRUE(env->file_system().FileExists(directory.File("f")).value());
  EXPECT_GT(env->clock().NowMicros(), 0u);
}

TEST(PosixEnvTest, ThreadCountOutOfRangeTakesTheNearest) {
  for (int threads : {-5, 0, 1, 64, 100}) {
    bool ran = false;
    {
      const auto env = NewPosixEnv({.background_threads = threads});
      env->executor().Schedule(Executor::Lane::kCompaction,
                               [&ran] { ran = true; });
    }
    EXPECT_TRUE(ran) << threads;
  }
}

TEST(PosixEnvTest, LargeMemoryIsAlignedAndOnesOwn) {
  const auto env = NewPosixEnv();
  constexpr size_t kBytes = 2 * Env::kLargePageBytes;
  char* const first = static_cast<char*>(env->AllocateLarge(kBytes));
  char* const second = static_cast<char*>(env->AllocateLarge(kBytes));
  ASSERT_NE(first, nullptr);
  ASSERT_NE(second, nullptr);
  for (char* const memory : {first, second}) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % Env::kLargePageBytes, 0u);
    std::fill_n(memory, kBytes, memory == first ? 'a' : 'b');
  }
  EXPECT_EQ(std::count(first, first + kBytes, 'a'), kBytes);
  env->FreeLarge(first, kBytes);
  EXPECT_EQ(std::count(second, second + kBytes, 'b'), kBytes);
  env->FreeLarge(second, kBytes);
}

TEST(PosixEnvTest, LargeMemoryThatIsNotThereIsNull) {
  const auto env = NewPosixEnv();
  EXPECT_EQ(env->AllocateLarge(SIZE_MAX / Env::kLargePageBytes *
                               Env::kLargePageBytes),
            nullptr);
}

}  // namespace
}  // namespace holdfast
