#include "fuzz/table/seeds.h"

#include "fuzz/seeds/seed_sink.h"

namespace holdfast {

void AddTableSeeds(SeedSink&) {}

}  // namespace holdfast
