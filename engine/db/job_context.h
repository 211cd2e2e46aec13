// What this database gives to the jobs of engine/compaction: options, and file
// numbers that stay protected while a job runs.

#ifndef HOLDFAST_ENGINE_DB_JOB_CONTEXT_H_
#define HOLDFAST_ENGINE_DB_JOB_CONTEXT_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/compaction/compaction_job.h"
#include "engine/db/core.h"
#include "engine/format/version_edit.h"
#include "engine/memtable/memtable.h"

namespace holdfast {

// The tables that one job writes. From before its file exists until this goes,
// a table counts as in use, though no version names it.
// Thread-compatible.
class PendingOutputs {
 public:
  explicit PendingOutputs(DbCore* core) : core_(*core) {}
  ~PendingOutputs();
  PendingOutputs(const PendingOutputs&) = delete;
  PendingOutputs& operator=(const PendingOutputs&) = delete;

  // Gives out a number. The result must not outlive this.
  std::function<uint64_t()> NumberSource();

 private:
  DbCore& core_;
  std::vector<uint64_t> numbers_;
};

// Writes what anyone may still read of a memtable to a table of level 0.
// RETURNS its record for the manifest, or nothing when there is nothing to
// write. Crash: on success the table and its name are durable.
absl::StatusOr<std::optional<TableRecord>> WriteLevel0Table(
    DbCore& core, const MemTable& memtable, PendingOutputs& outputs);
// The same for entries that are not in a memtable, and how many they are.
absl::StatusOr<std::optional<TableRecord>> WriteLevel0Table(
    DbCore& core, InternalIterator& entries, uint64_t count,
    PendingOutputs& outputs);

// `cancelled` may become true while the job runs.
CompactionOptions CompactionOptionsOf(DbCore& core,
                                      std::shared_ptr<const Version> version,
                                      PendingOutputs& outputs,
                                      uint64_t max_grandparent_bytes,
                                      const std::atomic<bool>& cancelled);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_JOB_CONTEXT_H_
