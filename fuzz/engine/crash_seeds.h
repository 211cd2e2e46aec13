// Seeds of db_crash_fuzz.

#ifndef HOLDFAST_FUZZ_ENGINE_CRASH_SEEDS_H_
#define HOLDFAST_FUZZ_ENGINE_CRASH_SEEDS_H_

#include "fuzz/seeds/seed_sink.h"

namespace holdfast {

// The reference workloads of chaos/db, each with a few crashes.
void AddCrashSeeds(SeedSink& sink);

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_ENGINE_CRASH_SEEDS_H_
