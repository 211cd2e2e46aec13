// Explores one workload under one profile and fault plan, and says in a line
// how to see a failure again.

#ifndef HOLDFAST_CHAOS_DB_EXPLORE_H_
#define HOLDFAST_CHAOS_DB_EXPLORE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "chaos/db/workload.h"
#include "chaos/db/workloads.h"
#include "holdfast/testing/crash_explorer.h"
#include "holdfast/testing/fault_plan.h"

namespace holdfast {

struct DbExploration {
  Workload workload;
  // In force during the first life; with one, steps may fail.
  FaultPlan plan;
  // In force in the beginning of each later life: see DbProgramSettings.
  FaultPlan recovery_plan;
  ExploreOptions options;
};

CrashReport ExploreDb(const DbExploration& exploration);

// Whether Run failed because a rule of the plan never struck: there are fewer
// such calls.
bool NeverStruck(const CrashReport& report);
// Whether a promise broke, in Run or after a crash; and not just a workload
// that makes no sense.
bool FoundSomething(const CrashReport& report);

// What to tell people about a report that is not ok: workload, profile, plan,
// failures with their timelines, and the command that replays each.
std::string ExplainFailure(const DbExploration& exploration,
                           const CrashReport& report);

// How much of it bazel test explores; less under sanitizers.
ExploreOptions SmallTier();    // Of a small workload under posix.
ExploreOptions ReducedTier();  // Of large ones, and under other profiles.
ExploreOptions FaultTier();    // Under each of many fault plans.

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_DB_EXPLORE_H_
