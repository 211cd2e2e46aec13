// What the benchmark asks of a storage engine. One small adapter per engine;
// all are given the same sizes.

#ifndef HOLDFAST_BENCH_ENGINE_H_
#define HOLDFAST_BENCH_ENGINE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::bench {

struct EngineOptions {
  size_t memtable_bytes = size_t{64} << 20;
  size_t block_cache_bytes = size_t{256} << 20;
  size_t block_bytes = 4096;
  int bloom_bits_per_key = 10;
  bool compress = true;
};

struct KeyValue {
  std::string_view key;
  std::string_view value;
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

// An open database. Any error ends the program with a message: a benchmark of
// failing calls says nothing.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual void Write(const std::vector<KeyValue>& batch, bool sync) = 0;
  // RETURNS whether the key is there.
  virtual bool Get(std::string_view key, std::string* value) = 0;
  virtual std::unique_ptr<EngineIterator> NewIterator() = 0;
  // Waits until everything is compacted.
  virtual void Compact() = 0;
};

struct EngineKind {
  std::string name;
  std::string version;
  std::function<std::unique_ptr<Engine>(const EngineOptions&,
                                        const std::string& path)>
      open;
};

EngineKind HoldfastKind();
EngineKind LevelDbKind();

}  // namespace holdfast::bench

#endif  // HOLDFAST_BENCH_ENGINE_H_
