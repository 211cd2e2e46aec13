// This tree as an engine of the benchmark.

#ifndef HOLDFAST_BENCH_HOLDFAST_ENGINE_H_
#define HOLDFAST_BENCH_HOLDFAST_ENGINE_H_

#include "bench/engine.h"

namespace holdfast::bench {

EngineKind HoldfastKind();

}  // namespace holdfast::bench

#endif  // HOLDFAST_BENCH_HOLDFAST_ENGINE_H_
