#include "fuzz/text/seeds.h"

#include "fuzz/seeds/seed_sink.h"

namespace holdfast {

void AddTextSeeds(SeedSink&) {}

}  // namespace holdfast
