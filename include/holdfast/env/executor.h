// Where background work runs: the engine starts no thread of its own.

#ifndef HOLDFAST_ENV_EXECUTOR_H_
#define HOLDFAST_ENV_EXECUTOR_H_

#include "absl/functional/any_invocable.h"
#include "holdfast/env/sync.h"

namespace holdfast {

// Thread-safe.
class Executor {
 public:
  // Flushes unblock writers, so they never wait behind compactions: an
  // executor with two threads or more keeps one for kFlush alone.
  enum class Lane { kFlush, kCompaction };

  using Task = absl::AnyInvocable<void()>;

  virtual ~Executor() = default;

  // Runs `task` once, later, on another thread; tasks of a lane start in the
  // order in which they were scheduled. Never runs it inside the call.
  virtual void Schedule(Lane lane, Task task) = 0;

  // Waits until *cv is signalled, with *mu released meanwhile. May return
  // early: call it in a loop. The engine waits for background work only here,
  // so that an executor without threads can run a scheduled task instead (with
  // *mu released), which makes every run of a test the same.
  virtual void Wait(CondVar* cv, Mutex* mu)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) = 0;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENV_EXECUTOR_H_
