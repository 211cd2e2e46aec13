// Times a memtable by itself: filling it, looking up, walking.
//
//   memtable_bench [flags of Google Benchmark]
//
// Names are <what>/<key shape>/N: N changes, each with a value of 100 B, to
// keys of which twice as many are possible, so that some are changed again. The
// time of Fill is that of one Add, from the empty memtable on; that of Next and
// Prev is one entry's. Targets come in an order of their own, from an array
// that is read in sequence, so that the memtable alone misses caches.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/coding.h"
#include "base/random.h"
#include "bench/benchmark_flags.h"
#include "benchmark/benchmark.h"
#include "engine/format/internal_key.h"
#include "engine/iter/internal_iterator.h"
#include "engine/memtable/memtable.h"

namespace holdfast::bench {
namespace {

constexpr size_t kValueBytes = 100;
constexpr size_t kTargets = 65536;  // Then they repeat.

enum class KeyShape { kDecimal, kDecimalInOrder, kBigEndian, kLongPrefix };

struct Shape {
  const char* name;
  KeyShape keys;
};

constexpr Shape kShapes[] = {{"decimal", KeyShape::kDecimal},
                             {"in_order", KeyShape::kDecimalInOrder},
                             {"big_endian", KeyShape::kBigEndian},
                             {"long_prefix", KeyShape::kLongPrefix}};

std::string KeyOf(KeyShape shape, uint64_t number) {
  std::string key;
  switch (shape) {
    case KeyShape::kDecimal:
    case KeyShape::kDecimalInOrder:
      return absl::StrFormat("%016d", number);
    case KeyShape::kBigEndian:
      PutFixed64(&key, __builtin_bswap64(number));
      return key;
    case KeyShape::kLongPrefix:
      return absl::StrFormat("tenant/0042/users/by-name/%020d", number);
  }
  return key;
}

std::vector<std::string> MakeKeys(KeyShape shape, size_t count) {
  Random random(count);
  std::vector<std::string> keys;
  keys.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    keys.push_back(KeyOf(shape, shape == KeyShape::kDecimalInOrder
                                    ? i
                                    : random.Uniform(2 * count)));
  }
  return keys;
}

std::unique_ptr<MemTable> Filled(const std::vector<std::string>& keys) {
  const std::string value(kValueBytes, 'v');
  auto memtable = std::make_unique<MemTable>();
  SequenceNumber sequence = 0;
  for (const std::string& key : keys) {
    memtable->Add(++sequence, ValueType::kValue, key, value);
  }
  return memtable;
}

// Random ones of the keys, or what follows them.
std::vector<std::string> Targets(const std::vector<std::string>& keys,
                                 std::string_view suffix) {
  Random random(1);
  std::vector<std::string> targets;
  targets.reserve(kTargets);
  for (size_t i = 0; i < kTargets; ++i) {
    targets.push_back(absl::StrCat(keys[random.Uniform(keys.size())], suffix));
  }
  return targets;
}

void Fill(benchmark::State& state, KeyShape shape, size_t count) {
  const std::vector<std::string> keys = MakeKeys(shape, count);
  size_t bytes = 0;
  for (auto _ : state) {
    const auto memtable = Filled(keys);
    bytes = memtable->memory_bytes();
  }
  const double adds =
      static_cast<double>(state.iterations()) * static_cast<double>(count);
  state.counters["s_per_add"] = benchmark::Counter(
      adds, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["bytes_per_entry"] =
      static_cast<double>(bytes) / static_cast<double>(count);
}

void Get(benchmark::State& state, KeyShape shape, size_t count, bool present) {
  const std::vector<std::string> keys = MakeKeys(shape, count);
  const auto memtable = Filled(keys);
  const std::vector<std::string> targets = Targets(keys, present ? "" : "x");
  size_t next = 0;
  for (auto _ : state) {
    const LookupKey key(targets[next], kMaxSequenceNumber);
    next = (next + 1) % kTargets;
    const MemTable::Lookup found = memtable->Get(key);
    HF_CHECK((found.kind == MemTable::Lookup::kValue) == present);
    if (present) benchmark::DoNotOptimize(found.value.back());
  }
}

void Seek(benchmark::State& state, KeyShape shape, size_t count) {
  const std::vector<std::string> keys = MakeKeys(shape, count);
  const auto memtable = Filled(keys);
  const auto it = memtable->NewIterator();
  const std::vector<std::string> targets = Targets(keys, "");
  size_t next = 0;
  for (auto _ : state) {
    const LookupKey key(targets[next], kMaxSequenceNumber);
    next = (next + 1) % kTargets;
    it->Seek(key.internal_key());
    HF_CHECK(it->Valid());
    benchmark::DoNotOptimize(it->value().back());
  }
}

void Walk(benchmark::State& state, KeyShape shape, size_t count, bool forward) {
  const auto memtable = Filled(MakeKeys(shape, count));
  const auto it = memtable->NewIterator();
  for (auto _ : state) {
    if (!it->Valid()) forward ? it->SeekToFirst() : it->SeekToLast();
    benchmark::DoNotOptimize(it->key().back());
    benchmark::DoNotOptimize(it->value().back());
    forward ? it->Next() : it->Prev();
  }
}

void RegisterAll() {
  for (const Shape& shape : kShapes) {
    for (const size_t count : {size_t{10'000}, size_t{500'000}}) {
      const std::string suffix = absl::StrCat("/", shape.name, "/", count);
      const KeyShape keys = shape.keys;
      const auto add = [&suffix](const char* what, auto body) {
        return benchmark::RegisterBenchmark(absl::StrCat(what, suffix).c_str(),
                                            body);
      };
      add("Fill", [=](benchmark::State& state) {
        Fill(state, keys, count);
      })->Unit(benchmark::kMillisecond);
      add("Get",
          [=](benchmark::State& state) { Get(state, keys, count, true); });
      add("GetAbsent",
          [=](benchmark::State& state) { Get(state, keys, count, false); });
      add("Seek", [=](benchmark::State& state) { Seek(state, keys, count); });
      add("Next",
          [=](benchmark::State& state) { Walk(state, keys, count, true); });
      add("Prev",
          [=](benchmark::State& state) { Walk(state, keys, count, false); });
    }
  }
}

void Help() {
  std::puts(
      "memtable_bench times a memtable by itself: filling it, looking up, "
      "walking.\n"
      "\n"
      "Names are WHAT/KEYS/N. WHAT: Fill (all N changes; s_per_add: one), "
      "Get,\n"
      "GetAbsent, Seek, Next, Prev (one each). KEYS: decimal, in_order, "
      "big_endian,\n"
      "long_prefix. N: changes with values of 100 B to keys of which twice as "
      "many\n"
      "are possible.");
  PrintFlagsOfBenchmark();
}

}  // namespace
}  // namespace holdfast::bench

int main(int argc, char** argv) {
  using holdfast::bench::Help;
  if (!holdfast::bench::ReadBenchmarkFlags(argc, argv, Help)) return 2;
  holdfast::bench::RegisterAll();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
