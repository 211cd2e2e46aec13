// Keeps tables open: at most so many, opened when first read, and reached
// without a lock from then on.
//
//   struct FileMetadata { ...; TableSlot slot; };
//   {
//     EpochDomain::Guard guard = epochs.Pin();
//     HF_ASSIGN_OR_RETURN(const TableReader* table,
//                         cache.Get(file.slot, number, bytes, identity));
//     ... use *table until the guard goes ...
//   }
//
// The slot of a table holds the pointer to its reader. A hit is one atomic load
// of it. A miss opens the file, without a lock; when two threads open one table
// at a time, the second drops its own reader and takes the first's. Over the
// limit the cache closes tables by CLOCK: it takes the pointer out of the slot
// and retires the reader to the epochs, so whoever got it under a guard may go
// on using it.
//
// Invariants:
//   (1) A slot is in ring_ exactly when it owns a reader, and reader_ is that
//       reader then, else nullptr.
//   (2) ring_ has at most max_open_tables slots. Readers that were retired but
//       are still in use, or held by Acquire, come on top.
//
// Thread safety: TableCache is thread-safe. A slot may be used by many threads
// at a time through the cache, but not while it is destroyed.

#ifndef HOLDFAST_ENGINE_TABLE_TABLE_CACHE_H_
#define HOLDFAST_ENGINE_TABLE_TABLE_CACHE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "engine/epoch/epoch.h"
#include "engine/table/table_reader.h"
#include "holdfast/env/file_system.h"
#include "holdfast/env/sync.h"

namespace holdfast {

class TableCache {
 public:
  class Slot;

  // All are borrowed and must outlive the cache; every slot that was used with
  // it must be gone before it. REQUIRES: max_open_tables > 0.
  TableCache(FileSystem* file_system, std::string dir, BlockCache* block_cache,
             EpochDomain* epochs, int max_open_tables);
  ~TableCache();
  TableCache(const TableCache&) = delete;
  TableCache& operator=(const TableCache&) = delete;

  // RETURNS the reader of table `number`, opening it when it is not open:
  // kDataLoss when the file is missing or is not that table.
  // REQUIRES: the caller holds a guard of the epochs from before this call for
  // as long as it uses the reader. One slot is always used with the same table.
  // kResourceExhausted (too many open files): tables were closed to make room,
  // but none can go while the caller's own guard lives. Drop it, pin again and
  // call again.
  absl::StatusOr<const TableReader*> Get(Slot& slot, uint64_t number,
                                         uint64_t bytes, uint64_t identity);

  // What Get would return when the table is open, else nullptr. The use that it
  // is put to does not count as one.
  static const TableReader* IfOpen(const Slot& slot);

  // The same for who keeps the reader for longer (iterators, compactions) and
  // needs no guard.
  absl::StatusOr<std::shared_ptr<const TableReader>> Acquire(Slot& slot,
                                                             uint64_t number,
                                                             uint64_t bytes,
                                                             uint64_t identity);

  // Closes the table of the slot, if it is open, once nobody uses it.
  void Evict(Slot& slot) ABSL_LOCKS_EXCLUDED(mu_);

  // Takes the blocks of the slot's table out of the block cache, if it is open:
  // for one that was replaced, to make room for those in its place.
  void ForgetBlocks(Slot& slot) ABSL_LOCKS_EXCLUDED(mu_);

  // Closes some tables, to give back their files. They are opened again when
  // they are needed.
  void CloseSome() ABSL_LOCKS_EXCLUDED(mu_);

  // Tables in the cache.
  size_t open_tables() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using Owner = std::shared_ptr<const TableReader>;

  absl::StatusOr<Owner> Open(uint64_t number, uint64_t bytes,
                             uint64_t identity) const;
  // Opens the table, closing others and trying once more when there are too
  // many open files.
  absl::StatusOr<Owner> OpenWithRoom(uint64_t number, uint64_t bytes,
                                     uint64_t identity);
  // Puts a reader into its slot, or finds another there. RETURNS the one that
  // is there.
  Owner Publish(Slot& slot, Owner opened) ABSL_LOCKS_EXCLUDED(mu_);
  // Takes the next slot by CLOCK out of the ring. REQUIRES: the ring has one.
  Owner TakeVictim() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Owner Take(Slot& slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Drops a reader that was taken, once no guard may use it.
  void Retire(Owner owner) ABSL_LOCKS_EXCLUDED(mu_);

  FileSystem* const file_system_;
  const std::string dir_;
  BlockCache* const block_cache_;
  EpochDomain* const epochs_;
  const size_t max_open_tables_;

  mutable Mutex mu_;
  std::vector<Slot*> ring_ ABSL_GUARDED_BY(mu_);
  size_t hand_ ABSL_GUARDED_BY(mu_) = 0;
};

// Where a table's metadata keeps its open reader. All but its life is the
// cache's business. Its destructor evicts.
class TableCache::Slot {
 public:
  Slot() = default;
  ~Slot();
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

 private:
  friend class TableCache;  // Nested in it.

  // Stored (release) by Publish and Take, loaded (acquire) by a hit.
  std::atomic<const TableReader*> reader_{nullptr};
  // Used since the hand passed last. Relaxed: a hint, which orders nothing.
  std::atomic<bool> referenced_{false};
  // The cache that has ever held it, set before reader_ is (release), read by
  // the destructor.
  std::atomic<TableCache*> cache_{nullptr};

  // Guarded by cache_->mu_.
  Owner owner_;
  size_t position_ = 0;  // In ring_, when there.
};

inline const TableReader* TableCache::IfOpen(const Slot& slot) {
  return slot.reader_.load(std::memory_order_acquire);
}

using TableSlot = TableCache::Slot;

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_TABLE_TABLE_CACHE_H_
