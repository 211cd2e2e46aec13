// The one line that leads back to a state: which workload, on what disk, with
// which faults, and the path of crashes.
//
//   bazel run //chaos:replay -- 'flush posix 17:none 4:kept 3=0'
//
// In the quotes: WORKLOAD PROFILE [faults={PLAN}] [recovery={PLAN}] [seed=N]
// PATH. WORKLOAD is the name of a reference workload, or the text of any in
// braces.

#ifndef HOLDFAST_CHAOS_DB_REPLAY_LINE_H_
#define HOLDFAST_CHAOS_DB_REPLAY_LINE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace holdfast {

struct ReplayLine {
  std::string workload;  // A name, or the text in braces.
  std::string profile;
  std::string faults = {};           // A FaultPlan; empty: none.
  std::string recovery_faults = {};  // The same, in force in later lives.
  uint64_t executor_seed = 0;        // ExploreOptions::executor_seed.
  std::string path = {};             // CrashFailure::replay.

  std::string Text() const;
  // With what a shell needs around it.
  std::string Command() const;
  // Parse(Text()) is the line again. An error says what is missing.
  static absl::StatusOr<ReplayLine> Parse(std::string_view text);

  friend bool operator==(const ReplayLine&, const ReplayLine&) = default;
};

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_DB_REPLAY_LINE_H_
