// An Env of parts that the test chooses, and a clock that moves only when
// somebody sleeps.

#ifndef HOLDFAST_TESTS_UTIL_TEST_ENV_H_
#define HOLDFAST_TESTS_UTIL_TEST_ENV_H_

#include <atomic>
#include <cstdint>

#include "holdfast/env/clock.h"
#include "holdfast/env/env.h"
#include "holdfast/env/executor.h"
#include "holdfast/env/file_system.h"

namespace holdfast {

// Thread-safe.
class ManualClock final : public Clock {
 public:
  uint64_t NowMicros() override {
    return micros_.load(std::memory_order_relaxed);
  }
  void SleepMicros(uint64_t micros) override {
    micros_.fetch_add(micros, std::memory_order_relaxed);
  }

 private:
  std::atomic<uint64_t> micros_{0};
};

// Does not own its parts.
class TestEnv final : public Env {
 public:
  TestEnv(FileSystem* file_system, Clock* clock, Executor* executor)
      : file_system_(*file_system), clock_(*clock), executor_(*executor) {}

  FileSystem& file_system() override { return file_system_; }
  Clock& clock() override { return clock_; }
  Executor& executor() override { return executor_; }

 private:
  FileSystem& file_system_;
  Clock& clock_;
  Executor& executor_;
};

}  // namespace holdfast

#endif  // HOLDFAST_TESTS_UTIL_TEST_ENV_H_
