// Where flushes and compactions put their entries: a row of new tables.
//
//   TableSink sink(options);
//   for each entry kept, in order: HF_RETURN_IF_ERROR(sink.Add(key, value));
//   HF_ASSIGN_OR_RETURN(std::vector<TableRecord> tables, sink.Finish());
//
// Invariants: (1) All versions of a user key go into one table. (2) A table's
// number is asked for before its file exists, so that the caller can protect
// it. (3) Unless Finish returned OK, the destructor removes every file made, as
// well as it can.
//
// Crash safety: once Finish returned OK, all tables survive under their names.

#ifndef HOLDFAST_ENGINE_COMPACTION_TABLE_SINK_H_
#define HOLDFAST_ENGINE_COMPACTION_TABLE_SINK_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/format/version_edit.h"
#include "engine/table/block_cache.h"
#include "engine/table/table_builder.h"
#include "engine/version/file_metadata.h"
#include "holdfast/env/file_system.h"

namespace holdfast {

struct TableSinkOptions {
  FileSystem* file_system = nullptr;
  std::string dir;
  uint64_t identity_seed = 0;  // See TableIdentity.
  TableOptions table;
  BlockCache* block_cache = nullptr;  // See TableBuilder.
  // Gives a fresh number and enters it among the pending ones.
  std::function<uint64_t()> new_file_number;
  int level = 0;  // Of the tables made.
  // A table is cut at the first new user key once it has this many bytes; or
  // half as many, where one of these (sorted) tables ends; or when it would
  // overlap more than so many bytes of them.
  uint64_t table_bytes = std::numeric_limits<uint64_t>::max();
  FileList grandparents;
  uint64_t max_grandparent_bytes = std::numeric_limits<uint64_t>::max();
};

// The identity of a new table: seeds its checksums, and is recorded in its
// footer and in the manifest. `identity_seed` is random, of one opening of a
// database.
uint64_t TableIdentity(uint64_t identity_seed, uint64_t number);

// Thread-compatible.
class TableSink {
 public:
  explicit TableSink(TableSinkOptions options);
  ~TableSink();
  TableSink(const TableSink&) = delete;
  TableSink& operator=(const TableSink&) = delete;

  // REQUIRES: keys ascend.
  absl::Status Add(std::string_view internal_key, std::string_view value);

  // Completes the last table and makes the names of all durable. RETURNS what
  // the manifest must say of them; nothing when nothing was added.
  // REQUIRES: called once, last; no Add failed.
  absl::StatusOr<std::vector<TableRecord>> Finish();

 private:
  absl::Status BeginTable();
  absl::Status EndTable();
  // Whether the table in the making should end before the user key, if that is
  // a new one.
  bool ShouldCut(std::string_view user_key);

  const TableSinkOptions options_;

  std::unique_ptr<TableBuilder> builder_;  // The table in the making.
  std::vector<TableRecord> tables_;        // Completed.
  std::vector<std::string> paths_;         // Of all files made.
  bool finished_ = false;

  // Grandparents before this one end before the last key.
  size_t grandparent_ = 0;
  // Bytes of grandparents that the table in the making spans so far.
  uint64_t overlapped_bytes_ = 0;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_COMPACTION_TABLE_SINK_H_
