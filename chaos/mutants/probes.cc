#include "chaos/mutants/probes.h"

#include "absl/strings/str_cat.h"
#include "base/sometimes.h"

namespace holdfast {

ProbeReport ReportProbes() {
  ProbeReport report;
  for (const ProbeState& probe : AllProbes()) {
    ++report.probes;
    if (!probe.reached) report.never_reached.emplace_back(probe.what);
  }
  return report;
}

std::string ProbeReport::Text() const {
  std::string text =
      absl::StrCat(probes - never_reached.size(), " of ", probes,
                   " probes reached", never_reached.empty() ? "" : "; never:");
  for (const std::string& what : never_reached) {
    absl::StrAppend(&text, "\n  ", what);
  }
  return text + "\n";
}

}  // namespace holdfast
