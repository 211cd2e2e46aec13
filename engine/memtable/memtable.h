// The changes since the last flush, in memory, sorted by internal key. Filled
// by commits, read by everybody, written to a table when it is large, freed.
//
//   MemTable mem;
//   mem.Add(sequence, ValueType::kValue, key, value);
//   MemTable::Lookup found = mem.Get(LookupKey(key, snapshot_sequence));
//
// Invariants: (1) An entry never changes and stays until the memtable goes;
// views of keys and values live as long. (2) No two entries have one internal
// key (Add dies: two changes with one number are a bug above).
//
// Thread safety: one thread at a time adds (each after the one before, by means
// of the caller); everything else is for any thread beside it, and readers
// never wait. The counts and sequence numbers are exact once no Add is under
// way. Crash safety: none, that is what the log is for.

#ifndef HOLDFAST_ENGINE_MEMTABLE_MEMTABLE_H_
#define HOLDFAST_ENGINE_MEMTABLE_MEMTABLE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>

#include "engine/cache/page_pool.h"
#include "engine/format/internal_key.h"
#include "engine/iter/internal_iterator.h"
#include "engine/memtable/arena.h"
#include "engine/memtable/entry_tree.h"
#include "engine/memtable/key_filter.h"

namespace holdfast {

class MemTable {
 public:
  struct Lookup {
    enum Kind { kAbsent, kValue, kDeletion };

    Kind kind = kAbsent;
    std::string_view value;       // Of kValue; lives as long as the memtable.
    SequenceNumber sequence = 0;  // Of what was found.
  };

  // A filter of so many bytes, taken at the first Add: see key_filter.h. 0 is
  // none. A large memtable has its memory from `pages`, which may be nullptr,
  // and must outlive it.
  explicit MemTable(size_t filter_bytes = 0, PagePool* pages = nullptr)
      : filter_bytes_(filter_bytes), arena_(pages) {}
  MemTable(const MemTable&) = delete;
  MemTable& operator=(const MemTable&) = delete;

  // Adds a change; `value` is ignored for a deletion.
  void Add(SequenceNumber sequence, ValueType type, std::string_view key,
           std::string_view value);

  // A filter for a memtable that is flushed when it has so many bytes: some ten
  // bits a key for keys and values of 116 bytes.
  static size_t FilterBytesFor(size_t memtable_bytes) {
    return memtable_bytes / 128;
  }

  // RETURNS the newest change of the key at or before the lookup's number.
  // `key_hash` is HashKey of the user key.
  Lookup Get(const LookupKey& key, uint64_t key_hash) const;
  Lookup Get(const LookupKey& key) const;

  // The memtable must outlive the iterator. Its views live as long as the
  // memtable, not only until it moves.
  std::unique_ptr<InternalIterator> NewIterator() const;

  // What is reserved, used or not: what decides when it is large enough to be
  // flushed. 0 while empty.
  size_t memory_bytes() const {
    return arena_.memory_bytes() + (empty() ? 0 : filter_bytes_);
  }

  // Deletions count as entries as well.
  uint64_t entries() const { return entries_.load(std::memory_order_relaxed); }
  uint64_t tombstones() const {
    return tombstones_.load(std::memory_order_relaxed);
  }
  bool empty() const { return entries() == 0; }

  // 0 while empty.
  SequenceNumber smallest_sequence() const;
  SequenceNumber largest_sequence() const {
    return largest_sequence_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr SequenceNumber kNoSequence =
      std::numeric_limits<SequenceNumber>::max();

  const size_t filter_bytes_;
  // Set (release) by the first Add, before the tree has anything; read
  // (acquire) by Get, which finds nothing without it.
  std::atomic<KeyFilter*> filter_{nullptr};
  std::unique_ptr<KeyFilter> filter_owner_;
  Arena arena_;
  EntryTree tree_{&arena_};
  // Statistics: relaxed, they order nothing, and only the one who adds writes
  // them. Whoever freezes the memtable has synchronised with that one.
  std::atomic<uint64_t> entries_{0};
  std::atomic<uint64_t> tombstones_{0};
  std::atomic<SequenceNumber> smallest_sequence_{kNoSequence};
  std::atomic<SequenceNumber> largest_sequence_{0};
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_MEMTABLE_MEMTABLE_H_
