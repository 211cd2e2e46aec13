#include "env/posix/posix_clock.h"

#include "gtest/gtest.h"

namespace holdfast {
namespace {

TEST(PosixClockTest, NeverGoesBack) {
  PosixClock clock;
  uint64_t last = clock.NowMicros();
  for (int i = 0; i < 1000; ++i) {
    const uint64_t now = clock.NowMicros();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(PosixClockTest, SleepsAtLeastAsLongAsAsked) {
  PosixClock clock;
  for (uint64_t micros : {uint64_t{0}, uint64_t{1}, uint64_t{2500}}) {
    const uint64_t before = clock.NowMicros();
    clock.SleepMicros(micros);
    EXPECT_GE(clock.NowMicros() - before, micros);
  }
}

}  // namespace
}  // namespace holdfast
