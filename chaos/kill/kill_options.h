// What the parent and the writer that it kills must agree on: both draw it from
// the seed of a round.
//
// Thread safety: pure functions.

#ifndef HOLDFAST_CHAOS_KILL_KILL_OPTIONS_H_
#define HOLDFAST_CHAOS_KILL_KILL_OPTIONS_H_

#include <cstdint>

#include "holdfast/options.h"
#include "tests/util/numbered_writes.h"

namespace holdfast::chaos {

// So tiny that flushes, compactions and new manifests come all the time.
Options DrawKillOptions(uint64_t seed);

NumberedWrites DrawKillWrites(uint64_t seed);

// One write in so many is synced; 0: none, so that the only syncs of a log are
// those of its seal.
uint64_t DrawSyncOneIn(uint64_t seed);

}  // namespace holdfast::chaos

#endif  // HOLDFAST_CHAOS_KILL_KILL_OPTIONS_H_
