#include "base/sometimes.h"

namespace holdfast {
namespace sometimes_internal {
namespace {

// Ready before any probe is made. A list, as nothing may be allocated so early.
constinit std::atomic<Probe*> all_probes{nullptr};

}  // namespace

Probe::Probe(std::string_view what) : what_(what) {
  next_ = all_probes.load(std::memory_order_relaxed);
  while (!all_probes.compare_exchange_weak(
      next_, this, std::memory_order_release, std::memory_order_relaxed)) {
  }
}

}  // namespace sometimes_internal

std::vector<ProbeState> AllProbes() {
  using sometimes_internal::all_probes;
  std::vector<ProbeState> states;
  // Pairs with the release of whoever put it there.
  for (const auto* probe = all_probes.load(std::memory_order_acquire);
       probe != nullptr; probe = probe->next_) {
    states.push_back(
        {probe->what_, probe->reached_.load(std::memory_order_relaxed)});
  }
  std::sort(
      states.begin(), states.end(),
      [](const ProbeState& a, const ProbeState& b) { return a.what < b.what; });
  return states;
}

void ResetProbes() {
  using sometimes_internal::all_probes;
  for (auto* probe = all_probes.load(std::memory_order_acquire);
       probe != nullptr; probe = probe->next_) {
    probe->reached_.store(false, std::memory_order_relaxed);
  }
}

}  // namespace holdfast
