// Crashes of whole databases, on a simulated disk, with faults, and crashes of
// the recoveries from them: what chaos/db explores by rule, looked for by
// coverage. An input is a CrashCase (fuzz/engine/crash_case.h).
//
// Properties: those of chaos/oracle, as DbProgram asks it, after each recovery
// and for each reader before; without faults no step fails that must not.
//
//   HOLDFAST_MUTANT=log_writer.sync bazel-bin/fuzz/engine/db_crash_fuzz
//
// looks for a step that was left out (base/mutant.h). A failure prints the
// workload, the story and the line that replays both.

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "chaos/db/db_program.h"
#include "chaos/db/explore.h"
#include "chaos/db/replay_line.h"
#include "chaos/db/workload.h"
#include "chaos/explorer/crash_path.h"
#include "chaos/explorer/crash_wish.h"
#include "fuzz/engine/crash_case.h"
#include "holdfast/testing/crash_explorer.h"
#include "holdfast/testing/fault_plan.h"
#include "holdfast/testing/persistence.h"

namespace holdfast {
namespace {

// What runs, for a process that dies of an assertion in it.
const CrashCase* running = nullptr;
struct sigaction before;

// Not safe in a handler in general, since making the text allocates. It runs
// inside abort(), and the process dies anyway.
void TellWhatRuns(int signal) {
  if (running != nullptr) {
    const CrashCase* const crash_case = running;
    running = nullptr;
    const ReplayLine line{.workload = "{" + crash_case->workload.Text() + "}",
                          .profile = crash_case->profile,
                          .recovery_faults = crash_case->recovery_faults,
                          .executor_seed = crash_case->executor_seed,
                          .path = "PATH"};
    std::fprintf(stderr, "replay, with the path told above: %s\n",
                 line.Command().c_str());
  }
  // The fuzzer's, which keeps the input.
  sigaction(signal, &before, nullptr);
  std::raise(signal);
}

void TellOnAbort() {
  static const bool kOnce = [] {
    PrintPathOnAbort();
    struct sigaction action = {};
    action.sa_handler = TellWhatRuns;
    sigaction(SIGABRT, &action, &before);
    return true;
  }();
  (void)kOnce;
}

// Without faults nothing fails; with them only a promise that broke counts.
bool IsFinding(const Workload& workload, const absl::Status& broken) {
  if (broken.ok()) return false;
  if (absl::IsInternal(broken) || absl::IsDataLoss(broken)) return true;
  for (const WorkloadStep& step : workload.steps) {
    if (step.verb == "fault") return false;
  }
  return true;
}

[[noreturn]] void Fail(DbExploration exploration, const WishedWalk& walk) {
  exploration.options.replay = PathText(walk.path);
  CrashReport report = ExploreDb(exploration);
  if (report.ok()) {
    std::fprintf(stderr, "NOT THE SAME when replayed: %s %s\n",
                 walk.broken.ToString().c_str(),
                 walk.verdict.ToString().c_str());
  }
  std::fprintf(stderr, "%s%s\n", ExplainFailure(exploration, report).c_str(),
               report.broken.ok() ? "" : report.timeline.c_str());
  running = nullptr;
  std::abort();
}

void RunCase(const CrashCase& crash_case) {
  DbExploration exploration;
  exploration.workload = crash_case.workload;
  exploration.options.profile = *FindProfile(crash_case.profile);
  exploration.options.executor_seed = crash_case.executor_seed;
  exploration.recovery_plan = *FaultPlan::Parse(crash_case.recovery_faults);
  DbProgramSettings settings;
  settings.recovery_plan = exploration.recovery_plan;
  DbProgram program(crash_case.workload, settings);
  const WishedWalk walk =
      WalkWishes(&program, exploration.options, crash_case.crashes);
  if (IsFinding(crash_case.workload, walk.broken) || !walk.verdict.ok()) {
    Fail(std::move(exploration), walk);
  }
}

}  // namespace
}  // namespace holdfast

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  holdfast::TellOnAbort();
  const holdfast::CrashCase crash_case = holdfast::DecodeCrashCase(
      std::string_view(reinterpret_cast<const char*>(data), size));
  holdfast::running = &crash_case;
  holdfast::RunCase(crash_case);
  holdfast::running = nullptr;
  return 0;
}
