// An environment whose every step the test decides: the crashable file system,
// a clock that stands still, and an executor that runs a task when told to or
// when somebody waits.

#ifndef HOLDFAST_ENGINE_DB_TESTING_MANUAL_ENV_H_
#define HOLDFAST_ENGINE_DB_TESTING_MANUAL_ENV_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

#include "base/check.h"
#include "engine/db/testing/crash_file_system.h"
#include "holdfast/env/clock.h"
#include "holdfast/env/env.h"
#include "holdfast/env/executor.h"

namespace holdfast {

// Whoever waits runs the oldest task instead. A wait without a task would last
// for ever, and so many tasks in a row are no progress: both are our bug.
class ManualExecutor final : public Executor {
 public:
  static constexpr uint64_t kMostTasks = 10'000;

  void Schedule(Lane, Task task) override {
    MutexLock lock(&mu_);
    tasks_.push_back(std::move(task));
  }

  void Wait(CondVar*, Mutex* mu) override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    mu->Unlock();
    const bool ran = RunOne();
    HF_CHECK(ran);
    mu->Lock();
  }

  bool RunOne() {
    Task task;
    {
      MutexLock lock(&mu_);
      if (tasks_.empty()) return false;
      task = std::move(tasks_.front());
      tasks_.pop_front();
      HF_CHECK(++ran_ < kMostTasks);
    }
    task();
    return true;
  }

  void RunAll() {
    while (RunOne()) {
    }
  }

  size_t pending() const {
    MutexLock lock(&mu_);
    return tasks_.size();
  }

 private:
  mutable Mutex mu_;
  std::deque<Task> tasks_ ABSL_GUARDED_BY(mu_);
  uint64_t ran_ ABSL_GUARDED_BY(mu_) = 0;
};

class ManualClock final : public Clock {
 public:
  uint64_t NowMicros() override { return now_.load(); }
  void SleepMicros(uint64_t micros) override { now_.fetch_add(micros); }

 private:
  std::atomic<uint64_t> now_{0};
};

struct ManualEnv final : public Env {
  explicit ManualEnv(const DiskImage& image = {}) : fs(image) {}

  FileSystem& file_system() override { return fs; }
  Clock& clock() override { return manual_clock; }
  Executor& executor() override { return manual_executor; }

  CrashFileSystem fs;
  ManualClock manual_clock;
  ManualExecutor manual_executor;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_TESTING_MANUAL_ENV_H_
