// Seeds of db_ops_fuzz and api_misuse_fuzz.

#ifndef HOLDFAST_FUZZ_ENGINE_OPS_SEEDS_H_
#define HOLDFAST_FUZZ_ENGINE_OPS_SEEDS_H_

#include "fuzz/seeds/seed_sink.h"

namespace holdfast {

void AddOpsSeeds(SeedSink& sink);

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_ENGINE_OPS_SEEDS_H_
