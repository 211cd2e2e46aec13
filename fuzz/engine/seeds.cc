#include "fuzz/engine/seeds.h"

#include "fuzz/engine/crash_seeds.h"
#include "fuzz/engine/ops_seeds.h"
#include "fuzz/seeds/seed_sink.h"

namespace holdfast {

void AddEngineSeeds(SeedSink& sink) {
  AddCrashSeeds(sink);
  AddOpsSeeds(sink);
}

}  // namespace holdfast
