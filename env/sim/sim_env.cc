// The clock and the executor of a SimEnv.

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "holdfast/testing/sim_file_system.h"

namespace holdfast {

uint64_t SimClock::NowMicros() {
  MutexLock lock(&mu_);
  return now_;
}

void SimClock::SleepMicros(uint64_t micros) {
  MutexLock lock(&mu_);
  now_ += micros;
}

SimExecutor::SimExecutor(uint64_t seed) : seed_(seed) {}

void SimExecutor::Schedule(Lane lane, Task task) {
  queue_.push_back({lane, std::move(task)});
}

void SimExecutor::Wait(CondVar*, Mutex* mu) {
  HF_CHECK(!queue_.empty());  // Or the wait would never end.
  mu->Unlock();
  RunOne();
  mu->Lock();
}

bool SimExecutor::RunOne() {
  if (queue_.empty()) return false;
  auto next = queue_.begin();
  if (seed_ != 0) {
    // The oldest of its lane, as an Executor promises; the lane by chance.
    const auto other =
        std::find_if(queue_.begin(), queue_.end(),
                     [&](const Item& item) { return item.lane != next->lane; });
    if (other != queue_.end() && Random(seed_ + ++picks_).OneIn(2)) {
      next = other;
    }
  }
  Task task = std::move(next->task);
  queue_.erase(next);
  task();
  return true;
}

void SimExecutor::RunAll() {
  while (RunOne()) {
  }
}

void SimExecutor::Drop() { queue_.clear(); }

}  // namespace holdfast
