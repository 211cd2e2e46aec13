// Seeds of the targets in this room.

#ifndef HOLDFAST_FUZZ_LOG_SEEDS_H_
#define HOLDFAST_FUZZ_LOG_SEEDS_H_

#include "fuzz/seeds/seed_sink.h"

namespace holdfast {

void AddLogSeeds(SeedSink& sink);

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_LOG_SEEDS_H_
