#include "env/posix/posix_clock.h"

#include <time.h>

#include <cerrno>

#include "base/check.h"

namespace holdfast {
namespace {

constexpr uint64_t kMicrosPerSecond = 1'000'000;
constexpr uint64_t kNanosPerMicro = 1'000;

}  // namespace

uint64_t PosixClock::NowMicros() {
  timespec now;
  HF_CHECK(::clock_gettime(CLOCK_MONOTONIC, &now) == 0);
  return static_cast<uint64_t>(now.tv_sec) * kMicrosPerSecond +
         static_cast<uint64_t>(now.tv_nsec) / kNanosPerMicro;
}

void PosixClock::SleepMicros(uint64_t micros) {
  timespec left;
  left.tv_sec = static_cast<time_t>(micros / kMicrosPerSecond);
  left.tv_nsec = static_cast<long>(micros % kMicrosPerSecond * kNanosPerMicro);
  while (::nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

}  // namespace holdfast
