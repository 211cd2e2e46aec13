// Holdfast: an embedded, ordered, crash-safe key-value store.
//
//   #include "holdfast/db.h"
//
//   holdfast::Options options;
//   options.create_if_missing = true;
//   auto db = holdfast::DB::Open(options, "/var/lib/app/db");
//   if (!db.ok()) return db.status();
//   absl::Status status = (*db)->Put({.sync = true}, "key", "value");
//   absl::StatusOr<std::string> value = (*db)->Get({}, "key");
//
// Keys and values are any bytes, empty ones included; keys up to 64 KiB, values
// up to 1 GiB. Keys are ordered as unsigned bytes.
//
// *What survives.* A write that returned OK survives the death of the process.
// A write with sync = true, and every write before it, survives power loss.
// After a crash the database is what some prefix of its writes, in their order,
// had made of it; a batch is there whole or not at all.
//
// *Errors.* kNotFound: no such key, or no database. kInvalidArgument: an option
// or argument, named in the message. kDataLoss: bytes on disk are not what was
// written; the message names file and offset. kUnavailable: another process (or
// this one) has the database open. kResourceExhausted: no space; writing works
// again when there is. kFailedPrecondition: closed, or read-only after an I/O
// error (see Health). kUnimplemented: a format version this build does not
// know. Others are the file system's.

#ifndef HOLDFAST_DB_H_
#define HOLDFAST_DB_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "holdfast/iterator.h"
#include "holdfast/metrics.h"
#include "holdfast/options.h"
#include "holdfast/pinned_value.h"
#include "holdfast/snapshot.h"
#include "holdfast/write_batch.h"

namespace holdfast {

// One open database. Thread-safe: any thread may call anything at any time but
// Close and the destructor, which must come after all other calls returned and
// after all iterators and pinned values were destroyed.
class DB {
 public:
  // Opens the database in directory `path`, recovering it when it was not
  // closed cleanly. Only one process, and one DB in it, has a database open.
  // Crash: a database that was made and opened once opens again. What Open
  // exposes is durable before it returns.
  static absl::StatusOr<std::unique_ptr<DB>> Open(const Options& options,
                                                  std::string_view path);

  // Removes the database in `path`: its files, and the directory when nothing
  // else is in it. OK when there is none. kUnavailable while it is open.
  static absl::Status Destroy(const Options& options, std::string_view path);

  // Closes as by Close() and drops the error.
  virtual ~DB() = default;

  DB() = default;
  DB(const DB&) = delete;
  DB& operator=(const DB&) = delete;

  // Sets `key` to `value`. Crash: see WriteOptions::sync.
  virtual absl::Status Put(const WriteOptions& options, std::string_view key,
                           std::string_view value) = 0;

  // Removes `key`; OK when it is not there. Crash: see WriteOptions::sync.
  virtual absl::Status Delete(const WriteOptions& options,
                              std::string_view key) = 0;

  // Applies a batch in one step: other threads see all of it or nothing.
  // After an error other than kInvalidArgument the write did not take effect
  // for readers; if the process then dies it may still be found, whole.
  virtual absl::Status Write(const WriteOptions& options,
                             const WriteBatch& batch) = 0;

  // The value of `key`, or kNotFound. Waits for no write and for no background
  // work: the only locks taken are those of the caches, for an instant.
  virtual absl::StatusOr<std::string> Get(const ReadOptions& options,
                                          std::string_view key) = 0;

  // Like the other Get, without copying: *value points at the engine's memory
  // and keeps it alive. *value is reset when the result is not OK.
  virtual absl::Status Get(const ReadOptions& options, std::string_view key,
                           PinnedValue* value) = 0;

  // An iterator over the database as of now or of options.snapshot. Never null;
  // an error shows in its status().
  virtual std::unique_ptr<Iterator> NewIterator(const ReadOptions& options) = 0;

  // The state as of now, for later reads.
  virtual std::shared_ptr<const Snapshot> GetSnapshot() = 0;

  // Writes all memtables to tables and waits for it. With it, everything
  // written before is durable, unlogged writes included.
  // Crash: once it returned OK, all earlier writes survive.
  virtual absl::Status Flush() = 0;

  // Makes every logged write that returned before this call durable.
  // Crash: once it returned OK, those writes survive (not unlogged ones).
  virtual absl::Status SyncWal() = 0;

  // Merges all data between `begin` and `end`, inclusive, down into the lowest
  // level that has any, dropping what is deleted and overwritten; nullopt
  // means from the first or to the last key. Flushes first; waits until done.
  // Tables of that level that nothing comes down upon are rewritten, too: it
  // reads and writes all that is in the range.
  virtual absl::Status CompactRange(std::optional<std::string_view> begin,
                                    std::optional<std::string_view> end) = 0;

  // Waits until no flush or compaction runs or is due; what had failed for want
  // of space is tried once more. RETURNS the error that keeps background work
  // from going on, if any.
  virtual absl::Status WaitForBackgroundWork() = 0;

  // After an I/O error made the database read-only: tries to become healthy
  // again, by beginning a new log, writing all memtables to new tables and,
  // when the manifest is in doubt, beginning a new one. Once it returned OK,
  // everything acknowledged before the error is durable. After a soft error (no
  // space) it only tries the work again; on a healthy database it does nothing
  // and returns OK. Errors as Flush, or that the cause cannot be mended.
  virtual absl::Status Resume() = 0;

  // Checks every table, the manifest and the logs, reading every block and
  // comparing order, counts and checksums with what is recorded. OK, or
  // kDataLoss for the first damage found.
  virtual absl::Status VerifyChecksums() = 0;

  // Waits for running background work, makes the log durable, and closes. All
  // later calls but Close return kFailedPrecondition.
  // Crash: once it returned OK, everything logged survives.
  virtual absl::Status Close() = 0;

  // Counters and sizes as of now. Cheap.
  virtual DbStats Stats() = 0;

  // Whether writes work, and when not, why.
  virtual DbHealth Health() = 0;
};

}  // namespace holdfast

#endif  // HOLDFAST_DB_H_
