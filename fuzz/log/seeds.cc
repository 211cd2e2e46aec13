#include "fuzz/log/seeds.h"

#include "fuzz/seeds/seed_sink.h"

namespace holdfast {

void AddLogSeeds(SeedSink&) {}

}  // namespace holdfast
