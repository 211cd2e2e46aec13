// Makes a failing path smaller: fewer crashes, and less that each of them did.

#ifndef HOLDFAST_CHAOS_EXPLORER_MINIMIZE_H_
#define HOLDFAST_CHAOS_EXPLORER_MINIMIZE_H_

#include "chaos/explorer/crash_path.h"
#include "holdfast/testing/crash_explorer.h"
#include "holdfast/testing/sim_disk.h"

namespace holdfast {

// RETURNS a path that fails as well (perhaps with another message) and of which
// no single crash can be left out, and no single unit put back, so that it
// still fails; fewer steps when many tries do not get there.
// REQUIRES: `path` fails.
CrashPath MinimizePath(CrashProgram* program, const SimDisk& prepared,
                       const ExploreOptions& options, CrashPath path);

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_EXPLORER_MINIMIZE_H_
