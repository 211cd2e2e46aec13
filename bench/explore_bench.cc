// How many crash states a core explores in a second: make the disk that a crash
// left, open the database, read all of it, ask the oracle, look for files left
// over. On small reference workloads, two crashes in a row. items_per_second is
// the figure; the tests of the house rest on 5,000 and more.

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "base/check.h"
#include "bench/benchmark_flags.h"
#include "benchmark/benchmark.h"
#include "chaos/db/explore.h"
#include "chaos/db/workloads.h"
#include "holdfast/testing/crash_explorer.h"

namespace holdfast {
namespace {

void BM_Explore(benchmark::State& state, std::string_view name) {
  const ReferenceWorkload* const workload = FindReferenceWorkload(name);
  HF_CHECK(workload != nullptr);
  DbExploration exploration;
  exploration.workload = workload->Parsed();
  exploration.options.depth = 2;
  exploration.options.nest_one_in = {4};
  int64_t states = 0;
  for (auto _ : state) {
    const CrashReport report = ExploreDb(exploration);
    HF_CHECK(report.ok());
    HF_CHECK(report.complete);
    states += static_cast<int64_t>(report.states);
  }
  state.SetItemsProcessed(states);
}
BENCHMARK_CAPTURE(BM_Explore, first_write, "first-write");
BENCHMARK_CAPTURE(BM_Explore, first_synced_write, "first-synced-write");
BENCHMARK_CAPTURE(BM_Explore, clean_close, "clean-close");
BENCHMARK_CAPTURE(BM_Explore, sync_mix, "sync-mix");
BENCHMARK_CAPTURE(BM_Explore, flush, "flush");
BENCHMARK_CAPTURE(BM_Explore, table_to_manifest, "table-to-manifest");
BENCHMARK_CAPTURE(BM_Explore, manifest_roll, "manifest-roll");
BENCHMARK_CAPTURE(BM_Explore, compaction, "compaction");
BENCHMARK_CAPTURE(BM_Explore, full_disk, "full-disk");

void Help() {
  std::puts(
      "explore_bench says how many crash states a core explores in a second\n"
      "(items_per_second), on small reference workloads, two crashes in a "
      "row.");
  bench::PrintFlagsOfBenchmark();
}

int Main(int argc, char** argv) {
  if (!bench::ReadBenchmarkFlags(argc, argv, Help)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace
}  // namespace holdfast

int main(int argc, char** argv) { return holdfast::Main(argc, argv); }
