// Runs engines side by side: in each round every engine runs every workload on
// the same keys and values, each engine in a process of its own, so that
// memory, CPU and bytes written are its own, too.

#ifndef HOLDFAST_BENCH_ROUNDS_H_
#define HOLDFAST_BENCH_ROUNDS_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bench/engine.h"
#include "bench/measure.h"
#include "bench/workloads.h"

namespace holdfast::bench {

// The name of the Holdfast that is measured, and of the one of an earlier
// revision, when it runs along.
inline constexpr std::string_view kHoldfastName = "holdfast";
inline constexpr std::string_view kBaselineName = "baseline";

// Engine → workload → one sample per round.
struct Results {
  std::vector<EngineKind> kinds;       // Others are compared with [0].
  std::vector<std::string> workloads;  // Those that were run, in order.
  std::map<std::string, std::map<std::string, std::vector<Sample>>> samples;

  // nullptr when the engine did not run the workload.
  const std::vector<Sample>* Of(const std::string& engine,
                                const std::string& workload) const;
};

class RoundsObserver {
 public:
  virtual ~RoundsObserver() = default;
  virtual void Measured(const EngineKind& kind, std::string_view workload,
                        int round, const Sample& sample) = 0;
};

// An engine that fails is left out from there on; its name is in *failed.
Results RunRounds(const std::vector<EngineKind>& kinds,
                  const Settings& settings, int rounds,
                  RoundsObserver* observer, std::vector<std::string>* failed);

}  // namespace holdfast::bench

#endif  // HOLDFAST_BENCH_ROUNDS_H_
