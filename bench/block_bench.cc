// Times Seek and Next in a data block in memory, in the engine's layout and in
// others on the same entries: what docs/formats/table.md says of them is from
// here. Before anything is timed all layouts must give the same answers.
//
//   block_bench [flags of Google Benchmark]
//
// The layouts:
//   engine  Block of engine/table: the bytes of the format, and in memory heads
//           and offsets of all entries, made when the block is read.
//   plain   the same bytes as they are stored, searched by restart points.
//   heads   plain, and for each restart point the first eight bytes of its key
//           after the prefix that all of them share. Searched first.
//   apart   heads, and all values behind all keys. Restart points have the
//           offset of their value too; values follow each other without gaps.
//
// Names are <Seek or Next>/<layout>/B/V/R/<key shape>/<hot or cold>: bytes of
// the block, bytes of a value, restart interval. Hot is one block over and
// over, which stays in the nearest caches; cold is a random one, at each Seek
// or walk, of a set larger than any cache. The time of Next is that of one
// entry.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/coding.h"
#include "base/random.h"
#include "bench/benchmark_flags.h"
#include "benchmark/benchmark.h"
#include "engine/format/internal_key.h"
#include "engine/table/block.h"
#include "engine/table/block_builder.h"

namespace holdfast::bench {
namespace {

constexpr size_t kColdBytes = size_t{64} << 20;  // Of blocks.
constexpr size_t kTargets = 16384;               // Then they repeat.

enum class KeyShape { kDecimal, kBigEndian };

// What is stored, apart from the layout.
struct Shape {
  size_t block_bytes;
  size_t value_bytes;
  int restart_interval;
  KeyShape keys;
};

struct KeyValue {
  std::string key;  // Internal.
  std::string value;
};
using Entries = std::vector<KeyValue>;

std::string UserKey(KeyShape shape, uint64_t number) {
  if (shape == KeyShape::kDecimal) return absl::StrFormat("%016d", number);
  std::string key;
  PutFixed64(&key, __builtin_bswap64(number));
  return key;
}

// As many entries as the engine would put into one block, each key 1 to 100
// above the one before.
Entries MakeEntries(const Shape& shape) {
  Random random(shape.block_bytes + shape.value_bytes);
  BlockBuilder builder(shape.restart_interval);
  Entries entries;
  uint64_t number = 123'456'789;
  while (true) {
    number += 1 + random.Uniform(100);
    KeyValue entry;
    entry.key =
        MakeInternalKey(UserKey(shape.keys, number),
                        1 + random.Uniform(10'000'000), ValueType::kValue);
    for (size_t i = 0; i < shape.value_bytes; ++i) {
      entry.value.push_back(static_cast<char>(' ' + random.Uniform(95)));
    }
    if (builder.BytesWith(entry.key, entry.value) > shape.block_bytes) break;
    builder.Add(entry.key, entry.value);
    entries.push_back(std::move(entry));
  }
  return entries;
}

// Big-endian, so that integers compare as the bytes do; zeros stand for bytes
// after the end. REQUIRES: a trailer follows `rest`.
uint64_t HeadOf(std::string_view rest) {
  const uint64_t head = __builtin_bswap64(DecodeFixed64(rest.data()));
  if (rest.size() >= sizeof(head)) return head;
  return rest.empty() ? 0 : head & (~uint64_t{0} << (8 * (8 - rest.size())));
}

size_t SharedPrefix(std::string_view a, std::string_view b) {
  const auto ends = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<size_t>(ends.first - a.begin());
}

// A block in a layout on trial, in one piece of memory as it could be stored:
//
//   entry... [value...] prefix restart... [head...]
//
// with entries as in Block, but for their values when kApart. A restart is the
// offset of its entry and, when kApart, that of its value; 4 bytes each.
template <bool kHeads, bool kApart>
class TrialBlock {
 public:
  class Iterator;

  TrialBlock(const Entries& entries, int restart_interval);
  // A copy that lies in `data`, made by from.CopyBytes().
  TrialBlock(const TrialBlock& from, std::unique_ptr<char[]> data);

  std::unique_ptr<char[]> CopyBytes() const;

 private:
  static constexpr size_t kRestartBytes = kApart ? 8 : 4;

  const char* Restart(uint32_t i) const {
    return data_.get() + restarts_begin_ + i * kRestartBytes;
  }
  uint64_t Head(uint32_t i) const {
    return DecodeFixed64(Restart(restarts_) + i * sizeof(uint64_t));
  }
  std::string_view Prefix() const {
    return std::string_view(Restart(0) - prefix_bytes_, prefix_bytes_);
  }

  std::unique_ptr<char[]> data_;
  uint32_t bytes_ = 0;
  uint32_t entries_end_ = 0;
  uint32_t prefix_bytes_ = 0;
  uint32_t restarts_begin_ = 0;
  uint32_t restarts_ = 0;
};

template <bool kHeads, bool kApart>
TrialBlock<kHeads, kApart>::TrialBlock(const Entries& entries,
                                       int restart_interval) {
  const auto interval = static_cast<size_t>(restart_interval);
  std::string data;
  std::string values;
  std::vector<uint32_t> keys_at;
  std::vector<uint32_t> values_at;
  std::vector<std::string_view> restart_keys;
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto& [key, value] = entries[i];
    size_t shared = 0;
    if (i % interval == 0) {
      keys_at.push_back(static_cast<uint32_t>(data.size()));
      values_at.push_back(static_cast<uint32_t>(values.size()));
      restart_keys.push_back(ExtractUserKey(key));
    } else {
      shared = SharedPrefix(entries[i - 1].key, key);
    }
    PutVarint32(&data, static_cast<uint32_t>(shared));
    PutVarint32(&data, static_cast<uint32_t>(key.size() - shared));
    PutVarint32(&data, static_cast<uint32_t>(value.size()));
    data.append(key, shared);
    (kApart ? values : data).append(value);
  }
  entries_end_ = static_cast<uint32_t>(data.size());
  data.append(values);
  if (kHeads) {
    const size_t prefix =
        SharedPrefix(restart_keys.front(), restart_keys.back());
    prefix_bytes_ = static_cast<uint32_t>(prefix);
    data.append(restart_keys.front().substr(0, prefix));
  }
  restarts_begin_ = static_cast<uint32_t>(data.size());
  restarts_ = static_cast<uint32_t>(keys_at.size());
  for (size_t i = 0; i < keys_at.size(); ++i) {
    PutFixed32(&data, keys_at[i]);
    if (kApart) PutFixed32(&data, entries_end_ + values_at[i]);
  }
  if (kHeads) {
    for (const std::string_view key : restart_keys) {
      PutFixed64(&data, HeadOf(key.substr(prefix_bytes_)));
    }
  }
  bytes_ = static_cast<uint32_t>(data.size());
  data_ = std::make_unique_for_overwrite<char[]>(bytes_);
  std::memcpy(data_.get(), data.data(), bytes_);
}

template <bool kHeads, bool kApart>
TrialBlock<kHeads, kApart>::TrialBlock(const TrialBlock& from,
                                       std::unique_ptr<char[]> data)
    : data_(std::move(data)),
      bytes_(from.bytes_),
      entries_end_(from.entries_end_),
      prefix_bytes_(from.prefix_bytes_),
      restarts_begin_(from.restarts_begin_),
      restarts_(from.restarts_) {}

template <bool kHeads, bool kApart>
std::unique_ptr<char[]> TrialBlock<kHeads, kApart>::CopyBytes() const {
  auto copy = std::make_unique_for_overwrite<char[]>(bytes_);
  std::memcpy(copy.get(), data_.get(), bytes_);
  return copy;
}

// Like Block::Iterator, whose Seek and Next are out of line as well.
template <bool kHeads, bool kApart>
class TrialBlock<kHeads, kApart>::Iterator {
 public:
  void Reset(const TrialBlock* block) {
    block_ = block;
    Clear();
  }
  bool Valid() const { return key_.data() != nullptr; }
  void SeekToFirst() { SeekToRestart(0); }
  ABSL_ATTRIBUTE_NOINLINE void Seek(std::string_view target) {
    const uint32_t last = block_->restarts_ - 1;
    SeekToRestart(kHeads ? SearchHeads(target) : SearchKeys(0, last, target));
    while (Valid() && CompareInternalKeys(key_, target) < 0) ReadEntry();
  }
  ABSL_ATTRIBUTE_NOINLINE void Next() { ReadEntry(); }
  std::string_view key() const { return key_; }
  std::string_view value() const { return value_; }

 private:
  struct Entry {
    uint32_t shared;
    std::string_view own;
    uint32_t value_bytes;
  };

  // RETURNS the byte after the key of the entry at p, or nullptr.
  static const char* ReadStored(const char* p, const char* limit,
                                Entry* entry) {
    uint32_t own;
    if (limit - p >= 3 &&
        (static_cast<unsigned char>(p[0]) | static_cast<unsigned char>(p[1]) |
         static_cast<unsigned char>(p[2])) < 128) {
      entry->shared = static_cast<unsigned char>(p[0]);
      own = static_cast<unsigned char>(p[1]);
      entry->value_bytes = static_cast<unsigned char>(p[2]);
      p += 3;
    } else {
      if ((p = DecodeVarint32(p, limit, &entry->shared)) == nullptr) return p;
      if ((p = DecodeVarint32(p, limit, &own)) == nullptr) return p;
      p = DecodeVarint32(p, limit, &entry->value_bytes);
      if (p == nullptr) return p;
    }
    const uint64_t inside = uint64_t{own} + (kApart ? 0 : entry->value_bytes);
    if (static_cast<uint64_t>(limit - p) < inside) return nullptr;
    entry->own = std::string_view(p, own);
    return p + own;
  }

  void Clear() { key_ = value_ = std::string_view(); }

  void SeekToRestart(uint32_t i) {
    const char* const restart = block_->Restart(i);
    next_ = DecodeFixed32(restart);
    if (kApart) next_value_ = DecodeFixed32(restart + sizeof(uint32_t));
    ReadEntry();
  }

  void ReadEntry() {
    if (next_ == block_->entries_end_) return Clear();
    const char* const begin = block_->data_.get();
    Entry entry;
    const char* const end =
        ReadStored(begin + next_, begin + block_->entries_end_, &entry);
    HF_DCHECK(end != nullptr);
    next_ = static_cast<uint32_t>(end - begin);
    if (kApart) {
      value_ = std::string_view(begin + next_value_, entry.value_bytes);
      next_value_ += entry.value_bytes;
    } else {
      value_ = std::string_view(end, entry.value_bytes);
      next_ += entry.value_bytes;
    }
    if (entry.shared == 0) {
      key_ = entry.own;
      return;
    }
    if (key_.data() == buffer_.data()) {
      buffer_.resize(entry.shared);
    } else {
      buffer_.assign(key_.data(), entry.shared);
    }
    buffer_.append(entry.own);
    key_ = buffer_;
  }

  std::string_view RestartKey(uint32_t i) const {
    const char* const begin = block_->data_.get();
    Entry entry;
    ReadStored(begin + DecodeFixed32(block_->Restart(i)),
               begin + block_->entries_end_, &entry);
    return entry.own;
  }

  // The last restart point in (low, high] below the target, or low.
  uint32_t SearchKeys(uint32_t low, uint32_t high,
                      std::string_view target) const {
    while (low < high) {
      const uint32_t middle = low + (high - low + 1) / 2;
      if (CompareInternalKeys(RestartKey(middle), target) < 0) {
        // Keeps this a branch, as it is in Block: the processor then fetches
        // the next key before it knows the answer. Clang would make it a
        // conditional move here, which waits: much slower in cold blocks.
        asm volatile("");
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  // The last restart point below the target, or the first one.
  uint32_t SearchHeads(std::string_view target) const {
    const std::string_view prefix = block_->Prefix();
    const std::string_view user_key = ExtractUserKey(target);
    const int order = user_key.substr(0, prefix.size()).compare(prefix);
    if (order != 0) return order < 0 ? 0 : block_->restarts_ - 1;
    const uint64_t head = HeadOf(user_key.substr(prefix.size()));
    uint32_t first = 0;  // The first restart whose head is not below.
    for (uint32_t count = block_->restarts_; count > 0;) {
      const uint32_t half = count / 2;
      const bool below = block_->Head(first + half) < head;
      first += below ? half + 1 : 0;
      count = below ? count - half - 1 : half;
    }
    uint32_t end = first;  // Of those with the same head.
    while (end < block_->restarts_ && block_->Head(end) == head) ++end;
    const uint32_t low = first == 0 ? 0 : first - 1;
    return end == first ? low : SearchKeys(low, end - 1, target);
  }

  const TrialBlock* block_ = nullptr;
  uint32_t next_ = 0;
  uint32_t next_value_ = 0;
  std::string_view key_;
  std::string_view value_;
  std::string buffer_;
};

using PlainBlock = TrialBlock<false, false>;
using HeadsBlock = TrialBlock<true, false>;
using ApartBlock = TrialBlock<true, true>;

template <class AnyBlock>
using BlockSet = std::vector<std::shared_ptr<const AnyBlock>>;

// So many times the same block. In all layouts its bytes are allocated before
// the object, as when a block is read: the other order costs a cold Seek more.
template <class AnyBlock>
BlockSet<AnyBlock> MakeBlocks(const Shape& shape, const Entries& entries,
                              size_t count) {
  BlockSet<AnyBlock> set;
  if constexpr (std::is_same_v<AnyBlock, Block>) {
    BlockBuilder builder(shape.restart_interval);
    for (const auto& [key, value] : entries) builder.Add(key, value);
    const std::string& payload = builder.Finish();
    while (set.size() < count) {
      auto block = Block::Parse(payload, "block_bench", 0);
      HF_CHECK(block.ok());
      set.push_back(*std::move(block));
    }
  } else {
    const AnyBlock block(entries, shape.restart_interval);
    while (set.size() < count) {
      set.push_back(std::make_shared<const AnyBlock>(block, block.CopyBytes()));
    }
  }
  return set;
}

// Seeks to each entry, and to the places just before and after it; then walks.
template <class AnyBlock>
void CheckAnswers(const Shape& shape, const Entries& entries) {
  const auto set = MakeBlocks<AnyBlock>(shape, entries, 1);
  typename AnyBlock::Iterator it;
  it.Reset(set[0].get());
  const auto stands_on = [&](size_t i) {
    if (i == entries.size()) return !it.Valid();
    return it.Valid() && it.key() == entries[i].key &&
           it.value() == entries[i].value;
  };
  for (size_t i = 0; i < entries.size(); ++i) {
    const std::string_view key = entries[i].key;
    const std::string user_key(ExtractUserKey(key));
    const SequenceNumber sequence = ExtractSequence(key);
    it.Seek(key);
    HF_CHECK(stands_on(i));
    it.Seek(MakeInternalKey(user_key, sequence + 1, ValueType::kValue));
    HF_CHECK(stands_on(i));
    it.Seek(MakeInternalKey(user_key, sequence - 1, ValueType::kValue));
    HF_CHECK(stands_on(i + 1));
    it.Seek(MakeInternalKey(user_key + '\0', sequence, ValueType::kValue));
    HF_CHECK(stands_on(i + 1));
  }
  for (const char* outside : {"", "\xff"}) {
    it.Seek(MakeInternalKey(outside, 1, ValueType::kValue));
    HF_CHECK(stands_on(*outside == '\0' ? 0 : entries.size()));
  }
  it.SeekToFirst();
  for (size_t i = 0; i < entries.size(); ++i) {
    HF_CHECK(stands_on(i));
    it.Next();
  }
  HF_CHECK(!it.Valid());
}

// Both benchmarks look at the value, as whoever reads an entry does.

template <class AnyBlock>
void RunSeek(benchmark::State& state, const Shape& shape,
             const Entries& entries, size_t blocks) {
  const auto set = MakeBlocks<AnyBlock>(shape, entries, blocks);
  Random random(1);
  const size_t key_bytes = entries[0].key.size();
  std::string targets;  // One after the other.
  std::vector<const AnyBlock*> where;
  for (size_t i = 0; i < kTargets; ++i) {
    targets.append(entries[random.Uniform(entries.size())].key);
    where.push_back(set[random.Uniform(set.size())].get());
  }
  typename AnyBlock::Iterator it;
  size_t i = 0;
  for (auto _ : state) {
    it.Reset(where[i]);
    it.Seek(std::string_view(targets.data() + i * key_bytes, key_bytes));
    benchmark::DoNotOptimize(it.key().data());
    benchmark::DoNotOptimize(it.value().front());
    i = (i + 1) % kTargets;
  }
}

template <class AnyBlock>
void RunNext(benchmark::State& state, const Shape& shape,
             const Entries& entries, size_t blocks) {
  const auto set = MakeBlocks<AnyBlock>(shape, entries, blocks);
  Random random(1);
  typename AnyBlock::Iterator it;
  const auto count = static_cast<benchmark::IterationCount>(entries.size());
  while (state.KeepRunningBatch(count)) {
    it.Reset(set[random.Uniform(set.size())].get());
    for (it.SeekToFirst(); it.Valid(); it.Next()) {
      benchmark::DoNotOptimize(it.key().data());
      benchmark::DoNotOptimize(it.value().front());
    }
  }
}

template <class AnyBlock>
void Register(std::string_view layout, const Shape& shape,
              const std::shared_ptr<const Entries>& entries) {
  CheckAnswers<AnyBlock>(shape, *entries);
  const std::string name =
      absl::StrCat(layout, "/", shape.block_bytes, "/", shape.value_bytes, "/",
                   shape.restart_interval, "/",
                   shape.keys == KeyShape::kDecimal ? "decimal" : "big_endian");
  const auto seek = [shape, entries](benchmark::State& state, size_t blocks) {
    RunSeek<AnyBlock>(state, shape, *entries, blocks);
  };
  const auto next = [shape, entries](benchmark::State& state, size_t blocks) {
    RunNext<AnyBlock>(state, shape, *entries, blocks);
  };
  const auto add = [&](const char* place, size_t blocks) {
    benchmark::RegisterBenchmark(
        absl::StrCat("Seek/", name, "/", place).c_str(), seek, blocks);
    benchmark::RegisterBenchmark(
        absl::StrCat("Next/", name, "/", place).c_str(), next, blocks);
  };
  add("hot", 1);
  if (shape.block_bytes == 4096) add("cold", kColdBytes / shape.block_bytes);
}

void RegisterAll() {
  for (const size_t block_bytes : {4096, 16384, 65536}) {
    for (const size_t value_bytes : {8, 100}) {
      for (const int restart_interval : {1, 16}) {
        for (const KeyShape keys : {KeyShape::kDecimal, KeyShape::kBigEndian}) {
          const Shape shape = {block_bytes, value_bytes, restart_interval,
                               keys};
          const auto entries =
              std::make_shared<const Entries>(MakeEntries(shape));
          Register<Block>("engine", shape, entries);
          Register<PlainBlock>("plain", shape, entries);
          Register<HeadsBlock>("heads", shape, entries);
          Register<ApartBlock>("apart", shape, entries);
        }
      }
    }
  }
}

void Help() {
  std::puts(
      "block_bench times Seek and Next in a data block in memory, in the "
      "engine's\n"
      "layout and in others on the same entries.\n"
      "\n"
      "Names are WHAT/LAYOUT/B/V/R/KEYS/WHERE. WHAT: Seek or Next. LAYOUT: "
      "engine,\n"
      "plain, heads, apart. B: bytes of the block; V: of a value; R: entries "
      "between\n"
      "two restart points. WHERE: hot, one block over and over, or cold, a "
      "random one\n"
      "of a set larger than any cache. The time of Next is that of one entry.");
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
