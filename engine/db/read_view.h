// What a read looks at: the memtables and the version of one moment, found
// without a lock.
//
//   EpochDomain::Guard guard = epochs.Pin();
//   const ReadView* view = slot.Load(guard);
//   SequenceNumber sequence = visible.load(std::memory_order_acquire);
//
// Order matters: first the view, then the sequence number. A view that is older
// than the number lacks only writes that came after the read began; a number
// that is older than the view could name versions that a compaction in between
// has dropped.
//
// Invariants:
// (1) A published view holds every write that was visible when it was
//     published, in exactly one place or in two that agree.
// (2) A view is freed only when no reader that could have loaded it is pinned
//     and no one holds a reference.

#ifndef HOLDFAST_ENGINE_DB_READ_VIEW_H_
#define HOLDFAST_ENGINE_DB_READ_VIEW_H_

#include <atomic>
#include <memory>
#include <vector>

#include "engine/epoch/epoch.h"
#include "engine/memtable/memtable.h"
#include "engine/version/version.h"

namespace holdfast {

// Immutable, but for what is inserted into `active`.
struct ReadView : public std::enable_shared_from_this<ReadView> {
  std::shared_ptr<MemTable> active;
  std::vector<std::shared_ptr<const MemTable>> frozen;  // Newest first.
  std::shared_ptr<const Version> version;
};

// Holds the current view.
// Thread-safe, but for Publish: one at a time.
class ReadViewSlot {
 public:
  explicit ReadViewSlot(EpochDomain* epochs) : epochs_(*epochs) {}
  // REQUIRES: no reader.
  ~ReadViewSlot();
  ReadViewSlot(const ReadViewSlot&) = delete;
  ReadViewSlot& operator=(const ReadViewSlot&) = delete;

  // Makes `view` the current one. RETURNS the one before, which pinned readers
  // may still have: it must be let go by way of the epoch domain.
  [[nodiscard]] std::shared_ptr<const ReadView> Publish(
      std::shared_ptr<const ReadView> view);

  // The current view, alive as long as the guard. Waits for nothing.
  const ReadView& Load(const EpochDomain::Guard&) const {
    // Pairs with the release in Publish.
    return *current_.load(std::memory_order_acquire);
  }

  // The current view, for longer than a guard should be held.
  std::shared_ptr<const ReadView> Acquire() const {
    const EpochDomain::Guard guard = epochs_.Pin();
    return Load(guard).shared_from_this();
  }

 private:
  EpochDomain& epochs_;
  std::shared_ptr<const ReadView> owner_;  // Of *current_; used by Publish.
  std::atomic<const ReadView*> current_{nullptr};
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_READ_VIEW_H_
