// What a harness says about the rare paths of the engine: see base/sometimes.h.

#ifndef HOLDFAST_CHAOS_MUTANTS_PROBES_H_
#define HOLDFAST_CHAOS_MUTANTS_PROBES_H_

#include <cstdint>
#include <string>
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

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_MUTANTS_PROBES_H_
