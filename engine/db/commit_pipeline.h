// The one way in for writes: who writes when, in what order, and who waits.
//
//   Write(batch) ── who comes first *owns the pipeline*, the others queue up:
//                   1. makes room (stall, freeze: write_room)
//                   2. gathers a group of the waiting writers
//                   3. numbers it, logs it as one record, syncs it when any of
//                      them asked
//                   4. inserts it into the active memtable
//                   5. makes it visible, hands the pipeline to the first that
//                      waits, and tells the group
//
// Invariants:
// (1) Sequence numbers are given in log order, and become visible in it.
// (2) Nothing is visible, or acknowledged, before its log record was written;
//     with sync, not before it was synced.
// (3) A group that failed has used up no sequence number and is not in the
//     memtable. Its record may be on disk: the next record takes its place.
// (4) Writers own the pipeline in the order in which they queued up, and nobody
//     takes it while others wait.
//
// A group per record means one checksum, one write and one sync for all its
// writers; letting each writer log by itself was rejected, since on few cores
// the hand-over costs more than the copy. While a sync runs, the next group
// gathers behind it. Its owner then waits a little for those who were told that
// their sync is done and are likely to come again: without that they would be
// the group after, and each sync would serve half of the writers.
//
// A writer that finds nobody else takes no mutex here.
//
// Thread-safe.

#ifndef HOLDFAST_ENGINE_DB_COMMIT_PIPELINE_H_
#define HOLDFAST_ENGINE_DB_COMMIT_PIPELINE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "engine/db/core.h"
#include "engine/db/wal_chain.h"
#include "engine/db/write_room.h"
#include "engine/memtable/memtable.h"
#include "holdfast/env/sync.h"
#include "holdfast/options.h"
#include "holdfast/write_batch.h"

namespace holdfast {

class CommitPipeline {
 public:
  // All outlive the pipeline.
  CommitPipeline(DbCore* core, WalChain* wal, WriteRoom* room)
      : core_(*core), wal_(*wal), room_(*room) {}

  // Commits a batch. REQUIRES: within its limits; options consistent.
  absl::Status Write(const WriteOptions& options, const WriteBatch& batch);

  // Makes everything logged so far durable, in its turn.
  absl::Status SyncWal();

  // Runs `work` while owning the pipeline: no write is under way.
  absl::Status RunExclusive(absl::FunctionRef<absl::Status()> work);

 private:
  enum class Turn : uint8_t { kWaits, kOwns, kDone };

  struct Writer {
    const WriteBatch* batch = nullptr;  // nullptr: wants only its turn.
    bool sync = false;
    bool disable_wal = false;
    Writer* next = nullptr;  // In the queue, or in the group.
    absl::Status status;     // Of kDone.

    // Stored under mu (release); loaded by the waiter without it (acquire).
    std::atomic<Turn> turn{Turn::kWaits};
    Mutex mu;
    CondVar changed;
  };

  // RETURNS whether the writer owns the pipeline; otherwise it is done.
  bool AwaitTurn(Writer* writer);
  Turn Wait(Writer* writer);
  static void Give(Writer* writer, Turn turn);
  // Hands the pipeline to the first that waits, or to nobody, after a sync for
  // so many writers, or none.
  void PassOn(size_t synced_writers);

  // The rest needs ownership of the pipeline.
  absl::Status CommitGroup(Writer* owner);
  // Before a sync: lets those come that are likely to.
  void AwaitCompany();
  void GatherGroup(Writer* owner);
  absl::Status LogGroup();
  absl::Status SyncLog();
  void ApplyGroup(MemTable* memtable);

  DbCore& core_;
  WalChain& wal_;
  WriteRoom& room_;

  // Whether the pipeline is owned, and whether the queue holds anybody. Without
  // kQueued it goes from free to owned and back by itself; kQueued is changed
  // with mu_ held.
  static constexpr uint32_t kFree = 0;
  static constexpr uint32_t kOwned = 1;
  static constexpr uint32_t kOwnedAndQueued = 3;
  std::atomic<uint32_t> state_{kFree};
  // The owner is in a sync: no use to watch for it to end.
  std::atomic<bool> syncing_{false};

  Mutex mu_;
  Writer* first_ ABSL_GUARDED_BY(mu_) = nullptr;  // Those that wait.
  Writer* last_ ABSL_GUARDED_BY(mu_) = nullptr;
  size_t queued_ ABSL_GUARDED_BY(mu_) = 0;
  size_t awaited_ ABSL_GUARDED_BY(mu_) = SIZE_MAX;  // By AwaitCompany.
  CondVar company_;                                 // There are so many.

  // The group being committed; owned with the pipeline.
  struct Group {
    Writer* followers = nullptr;  // All but the owner.
    std::string_view changes;     // Points into buffer or into the only batch.
    std::string buffer;
    uint32_t count = 0;
    uint64_t batches = 0;
    bool sync = false;
    SequenceNumber first_sequence = 0;
  };
  Group group_;

  // Of the last sync of a group; owned with the pipeline.
  size_t expected_writers_ = 1;  // The group, and who came meanwhile.
  uint64_t sync_micros_ = 0;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_COMMIT_PIPELINE_H_
