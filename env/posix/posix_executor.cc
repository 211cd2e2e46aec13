#include "env/posix/posix_executor.h"

#include <utility>

#include "base/check.h"

namespace holdfast {

PosixExecutor::PosixExecutor(int threads) {
  HF_CHECK(threads >= 1);
  threads_.reserve(static_cast<size_t>(threads));
  for (int i = 0; i < threads; ++i) {
    const Role role =
        i == 0 && threads >= 2 ? Role::kFlushOnly : Role::kAnyLane;
    threads_.emplace_back([this, role] { Serve(role); });
  }
}

PosixExecutor::~PosixExecutor() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
    changed_.SignalAll();
  }
  for (std::thread& thread : threads_) thread.join();
}

void PosixExecutor::Schedule(Lane lane, Task task) {
  MutexLock lock(&mu_);
  (lane == Lane::kFlush ? flushes_ : compactions_).push_back(std::move(task));
  // Not Signal: it could wake a thread that does not serve this lane.
  changed_.SignalAll();
}

void PosixExecutor::Wait(CondVar* cv, Mutex* mu) { cv->Wait(mu); }

std::deque<Executor::Task>* PosixExecutor::NextQueue(Role role) {
  if (!flushes_.empty()) return &flushes_;
  if (role == Role::kAnyLane && !compactions_.empty()) return &compactions_;
  return nullptr;
}

void PosixExecutor::Serve(Role role) {
  mu_.Lock();
  while (!Finished()) {
    std::deque<Task>* queue = NextQueue(role);
    if (queue == nullptr) {
      changed_.Wait(&mu_);
      continue;
    }
    Task task = std::move(queue->front());
    queue->pop_front();
    ++running_;
    mu_.Unlock();
    task();
    task = nullptr;  // What it captured must go before it counts as run.
    mu_.Lock();
    --running_;
    if (Finished()) changed_.SignalAll();
  }
  mu_.Unlock();
}

}  // namespace holdfast
