// The write-ahead logs of an open database: the one being written, and the
// step from one to the next.
//
// Invariants:
// (1) A log is written to only after its name, and its header, are durable.
// (2) A log gets its first record only after the one before it was sealed and
//     that seal synced. So a record in a log proves that every earlier log is
//     complete, and a gap between them is damage, not a crash.
//     Until that record is there, the header of the new log tells how long the
//     old one must at least be.
// (3) After a failed sync nothing is written to that log again.
// (4) A log that a seal may name is not removed here, even when writing the
//     seal failed: the seal may be on disk all the same, and then recovery
//     looks for the log that it names. It is kept as the next one, until the
//     current log has durably grown over the place of that seal.
// (5) A log made ahead is named by no seal and holds no record until a rotation
//     takes it; then it is the next one of invariants (1) and (2), with a
//     number above that of the log it follows. What a crash leaves of it is a
//     log without records that nothing leads to, which recovery knows and
//     removes.
//
// Thread safety: external, by ownership of the commit pipeline; PrepareNext may
// run beside everything else, once at a time.

#ifndef HOLDFAST_ENGINE_DB_WAL_CHAIN_H_
#define HOLDFAST_ENGINE_DB_WAL_CHAIN_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/format/internal_key.h"
#include "engine/wal/log_writer.h"
#include "holdfast/env/file_system.h"
#include "holdfast/env/sync.h"

namespace holdfast {

class WalChain {
 public:
  WalChain(FileSystem* file_system, std::string dir, uint64_t db_id)
      : file_system_(*file_system), dir_(std::move(dir)), db_id_(db_id) {}

  // Makes log `number`, durable with its header and name, and writes to it from
  // now on. The log before it, if any, is left as it is: for recovery, and for
  // Resume, where no record follows until a manifest names the new log.
  // On error the file is removed (best effort) and nothing has changed.
  absl::Status Begin(uint64_t number, SequenceNumber next_sequence);

  // How a rotation comes by the next log.
  enum class Next {
    // The one made ahead, if there is one. Its header tells only what was
    // durable of the current log when it was made: for who logs a record at
    // once, which tells all.
    kAheadWillDo,
    // One whose header tells the whole length of the current log; that made
    // ahead only if nothing was added since. (Not so after a seal that could
    // not be written: then the log that it may name, see invariant (4).)
    kProvesAll,
  };

  // Seals the current log and goes on in a new one: `number`, or the one that
  // an earlier attempt left, when nothing was written since, or one made ahead.
  // On error the current log stays in use; when it was the sync of the seal
  // that failed, every later append to it fails.
  absl::Status Rotate(uint64_t number, SequenceNumber next_sequence,
                      Next next = Next::kProvesAll);

  // Makes log `number`, durable with its header and name, for the rotation that
  // ends log `follows`: the writer that needs it waits for one sync instead of
  // four. Does nothing when that one is not the current log any more. Removes
  // it again (best effort) on error, or when a rotation came before it was
  // ready. On error nothing has changed, but *names_in_doubt is set when it was
  // the sync of the directory that failed. REQUIRES: Begin succeeded; `number`
  // was given after `follows` became the current log.
  absl::Status PrepareNext(uint64_t follows, uint64_t number,
                           SequenceNumber next_sequence, bool* names_in_doubt)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Ends the current log for good, durably: a clean close. When the seal cannot
  // be written, the records are made durable nevertheless.
  absl::Status SealForClose();

  // Whether a log made ahead is there. Thread-safe.
  bool has_ahead() ABSL_LOCKS_EXCLUDED(mu_);

  // REQUIRES: Begin succeeded.
  LogWriter& current() { return *current_; }
  uint64_t current_number() const { return current_number_; }
  // Whether a sync of the current log failed in here.
  bool sync_failed() const { return sync_failed_; }
  // Whether the current log holds no record and is not in doubt.
  bool unused() const;

 private:
  // What the header of a log says of the one before it.
  struct Before {
    uint64_t number = 0;
    uint64_t bytes = 0;  // Durable.
  };

  // Of the log after the current one. For the owner of the pipeline, or with
  // mu_.
  Before BeforeNext() const;
  absl::StatusOr<std::unique_ptr<LogWriter>> Create(
      uint64_t number, SequenceNumber next_sequence, const Before& before,
      bool* names_in_doubt);
  // Puts a log in the place of the current one, and removes one made ahead.
  void Use(std::unique_ptr<LogWriter> log, uint64_t number)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Makes what was made ahead, if anything that will do, the next log.
  void TakeAhead(Next next) ABSL_LOCKS_EXCLUDED(mu_);
  void RemoveAhead() ABSL_LOCKS_EXCLUDED(mu_);
  void Remove(std::unique_ptr<LogWriter> ahead);
  absl::Status CreateNext(uint64_t number, SequenceNumber next_sequence);
  absl::Status SyncCurrent();
  absl::StatusOr<std::unique_ptr<LogWriter>> CreateAt(
      const std::string& path, uint64_t number, SequenceNumber next_sequence,
      const Before& before, bool* names_in_doubt);

  FileSystem& file_system_;
  const std::string dir_;
  const uint64_t db_id_;
  // Changed by the owner of the pipeline, under mu_; so that one reads them
  // without, and PrepareNext with it.
  std::unique_ptr<LogWriter> current_;
  uint64_t current_number_ = 0;
  bool sync_failed_ = false;
  std::unique_ptr<LogWriter> next_;  // Made, but not in use: invariant (4).
  uint64_t next_number_ = 0;
  uint64_t next_follows_bytes_ = 0;  // The current log had when it was made.

  Mutex mu_;                                               // No I/O under it.
  std::unique_ptr<LogWriter> ahead_ ABSL_GUARDED_BY(mu_);  // Invariant (5).
  uint64_t ahead_number_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t ahead_proves_bytes_ ABSL_GUARDED_BY(mu_) = 0;  // By its header.
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_WAL_CHAIN_H_
