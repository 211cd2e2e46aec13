// Writes a memtable to one table of level 0.

#ifndef HOLDFAST_ENGINE_COMPACTION_FLUSH_JOB_H_
#define HOLDFAST_ENGINE_COMPACTION_FLUSH_JOB_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/format/internal_key.h"
#include "engine/format/version_edit.h"
#include "engine/iter/internal_iterator.h"
#include "engine/table/block_cache.h"
#include "engine/table/table_builder.h"
#include "holdfast/env/file_system.h"

namespace holdfast {

struct FlushOptions {
  FileSystem* file_system = nullptr;
  std::string dir;
  uint64_t identity_seed = 0;
  TableOptions table;
  BlockCache* block_cache = nullptr;  // See TableBuilder.
  // Gives a fresh number and enters it among the pending ones.
  std::function<uint64_t()> new_file_number;
  // See MergeRules. Versions that no one sees are not written.
  std::vector<SequenceNumber> snapshots;
  // When given: how many entries the memtable has. One more or less found is
  // kInternal, and nothing is kept of the table.
  std::optional<uint64_t> expected_entries;
};

// Writes the entries of `memtable` (from its first on) to a new table. RETURNS
// its record, for the manifest, or nothing (and makes no file) when there are
// none. On an error its file is removed, as well as can be.
// Crash: once it returned OK, the table survives under its name.
absl::StatusOr<std::optional<TableRecord>> RunFlush(const FlushOptions& options,
                                                    InternalIterator& memtable);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_COMPACTION_FLUSH_JOB_H_
