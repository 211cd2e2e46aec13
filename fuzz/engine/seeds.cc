#include "fuzz/engine/seeds.h"

#include "fuzz/seeds/seed_sink.h"

namespace holdfast {

void AddEngineSeeds(SeedSink&) {}

}  // namespace holdfast
