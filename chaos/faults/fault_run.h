// One run of a workload while calls to the file system go wrong: what is asked
// of the engine then, and after the fault has ended.
//
//   const Workload workload = *Workload::Parse("open create; put a 1 sync");
//   const FaultPlan plan = *FaultPlan::Parse("sync * @3 fails-keeps-new");
//   const FaultRunResult result = RunWithFaults(workload, plan, Cure::kResume);
//   EXPECT_OK(result.finding);
//
// While the fault lasts: readers see what was acknowledged or an error, errors
// say what they come from, and Health shows those of writing. Once it has
// ended: Resume or reopening, whichever the cure says, makes a healthy database
// with all that was acknowledged; writing, flushing, compacting and verifying
// work; no file is left that nothing needs, none open; and a loss of power
// takes nothing. Histories and what is legal are those of chaos/oracle.

#ifndef HOLDFAST_CHAOS_FAULTS_FAULT_RUN_H_
#define HOLDFAST_CHAOS_FAULTS_FAULT_RUN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "chaos/db/workload.h"
#include "holdfast/testing/fault_plan.h"
#include "holdfast/testing/file_call.h"

namespace holdfast {

// When the fault ends, and what mends the database then.
enum class Cure : uint8_t {
  // The workload goes on to its end whatever fails. What the death of the
  // process, the loss of its cache and the loss of power would leave then is
  // looked at; after that the fault ends, and Resume mends.
  kGoOn,
  // The fault ends when a step fails; Resume mends when Health says that it is
  // not healthy, and the step is made again. After a want of space that is
  // enough.
  kResume,
  // The same with closing and opening in place of Resume.
  kReopen,
};
inline constexpr Cure kCures[] = {Cure::kGoOn, Cure::kResume, Cure::kReopen};
std::string_view CureName(Cure cure);  // "go-on", "resume", "reopen".
std::optional<Cure> CureFromName(std::string_view name);

// What made a database healthy that was not.
struct Healings {
  uint64_t by_itself = 0;  // Only space was wanted.
  uint64_t resumed = 0;
  uint64_t reopened = 0;
};

struct FaultRunResult {
  absl::Status finding;  // What is wrong; OK when nothing is.
  // The first call that went wrong, and how; empty when none did. That is the
  // caller's to judge.
  std::string fired;
  Healings healings;
};

// REQUIRES: the workload has no faults of its own.
FaultRunResult RunWithFaults(const Workload& workload, const FaultPlan& plan,
                             Cure cure);

// What the steps of a workload call when nothing fails, and how many bytes the
// files had together at most.
struct WorkloadCalls {
  std::vector<FileCall> calls;
  uint64_t most_bytes = 0;
};
WorkloadCalls CallsOf(const Workload& workload);

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_FAULTS_FAULT_RUN_H_
