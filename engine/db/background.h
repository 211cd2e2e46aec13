// Background work: when a flush or a compaction is due, who runs it, and what
// follows from how it ended.
//
//   frozen memtable ──> flush: table file ─> synced ─> directory synced ─>
//                       manifest edit synced ─> version and view installed ─>
//                       logs and files that nobody needs removed
//
// At most one flush and one compaction run at a time, side by side.
//
// Invariants:
// (1) Memtables are flushed in the order in which they were frozen.
// (2) A table is in pending_outputs from before its file exists until a version
//     names it or the attempt is over: nobody removes it meanwhile.
// (3) A version that holds a flushed memtable, and the view without that
//     memtable, are installed in one step under manifest_mu: no reader finds an
//     entry in neither, and no later version is published in between.
//
// Thread-safe, but for what says it needs the mutex of the core.

#ifndef HOLDFAST_ENGINE_DB_BACKGROUND_H_
#define HOLDFAST_ENGINE_DB_BACKGROUND_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "engine/compaction/leveled_policy.h"
#include "engine/compaction/policy.h"
#include "engine/db/core.h"
#include "engine/db/wal_chain.h"

namespace holdfast {

class Background {
 public:
  explicit Background(DbCore* core);
  // REQUIRES: Stop was called.
  ~Background();

  // After recovery: removes what it left behind and schedules what is due.
  // *wal outlives this.
  void Start(WalChain* wal) ABSL_LOCKS_EXCLUDED(core_.mu);

  // Has the log after `follows`, the current one, made ahead, so that no writer
  // has to wait for more than the seal of that. REQUIRES: the core's mutex.
  void PrepareLog(uint64_t follows);

  // Schedules what is due. REQUIRES: the core's mutex (asserted inside, as the
  // analysis cannot know that a caller's core is this one).
  void MaybeSchedule();

  // After a soft error (no space, too many files) work waits until somebody has
  // a reason to try again. The first four REQUIRE the core's mutex.
  //
  // Whether the last flush failed so, and is to be tried again.
  bool FlushFailedSoftly() const;
  // Tries it again. RETURNS how that ended.
  absl::Status RetryFlush();
  // The soft error of the last compaction, or OK. It is tried again after the
  // next flush, and when a write must wait for it; not at each write, as it
  // would take the last space again and again.
  absl::Status CompactionError() const;
  void RetryCompaction();
  // For Resume, with BeginResume of the error state: everything is tried again.
  void ForgetSoftErrors();

  // A number for "all memtables frozen until now", for WaitForFlush.
  uint64_t FlushTicket();
  // Waits until those are flushed. RETURNS the error that prevents it.
  absl::Status WaitForFlush(uint64_t ticket);

  // Waits until nothing runs and nothing is due, after trying again once what
  // had failed softly; then removes what readers had kept from being removed,
  // if they let go of it since.
  absl::Status WaitIdle();

  // Compacts the range, level by level, each step as a background job.
  absl::Status CompactRange(std::optional<std::string_view> begin,
                            std::optional<std::string_view> end);

  // Lets running jobs end (compactions give up early) and schedules no more.
  void Stop();

  // Removes every file of the directory that nothing needs. Best effort: what
  // cannot be removed now is found again later.
  void RemoveObsoleteFiles();

 private:
  // A step of CompactRange: a level's tables in a range, merged down.
  struct ManualCompaction {
    int level = 0;
    int output_level = 0;
    ManualRange range;
    bool done = false;
    absl::Status status;
  };

  bool FlushIsDue() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(core_.mu);
  bool CompactionIsDue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(core_.mu);
  // What CompactionTask does next; *manual is set when it is that one's.
  Decision Decide(ManualCompaction** manual)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(core_.mu);

  // The jobs, on a thread of the executor.
  void FlushTask();
  void CompactionTask();
  void PrepareLogTask();

  // After a manifest write of unknown outcome: begins a new manifest, so that
  // the files of the failed attempt can go before the work is done again.
  absl::Status SettleManifest();
  absl::Status FlushOldest();
  absl::Status Compact(const Decision& decision);
  absl::Status RunMove(const Move& move);
  absl::Status RunMerge(const Merge& merge);
  // Makes an edit durable and shows it to readers, with the oldest `flushed`
  // memtables gone.
  absl::Status Install(VersionEdit edit, int flushed)
      ABSL_LOCKS_EXCLUDED(core_.mu);
  void FinishManual(ManualCompaction* manual, const Decision& decision,
                    const absl::Status& status)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(core_.mu);
  absl::Status RunManual(int level, int output_level, const ManualRange& range)
      ABSL_LOCKS_EXCLUDED(core_.mu);
  // The error that keeps background work from going on, or OK.
  absl::Status Obstacle() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(core_.mu);

  DbCore& core_;
  const LeveledOptions leveled_;
  std::atomic<bool> cancel_{false};  // Asks compactions to give up.

  WalChain* wal_ = nullptr;  // Since Start.

  bool flush_scheduled_ ABSL_GUARDED_BY(core_.mu) = false;
  bool compaction_scheduled_ ABSL_GUARDED_BY(core_.mu) = false;
  bool prepare_log_scheduled_ ABSL_GUARDED_BY(core_.mu) = false;
  uint64_t prepare_log_after_ ABSL_GUARDED_BY(core_.mu) = 0;
  // Soft errors: not OK until something tries again.
  absl::Status flush_error_ ABSL_GUARDED_BY(core_.mu);
  absl::Status compaction_error_ ABSL_GUARDED_BY(core_.mu);
  bool stopping_ ABSL_GUARDED_BY(core_.mu) = false;
  uint64_t flushed_ ABSL_GUARDED_BY(core_.mu) = 0;  // Memtables, ever.
  RoundRobin round_robin_ ABSL_GUARDED_BY(core_.mu);
  std::deque<ManualCompaction*> manual_ ABSL_GUARDED_BY(core_.mu);
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_BACKGROUND_H_
