// Crash-tests any code that writes through a FileSystem: runs it once on a
// simulated disk, then, for every call that changes the disk and everything
// that a crash there may leave, runs its recovery and asks whether the result
// is legal. Crashes again inside every such recovery.
//
//   class ConfigTest : public CrashProgram {
//     absl::Status Run(CrashRun& run) override {
//       HF_RETURN_IF_ERROR(SaveConfig(run.env().file_system(), "v2"));
//       run.Mark("saved v2");            // from here on a crash must keep it
//       return absl::OkStatus();
//     }
//     absl::Status Recover(CrashRun& run) override {
//       auto text = LoadConfig(run.env().file_system());
//       ... legal, given run.marks()? ...
//     }
//   };
//   ConfigTest test;
//   CrashReport report = ExploreCrashes(&test, {});
//   EXPECT_TRUE(report.ok()) << report.Text();
//
// There are two ways to die. When the *power fails*, anything that is not
// durable may be lost: one state for each choice of EnumerateChoices. When only
// the *process is killed*, nothing is lost, but what was pending still is: the
// next life reads it, and a later loss of power may take it away. Code that
// relies on what it reads must make it durable first.
//
// Both functions must do the same each time: no threads, clock or chance but
// those of run.env(), whose fs().before and fs().after belong to the explorer.
// Recover may be called any number of times, and must not depend on what an
// earlier call left in the program object. The explorer is exhaustive within
// the bound that the report states.

#ifndef HOLDFAST_TESTING_CRASH_EXPLORER_H_
#define HOLDFAST_TESTING_CRASH_EXPLORER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "holdfast/testing/persistence.h"
#include "holdfast/testing/sim_disk.h"
#include "holdfast/testing/sim_file_system.h"

namespace holdfast {

// What a program says about its progress: what it promised so far. `value` is
// the program's own.
struct CrashMark {
  std::string text;
  uint64_t value = 0;
};

// One life of the process, from start to crash or end.
class CrashRun {
 public:
  explicit CrashRun(SimEnv* env, std::vector<CrashMark> marks = {},
                    bool power_lost = true, size_t marks_before_loss = 0)
      : env_(*env),
        marks_(std::move(marks)),
        power_lost_(power_lost),
        marks_before_loss_(marks_before_loss) {}

  SimEnv& env() { return env_; }

  // Notes progress: a crash at any later call finds it in marks().
  void Mark(std::string text, uint64_t value = 0);

  // Those of all lives before this one, up to their crashes, then of this one.
  const std::vector<CrashMark>& marks() const { return marks_; }

  // Whether a crash before this life may have lost what was not durable. False
  // when every crash was the death of the process alone: then all that a call
  // returned OK for must be there, synced or not.
  bool power_lost() const { return power_lost_; }

  // How many of marks() were made before the last loss of power. Since the
  // later ones only processes died: what they tell must be there, synced or
  // not.
  size_t marks_before_loss() const { return marks_before_loss_; }

 private:
  SimEnv& env_;
  std::vector<CrashMark> marks_;
  bool power_lost_;
  size_t marks_before_loss_;
};

// The code under test.
class CrashProgram {
 public:
  virtual ~CrashProgram() = default;

  // Fills the disk before the first life; all durable afterwards.
  virtual absl::Status Prepare(SimEnv&) { return absl::OkStatus(); }

  // The first life. An error means that the test itself is broken.
  virtual absl::Status Run(CrashRun& run) = 0;

  // A later life: recovers, then says whether what it found is legal, given the
  // marks. The error is the finding. Marks that it makes bind the lives after
  // it, when it is crashed too.
  virtual absl::Status Recover(CrashRun& run) = 0;

  // Two losses of power that left the same disk and give the same key are the
  // same state. The default takes all marks into account; give a coarser one
  // when marks differ that change nothing for Recover.
  virtual uint64_t StateKey(absl::Span<const CrashMark> marks) const;
};

struct ExploreOptions {
  PersistenceProfile profile = PosixProfile();
  ChoiceBound bound = {};
  // Inside recoveries, where the bound is usually tighter.
  ChoiceBound nested_bound = {.pairs_up_to_units = 0,
                              .all_up_to_combinations = 8,
                              .singles_up_to_units = 8,
                              .prefixes = 4,
                              .random_choices = 1};
  // Crashes in a row: 1 no crash of recoveries, 2 every call of them, 3 also of
  // the recoveries after those.
  int depth = 3;
  // Of the states found at depth 1, 2, ..., one in so many has its recovery
  // crashed as well, chosen so that rare call sites come first. 1: each.
  std::vector<uint64_t> nest_one_in = {1, 16};
  uint64_t seed = 1;  // Of the random choices.
  // In which order background tasks run: the seed of SimExecutor.
  uint64_t executor_seed = 0;
  // Ends early and says so. 0: no limit. With a limit, crash points come by
  // turns of their call sites, so that rare sites get their share. In any case
  // depth 1 is explored first, then depth 2 and so on.
  uint64_t max_states = 0;
  double max_seconds = 0;
  size_t max_failures = 1;
  // A path of a state as a report prints it: explore that alone, with a
  // timeline.
  std::string replay = {};
};

// A path leads to a state: for each crash the number of changing calls that the
// life had made, and what the crash left. "kill" is the death of the process;
// "drop" that and the loss of the cache, where failed syncs left things in it
// that are not on the disk; all else is a CrashChoice of a loss of power.
struct CrashFailure {
  std::string why;            // What Recover said.
  std::string replay;         // A path: "17:none 4:kept 3=0".
  std::string timeline = {};  // For people: calls, marks, crashes, recovery.
  std::string site = {};      // What the last crash came before.
};

struct CrashReport {
  std::string profile;
  uint64_t states = 0;        // Recovered and judged.
  uint64_t duplicates = 0;    // Not judged again: same disk, same key.
  uint64_t crash_points = 0;  // Calls at which a crash was tried, all depths.
  uint64_t calls = 0;         // Of the first life, that change the disk.
  uint64_t sites = 0;         // Places in the code that such calls come from.
  uint64_t failing_states = 0;
  std::vector<uint64_t> states_by_depth;
  std::map<std::string, uint64_t> states_by_site;
  double seconds = 0;
  std::string bound;      // What was and was not enumerated.
  bool complete = false;  // Not ended by a limit, or by a failure.
  absl::Status broken;    // Run or Prepare itself failed.
  std::vector<CrashFailure> failures;
  std::string timeline;  // Of a replay, failing or not, and of a broken Run.

  bool ok() const { return broken.ok() && failures.empty() && states > 0; }
  std::string Text() const;
};

CrashReport ExploreCrashes(CrashProgram* program,
                           const ExploreOptions& options);

// From now on, when the process aborts while a state is being recovered (a
// failed assertion of the code under test), the path of that state is printed
// on stderr first. For the main functions of tests and tools.
void PrintPathOnAbort();

}  // namespace holdfast

#endif  // HOLDFAST_TESTING_CRASH_EXPLORER_H_
