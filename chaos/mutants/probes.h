// What harnesses say about the rare paths of the engine: see base/sometimes.h.

#ifndef HOLDFAST_CHAOS_MUTANTS_PROBES_H_
#define HOLDFAST_CHAOS_MUTANTS_PROBES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

struct ProbeReport {
  uint64_t probes = 0;
  std::vector<std::string> never_reached;

  // "49 of 57 probes reached; never:" and a line for each that was not.
  std::string Text() const;
};

// Of this process, until now. Without probes in a build with NDEBUG.
ProbeReport ReportProbes();

// Of all processes whose lines, "1 TEXT" or "0 TEXT", are in `lines`: a probe
// is reached when one of them reached it. See tests/util/mutant_switch.cc.
ProbeReport JoinProbes(std::string_view lines);

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_MUTANTS_PROBES_H_
