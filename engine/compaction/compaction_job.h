// Carries out a Merge that a policy decided on.

#ifndef HOLDFAST_ENGINE_COMPACTION_COMPACTION_JOB_H_
#define HOLDFAST_ENGINE_COMPACTION_COMPACTION_JOB_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/compaction/policy.h"
#include "engine/format/internal_key.h"
#include "engine/format/version_edit.h"
#include "engine/table/block_cache.h"
#include "engine/table/table_builder.h"
#include "engine/table/table_cache.h"
#include "engine/version/version.h"
#include "holdfast/env/file_system.h"

namespace holdfast {

struct CompactionOptions {
  FileSystem* file_system = nullptr;
  std::string dir;
  uint64_t identity_seed = 0;
  TableOptions table;
  BlockCache* block_cache = nullptr;  // See TableBuilder.
  TableCache* table_cache = nullptr;
  uint64_t table_bytes = uint64_t{32} << 20;
  uint64_t max_grandparent_bytes = uint64_t{320} << 20;
  // Gives a fresh number and enters it among the pending ones.
  std::function<uint64_t()> new_file_number;
  // See MergeRules.
  std::vector<SequenceNumber> snapshots;
  // The version that the decision was made on: tells whether older versions of
  // a key may lie below the output.
  std::shared_ptr<const Version> version;
  // When it becomes true, the job stops with kCancelled. May be null.
  const std::atomic<bool>* cancelled = nullptr;
};

struct CompactionStats {
  uint64_t bytes_read = 0;  // Sizes of the inputs.
  uint64_t bytes_written = 0;
  uint64_t entries_read = 0;
  uint64_t entries_written = 0;
  uint64_t shadowed_dropped = 0;
  uint64_t tombstones_dropped = 0;
};

struct CompactionResult {
  VersionEdit edit;  // Removes the inputs, adds the outputs.
  CompactionStats stats;
};

// Merges the inputs into new tables. Inputs that cannot be read or checked, or
// that do not hold as many entries as the manifest says, fail the job: nothing
// is skipped. On any error the outputs are removed, as well as can be.
// Takes no lock; the inputs stay as they are.
// Crash: once it returned OK, the outputs survive under their names.
absl::StatusOr<CompactionResult> RunCompaction(const CompactionOptions& options,
                                               const Merge& merge);

// The edit that carries out a Move.
VersionEdit EditOf(const Move& move);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_COMPACTION_COMPACTION_JOB_H_
