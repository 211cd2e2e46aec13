// An executor without threads: a database that is given one does all its work
// on the thread that calls it, so that a run with the same calls is the same
// run.
//
//   ManualExecutor executor(seed);
//   TestEnv env(&file_system, &clock, &executor);
//   ...
//   executor.RunOne();   // Some background work, now.
//   db->Flush();         // Runs what it waits for.
//
// A wait for which nothing is scheduled would never end: that is a bug of the
// engine, and ends the process.
//
// Thread safety: none; one thread, which is the point.

#ifndef HOLDFAST_TESTS_UTIL_MANUAL_EXECUTOR_H_
#define HOLDFAST_TESTS_UTIL_MANUAL_EXECUTOR_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "base/check.h"
#include "base/random.h"
#include "holdfast/env/executor.h"
#include "holdfast/env/sync.h"

namespace holdfast {

class ManualExecutor final : public Executor {
 public:
  // The seed decides which lane runs when tasks wait in both.
  explicit ManualExecutor(uint64_t seed = 0) : random_(seed) {}

  void Schedule(Lane lane, Task task) override {
    (lane == Lane::kFlush ? flushes_ : compactions_).push_back(std::move(task));
  }

  void Wait(CondVar*, Mutex* mu) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) override {
    HF_CHECK(queued() > 0);  // Or the wait would never end.
    mu->Unlock();
    RunOne();
    mu->Lock();
  }

  // Runs one task. RETURNS false when there is none.
  bool RunOne() {
    if (queued() == 0) return false;
    std::deque<Task>& queue = NextQueue();
    Task task = std::move(queue.front());
    queue.pop_front();
    task();
    return true;
  }

  // Runs tasks, those included that they schedule, until there is none.
  void RunAll() {
    while (RunOne()) {
    }
  }

  size_t queued() const { return flushes_.size() + compactions_.size(); }

 private:
  std::deque<Task>& NextQueue() {
    if (flushes_.empty()) return compactions_;
    if (compactions_.empty()) return flushes_;
    return random_.OneIn(2) ? flushes_ : compactions_;
  }

  Random random_;
  std::deque<Task> flushes_;
  std::deque<Task> compactions_;
};

}  // namespace holdfast

#endif  // HOLDFAST_TESTS_UTIL_MANUAL_EXECUTOR_H_
