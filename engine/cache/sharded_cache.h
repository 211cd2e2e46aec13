// A cache of immutable values (table blocks) by file and part, bounded by the
// sum of the charges, split into shards so that threads seldom meet.
//
//   ShardedCache<Block> cache(64 << 20);
//   if (auto block = cache.Lookup({file, part})) return block;
//   auto block = cache.Insert({file, part}, std::move(read), charge);
//
// Each shard evicts by CLOCK: a hit only sets a bit, and the hand gives each
// entry with the bit a second round. A new entry lives for one round without
// it, more or less, so that a long scan pushes out itself and not what is in
// use. LRU was rejected: it writes two list links at each hit, and a scan
// flushes it.
//
// Who can do without storing a value asks Lookup whether it is worth it. While
// a shard has room it is. When it is full, what was missed once is remembered,
// and only a second miss, within about half as many as there are values, is
// evidence that it will be wanted more than what would go for it: the
// doorkeeper of TinyLFU (Einziger, Friedman, Manes: "TinyLFU: A Highly
// Efficient Cache Admission Policy", ACM Transactions on Storage 13, 2017), as
// a table of tags in which the next miss takes the place of an old one, so that
// nothing needs to be reset.
//
// A shard is one array of slots, which is both the hash table (open addressing,
// linear probing) and the ring under the hand: so a hit touches one slot, which
// is mostly one cache line, and the value.
//
// Values are shared: an evicted value lives as long as somebody holds it.
//
// Invariants:
//   (1) The charge of a shard is the sum of the charges of its entries and is
//       never over the shard's part of the capacity, not for a moment: room is
//       made before the insertion. So charge() <= capacity, always.
//   (2) For a key, Lookup gives what Insert stored for it, or nothing.
//   (3) Values are dropped without the shard's mutex held.
//   (4) From the home of a stored key to its slot no slot is free, and at least
//       one slot of a shard is.
//
// Thread safety: thread-safe; one mutex per shard, and none held while another
// is taken.

#ifndef HOLDFAST_ENGINE_CACHE_SHARDED_CACHE_H_
#define HOLDFAST_ENGINE_CACHE_SHARDED_CACHE_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/inlined_vector.h"
#include "base/check.h"
#include "engine/cache/slab_pool.h"
#include "holdfast/env/sync.h"

namespace holdfast {

struct CacheKey {
  uint64_t file = 0;
  uint64_t part = 0;  // Tells it from the others of the file.

  friend bool operator==(const CacheKey&, const CacheKey&) = default;
};

// Mixes all bits of a key (the last steps of SplitMix64).
inline uint64_t HashCacheKey(const CacheKey& key) {
  uint64_t z = key.file * 0x9e3779b97f4a7c15u + key.part;
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
  static constexpr int kUsualShardBits = 4;

  // Has 2^shard_bits shards, or fewer (see kMinShardBytes). A capacity of 0
  // stores nothing. `memory` may be nullptr, and must outlive the cache.
  // REQUIRES: 0 <= shard_bits <= kMaxShardBits.
  explicit ShardedCache(size_t capacity_bytes, int shard_bits = kUsualShardBits,
                        SlabPool* memory = nullptr)
      : memory_(memory),
        capacity_bytes_(capacity_bytes),
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

  // RETURNS the value stored for `key`, or null; *worth_storing is then whether
  // it should be inserted, unless `worth_storing` is null.
  std::shared_ptr<const Value> Lookup(const CacheKey& key,
                                      bool* worth_storing = nullptr) {
    const uint64_t hash = HashCacheKey(key);
    Shard& shard = ShardOf(hash);
    MutexLock lock(&shard.mu);
    Slot* const slot = Find(shard, key, hash);
    if (slot == nullptr) {
      ++shard.misses;
      if (worth_storing != nullptr) {
        *worth_storing = HasRoom(shard) || WasMissedBefore(shard, hash);
      }
      return nullptr;
    }
    ++shard.hits;
    // Written only when it changes, to leave the cache line clean.
    if (!slot->referenced) slot->referenced = true;
    // The count of holders is taken by an atomic operation, which waits for its
    // cache line and lets nothing after it begin; these lines come meanwhile.
    const char* const value = reinterpret_cast<const char*>(slot->value.get());
    for (size_t i = 1; i <= kPrefetchedLines; ++i) {
      __builtin_prefetch(value + i * kLineBytes);
    }
    return slot->value;
  }

  // Asks for the memory at which Lookup of `key` begins to search.
  void Prefetch(const CacheKey& key) const {
    const uint64_t hash = HashCacheKey(key);
    const Shard& shard = ShardOf(hash);
    // Not looked into, so what is no place of these slots any more does no
    // harm.
    const uintptr_t slot =
        shard.first_slot.load(std::memory_order_relaxed) +
        (hash & shard.mask.load(std::memory_order_relaxed)) * sizeof(Slot);
    __builtin_prefetch(reinterpret_cast<const void*>(slot));
    __builtin_prefetch(reinterpret_cast<const void*>(slot + sizeof(Slot) - 1));
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
    const uint64_t hash = HashCacheKey(key);
    Shard& shard = ShardOf(hash);
    MutexLock lock(&shard.mu);
    Slot* const there = Find(shard, key, hash);
    if (there != nullptr) {
      there->referenced = true;
      evicted.push_back(std::move(value));
      return there->value;
    }
    if (charge > shard.capacity_bytes) return value;
    MakeRoom(shard, charge, evicted);  // Invariant (1).
    if ((shard.entries + 1) * 4 > shard.slots.size() * 3) Grow(shard);
    Slot& slot = Place(shard, Slot{key, value, charge, /*referenced=*/false});
    // Just ahead of the hand it would go at once. So each lives for half a
    // round to one and a half.
    const size_t mask = shard.slots.size() - 1;
    const auto at = static_cast<size_t>(&slot - shard.slots.data());
    slot.referenced = ((at - shard.hand) & mask) < shard.slots.size() / 2;
    ++shard.entries;
    shard.charge += charge;
    return value;
  }

  // Whether a value for `key` of that charge can be inserted and none goes for
  // it, with some room to spare.
  bool HasRoomFor(const CacheKey& key, size_t charge) const {
    const Shard& shard = ShardOf(HashCacheKey(key));
    MutexLock lock(&shard.mu);
    return HasRoom(shard, charge);
  }

  // Forgets `key`. Those who hold its value keep it.
  void Erase(const CacheKey& key) {
    Evicted evicted;
    const uint64_t hash = HashCacheKey(key);
    Shard& shard = ShardOf(hash);
    MutexLock lock(&shard.mu);
    Slot* const slot = Find(shard, key, hash);
    if (slot == nullptr) return;
    Remove(shard, static_cast<size_t>(slot - shard.slots.data()), evicted);
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
      sum += shards_[i].entries;
    }
    return sum;
  }
  size_t capacity_bytes() const { return capacity_bytes_; }
  // Where those who make a value to be stored should have its memory from; or
  // nullptr.
  SlabPool* memory() const { return memory_; }

  // Lookups that found a value, and that did not. Each counter is exact; the
  // two are not read at one moment.
  uint64_t hits() const { return Sum(&Shard::hits); }
  uint64_t misses() const { return Sum(&Shard::misses); }

 private:
  static constexpr size_t kLineBytes = 64;
  static constexpr size_t kPrefetchedLines = 5;
  static constexpr size_t kMinSlots = 8;
  // A shard is full when less than this part of it is free.
  static constexpr size_t kFreePart = 16;
  // Half as many tags as values, more or less.
  static constexpr size_t kSlotsForATag = 4;

  struct Slot {
    CacheKey key;
    std::shared_ptr<const Value> value;  // Null when the slot is free.
    size_t charge = 0;
    bool referenced = false;
  };
  struct alignas(64) Shard {
    size_t capacity_bytes = 0;  // Constant after construction.
    // Of `slots`, as they are or were: hints (relaxed).
    std::atomic<uintptr_t> first_slot{0};
    std::atomic<uint64_t> mask{0};

    mutable Mutex mu;
    uint64_t hits ABSL_GUARDED_BY(mu) = 0;
    uint64_t misses ABSL_GUARDED_BY(mu) = 0;
    size_t charge ABSL_GUARDED_BY(mu) = 0;
    size_t entries ABSL_GUARDED_BY(mu) = 0;
    size_t hand ABSL_GUARDED_BY(mu) = 0;
    // A power of two of them, or none.
    std::vector<Slot> slots ABSL_GUARDED_BY(mu);
    // Tags of what was missed last, once it was full.
    std::vector<uint16_t> missed ABSL_GUARDED_BY(mu);
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

  Shard& ShardOf(uint64_t hash) const {
    // The low bits serve the shard's own hash table. Two shifts, as one by 64
    // is undefined.
    return shards_[(hash >> 1) >> (63 - shard_bits_)];
  }

  static bool HasRoom(const Shard& shard, size_t charge = 0)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mu) {
    return shard.capacity_bytes - shard.charge >
           shard.capacity_bytes / kFreePart + charge;
  }

  // RETURNS whether a key of that hash was missed not long ago, and takes note
  // of it otherwise. Seldom says so of a key that was not.
  static bool WasMissedBefore(Shard& shard, uint64_t hash)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mu) {
    const size_t wanted = shard.slots.size() / kSlotsForATag;
    if (shard.missed.size() != wanted) shard.missed.assign(wanted, 0);
    if (wanted == 0) return false;
    // Neither the bits that chose the shard nor those that choose the place.
    const auto tag = static_cast<uint16_t>((hash >> 32) | 1);
    uint16_t& there = shard.missed[hash & (wanted - 1)];
    const bool again = there == tag;
    there = again ? uint16_t{0} : tag;
    return again;
  }

  // RETURNS the slot of `key`, or null.
  static Slot* Find(Shard& shard, const CacheKey& key, uint64_t hash)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mu) {
    if (shard.slots.empty()) return nullptr;
    const size_t mask = shard.slots.size() - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {  // Invariant (4).
      Slot& slot = shard.slots[i];
      if (slot.value == nullptr) return nullptr;
      if (slot.key == key) return &slot;
    }
  }

  // REQUIRES: its key is not stored, and two slots are free.
  static Slot& Place(Shard& shard, Slot entry)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mu) {
    const size_t mask = shard.slots.size() - 1;
    size_t i = HashCacheKey(entry.key) & mask;
    while (shard.slots[i].value != nullptr) i = (i + 1) & mask;
    return shard.slots[i] = std::move(entry);
  }

  static void Grow(Shard& shard) ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mu) {
    std::vector<Slot> old(std::max(kMinSlots, shard.slots.size() * 2));
    old.swap(shard.slots);
    shard.first_slot.store(reinterpret_cast<uintptr_t>(shard.slots.data()),
                           std::memory_order_relaxed);
    shard.mask.store(shard.slots.size() - 1, std::memory_order_relaxed);
    for (Slot& slot : old) {
      if (slot.value != nullptr) Place(shard, std::move(slot));
    }
  }

  // Frees slot i. Entries behind it move up, so that none is cut off from its
  // home: Invariant (4).
  static void Remove(Shard& shard, size_t i, Evicted& evicted)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mu) {
    HF_DCHECK(shard.charge >= shard.slots[i].charge);
    shard.charge -= shard.slots[i].charge;
    --shard.entries;
    evicted.push_back(std::move(shard.slots[i].value));
    const size_t mask = shard.slots.size() - 1;
    size_t hole = i;
    for (size_t j = (i + 1) & mask; shard.slots[j].value != nullptr;
         j = (j + 1) & mask) {
      const size_t home = HashCacheKey(shard.slots[j].key) & mask;
      // It may move when its home is not between the hole and it.
      if (((j - home) & mask) >= ((j - hole) & mask)) {
        shard.slots[hole] = std::move(shard.slots[j]);
        hole = j;
      }
    }
    shard.slots[hole] = Slot();
  }

  // Ends: each step clears a bit, frees a slot or passes a free slot. In a
  // round without one freed no bit is left, so the next one frees one; when
  // nothing is left the charge is 0.
  static void MakeRoom(Shard& shard, size_t charge, Evicted& evicted)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mu) {
    while (shard.charge > shard.capacity_bytes - charge) {
      if (shard.hand >= shard.slots.size()) shard.hand = 0;
      Slot& slot = shard.slots[shard.hand];
      if (slot.value == nullptr) {
        ++shard.hand;
      } else if (slot.referenced) {
        slot.referenced = false;
        ++shard.hand;
      } else {
        // Another may move to here, and is looked at next.
        Remove(shard, shard.hand, evicted);
      }
    }
  }

  uint64_t Sum(uint64_t Shard::*counter) const {
    uint64_t sum = 0;
    for (size_t i = 0; i < size_t{1} << shard_bits_; ++i) {
      MutexLock lock(&shards_[i].mu);
      sum += shards_[i].*counter;
    }
    return sum;
  }

  SlabPool* const memory_;
  const size_t capacity_bytes_;
  const int shard_bits_;
  const std::unique_ptr<Shard[]> shards_;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_CACHE_SHARDED_CACHE_H_
