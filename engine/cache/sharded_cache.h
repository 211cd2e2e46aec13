// A cache of immutable values (table blocks) by file and offset, bounded by the
// sum of the charges, split into shards so that threads seldom meet.
//
//   ShardedCache<Block> cache(64 << 20);
//   if (auto block = cache.Lookup({file, offset})) return block;
//   auto block = cache.Insert({file, offset}, std::move(read), charge);
//
// Each shard evicts by CLOCK: a hit only sets a bit, and the hand gives each
// entry with the bit a second round. A new entry starts without it, so that a
// long scan pushes out itself and not what is in use. LRU was rejected: it
// writes two list links at each hit, and a scan flushes it.
//
// Values are shared: an evicted value lives as long as somebody holds it.
//
// Invariants:
//   (1) The charge of a shard is the sum of the charges of its entries and is
//       never over the shard's part of the capacity, not for a moment: room is
//       made before the insertion. So charge() <= capacity, always.
//   (2) For a key, Lookup gives what Insert stored for it, or nothing.
//   (3) Values are dropped without the shard's mutex held.
//
// Thread safety: thread-safe; one mutex per shard, and none held while another
// is taken.

#ifndef HOLDFAST_ENGINE_CACHE_SHARDED_CACHE_H_
#define HOLDFAST_ENGINE_CACHE_SHARDED_CACHE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "base/check.h"
#include "holdfast/env/sync.h"

namespace holdfast {

struct CacheKey {
  uint64_t file = 0;
  uint64_t offset = 0;

  friend bool operator==(const CacheKey&, const CacheKey&) = default;
};

// Mixes all bits of a key (the last steps of SplitMix64).
inline uint64_t HashCacheKey(const CacheKey& key) {
  uint64_t z = key.file * 0x9e3779b97f4a7c15u + key.offset;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

template <class Value>
class ShardedCache {
 public:
  // Shards are not made smaller than this (a few of the largest usual blocks):
  // a small cache has fewer of them.
  static constexpr size_t kMinShardBytes = 512 << 10;
  static constexpr int kMaxShardBits = 10;

  // Has 2^shard_bits shards, or fewer (see kMinShardBytes). A capacity of 0
  // stores nothing. REQUIRES: 0 <= shard_bits <= kMaxShardBits.
  explicit ShardedCache(size_t capacity_bytes, int shard_bits = 4)
      : capacity_bytes_(capacity_bytes),
        shard_bits_(ChooseShardBits(capacity_bytes, shard_bits)),
        shards_(std::make_unique<Shard[]>(size_t{1} << shard_bits_)) {
    const size_t shards = size_t{1} << shard_bits_;
    for (size_t i = 0; i < shards; ++i) {
      shards_[i].capacity_bytes =
          capacity_bytes / shards + (i < capacity_bytes % shards ? 1 : 0);
    }
  }
  ShardedCache(const ShardedCache&) = delete;
  ShardedCache& operator=(const ShardedCache&) = delete;

  // RETURNS the value stored for `key`, or null.
  std::shared_ptr<const Value> Lookup(const CacheKey& key) {
    Shard& shard = ShardOf(key);
    MutexLock lock(&shard.mu);
    const auto it = shard.index.find(key);
    if (it == shard.index.end()) {
      shard.misses.fetch_add(1, std::memory_order_relaxed);
      return nullptr;
    }
    shard.hits.fetch_add(1, std::memory_order_relaxed);
    Entry& entry = shard.entries[it->second];
    entry.referenced = true;
    return entry.value;
  }

  // Stores `value` and returns it; or returns the value that is there already
  // (another thread was faster) and drops this one. A value whose charge is
  // over its shard's capacity is returned without being stored.
  // REQUIRES: value is not null; charge > 0.
  std::shared_ptr<const Value> Insert(const CacheKey& key,
                                      std::shared_ptr<const Value> value,
                                      size_t charge) {
    HF_CHECK(value != nullptr);
    HF_CHECK(charge > 0);  // Nothing else bounds the number of entries.
    Evicted evicted;       // Dropped after the lock: Invariant (3).
    Shard& shard = ShardOf(key);
    MutexLock lock(&shard.mu);
    const auto it = shard.index.find(key);
    if (it != shard.index.end()) {
      Entry& entry = shard.entries[it->second];
      entry.referenced = true;
      evicted.push_back(std::move(value));
      return entry.value;
    }
    if (charge > shard.capacity_bytes) return value;
    MakeRoom(shard, charge, evicted);  // Invariant (1).
    const uint32_t slot = TakeSlot(shard);
    shard.index.emplace(key, slot);
    shard.entries[slot] = Entry{key, value, charge, /*referenced=*/false};
    shard.charge += charge;
    return value;
  }

  // Forgets `key`. Those who hold its value keep it.
  void Erase(const CacheKey& key) {
    Evicted evicted;
    Shard& shard = ShardOf(key);
    MutexLock lock(&shard.mu);
    const auto it = shard.index.find(key);
    if (it == shard.index.end()) return;
    Remove(shard, it->second, evicted);
  }

  // The sum of the charges of what is stored.
  size_t charge() const {
    size_t sum = 0;
    for (size_t i = 0; i < size_t{1} << shard_bits_; ++i) {
      MutexLock lock(&shards_[i].mu);
      sum += shards_[i].charge;
    }
    return sum;
  }
  // The number of values stored.
  size_t entries() const {
    size_t sum = 0;
    for (size_t i = 0; i < size_t{1} << shard_bits_; ++i) {
      MutexLock lock(&shards_[i].mu);
      sum += shards_[i].index.size();
    }
    return sum;
  }
  size_t capacity_bytes() const { return capacity_bytes_; }

  // Lookups that found a value, and that did not. Each counter is exact; the
  // two are not read at one moment.
  uint64_t hits() const { return Sum(&Shard::hits); }
  uint64_t misses() const { return Sum(&Shard::misses); }

 private:
  struct Entry {
    CacheKey key;
    std::shared_ptr<const Value> value;  // Null when the slot is free.
    size_t charge = 0;
    bool referenced = false;
  };
  struct KeyHash {
    size_t operator()(const CacheKey& key) const {
      return static_cast<size_t>(HashCacheKey(key));
    }
  };
  struct alignas(64) Shard {
    size_t capacity_bytes = 0;  // Constant after construction.
    // Statistics: relaxed, as they order nothing and have no partner.
    std::atomic<uint64_t> hits{0};
    std::atomic<uint64_t> misses{0};

    mutable Mutex mu;
    size_t charge ABSL_GUARDED_BY(mu) = 0;
    size_t hand ABSL_GUARDED_BY(mu) = 0;
    // The ring under the hand; a slot keeps its place while it is used.
    std::vector<Entry> entries ABSL_GUARDED_BY(mu);
    std::vector<uint32_t> free_slots ABSL_GUARDED_BY(mu);
    absl::flat_hash_map<CacheKey, uint32_t, KeyHash> index ABSL_GUARDED_BY(mu);
  };
  using Evicted = absl::InlinedVector<std::shared_ptr<const Value>, 4>;

  static int ChooseShardBits(size_t capacity_bytes, int shard_bits) {
    HF_CHECK(shard_bits >= 0);
    HF_CHECK(shard_bits <= kMaxShardBits);
    while (shard_bits > 0 && (capacity_bytes >> shard_bits) < kMinShardBytes) {
      --shard_bits;
    }
    return shard_bits;
  }

  Shard& ShardOf(const CacheKey& key) const {
    // The low bits serve the shard's own hash table. Two shifts, as one by 64
    // is undefined.
    return shards_[(HashCacheKey(key) >> 1) >> (63 - shard_bits_)];
  }

  static void Remove(Shard& shard, uint32_t slot, Evicted& evicted)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mu) {
    Entry& entry = shard.entries[slot];
    HF_DCHECK(shard.charge >= entry.charge);
    shard.charge -= entry.charge;
    shard.index.erase(entry.key);
    evicted.push_back(std::move(entry.value));
    entry = Entry();
    shard.free_slots.push_back(slot);
  }

  // Ends: each step clears a bit, frees a slot or passes a free slot; after one
  // round no bit is left, after two nothing, and the charge is 0.
  static void MakeRoom(Shard& shard, size_t charge, Evicted& evicted)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mu) {
    while (shard.charge > shard.capacity_bytes - charge) {
      if (shard.hand >= shard.entries.size()) shard.hand = 0;
      const uint32_t slot = static_cast<uint32_t>(shard.hand++);
      Entry& entry = shard.entries[slot];
      if (entry.value == nullptr) continue;
      if (entry.referenced) {
        entry.referenced = false;
        continue;
      }
      Remove(shard, slot, evicted);
    }
  }

  static uint32_t TakeSlot(Shard& shard)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mu) {
    if (shard.free_slots.empty()) {
      shard.entries.emplace_back();
      return static_cast<uint32_t>(shard.entries.size() - 1);
    }
    const uint32_t slot = shard.free_slots.back();
    shard.free_slots.pop_back();
    return slot;
  }

  uint64_t Sum(std::atomic<uint64_t> Shard::*counter) const {
    uint64_t sum = 0;
    for (size_t i = 0; i < size_t{1} << shard_bits_; ++i) {
      sum += (shards_[i].*counter).load(std::memory_order_relaxed);
    }
    return sum;
  }

  const size_t capacity_bytes_;
  const int shard_bits_;
  const std::unique_ptr<Shard[]> shards_;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_CACHE_SHARDED_CACHE_H_
