// Room for the next write: stalls while background work is behind, and freezes
// the memtable when it is full.
//
// Thread safety: called by the owner of the commit pipeline only.

#ifndef HOLDFAST_ENGINE_DB_WRITE_ROOM_H_
#define HOLDFAST_ENGINE_DB_WRITE_ROOM_H_

#include "absl/status/status.h"
#include "engine/db/background.h"
#include "engine/db/core.h"
#include "engine/db/wal_chain.h"
#include "engine/memtable/memtable.h"

namespace holdfast {

class WriteRoom {
 public:
  WriteRoom(DbCore* core, WalChain* wal, Background* background)
      : core_(*core), wal_(*wal), background_(*background) {}

  // Returns OK, and the active memtable, when that can take a write; may wait
  // for background work. The error that keeps writes from going on, otherwise.
  // Only the owner of the pipeline puts another memtable in its place.
  // `next_log`: kAheadWillDo when the write is logged.
  absl::Status Make(WalChain::Next next_log, MemTable** active) {
    return Make(/*freeze_wanted=*/false, next_log, active);
  }

  // Freezes the active memtable unless it is empty, waiting for a place first.
  absl::Status Freeze();

  // For Resume: freezes the active memtable, even an empty one, and begins a
  // new log beside the one in doubt, without touching that.
  // REQUIRES: no write until a manifest that names the new log is durable.
  absl::Status FreezeForResume();

 private:
  absl::Status Make(bool freeze_wanted, WalChain::Next next_log,
                    MemTable** active);
  // Rotates the log, then puts a new memtable in place.
  absl::Status FreezeNow(WalChain::Next next_log);
  void InstallNewMemTable(uint64_t log_number);

  DbCore& core_;
  WalChain& wal_;
  Background& background_;
  bool log_ahead_wanted_ = false;  // Since the active memtable is in place.
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_WRITE_ROOM_H_
