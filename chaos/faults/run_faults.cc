// Makes calls to the file system fail under reference workloads, outside of a
// test.
//
//   run_faults                            what the test does, and what it found
//   run_faults --all                      each fault with each cure
//   run_faults 'WORKLOAD CURE PLAN'       one run: the line that a test printed

#include <cstdio>
#include <string_view>

#include "absl/status/statusor.h"
#include "chaos/faults/fault_sweep.h"

int main(int argc, char** argv) {
  holdfast::PrintFaultOnAbortAndHang();
  holdfast::FaultRunOptions options;
  options.max_failures = 10;
  absl::StatusOr<holdfast::FaultReport> report = holdfast::FaultReport();
  if (argc > 1 && std::string_view(argv[1]) != "--all") {
    report = holdfast::ReplayFault(argv[1]);
  } else {
    options.every_cure = argc > 1;
    report = holdfast::RunFaults(options);
  }
  if (!report.ok()) {
    std::fprintf(stderr, "%s\n", report.status().ToString().c_str());
    return 2;
  }
  std::printf("%s\n", report->Text().c_str());
  return report->ok() ? 0 : 1;
}
