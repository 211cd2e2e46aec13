// A workload: what a process does to a database, as a list of steps that is one
// line of text. What reference workloads are written in, generators make,
// shrinking takes apart and a failing test prints.
//
//   open create compression=none; put a 1 sync; fill 10 5000; flush;
//   snapshot s; del a; compact; check s; release s; close
//
// Steps (CHOICE of sync and nolog: how a write is made):
//   open [create] [exclusive] [OPTION=VALUE...]  options stay for later opens
//   close | kill | destroy         kill: the process dies, power stays
//   put KEY VALUE [CHOICE] | del KEY [CHOICE]
//   batch KEY=VALUE... [CHOICE]    KEY=- deletes; later ones win
//   fill COUNT BYTES [CHOICE]      COUNT puts to keys f000, f001, ...
//   flush | syncwal | compact [FROM TO] | resume | verify
//   work | idle                    one background task; all that is due
//   snapshot NAME | iterator NAME  what they show is held against the history
//   check NAME | release NAME      by check, and once more by release
//   read                           all of it, as of now
//   use N                          other steps are for database N (0 at first)
//   fault RULE [| RULE...]         a fault plan, in place of the one before
//   heal                           no more faults
//   sees COUNTER N                 fails unless it has come to N: see
//                                  chaos/db/workload_run.h
//   entries N                      exactly so many, tombstones too, in tables
// A step may begin with "?" (it may fail; of a fault: rules of it may never
// strike) or "!" (it must fail).
// KEY: a word; "WORD^N" is WORD and dots, N bytes in all.
// VALUE: a word; "*N" N bytes that do not shrink; "~N" N bytes that do.

#ifndef HOLDFAST_CHAOS_DB_WORKLOAD_H_
#define HOLDFAST_CHAOS_DB_WORKLOAD_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "holdfast/options.h"

namespace holdfast {

struct WorkloadStep {
  enum class Expect : uint8_t { kSuccess, kEither, kFailure };

  Expect expect = Expect::kSuccess;
  std::string verb;
  std::vector<std::string> words;  // After the verb.

  std::string Text() const;
  friend bool operator==(const WorkloadStep&, const WorkloadStep&) = default;
};

struct Workload {
  std::vector<WorkloadStep> steps;

  // Parse(Text()) is the workload again. An error names the step.
  static absl::StatusOr<Workload> Parse(std::string_view text);
  std::string Text() const;

  friend bool operator==(const Workload&, const Workload&) = default;
};

// The key that a word stands for.
std::string KeyOf(std::string_view word);

// The smallest of everything: memtables and tables of 64 KiB, no cache. What
// a workload begins with.
Options SmallOptions();

// Applies "NAME=VALUE": an option of Options without its "_bytes",
// "_interval" and the like; see the table in workload.cc.
absl::Status ApplyOption(std::string_view word, Options* options);
// Those names, and small values that are worth trying.
struct OptionRange {
  std::string_view name;
  std::vector<std::string_view> values;
};
const std::vector<OptionRange>& OptionsWorthTrying();

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_DB_WORKLOAD_H_
