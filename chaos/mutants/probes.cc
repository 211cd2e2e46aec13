#include "chaos/mutants/probes.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
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

ProbeReport JoinProbes(std::string_view lines) {
  std::map<std::string_view, bool> probes;
  for (const std::string_view line : absl::StrSplit(lines, '\n')) {
    if (line.size() < 3) continue;
    bool& reached = probes[line.substr(2)];
    reached = reached || line[0] == '1';
  }
  ProbeReport report;
  for (const auto& [what, reached] : probes) {
    ++report.probes;
    if (!reached) report.never_reached.emplace_back(what);
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
