// One life of the code under test on a simulated disk, watched: where it can be
// crashed, and what it did.

#ifndef HOLDFAST_CHAOS_EXPLORER_LIFE_H_
#define HOLDFAST_CHAOS_EXPLORER_LIFE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "chaos/explorer/call_sites.h"
#include "holdfast/testing/crash_explorer.h"
#include "holdfast/testing/file_call.h"
#include "holdfast/testing/sim_disk.h"

namespace holdfast {

// A moment between two calls that change the disk, or the end of a life.
struct CrashPoint {
  uint64_t calls = 0;  // Changing calls before it, in this life.
  size_t marks = 0;    // Made before it, in all lives.
  SimDisk disk = SimDisk();
  SiteId site = 0;  // Of the call that comes next.
};

struct LifeEvent {
  // A call, or a mark when `mark` is there.
  FileCall call = {};
  uint64_t number = 0;  // Of a changing call, from 1.
  bool done = false;    // False: it failed.
  std::optional<std::string> mark = {};
};

// What a life begins with.
struct LifeStart {
  SimDisk disk = SimDisk();
  std::vector<CrashMark> marks = {};
  bool power_lost = false;  // In any crash before.
  size_t marks_before_loss = 0;
  int number = 0;  // 0: Run; from 1: Recover.
};

// What to note.
struct LifeWatch {
  CallSites* sites = nullptr;  // Notes every crash point, and its site.
  bool points = false;         // Notes every crash point.
  std::optional<uint64_t> only =
      {};  // Notes the crash point after so many calls.
  bool events = false;
};

struct Life {
  absl::Status status;  // What Run or Recover returned.
  std::vector<CrashMark> marks;
  uint64_t calls = 0;  // Changing ones.
  std::vector<CrashPoint> points;
  std::vector<LifeEvent> events;
};

Life Live(CrashProgram* program, const LifeStart& start,
          const ExploreOptions& options, const LifeWatch& watch);

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_EXPLORER_LIFE_H_
