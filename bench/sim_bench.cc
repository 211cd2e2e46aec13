// What an exploration does with the simulated disk for every state: copy it,
// write to it, list what is pending, crash, hash. On a disk like that of a
// small database.

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "base/check.h"
#include "bench/benchmark_flags.h"
#include "benchmark/benchmark.h"
#include "holdfast/testing/persistence.h"
#include "holdfast/testing/sim_disk.h"

namespace holdfast {
namespace {

// Four durable tables, and a log with `writes` records that are not durable.
SimDisk SmallDatabase(int writes) {
  SimDisk disk;
  for (const char* name : {"/db/000004.sst", "/db/000006.sst", "/db/000008.sst",
                           "/db/000010.sst"}) {
    disk.Put(name, std::string(8000, 't'));
  }
  disk.Put("/db/CURRENT", "MANIFEST-000011\n");
  disk.Put("/db/MANIFEST-000011", std::string(900, 'm'));
  disk.Put("/db/LOCK", "");
  const auto log = disk.Create("/db/000012.wal");
  HF_CHECK(log.ok());
  for (int i = 0; i < writes; ++i) {
    disk.Write(*log, static_cast<uint64_t>(i) * 100, std::string(100, 'w'));
  }
  return disk;
}

void BM_Copy(benchmark::State& state) {
  const SimDisk disk = SmallDatabase(20);
  for (auto _ : state) {
    SimDisk copy(disk);
    benchmark::DoNotOptimize(copy);
  }
}
BENCHMARK(BM_Copy);

// As when each call is remembered: a copy is kept, so the write copies.
void BM_CopyAndWrite(benchmark::State& state) {
  const SimDisk disk = SmallDatabase(20);
  const auto log = disk.Lookup("/db/000012.wal").value();
  const std::string record(100, 'x');
  for (auto _ : state) {
    SimDisk copy(disk);
    copy.Write(log, 2000, record);
    benchmark::DoNotOptimize(copy);
  }
}
BENCHMARK(BM_CopyAndWrite);

void BM_WriteTableInSmallPieces(benchmark::State& state) {
  const std::string piece(512, 'x');
  for (auto _ : state) {
    SimDisk disk;
    std::vector<SimDisk> copies;
    const auto inode = disk.Create("/000004.sst").value();
    for (uint64_t at = 0; at < 64 * 1024; at += piece.size()) {
      copies.push_back(disk);
      disk.Write(inode, at, piece);
    }
    benchmark::DoNotOptimize(disk);
  }
}
BENCHMARK(BM_WriteTableInSmallPieces);

void BM_Pending(benchmark::State& state) {
  const SimDisk disk = SmallDatabase(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(disk.Pending());
  }
}
BENCHMARK(BM_Pending)->Arg(3)->Arg(20);

void BM_Enumerate(benchmark::State& state) {
  const SimDisk disk = SmallDatabase(static_cast<int>(state.range(0)));
  const auto units = disk.Pending();
  int64_t choices = 0;
  for (auto _ : state) {
    const auto all = EnumerateChoices(units, disk.profile(), {}, 1);
    choices += static_cast<int64_t>(all.size());
  }
  state.SetItemsProcessed(choices);
}
BENCHMARK(BM_Enumerate)->Arg(3)->Arg(20);

void BM_CrashAndHash(benchmark::State& state) {
  const SimDisk disk = SmallDatabase(static_cast<int>(state.range(0)));
  const auto units = disk.Pending();
  const auto choices = EnumerateChoices(units, disk.profile(), {}, 1);
  size_t i = 0;
  for (auto _ : state) {
    const SimDisk after = disk.Crash(units, choices[i++ % choices.size()]);
    benchmark::DoNotOptimize(after.Hash());
  }
}
BENCHMARK(BM_CrashAndHash)->Arg(3)->Arg(20);

void Help() {
  std::puts(
      "sim_bench times what an exploration of crashes does with the simulated "
      "disk\n"
      "for every state: copy it, write to it, list what is pending, crash, "
      "hash.");
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
