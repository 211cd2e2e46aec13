// Makes calls to the file system fail under reference workloads, outside of a
// test.
//
//   run_faults                            what the test does, and what it found
//   run_faults --all                      each fault with each cure
//   run_faults --thin [WORKLOAD]          some faults, in seconds, up to the
//   first
//                                         finding: for //chaos/mutants
//   run_faults 'WORKLOAD CURE PLAN'       one run: the line that a test printed

#include <cstdint>
#include <cstdio>
#include <string_view>

#include "absl/status/statusor.h"
#include "chaos/faults/fault_sweep.h"

int main(int argc, char** argv) {
  // No divisor of how many effects a kind of call has: each has its share.
  constexpr uint64_t kThin = 13;
  holdfast::PrintFaultOnAbortAndHang();
  holdfast::FaultRunOptions options;
  options.max_failures = 10;
  absl::StatusOr<holdfast::FaultReport> report = holdfast::FaultReport();
  const std::string_view argument = argc > 1 ? argv[1] : "";
  if (argument == "--thin") {
    options.one_in = kThin;
    options.max_failures = 1;
    if (argc > 2) options.workload = argv[2];
    report = holdfast::RunFaults(options);
  } else if (!argument.empty() && argument != "--all") {
    report = holdfast::ReplayFault(argument);
  } else {
    options.every_cure = argument == "--all";
    report = holdfast::RunFaults(options);
  }
  if (!report.ok()) {
    std::fprintf(stderr, "%s\n", report.status().ToString().c_str());
    return 2;
  }
  std::printf("%s\n", report->Text().c_str());
  return report->ok() ? 0 : 1;
}
