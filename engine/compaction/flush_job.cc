#include "engine/compaction/flush_job.h"

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_util.h"
#include "engine/compaction/merge_rules.h"
#include "engine/compaction/table_sink.h"

namespace holdfast {

absl::StatusOr<std::optional<TableRecord>> RunFlush(
    const FlushOptions& options, InternalIterator& memtable) {
  TableSink sink({.file_system = options.file_system,
                  .dir = options.dir,
                  .identity_seed = options.identity_seed,
                  .table = options.table,
                  .block_cache = options.block_cache,
                  .new_file_number = options.new_file_number,
                  .level = 0,
                  .grandparents = {}});
  // Older versions may be in any table, so no tombstone goes.
  MergeRules rules(options.snapshots, [](std::string_view) { return false; });
  uint64_t entries = 0;
  for (memtable.SeekToFirst(); memtable.Valid(); memtable.Next()) {
    ParsedInternalKey key;
    HF_CHECK(ParseInternalKey(memtable.key(), &key));  // Our own memory.
    ++entries;
    if (!IsKept(rules.Judge(key.user_key, key.sequence, key.type))) continue;
    HF_RETURN_IF_ERROR(sink.Add(memtable.key(), memtable.value()));
  }
  HF_RETURN_IF_ERROR(memtable.status());
  if (entries != options.expected_entries.value_or(entries)) {
    return absl::InternalError(absl::StrCat("flush found ", entries,
                                            " entries in a memtable of ",
                                            *options.expected_entries));
  }
  HF_ASSIGN_OR_RETURN(std::vector<TableRecord> tables, sink.Finish());
  if (tables.empty()) return std::nullopt;
  HF_CHECK(tables.size() == 1);
  return std::move(tables[0]);
}

}  // namespace holdfast
