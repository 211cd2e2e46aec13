// Times the parts of the engine by themselves, and says beside each what others
// reach, so that a part that falls behind is seen before the whole does.
//
//   micro_bench [flags of Google Benchmark]
//
// Times are of the CPU, but for what several threads do together. Files are
// made below $TMPDIR. With --benchmark_repetitions=N medians are shown.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/random.h"
#include "bench/benchmark_flags.h"
#include "bench/keys.h"
#include "benchmark/benchmark.h"
#include "engine/cache/sharded_cache.h"
#include "engine/format/internal_key.h"
#include "engine/format/log_frame.h"
#include "engine/iter/internal_iterator.h"
#include "engine/iter/merging_iterator.h"
#include "engine/memtable/memtable.h"
#include "engine/table/block.h"
#include "engine/table/block_builder.h"
#include "engine/table/filter.h"
#include "engine/table/table_builder.h"
#include "engine/wal/log_writer.h"
#include "holdfast/db.h"
#include "holdfast/env/env.h"

namespace holdfast::bench {
namespace {

namespace fs = std::filesystem;

const DataShape kShape;  // Keys of 16 bytes, values of 100.
constexpr size_t kEntryBytes = 16 + 100;

void Check(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "micro_bench: %s\n", status.ToString().c_str());
  std::exit(1);
}

template <class T>
T Check(absl::StatusOr<T> result) {
  Check(result.status());
  return *std::move(result);
}

// A folder of its own for each user; gone at the end.
class Scratch {
 public:
  Scratch()
      : path_(fs::temp_directory_path() /
              absl::StrCat("holdfast-micro-", Random(Unique()).Next64())) {
    fs::create_directories(path_);
  }
  ~Scratch() { fs::remove_all(path_); }

  // A name that was not given before.
  std::string New() { return path_ / absl::StrCat("f", ++made_); }

 private:
  static uint64_t Unique() {
    return Check(NewPosixEnv()->file_system().UniqueId());
  }
  const fs::path path_;
  int made_ = 0;
};

// --- Memtable ----------------------------------------------------------------

constexpr uint64_t kMemtableKeys = 200'000;

// With `mu` at each Add, when several threads fill it: a memtable takes one at
// a time.
void FillMemtable(MemTable* table, uint64_t seed, bool random,
                  SequenceNumber first, std::mutex* mu = nullptr) {
  Random numbers(seed);
  KeyMaker keys(kShape);
  ValueMaker values(kShape, seed);
  for (uint64_t i = 0; i < kMemtableKeys; ++i) {
    const uint64_t number =
        random ? numbers.Uniform(uint64_t{1} << 40) : first + i;
    const std::string_view key = keys.Of(number);
    const std::string_view value = values.Next();
    std::unique_lock<std::mutex> lock;
    if (mu != nullptr) lock = std::unique_lock(*mu);
    table->Add(first + i, ValueType::kValue, key, value);
  }
}

void MemtableInsert(benchmark::State& state, bool random) {
  for (auto _ : state) {
    auto table = std::make_unique<MemTable>();
    FillMemtable(table.get(), 1, random, 1);
    state.PauseTiming();
    table.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * kMemtableKeys);
}

void MemtableInsertThreads(benchmark::State& state, int threads) {
  for (auto _ : state) {
    MemTable table;
    std::mutex mu;
    std::vector<std::thread> writers;
    for (int t = 0; t < threads; ++t) {
      writers.emplace_back([&table, &mu, t] {
        const auto number = static_cast<uint64_t>(t);
        FillMemtable(&table, number + 1, true, 1 + number * kMemtableKeys, &mu);
      });
    }
    for (std::thread& writer : writers) writer.join();
  }
  state.SetItemsProcessed(state.iterations() * threads * kMemtableKeys);
}

void MemtableGet(benchmark::State& state) {
  MemTable table;
  FillMemtable(&table, 1, /*random=*/false, 1);
  Random numbers(2);
  KeyMaker keys(kShape);
  for (auto _ : state) {
    const LookupKey key(keys.Of(1 + numbers.Uniform(kMemtableKeys)),
                        kMaxSequenceNumber);
    benchmark::DoNotOptimize(table.Get(key).value.data());
  }
}

// --- Blocks and filters ------------------------------------------------------

struct BlockAndKeys {
  std::shared_ptr<const Block> block;
  std::vector<std::string> keys;  // Internal.
};

BlockAndKeys MakeBlock() {
  BlockBuilder builder(16);
  KeyMaker keys(kShape);
  ValueMaker values(kShape, 1);
  BlockAndKeys made;
  for (uint64_t i = 1;; ++i) {
    std::string key = MakeInternalKey(keys.Of(i * 37), i, ValueType::kValue);
    const std::string_view value = values.Next();
    if (builder.BytesWith(key, value) > 4096) break;
    builder.Add(key, value);
    made.keys.push_back(std::move(key));
  }
  made.block = Check(Block::Parse(builder.Finish(), "micro_bench", 0));
  return made;
}

void BlockSeek(benchmark::State& state) {
  const BlockAndKeys made = MakeBlock();
  Random random(1);
  Block::Iterator it(made.block.get());
  for (auto _ : state) {
    it.Seek(made.keys[random.Uniform(made.keys.size())]);
    benchmark::DoNotOptimize(it.value().front());
  }
}

void BlockFind(benchmark::State& state) {
  const BlockAndKeys made = MakeBlock();
  Random random(1);
  uint64_t trailer = 0;
  std::string_view value;
  for (auto _ : state) {
    HF_CHECK(made.block->Find(made.keys[random.Uniform(made.keys.size())],
                              &trailer, &value) == Block::Answer::kFound);
    benchmark::DoNotOptimize(value.front());
  }
}

void BlockNext(benchmark::State& state) {
  const BlockAndKeys made = MakeBlock();
  Block::Iterator it(made.block.get());
  for (auto _ : state) {
    for (it.SeekToFirst(); it.Valid(); it.Next()) {
      benchmark::DoNotOptimize(it.key().data());
      benchmark::DoNotOptimize(it.value().front());
    }
  }
  state.SetItemsProcessed(state.iterations() *
                          static_cast<int64_t>(made.keys.size()));
}

constexpr uint64_t kFilterKeys = 1'000'000;

void FilterBuild(benchmark::State& state) {
  for (auto _ : state) {
    FilterBuilder builder(10);
    for (uint64_t i = 0; i < kFilterKeys; ++i) {
      builder.AddHash(Random(i).Next64());
    }
    benchmark::DoNotOptimize(builder.Finish());
  }
  state.SetItemsProcessed(state.iterations() * kFilterKeys);
}

// The hash of the key included; half of the keys are there.
void FilterProbe(benchmark::State& state, uint64_t keys_in) {
  constexpr size_t kProbes = 16384;  // Then they repeat.
  KeyMaker keys(kShape);
  FilterBuilder builder(10);
  for (uint64_t i = 0; i < keys_in; ++i) builder.AddHash(HashKey(keys.Of(i)));
  const Filter filter =
      Check(Filter::Parse(builder.Finish(), "micro_bench", 0));
  Random numbers(1);
  std::vector<std::string> probes;
  while (probes.size() < kProbes) {
    probes.emplace_back(keys.Of(numbers.Uniform(2 * keys_in)));
  }
  size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(filter.MayContain(HashKey(probes[i])));
    i = (i + 1) % kProbes;
  }
}

void ChecksumOf(benchmark::State& state, size_t bytes) {
  const std::string data(bytes, 'x');
  uint64_t context = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(Checksum64(data, ++context));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes));
}

// --- Cache -------------------------------------------------------------------

void CacheHit(benchmark::State& state) {
  constexpr uint64_t kBlocks = 10'000;
  ShardedCache<std::string> cache(size_t{256} << 20);
  for (uint64_t i = 0; i < kBlocks; ++i) {
    cache.Insert({7, i * 4096}, std::make_shared<const std::string>("x"), 4096);
  }
  Random random(1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        cache.Lookup({7, random.Uniform(kBlocks) * 4096}).get());
  }
}

// --- Merging -----------------------------------------------------------------

// Entries in memory, as cheap as a source can be.
class VectorIterator final : public InternalIterator {
 public:
  explicit VectorIterator(const std::vector<std::string>* keys)
      : keys_(keys), at_(keys->size()) {}
  bool SeekToFirst() override { return StandAt(0); }
  bool SeekToLast() override { return StandAt(keys_->size() - 1); }
  bool Seek(std::string_view) override { return StandNowhere(); }
  bool Next() override { return StandAt(at_ + 1); }
  bool Prev() override { return StandAt(at_ - 1); }
  absl::Status status() const override { return absl::OkStatus(); }

 private:
  // Before the first is a large number.
  bool StandAt(size_t at) {
    at_ = at;
    return at < keys_->size() ? StandOn((*keys_)[at], {}) : StandNowhere();
  }

  const std::vector<std::string>* const keys_;
  size_t at_;
};

void MergeStep(benchmark::State& state, size_t sources) {
  constexpr uint64_t kEntries = 100'000;
  std::vector<std::vector<std::string>> parts(sources);
  Random random(1);
  KeyMaker keys(kShape);
  for (uint64_t i = 1; i <= kEntries; ++i) {
    parts[random.Uniform(sources)].push_back(
        MakeInternalKey(keys.Of(i), i, ValueType::kValue));
  }
  for (auto _ : state) {
    std::vector<std::unique_ptr<InternalIterator>> children;
    for (const auto& part : parts) {
      children.push_back(std::make_unique<VectorIterator>(&part));
    }
    const auto it = NewMergingIterator(std::move(children));
    uint64_t seen = 0;
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      benchmark::DoNotOptimize(it->key().data());
      ++seen;
    }
    HF_CHECK(seen == kEntries);
  }
  state.SetItemsProcessed(state.iterations() * kEntries);
}

// --- Files -------------------------------------------------------------------

void WalAppend(benchmark::State& state, size_t record_bytes) {
  constexpr uint64_t kLogBytes = uint64_t{64} << 20;
  Scratch scratch;
  const auto env = NewPosixEnv();
  const std::string record(record_bytes, 'x');
  const LogIdentity identity = {.db_id = 1, .kind = LogKind::kWal, .number = 2};
  for (auto _ : state) {
    state.PauseTiming();
    const std::string path = scratch.New();
    LogWriter log(Check(env->file_system().CreateFile(path)), path, identity);
    LogHeader header;
    header.kind = identity.kind;
    header.db_id = identity.db_id;
    header.number = identity.number;
    Check(log.AddHeader(header));
    state.ResumeTiming();
    while (log.bytes() < kLogBytes) Check(log.AddRecord(record));
    state.PauseTiming();
    Check(log.Close());
    fs::remove(path);
    state.ResumeTiming();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(kLogBytes));
}

// With the sync at its end.
void TableWrite(benchmark::State& state) {
  constexpr uint64_t kEntries = 300'000;
  Scratch scratch;
  const auto env = NewPosixEnv();
  KeyMaker keys(kShape);
  ValueMaker values(kShape, 1);
  std::string key;
  for (auto _ : state) {
    const std::string path = scratch.New();
    TableBuilder builder(
        TableOptions(), Check(env->file_system().CreateFile(path)), path, 1, 2);
    for (uint64_t i = 1; i <= kEntries; ++i) {
      key.clear();
      AppendInternalKey(&key, keys.Of(i), i, ValueType::kValue);
      Check(builder.Add(key, values.Next()));
    }
    Check(builder.Finish().status());
    state.PauseTiming();
    fs::remove(path);
    state.ResumeTiming();
  }
  state.SetBytesProcessed(state.iterations() *
                          static_cast<int64_t>(kEntries * kEntryBytes));
}

// --- The whole ---------------------------------------------------------------

Options BenchOptions() {
  Options options;
  options.create_if_missing = true;
  options.block_cache_bytes = size_t{256} << 20;
  return options;
}

void PutSome(DB& db, uint64_t count, bool random) {
  Random numbers(1);
  KeyMaker keys(kShape);
  ValueMaker values(kShape, 1);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t number = random ? numbers.Uniform(count) : i;
    Check(db.Put({}, keys.Of(number), values.Next()));
  }
}

// Opening with the log of a process that died: the files are copied while the
// database is open.
void Recovery(benchmark::State& state) {
  constexpr uint64_t kRecords = 200'000;
  Scratch scratch;
  Options options = BenchOptions();
  options.memtable_bytes = size_t{256} << 20;
  const std::string from = scratch.New();
  const auto db = Check(DB::Open(options, from));
  PutSome(*db, kRecords, /*random=*/true);
  const auto log_bytes = static_cast<int64_t>(db->Stats().wal_bytes);
  for (auto _ : state) {
    state.PauseTiming();
    const std::string to = scratch.New();
    fs::copy(from, to, fs::copy_options::recursive);
    state.ResumeTiming();
    auto copy = Check(DB::Open(options, to));
    state.PauseTiming();
    copy.reset();
    fs::remove_all(to);
    state.ResumeTiming();
  }
  state.SetBytesProcessed(state.iterations() * log_bytes);
}

void Put(benchmark::State& state, bool random) {
  constexpr uint64_t kPuts = 300'000;
  Scratch scratch;
  for (auto _ : state) {
    state.PauseTiming();
    const std::string path = scratch.New();
    auto db = Check(DB::Open(BenchOptions(), path));
    state.ResumeTiming();
    PutSome(*db, kPuts, random);
    state.PauseTiming();
    db.reset();
    fs::remove_all(path);
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * kPuts);
}

void CachedGet(benchmark::State& state) {
  constexpr uint64_t kPuts = 300'000;
  Scratch scratch;
  const auto db = Check(DB::Open(BenchOptions(), scratch.New()));
  PutSome(*db, kPuts, /*random=*/false);
  Check(db->CompactRange(std::nullopt, std::nullopt));
  const auto it = db->NewIterator({});
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
  }
  Random numbers(2);
  KeyMaker keys(kShape);
  PinnedValue value;
  for (auto _ : state) {
    Check(db->Get({}, keys.Of(numbers.Uniform(kPuts)), &value));
    benchmark::DoNotOptimize(value.view().front());
  }
}

// --- What is wanted ----------------------------------------------------------

struct Part {
  enum Unit { kNanos, kPerSecond, kMegabytes };
  std::string name;
  Unit unit;
  double target;  // kNanos: at most; the others: at least.
  std::function<void(benchmark::State&)> run;
  bool real_time = false;
};

std::vector<Part> AllParts() {
  using State = benchmark::State;
  return {
      {"memtable insert, in order", Part::kPerSecond, 1.5e6,
       [](State& s) { MemtableInsert(s, false); }},
      {"memtable insert, random", Part::kPerSecond, 260e3,
       [](State& s) { MemtableInsert(s, true); }},
      {"memtable insert, 8 threads", Part::kPerSecond, 500e3,
       [](State& s) { MemtableInsertThreads(s, 8); },
       /*real_time=*/true},
      {"memtable get", Part::kNanos, 1000, MemtableGet},
      {"block find", Part::kNanos, 1000, BlockFind},
      {"block seek", Part::kNanos, 1000, BlockSeek},
      {"block next", Part::kPerSecond, 5e6, BlockNext},
      {"filter build, keys", Part::kPerSecond, 10e6, FilterBuild},
      {"filter probe, in cache", Part::kNanos, 26,
       [](State& s) { FilterProbe(s, 10'000); }},
      {"filter probe, 10 M keys", Part::kNanos, 100,
       [](State& s) { FilterProbe(s, 10'000'000); }},
      {"checksum of 4 KiB", Part::kMegabytes, 10e3,
       [](State& s) { ChecksumOf(s, 4096); }},
      {"checksum of 64 KiB", Part::kMegabytes, 24e3,
       [](State& s) { ChecksumOf(s, 65536); }},
      {"cache hit", Part::kNanos, 100, CacheHit},
      {"merge step of 4 sources", Part::kNanos, 40,
       [](State& s) { MergeStep(s, 4); }},
      {"merge step of 16 sources", Part::kNanos, 40,
       [](State& s) { MergeStep(s, 16); }},
      {"log append, records of 128 B", Part::kMegabytes, 50,
       [](State& s) { WalAppend(s, 128); }},
      {"log append, batches of 128 KB", Part::kMegabytes, 100,
       [](State& s) { WalAppend(s, 128'000); }},
      {"table write", Part::kMegabytes, 50, TableWrite},
      {"log recovery", Part::kMegabytes, 100, Recovery},
      {"put, in order", Part::kPerSecond, 100e3,
       [](State& s) { Put(s, false); }},
      {"put, random", Part::kPerSecond, 50e3, [](State& s) { Put(s, true); }},
      {"get, cached", Part::kNanos, 10e3, CachedGet},
  };
}

std::string Show(Part::Unit unit, double value) {
  switch (unit) {
    case Part::kNanos:
      return absl::StrFormat("%.4g ns", value);
    case Part::kPerSecond:
      return value >= 1e6 ? absl::StrFormat("%.3g M/s", value / 1e6)
                          : absl::StrFormat("%.3g k/s", value / 1e3);
    case Part::kMegabytes:
      return absl::StrFormat("%.4g MB/s", value);
  }
  return "";
}

// A line for each part: what it takes, what is wanted, and whether it is.
class TargetReporter final : public benchmark::BenchmarkReporter {
 public:
  explicit TargetReporter(const std::vector<Part>& parts) {
    for (const Part& part : parts) parts_[part.name] = &part;
  }

  bool ReportContext(const Context&) override {
    std::printf("%-32s%16s%18s\n", "part", "measured", "target");
    return true;
  }

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      const bool median = run.aggregate_name == "median";
      if (run.run_type == Run::RT_Aggregate ? !median : run.repetitions > 1) {
        continue;
      }
      const Part& part = *parts_.at(run.run_name.function_name);
      const double value = ValueOf(part, run);
      const bool most = part.unit == Part::kNanos;
      const bool reached = most ? value <= part.target : value >= part.target;
      std::printf("%-32s%16s  %s %14s  %s\n", part.name.c_str(),
                  Show(part.unit, value).c_str(),
                  most ? "<=" : ">=", Show(part.unit, part.target).c_str(),
                  reached ? "reached" : "MISSED");
      std::fflush(stdout);
    }
  }

 private:
  static double ValueOf(const Part& part, const Run& run) {
    const auto items = run.counters.find("items_per_second");
    switch (part.unit) {
      case Part::kNanos:
        return items != run.counters.end() ? 1e9 / items->second
                                           : run.GetAdjustedCPUTime();
      case Part::kPerSecond:
        return items->second;
      case Part::kMegabytes:
        return run.counters.at("bytes_per_second") / 1e6;
    }
    return 0;
  }

  std::map<std::string, const Part*> parts_;
};

void Help() {
  std::puts(
      "micro_bench times the parts of the engine by themselves, and says "
      "beside each\n"
      "what others reach.\n"
      "\n"
      "ns: nanoseconds of CPU for one, at most the target. /s and MB/s: so "
      "many, or\n"
      "so many 10^6 bytes, in a second of CPU (of the clock where several "
      "threads\n"
      "work), at least the target. Files are made below $TMPDIR and removed.\n"
      "\n"
      "  --benchmark_filter=memtable      only the parts whose names have "
      "that\n"
      "  --benchmark_repetitions=5        medians of five");
  PrintFlagsOfBenchmark();
}

}  // namespace

int Main(int argc, char** argv) {
  if (!ReadBenchmarkFlags(argc, argv, Help)) return 2;
  const std::vector<Part> parts = AllParts();
  for (const Part& part : parts) {
    auto* const made =
        benchmark::RegisterBenchmark(part.name.c_str(), part.run);
    if (part.real_time) made->UseRealTime();
  }
  TargetReporter reporter(parts);
  benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::Shutdown();
  return 0;
}

}  // namespace holdfast::bench

int main(int argc, char** argv) { return holdfast::bench::Main(argc, argv); }
