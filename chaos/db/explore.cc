#include "chaos/db/explore.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "chaos/db/db_program.h"
#include "chaos/db/replay_line.h"

namespace holdfast {

CrashReport ExploreDb(const DbExploration& exploration) {
  DbProgramSettings settings;
  settings.faults.plan = exploration.plan;
  settings.recovery_plan = exploration.recovery_plan;
  settings.faults.may_fail = !(exploration.plan == FaultPlan());
  settings.any_order = exploration.options.max_states != 0 ||
                       exploration.options.max_seconds != 0;
  DbProgram program(exploration.workload, settings);
  return ExploreCrashes(&program, exploration.options);
}

bool NeverStruck(const CrashReport& report) {
  return absl::StrContains(report.broken.message(), kNeverStruck);
}

bool FoundSomething(const CrashReport& report) {
  return !report.failures.empty() || absl::IsInternal(report.broken) ||
         absl::IsDataLoss(report.broken);
}

std::string ExplainFailure(const DbExploration& exploration,
                           const CrashReport& report) {
  const std::string workload = exploration.workload.Text();
  const std::string plan = exploration.plan.Text();
  const std::string_view profile = exploration.options.profile.name;
  std::string text =
      absl::StrCat("workload: ", workload, "\nprofile: ", profile, "\n");
  if (!plan.empty()) absl::StrAppend(&text, "faults: ", plan, "\n");
  const std::string recovery = exploration.recovery_plan.Text();
  if (!recovery.empty()) {
    absl::StrAppend(&text, "faults of recoveries: ", recovery, "\n");
  }
  if (!report.broken.ok()) {
    absl::StrAppend(&text, "the first life: ", report.broken.ToString(), "\n");
  }
  for (const CrashFailure& failure : report.failures) {
    const ReplayLine line{.workload = absl::StrCat("{", workload, "}"),
                          .profile = std::string(profile),
                          .faults = plan,
                          .recovery_faults = recovery,
                          .executor_seed = exploration.options.executor_seed,
                          .path = failure.replay};
    absl::StrAppend(&text, failure.why, "\n", failure.timeline,
                    "\nreplay: ", line.Command(), "\n");
  }
  return text;
}

ExploreOptions SmallTier() {
  ExploreOptions options;
  options.depth = 3;
#ifdef HOLDFAST_SANITIZER
  options.nest_one_in = {128, 256};
#else
  options.nest_one_in = {8, 128};
#endif
  return options;
}

ExploreOptions ReducedTier() {
  ExploreOptions options;
  options.depth = 2;
  options.bound = {.pairs_up_to_units = 0,
                   .all_up_to_combinations = 16,
                   .singles_up_to_units = 16,
                   .prefixes = 8,
                   .random_choices = 2};
  options.nested_bound = {.pairs_up_to_units = 0,
                          .all_up_to_combinations = 4,
                          .singles_up_to_units = 4,
                          .prefixes = 2,
                          .random_choices = 1};
#ifdef HOLDFAST_SANITIZER
  options.nest_one_in = {256};
#else
  options.nest_one_in = {64};
#endif
  return options;
}

ExploreOptions FaultTier() {
  ExploreOptions options = ReducedTier();
#ifdef HOLDFAST_SANITIZER
  options.max_states = 40;
#else
  options.max_states = 250;
#endif
  return options;
}

}  // namespace holdfast
