// Background threads of the operating system.
//
// With two threads or more, the first serves kFlush alone; every other thread
// takes flushes first and compactions when no flush waits. A single thread
// does the same as "every other".
//
// Invariants:
//   (1) A task of a lane is taken only when all earlier ones of that lane are.
//   (2) With two threads or more, a waiting flush waits for flushes only.
//   (3) The destructor returns after every task has run, those included that
//       were scheduled by other tasks meanwhile.
//
// The queues have no limit of their own: the engine keeps at most a few tasks
// of each kind scheduled for one database.
//
// Thread safety: thread-safe. The destructor must not run on one of the
// threads, nor beside a Schedule from outside.

#ifndef HOLDFAST_ENV_POSIX_POSIX_EXECUTOR_H_
#define HOLDFAST_ENV_POSIX_POSIX_EXECUTOR_H_

#include <deque>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "holdfast/env/executor.h"
#include "holdfast/env/sync.h"

namespace holdfast {

class PosixExecutor final : public Executor {
 public:
  // REQUIRES: threads >= 1.
  explicit PosixExecutor(int threads);
  ~PosixExecutor() override;
  PosixExecutor(const PosixExecutor&) = delete;
  PosixExecutor& operator=(const PosixExecutor&) = delete;

  void Schedule(Lane lane, Task task) override;
  void Wait(CondVar* cv, Mutex* mu) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) override;

 private:
  enum class Role { kFlushOnly, kAnyLane };

  // What a thread does, from its start to its end.
  void Serve(Role role);

  // The queue that a thread of this role takes from now; null: none.
  std::deque<Task>* NextQueue(Role role) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // True when no task is left and none can come. (3)
  bool Finished() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return stopping_ && running_ == 0 && flushes_.empty() &&
           compactions_.empty();
  }

  Mutex mu_;
  // Signalled to all threads when a task comes or Finished() may have changed.
  CondVar changed_;
  std::deque<Task> flushes_ ABSL_GUARDED_BY(mu_);
  std::deque<Task> compactions_ ABSL_GUARDED_BY(mu_);
  int running_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  // Constant after construction.
  std::vector<std::thread> threads_;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENV_POSIX_POSIX_EXECUTOR_H_
