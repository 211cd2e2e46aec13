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
//
// Thread safety: external, by ownership of the commit pipeline.

#ifndef HOLDFAST_ENGINE_DB_WAL_CHAIN_H_
#define HOLDFAST_ENGINE_DB_WAL_CHAIN_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/format/internal_key.h"
#include "engine/wal/log_writer.h"
#include "holdfast/env/file_system.h"

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

  // Seals the current log and goes on in a new one: `number`, or the one that
  // an earlier attempt left, when nothing was written since. On error the
  // current log stays in use; when it was the sync of the seal that failed,
  // every later append to it fails.
  absl::Status Rotate(uint64_t number, SequenceNumber next_sequence);

  // Ends the current log for good, durably: a clean close. When the seal cannot
  // be written, the records are made durable nevertheless.
  absl::Status SealForClose();

  // REQUIRES: Begin succeeded.
  LogWriter& current() { return *current_; }
  uint64_t current_number() const { return current_number_; }
  // Whether a sync of the current log failed in here.
  bool sync_failed() const { return sync_failed_; }
  // Whether the current log holds no record and is not in doubt.
  bool unused() const;

 private:
  absl::StatusOr<std::unique_ptr<LogWriter>> Create(
      uint64_t number, SequenceNumber next_sequence);
  absl::Status CreateNext(uint64_t number, SequenceNumber next_sequence);
  absl::Status SyncCurrent();
  absl::StatusOr<std::unique_ptr<LogWriter>> CreateAt(
      const std::string& path, uint64_t number, SequenceNumber next_sequence);

  FileSystem& file_system_;
  const std::string dir_;
  const uint64_t db_id_;
  std::unique_ptr<LogWriter> current_;
  uint64_t current_number_ = 0;
  bool sync_failed_ = false;
  std::unique_ptr<LogWriter> next_;  // Made, but not in use: invariant (4).
  uint64_t next_number_ = 0;
  uint64_t next_proves_bytes_ = 0;  // Of the current log, by its header.
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_WAL_CHAIN_H_
