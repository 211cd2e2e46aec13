#include "engine/epoch/epoch.h"

#include <utility>
#include <vector>

#include "base/check.h"

namespace holdfast {

EpochDomain::~EpochDomain() {
  for (uint64_t set = 0; set < kSets; ++set) HF_CHECK(SetIsEmpty(set));
  RunDue();
  MutexLock lock(&mu_);
  HF_CHECK(retired_.empty());
  HF_CHECK(!running_);
}

void EpochDomain::Retire(absl::AnyInvocable<void()> deleter) {
  {
    MutexLock lock(&mu_);
    // Relaxed: mu_ orders it after every store.
    const uint64_t epoch = epoch_.load(std::memory_order_relaxed);
    retired_.push_back({epoch, std::move(deleter)});
  }
  RunDue();
}

void EpochDomain::Reclaim() { RunDue(); }

size_t EpochDomain::pending() const {
  MutexLock lock(&mu_);
  return retired_.size();
}

bool EpochDomain::SetIsEmpty(uint64_t epoch) const {
  for (const Counter& counter : counters_[epoch % kSets]) {
    // Partners: the increment in Enter (seq_cst) and the decrement in ~Guard
    // (release).
    if (counter.pinned.load(std::memory_order_seq_cst) != 0) return false;
  }
  return true;
}

void EpochDomain::Advance() {
  if (retired_.empty()) return;
  const uint64_t wanted = retired_.back().epoch + 2;
  uint64_t epoch = epoch_.load(std::memory_order_relaxed);
  while (epoch < wanted && SetIsEmpty(epoch - 1)) {
    ++epoch;
    epoch_.store(epoch, std::memory_order_seq_cst);  // Partner: Enter.
  }
}

void EpochDomain::RunDue() {
  std::vector<absl::AnyInvocable<void()>> due;
  {
    MutexLock lock(&mu_);
    if (running_) return;
    running_ = true;
  }
  for (;;) {
    {
      MutexLock lock(&mu_);
      Advance();
      const uint64_t epoch = epoch_.load(std::memory_order_relaxed);
      while (!retired_.empty() && retired_.front().epoch + 2 <= epoch) {
        due.push_back(std::move(retired_.front().deleter));
        retired_.pop_front();
      }
      if (due.empty()) {
        running_ = false;
        return;
      }
    }
    for (absl::AnyInvocable<void()>& deleter : due) {
      deleter();
      deleter = nullptr;  // What it captured goes now, not with the last one.
    }
    due.clear();
  }
}

}  // namespace holdfast
