// Holdfast as a shared library for db_bench, as its peers are: so that two
// builds of it can be measured in one run. See bench/engine.h.

#include "bench/engine.h"
#include "bench/holdfast_engine.h"

extern "C" int HoldfastBenchInterface() { return holdfast::bench::kInterface; }

extern "C" const holdfast::bench::EngineKind* HoldfastBenchEngine() {
  static const holdfast::bench::EngineKind kind =
      holdfast::bench::HoldfastKind();
  return &kind;
}
