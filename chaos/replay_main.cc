// Visits one state that a report named, and tells its story.
//
//   bazel run //chaos:replay -- 'flush posix 17:none 4:kept 3=0'
//
// The line: chaos/db/replay_line.h. Exit code 1 when the state is wrong.

#include <cstdio>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/strip.h"
#include "base/status_util.h"
#include "chaos/db/explore.h"
#include "chaos/db/replay_line.h"
#include "chaos/db/workload.h"
#include "chaos/db/workloads.h"
#include "holdfast/testing/crash_explorer.h"
#include "holdfast/testing/fault_plan.h"
#include "holdfast/testing/persistence.h"

namespace holdfast {
namespace {

absl::StatusOr<Workload> FindWorkload(std::string_view word) {
  if (absl::ConsumePrefix(&word, "{")) {
    absl::ConsumeSuffix(&word, "}");
    return Workload::Parse(word);
  }
  const ReferenceWorkload* reference = FindReferenceWorkload(word);
  if (reference == nullptr) {
    return absl::InvalidArgumentError("no such workload; its text needs {}");
  }
  return reference->Parsed();
}

absl::StatusOr<DbExploration> Read(std::string_view text) {
  HF_ASSIGN_OR_RETURN(const ReplayLine line, ReplayLine::Parse(text));
  DbExploration exploration;
  HF_ASSIGN_OR_RETURN(exploration.workload, FindWorkload(line.workload));
  HF_ASSIGN_OR_RETURN(exploration.plan, FaultPlan::Parse(line.faults));
  HF_ASSIGN_OR_RETURN(exploration.recovery_plan,
                      FaultPlan::Parse(line.recovery_faults));
  const PersistenceProfile* profile = FindProfile(line.profile);
  if (profile == nullptr) {
    return absl::InvalidArgumentError("no such profile: " + line.profile);
  }
  exploration.options.profile = *profile;
  exploration.options.executor_seed = line.executor_seed;
  exploration.options.replay = line.path;
  return exploration;
}

int Main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr,
                 "usage: replay 'WORKLOAD PROFILE [faults={PLAN}] "
                 "[recovery={PLAN}] [seed=N] PATH'\n");
    return 2;
  }
  const absl::StatusOr<DbExploration> exploration = Read(argv[1]);
  if (!exploration.ok()) {
    std::fprintf(stderr, "%s\n", exploration.status().ToString().c_str());
    return 2;
  }
  PrintPathOnAbort();
  const CrashReport report = ExploreDb(*exploration);
  if (!report.broken.ok()) {
    std::printf("%s", report.Text().c_str());
  } else {
    std::printf("%s", report.timeline.c_str());
  }
  return report.ok() ? 0 : 1;
}

}  // namespace
}  // namespace holdfast

int main(int argc, char** argv) { return holdfast::Main(argc, argv); }
