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

}  // namespace
}  // namespace holdfast
