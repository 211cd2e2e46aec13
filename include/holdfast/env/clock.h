// Time, as the engine sees it.

#ifndef HOLDFAST_ENV_CLOCK_H_
#define HOLDFAST_ENV_CLOCK_H_

#include <cstdint>

namespace holdfast {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // Microseconds since some fixed moment; never goes back.
  virtual uint64_t NowMicros() = 0;

  // Blocks the calling thread for at least `micros` microseconds. A simulated
  // clock moves its time instead.
  virtual void SleepMicros(uint64_t micros) = 0;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENV_CLOCK_H_
