// An Env of parts that the test chooses.

#ifndef HOLDFAST_TESTS_UTIL_TEST_ENV_H_
#define HOLDFAST_TESTS_UTIL_TEST_ENV_H_

#include "holdfast/env/clock.h"
#include "holdfast/env/env.h"
#include "holdfast/env/executor.h"
#include "holdfast/env/file_system.h"

namespace holdfast {

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
