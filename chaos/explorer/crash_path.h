// The way to a state: what happened in each life until it was crashed, and what
// each crash left. Paths are what reports print and what is replayed.
//
//   17:none 4:kept 3=0      the first life crashed after 17 changing calls and
//                           all that was pending was lost; the recovery was
//                           crashed after 4, and of its pending units all but
//                           the one at position 3 were kept

#ifndef HOLDFAST_CHAOS_EXPLORER_CRASH_PATH_H_
#define HOLDFAST_CHAOS_EXPLORER_CRASH_PATH_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "chaos/explorer/life.h"
#include "holdfast/testing/crash_explorer.h"
#include "holdfast/testing/persistence.h"
#include "holdfast/testing/sim_disk.h"

namespace holdfast {

// The two crashes that are no CrashChoice: the process is killed, and killed
// with the cache of the operating system lost where a failed sync left things
// in it that are not on the disk.
inline constexpr std::string_view kKill = "kill";
inline constexpr std::string_view kDrop = "drop";

struct CrashStep {
  uint64_t calls = 0;  // Changing calls that the life made before.
  std::string crash;   // "kill", "drop" or the text of a CrashChoice.

  friend bool operator==(const CrashStep&, const CrashStep&) = default;
};
using CrashPath = std::vector<CrashStep>;

std::string PathText(const CrashPath& path);
absl::StatusOr<CrashPath> ParsePath(std::string_view text);

// The disk that the first life begins with.
absl::StatusOr<SimDisk> PrepareDisk(CrashProgram* program,
                                    const ExploreOptions& options);

// What is on the disk after the process was killed.
SimDisk KillProcess(SimDisk disk);

// A crash on a path that was walked.
struct WalkedCrash {
  CrashPoint point = {};
  std::vector<PendingUnit> units = {};  // Of point.disk.
  CrashChoice choice = {};              // Unless the step says kill or drop.
  SimDisk left = SimDisk();
};

struct Walk {
  absl::Status fits;     // The path leads somewhere.
  absl::Status verdict;  // What the last Recover said.
  std::vector<Life> lives;
  std::vector<WalkedCrash> crashes;

  bool fails() const { return fits.ok() && !verdict.ok(); }
};

// Lives the lives of a path, from a prepared disk. `details`: with events and
// labels.
Walk WalkPath(CrashProgram* program, const SimDisk& prepared,
              const ExploreOptions& options, const CrashPath& path,
              bool details);

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_EXPLORER_CRASH_PATH_H_
