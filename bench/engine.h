// What the benchmark asks of a storage engine. One small adapter per engine;
// all are given the same sizes.
//
// An adapter for a peer is a shared library that the benchmark loads, so that
// it can be built against whatever build of the peer one has: see
// bench/peers/build. It defines
//
//   extern "C" int HoldfastBenchInterface() {
//     return holdfast::bench::kInterface;
//   }
//   extern "C" const holdfast::bench::EngineKind* HoldfastBenchEngine();
//
// Only the standard library is used here: an adapter needs nothing else of us.

#ifndef HOLDFAST_BENCH_ENGINE_H_
#define HOLDFAST_BENCH_ENGINE_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::bench {

// Raised with every change in this file.
inline constexpr int kInterface = 2;

struct EngineOptions {
  size_t memtable_bytes = size_t{64} << 20;
  size_t block_cache_bytes = size_t{256} << 20;
  size_t block_bytes = 4096;
  size_t table_bytes = size_t{32} << 20;
  int bloom_bits_per_key = 10;
  int background_threads = 2;
  // LZ4, or the nearest the engine has.
  bool compress = true;
};

// What a write that returned survives.
enum class Durability {
  kNone,     // Nothing until a flush: no log.
  kProcess,  // The death of the process.
  kPower,    // Loss of power.
};

struct Change {
  std::string_view key;
  std::optional<std::string_view> value;  // nullopt: a deletion.
};

// An ordered walk; see holdfast::Iterator.
class EngineIterator {
 public:
  virtual ~EngineIterator() = default;
  virtual void SeekToFirst() = 0;
  virtual void SeekToLast() = 0;
  virtual void Seek(std::string_view key) = 0;
  virtual void Next() = 0;
  virtual void Prev() = 0;
  virtual bool Valid() = 0;
  // Bytes of the key and the value here, both looked at.
  virtual size_t Touch() = 0;
};

// An open database, closed by destruction. Any error ends the program with a
// message: a benchmark of failing calls says nothing. Thread-safe.
class Engine {
 public:
  virtual ~Engine() = default;
  // All of the batch or nothing of it.
  virtual void Write(const std::vector<Change>& batch,
                     Durability durability) = 0;
  // RETURNS whether the key is there.
  virtual bool Get(std::string_view key, std::string* value) = 0;
  virtual std::unique_ptr<EngineIterator> NewIterator() = 0;
  // Waits until everything is compacted.
  virtual void Compact() = 0;
};

struct EngineKind {
  std::string name;     // "leveldb"
  std::string version;  // "1.23, Debian package, Snappy"
  bool can_skip_log;    // Has Durability::kNone.
  std::unique_ptr<Engine> (*open)(const EngineOptions&,
                                  const std::string& path);
  // The workloads that it can run; empty: all.
  std::vector<std::string> only = {};
};

}  // namespace holdfast::bench

#endif  // HOLDFAST_BENCH_ENGINE_H_
