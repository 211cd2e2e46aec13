// The parts of an open database that its rooms share: where each piece of state
// lives and what guards it. No algorithm here.
//
// Lock order (docs/concurrency.md): pipeline ownership, then manifest_mu, then
// mu. The snapshot list, the caches and the epoch domain have locks of their
// own that take no other.

#ifndef HOLDFAST_ENGINE_DB_CORE_H_
#define HOLDFAST_ENGINE_DB_CORE_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/cache/page_pool.h"
#include "engine/cache/slab_pool.h"
#include "engine/db/counters.h"
#include "engine/db/dead_spans.h"
#include "engine/db/error_state.h"
#include "engine/db/read_view.h"
#include "engine/db/snapshot_list.h"
#include "engine/epoch/epoch.h"
#include "engine/memtable/memtable.h"
#include "engine/table/table_cache.h"
#include "engine/version/version_set.h"
#include "holdfast/env/env.h"
#include "holdfast/env/sync.h"
#include "holdfast/options.h"

namespace holdfast {

// A memtable that takes no more writes and waits to be flushed.
struct FrozenMemTable {
  std::shared_ptr<const MemTable> table;
  // The first log that is still needed once this memtable is in a table.
  uint64_t next_log_number = 0;
  uint64_t log_bytes = 0;  // Of its own log.
};

struct DbCore {
  DbCore(const Options& options, Env* env, std::string dir);

  // --- Constant after construction.
  const Options options;
  FileSystem& file_system;
  Clock& clock;
  Executor& executor;
  const std::string dir;

  // Goes into the identities of the tables made from now on, a fresh one each
  // time: a number that was given before a crash, and lost with it, may be
  // given again, and the freed blocks of that table must not pass for the new
  // one's. Set by recovery.
  uint64_t identity_seed = 0;

  // --- Self-synchronised.
  PagePool pages;  // Of memtables and block_memory; outlives all of them.
  EpochDomain epochs;
  SlabPool block_memory;  // For what block_cache keeps.
  BlockCache block_cache;
  TableCache table_cache;
  SnapshotList snapshots;
  Counters counters;
  DeadSpans dead_spans;
  ReadViewSlot views;  // Published under mu.
  // The newest write that readers see. Written by the owner of the pipeline
  // after the write is in the memtable (release), read by anyone (acquire).
  std::atomic<SequenceNumber> visible_sequence{0};
  // Of the log of the active memtable; for Stats.
  std::atomic<uint64_t> active_log_bytes{0};

  // --- The manifest: one writer at a time. Held during its I/O.
  Mutex manifest_mu ABSL_ACQUIRED_BEFORE(mu);
  VersionSet versions;  // LogAndApply needs manifest_mu; see version_set.h.

  // --- Guarded by mu. No I/O under it.
  Mutex mu;
  CondVar changed;  // Signalled when any of the following changed.
  std::shared_ptr<MemTable> active ABSL_GUARDED_BY(mu);
  std::deque<FrozenMemTable> frozen ABSL_GUARDED_BY(mu);  // Oldest first.
  ErrorState error ABSL_GUARDED_BY(mu);
  // Tables being written, which no version names yet.
  std::set<uint64_t> pending_outputs ABSL_GUARDED_BY(mu);
  // Views that were replaced; pinned readers may still have them.
  std::vector<std::shared_ptr<const ReadView>> replaced_views
      ABSL_GUARDED_BY(mu);
  // Of the version that readers see.
  int level0_tables ABSL_GUARDED_BY(mu) = 0;
  // Why the last write was slowed down; empty when it was not.
  std::string stall_reason ABSL_GUARDED_BY(mu);

  // An empty memtable of the size that the options say, for `active`.
  std::shared_ptr<MemTable> NewMemTable();

  // Makes the memtables and the current version what readers see.
  // Call ReleaseViews soon after.
  void PublishView() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);

  // After a failure for want of space or files: gives back the files of some
  // tables that are only kept open for speed.
  void MakeRoomForFiles(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu);

  // Frees what no reader can have any more: replaced views, and with them
  // memtables, versions and table readers. Outside the mutex, as freeing a
  // memtable takes a while.
  void ReleaseViews() ABSL_LOCKS_EXCLUDED(mu);
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_CORE_H_
