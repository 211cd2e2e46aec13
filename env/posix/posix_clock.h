// The monotonic clock of the operating system.
//
// Thread safety: thread-safe.

#ifndef HOLDFAST_ENV_POSIX_POSIX_CLOCK_H_
#define HOLDFAST_ENV_POSIX_POSIX_CLOCK_H_

#include <cstdint>

#include "holdfast/env/clock.h"

namespace holdfast {

class PosixClock final : public Clock {
 public:
  uint64_t NowMicros() override;
  void SleepMicros(uint64_t micros) override;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENV_POSIX_POSIX_CLOCK_H_
