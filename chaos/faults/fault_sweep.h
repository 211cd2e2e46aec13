// Every call fails: each call to the file system of each reference workload,
// in each way that fits it, once and from then on; and a disk of every size.
//
//   const FaultReport report = RunFaults({.workload = "flush"});
//   EXPECT_TRUE(report.ok()) << report.Text();

#ifndef HOLDFAST_CHAOS_FAULTS_FAULT_SWEEP_H_
#define HOLDFAST_CHAOS_FAULTS_FAULT_SWEEP_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "chaos/faults/fault_run.h"
#include "holdfast/testing/file_call.h"

namespace holdfast {

struct FaultRunOptions {
  // The name of a reference workload, or the text of one. Empty: all
  // reference workloads that have no faults of their own.
  std::string workload;
  // Each plan with each cure. Otherwise with one, by turns.
  bool every_cure = false;
  // Every so manieth plan, so spread that each kind of call gets its share.
  uint64_t one_in = 1;
  // So many sizes of the disk at most, evenly spread. 0: none.
  uint64_t most_space_budgets = 100;
  size_t max_failures = 1;
};

struct FaultFailure {
  std::string why;     // What is wrong, and the call that went wrong.
  std::string replay;  // "WORKLOAD CURE PLAN": see ReplayFault.
};

struct FaultReport {
  uint64_t workloads = 0;
  uint64_t calls = 0;  // Of these workloads.
  uint64_t runs = 0;
  // Faults that struck, by what they did: "write eio", "space".
  std::map<std::string, uint64_t> fired;
  Healings healings;
  std::vector<FaultFailure> failures;

  bool ok() const { return failures.empty() && runs > 0; }
  std::string Text() const;
};

FaultReport RunFaults(const FaultRunOptions& options);

// Makes one run again: "flush resume sync * @3 fails-keeps-new". The workload
// is a name, or a text in quotation marks.
absl::StatusOr<FaultReport> ReplayFault(std::string_view replay);

// From now on a process that dies of a failed assertion, or hangs, prints the
// line that replays the run it was in. A hang ends it.
void PrintFaultOnAbortAndHang();

// The effects that a call may have when it goes wrong, as words of a plan.
std::vector<std::string> EffectsOn(const FileCall& call);

// The reference workloads that RunFaults runs.
std::vector<std::string_view> WorkloadsForFaults();

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_FAULTS_FAULT_SWEEP_H_
