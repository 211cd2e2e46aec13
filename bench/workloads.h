// The workloads, in the order in which they run.

#ifndef HOLDFAST_BENCH_WORKLOADS_H_
#define HOLDFAST_BENCH_WORKLOADS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/engine.h"
#include "bench/keys.h"
#include "bench/measure.h"

namespace holdfast::bench {

struct Settings {
  uint64_t keys = 300'000;
  DataShape data;
  EngineOptions engine;
  std::string dir;                     // Databases are made in it.
  std::vector<std::string> workloads;  // Empty: all.
};

struct WorkloadInfo {
  std::string_view name;
  std::string_view what;  // For people, in a line.
  // The rate that is wanted, as a multiple of the better of LevelDB and
  // RocksDB; 0: none in particular.
  double target = 0;
};
const std::vector<WorkloadInfo>& AllWorkloads();

// Runs the workloads that `settings` names on one engine, each from the state
// that it needs, which is made untimed. The same `round` means the same keys
// and values. Removes the database at the end.
void RunWorkloads(
    const EngineKind& kind, const Settings& settings, int round,
    const std::function<void(std::string_view, const Sample&)>& report);

}  // namespace holdfast::bench

#endif  // HOLDFAST_BENCH_WORKLOADS_H_
