// The snapshots that readers hold, and with them the sequence numbers whose
// view of the database must be kept.
//
// Thread-safe.

#ifndef HOLDFAST_ENGINE_DB_SNAPSHOT_LIST_H_
#define HOLDFAST_ENGINE_DB_SNAPSHOT_LIST_H_

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <vector>

#include "engine/format/internal_key.h"
#include "holdfast/env/sync.h"
#include "holdfast/snapshot.h"

namespace holdfast {

class SnapshotList {
 public:
  SnapshotList();

  // A snapshot at the value of `visible` now. The value is read under the
  // list's lock, so that a job which reads the list and the value together
  // (Sequences) misses no snapshot at a number below the one it read.
  // The result may outlive the list.
  std::shared_ptr<const Snapshot> Acquire(
      const std::atomic<SequenceNumber>& visible);

  // The numbers of all live snapshots and, last, the value of `visible` now:
  // ascending, each once. What a compaction must preserve.
  std::vector<SequenceNumber> Sequences(
      const std::atomic<SequenceNumber>& visible) const;

  // Whether `snapshot` was made by this list.
  bool Owns(const Snapshot& snapshot) const;

  size_t size() const;

 private:
  struct Shared {
    mutable Mutex mu;
    // Sequence number → how many snapshots hold it.
    std::map<SequenceNumber, size_t> held ABSL_GUARDED_BY(mu);
  };
  class SnapshotImpl;

  // Shared with the snapshots, which may live longer than the list.
  const std::shared_ptr<Shared> shared_;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_SNAPSHOT_LIST_H_
