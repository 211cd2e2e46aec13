// The command line of a program that times with Google Benchmark.

#ifndef HOLDFAST_BENCH_BENCHMARK_FLAGS_H_
#define HOLDFAST_BENCH_BENCHMARK_FLAGS_H_

#include <cstdio>

#include "benchmark/benchmark.h"

namespace holdfast::bench {

// Reads its flags. `help` prints what the program is, for --help, which ends
// it. RETURNS false, after saying what was wrong, when it should end with exit
// code 2.
inline bool ReadBenchmarkFlags(int argc, char** argv, void (*help)()) {
  benchmark::Initialize(&argc, argv, help);
  if (!benchmark::ReportUnrecognizedArguments(argc, argv)) return true;
  std::fprintf(stderr, "%s: --help lists the flags\n", argv[0]);
  return false;
}

// What a `help` ends with.
inline void PrintFlagsOfBenchmark() {
  std::puts("\nFlags of Google Benchmark, which are all that it takes:");
  benchmark::PrintDefaultHelp();
}

}  // namespace holdfast::bench

#endif  // HOLDFAST_BENCH_BENCHMARK_FLAGS_H_
