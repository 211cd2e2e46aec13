// Crashes of the reference workloads of chaos/db, some of each, for a mutant to
// be noticed by. Ends with 1 at the first finding.
//
//   HOLDFAST_MUTANT=NAME bazel-bin/chaos/mutants/crash_harness [WORKLOAD]

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "chaos/db/explore.h"
#include "chaos/db/workloads.h"
#include "chaos/mutants/progress.h"
#include "holdfast/testing/crash_explorer.h"

namespace holdfast {
namespace {

// Of each workload. What is missing is missed early.
constexpr uint64_t kMostStates = 1500;

// RETURNS whether all is well.
bool Explore(const ReferenceWorkload& reference, uint64_t* states) {
  NoteProgress(*states, reference.name);
  DbExploration exploration;
  exploration.workload = reference.Parsed();
  exploration.options = ReducedTier();
  exploration.options.max_states = kMostStates;
  const CrashReport report = ExploreDb(exploration);
  *states += report.states;
  if (report.ok()) return true;
  const std::string why = report.failures.empty()
                              ? report.broken.ToString()
                              : absl::StrCat(report.failures[0].replay, ": ",
                                             report.failures[0].why);
  std::printf("FAILURE: %s: %s\n", std::string(reference.name).c_str(),
              why.c_str());
  return false;
}

int Main(std::string_view only) {
  TellProgressOnDeath();
  uint64_t states = 0;
  uint64_t explored = 0;
  bool ok = true;
  for (const ReferenceWorkload& reference : ReferenceWorkloads()) {
    if (!only.empty() && reference.name != only) continue;
    ++explored;
    ok = Explore(reference, &states);
    if (!ok) break;
  }
  PrintStates(states);
  return ok && explored > 0 ? 0 : 1;
}

}  // namespace
}  // namespace holdfast

int main(int argc, char** argv) {
  return holdfast::Main(argc > 1 ? argv[1] : "");
}
