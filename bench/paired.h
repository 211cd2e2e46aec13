// Whether one build of Holdfast is slower than another: both ran in the same
// rounds, so what the machine did to one it did, as a rule, to the other.

#ifndef HOLDFAST_BENCH_PAIRED_H_
#define HOLDFAST_BENCH_PAIRED_H_

#include <string>
#include <vector>

#include "bench/report.h"
#include "bench/rounds.h"

namespace holdfast::bench {

// Of one workload, over its rounds. Above 1 is better, in both.
struct PairedRatio {
  std::string workload;
  Spread rate;  // Ours over theirs.
  Spread cpu;   // Per operation: theirs over ours. Zeros when not measured.
  // See ClearLoss.
  bool loses = false;
};

// Every round lost, of at least kLeastRounds, and the median by more than
// kTolerance and more than half of what lies between the rounds.
inline constexpr size_t kLeastRounds = 3;
inline constexpr double kTolerance = 0.05;
bool ClearLoss(const Spread& ratio, size_t rounds);

// Of every workload that both ran.
std::vector<PairedRatio> ComparePaired(const Results& results,
                                       const std::string& ours,
                                       const std::string& theirs);

// A line for each; says which lose.
std::string PairedTable(const std::vector<PairedRatio>& ratios,
                        const std::string& theirs);

}  // namespace holdfast::bench

#endif  // HOLDFAST_BENCH_PAIRED_H_
