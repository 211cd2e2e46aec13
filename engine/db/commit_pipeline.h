// The one way in for writes: who writes when, in what order, and who waits.
//
//   Write(batch) ── queue ──> the first in the queue *owns the pipeline*:
//                             1. makes room (stall, freeze: write_room)
//                             2. gathers a group of the waiting writers
//                             3. numbers it, logs it as one record, syncs it
//                                when any of them asked
//                             4. inserts it into the active memtable
//                             5. makes it visible, wakes the group and the next
//                                owner
//
// Invariants:
// (1) Sequence numbers are given in log order, and become visible in it.
// (2) Nothing is visible, or acknowledged, before its log record was written;
//     with sync, not before it was synced.
// (3) A group that failed has used up no sequence number and is not in the
//     memtable. Its record may be on disk: the next record takes its place.
//
// A group per record means one checksum, one system call and one sync for all
// its writers; letting each writer log by itself was rejected, since on few
// cores the hand-over costs more than the copy.
//
// Thread-safe.

#ifndef HOLDFAST_ENGINE_DB_COMMIT_PIPELINE_H_
#define HOLDFAST_ENGINE_DB_COMMIT_PIPELINE_H_

#include <cstddef>
#include <deque>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "engine/db/core.h"
#include "engine/db/wal_chain.h"
#include "engine/db/write_room.h"
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
  struct Writer {
    const WriteBatch* batch = nullptr;  // nullptr: wants only its turn.
    bool sync = false;
    bool disable_wal = false;
    bool done = false;
    absl::Status status;
    CondVar turn;
  };

  // Queues up until `writer` owns the pipeline or is done. RETURNS whether it
  // owns it.
  bool AwaitTurn(Writer* writer);
  // Ends the ownership of the writers up to and including `last`.
  void PassOn(Writer* owner, Writer* last, const absl::Status& status);

  // The rest needs ownership of the pipeline.
  absl::Status CommitGroup(Writer* owner, Writer** last);
  // Gathers waiting writers into changes_; RETURNS the last one.
  Writer* GatherGroup(Writer* owner);
  absl::Status LogGroup(bool sync);
  absl::Status SyncLog();
  void ApplyGroup();

  DbCore& core_;
  WalChain& wal_;
  WriteRoom& room_;

  Mutex mu_;
  std::deque<Writer*> queue_ ABSL_GUARDED_BY(mu_);

  // The group being committed; owned with the pipeline.
  struct Group {
    std::string_view changes;  // Points into buffer or into the only batch.
    std::string buffer;
    uint32_t count = 0;
    uint64_t batches = 0;
    bool sync = false;
    SequenceNumber first_sequence = 0;
  };
  Group group_;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_COMMIT_PIPELINE_H_
