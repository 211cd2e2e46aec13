#include "bench/paired.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "bench/measure.h"

namespace holdfast::bench {

bool ClearLoss(const Spread& ratio, size_t rounds) {
  const double margin = std::max(kTolerance, (ratio.most - ratio.least) / 2);
  return rounds >= kLeastRounds && ratio.most < 1 && ratio.median < 1 - margin;
}

std::vector<PairedRatio> ComparePaired(const Results& results,
                                       const std::string& ours,
                                       const std::string& theirs) {
  std::vector<PairedRatio> ratios;
  for (const std::string& workload : results.workloads) {
    const std::vector<Sample>* const a = results.Of(ours, workload);
    const std::vector<Sample>* const b = results.Of(theirs, workload);
    if (a == nullptr || b == nullptr) continue;
    std::vector<double> rates;
    std::vector<double> cpu;
    for (size_t i = 0; i < std::min(a->size(), b->size()); ++i) {
      const Sample& x = (*a)[i];
      const Sample& y = (*b)[i];
      if (x.rate() > 0 && y.rate() > 0) rates.push_back(x.rate() / y.rate());
      if (x.cpu_seconds > 0 && y.cpu_seconds > 0) {
        cpu.push_back(y.cpu_seconds / static_cast<double>(y.operations) /
                      (x.cpu_seconds / static_cast<double>(x.operations)));
      }
    }
    if (rates.empty()) continue;
    PairedRatio ratio;
    ratio.workload = workload;
    ratio.loses = ClearLoss(SpreadOf(rates), rates.size()) ||
                  (!cpu.empty() && ClearLoss(SpreadOf(cpu), cpu.size()));
    ratio.rate = SpreadOf(std::move(rates));
    if (!cpu.empty()) ratio.cpu = SpreadOf(std::move(cpu));
    ratios.push_back(std::move(ratio));
  }
  return ratios;
}

std::string PairedTable(const std::vector<PairedRatio>& ratios,
                        const std::string& theirs) {
  const auto show = [](const Spread& spread) {
    return spread.median == 0
               ? std::string("-")
               : absl::StrFormat("%.2f (%.2f..%.2f)", spread.median,
                                 spread.least, spread.most);
  };
  // Above 1 is better in both.
  std::string text =
      absl::StrFormat("%-23s%-22s%-22s\n", "more is better", "rate / " + theirs,
                      theirs + "'s CPU / ours");
  size_t slower = 0;
  for (const PairedRatio& ratio : ratios) {
    slower += ratio.loses ? 1 : 0;
    absl::StrAppendFormat(&text, "%-24s%-22s%-22s%s\n", ratio.workload,
                          show(ratio.rate), show(ratio.cpu),
                          ratio.loses ? "SLOWER" : "");
  }
  absl::StrAppendFormat(&text, "%d of %d workloads clearly slower\n", slower,
                        ratios.size());
  return text;
}

}  // namespace holdfast::bench
