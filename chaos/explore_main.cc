// Explores crashes of databases, for as long as it is told.
//
//   bazel run //chaos:explore -- --workload=all --profile=all
//   bazel run -c opt --config=opt //chaos:explore -- --workload=first-write
//   bazel run //chaos:explore -- --budget=3600 --seed=7    (generated ones)
//   bazel run //chaos:explore -- --replay='5:none' --workload='open create'
//
// --workload=NAME|TEXT|all|generated   default: all; generated with --budget
// --profile=NAME|all                   default: posix
// --faults=PLAN                        in force during the first life
// --budget=SECONDS                     of generated workloads, after the others
// --seed=N  --depth=N  --nest=N        of ExploreOptions; nest: one in N
// --replay=PATH                        one state of one workload
//
// HOLDFAST_MUTANT=NAME in the environment takes a step out of the engine, to
// see whether it is missed. Exit code 1 when a promise broke.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "chaos/db/explore.h"
#include "chaos/db/generate.h"
#include "chaos/db/workload.h"
#include "chaos/db/workloads.h"
#include "holdfast/testing/crash_explorer.h"
#include "holdfast/testing/fault_plan.h"
#include "holdfast/testing/persistence.h"

namespace holdfast {
namespace {

constexpr int kShrinkTries = 300;

struct Flags {
  std::string workload;
  std::string profile = "posix";
  std::string faults;
  std::string replay;
  uint64_t budget_seconds = 0;
  uint64_t seed = 1;
  uint64_t depth = 3;
  uint64_t nest = 4;
};

bool ParseFlag(std::string_view argument, Flags* flags) {
  const std::pair<std::string_view, std::string*> texts[] = {
      {"--workload=", &flags->workload},
      {"--profile=", &flags->profile},
      {"--faults=", &flags->faults},
      {"--replay=", &flags->replay}};
  for (const auto& [name, target] : texts) {
    if (!absl::StartsWith(argument, name)) continue;
    *target = std::string(argument.substr(name.size()));
    return true;
  }
  const std::pair<std::string_view, uint64_t*> numbers[] = {
      {"--budget=", &flags->budget_seconds},
      {"--seed=", &flags->seed},
      {"--depth=", &flags->depth},
      {"--nest=", &flags->nest}};
  for (const auto& [name, target] : numbers) {
    if (!absl::StartsWith(argument, name)) continue;
    return absl::SimpleAtoi(argument.substr(name.size()), target);
  }
  return false;
}

class Program {
 public:
  explicit Program(Flags flags)
      : flags_(std::move(flags)), started_(std::chrono::steady_clock::now()) {}

  int Run() {
    const absl::StatusOr<FaultPlan> plan = FaultPlan::Parse(flags_.faults);
    if (!plan.ok()) return Usage(plan.status().ToString());
    plan_ = *plan;
    for (const PersistenceProfile& profile : AllProfiles()) {
      if (flags_.profile == "all" || flags_.profile == profile.name) {
        profiles_.push_back(profile);
      }
    }
    if (profiles_.empty()) return Usage("no such profile");
    std::printf("%-28s %-14s %9s %8s %6s %9s\n", "workload", "profile",
                "states", "points", "sites", "states/s");
    const bool all = flags_.workload == "all" || flags_.workload.empty();
    if (all && flags_.budget_seconds == 0) {
      for (const ReferenceWorkload& reference : ReferenceWorkloads()) {
        ExploreAll(reference.name, reference.Parsed(), reference.large);
      }
    } else if (!all && flags_.workload != "generated") {
      const ReferenceWorkload* reference =
          FindReferenceWorkload(flags_.workload);
      const absl::StatusOr<Workload> workload = Workload::Parse(
          reference != nullptr ? reference->text : flags_.workload);
      if (!workload.ok()) return Usage(workload.status().ToString());
      ExploreAll(reference != nullptr ? reference->name : "given", *workload,
                 reference != nullptr && reference->large);
    }
    for (uint64_t seed = flags_.seed; Seconds() < flags_.budget_seconds;
         ++seed) {
      ExploreAll(absl::StrCat("seed ", seed), GenerateWorkload(seed), true);
    }
    std::printf("%-28s %-14s %9llu %8llu %6s %9.0f\n", "total", "",
                static_cast<unsigned long long>(states_),
                static_cast<unsigned long long>(points_), "",
                static_cast<double>(states_) / exploring_seconds_);
    return failures_ == 0 ? 0 : 1;
  }

 private:
  static int Usage(std::string_view why) {
    std::fprintf(stderr, "%.*s\n(see the head of chaos/explore_main.cc)\n",
                 static_cast<int>(why.size()), why.data());
    return 2;
  }

  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                         started_)
        .count();
  }

  void ExploreAll(std::string_view name, const Workload& workload,
                  bool reduced) {
    for (const PersistenceProfile& profile : profiles_) {
      DbExploration exploration;
      exploration.workload = workload;
      exploration.plan = plan_;
      exploration.options = reduced ? ReducedTier() : SmallTier();
      exploration.options.profile = profile;
      exploration.options.seed = flags_.seed;
      exploration.options.depth = static_cast<int>(flags_.depth);
      exploration.options.nest_one_in = {flags_.nest, 8 * flags_.nest};
      exploration.options.replay = flags_.replay;
      Explore(name, std::move(exploration));
    }
  }

  void Explore(std::string_view name, DbExploration exploration) {
    CrashReport report = ExploreDb(exploration);
    states_ += report.states;
    points_ += report.crash_points;
    exploring_seconds_ += report.seconds;
    std::printf("%-28.*s %-14.*s %9llu %8llu %6zu %9.0f\n",
                static_cast<int>(name.size()), name.data(),
                static_cast<int>(exploration.options.profile.name.size()),
                exploration.options.profile.name.data(),
                static_cast<unsigned long long>(report.states),
                static_cast<unsigned long long>(report.crash_points),
                report.states_by_site.size(),
                static_cast<double>(report.states) / report.seconds);
    if (!report.timeline.empty()) std::printf("%s\n", report.timeline.c_str());
    if (!report.ok()) {
      ++failures_;
      if (FoundSomething(report) && flags_.replay.empty()) {
        Shrink(&exploration, &report);
      }
      std::printf("%s\n", ExplainFailure(exploration, report).c_str());
    }
    std::fflush(stdout);
  }

  static void Shrink(DbExploration* exploration, CrashReport* report) {
    exploration->workload = ShrinkWorkload(
        exploration->workload,
        [&](const Workload& smaller) {
          DbExploration one = *exploration;
          one.workload = smaller;
          return FoundSomething(ExploreDb(one));
        },
        kShrinkTries);
    *report = ExploreDb(*exploration);
  }

  const Flags flags_;
  const std::chrono::steady_clock::time_point started_;
  FaultPlan plan_;
  std::vector<PersistenceProfile> profiles_;
  uint64_t states_ = 0;
  uint64_t points_ = 0;
  double exploring_seconds_ = 0;
  int failures_ = 0;
};

}  // namespace
}  // namespace holdfast

int main(int argc, char** argv) {
  holdfast::Flags flags;
  for (int i = 1; i < argc; ++i) {
    if (holdfast::ParseFlag(argv[i], &flags)) continue;
    std::fprintf(stderr, "%s: no such flag, or no such value\n", argv[i]);
    return 2;
  }
  holdfast::PrintPathOnAbort();
  return holdfast::Program(std::move(flags)).Run();
}
