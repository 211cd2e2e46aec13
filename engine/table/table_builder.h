// Writes a sorted table: entries go in in order, data blocks go to the file as
// they fill, the rest at Finish.
//
//   TableBuilder builder(options, std::move(file), path, number, identity);
//   HF_RETURN_IF_ERROR(builder.Add(internal_key, value));  // Rising keys.
//   HF_ASSIGN_OR_RETURN(TableSummary summary, builder.Finish());
//   // SyncDirectory, then name the table in the manifest.
//
// Crash safety: until Finish returns OK nothing of the table is certain. Then
// its content is; its name is once the directory was synced.

#ifndef HOLDFAST_ENGINE_TABLE_TABLE_BUILDER_H_
#define HOLDFAST_ENGINE_TABLE_TABLE_BUILDER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/format/internal_key.h"
#include "engine/format/table_layout.h"
#include "engine/table/block_builder.h"
#include "engine/table/block_cache.h"
#include "engine/table/compression.h"
#include "engine/table/filter.h"
#include "holdfast/env/file_system.h"
#include "holdfast/options.h"

namespace holdfast {

// See the fields of the same names in Options.
struct TableOptions {
  size_t block_bytes = size_t{4} << 10;
  int block_restart_interval = 16;
  Compression compression = Compression::kLz4;
  int bloom_bits_per_key = 10;
};

// What the manifest records of a table.
struct TableSummary {
  uint64_t number = 0;
  uint64_t identity = 0;
  uint64_t bytes = 0;
  std::string smallest;  // Internal keys.
  std::string largest;
  SequenceNumber smallest_sequence = 0;
  SequenceNumber largest_sequence = 0;
  uint64_t entries = 0;
  uint64_t tombstones = 0;
};

// Thread-compatible.
//
// Invariant: after an error every later call returns that error and the file
// is not touched again.
class TableBuilder {
 public:
  // `file` is new and empty; `path` is its name, for messages. Blocks are left
  // in `cache`, unless that is null, while it has room: who reads the table
  // need not read what was just in memory. (Those of a table that is not
  // finished nobody asks for, and they go like all that is not used.)
  TableBuilder(const TableOptions& options, std::unique_ptr<WritableFile> file,
               std::string path, uint64_t number, uint64_t identity,
               BlockCache* cache = nullptr);
  TableBuilder(const TableBuilder&) = delete;
  TableBuilder& operator=(const TableBuilder&) = delete;

  // Adds an entry. REQUIRES: `internal_key` is above the one before; neither
  // Finish nor Abandon was called. (A key that is none dies in HF_CHECK.)
  absl::Status Add(std::string_view internal_key, std::string_view value);

  // Writes what is left, syncs and closes the file. REQUIRES: entries() > 0.
  // Crash: once it returned OK, the content of the file survives.
  absl::StatusOr<TableSummary> Finish();

  // Closes the file as it is; the caller removes it. The destructor does the
  // same to a table that was not finished.
  void Abandon();

  // Bytes of the table if it was finished now; an estimate that is too large
  // rather than too small.
  uint64_t bytes() const;
  uint64_t entries() const { return properties_.entries; }
  // The last key added; empty before the first.
  const std::string& last_key() const { return data_.last_key(); }

 private:
  absl::Status FlushDataBlock();
  // Puts the data block `payload`, which is written next, into the cache.
  absl::Status LeaveInCache(std::string_view payload);
  // Writes the block in *payload (changed) at the end of the file, compressed
  // when `compress`.
  absl::StatusOr<BlockHandle> WriteBlock(std::string* payload, bool compress);
  absl::Status WriteTail();
  absl::Status Append(std::string_view bytes);
  absl::Status FlushBuffer();
  // Returns `status` and remembers the first error.
  absl::Status Track(const absl::Status& status);

  const TableOptions options_;
  const std::string path_;
  const uint64_t number_;
  const uint64_t identity_;
  BlockCache* const cache_;
  std::unique_ptr<WritableFile> file_;  // nullptr once closed.
  absl::Status status_;

  std::string buffer_;   // Bytes that end at offset_, not written yet.
  uint64_t offset_ = 0;  // Where the next block begins.
  BlockBuilder data_;
  BlockBuilder index_;
  std::optional<FilterBuilder> filter_;
  BlockCompressor compressor_;
  std::string compressed_;
  TableProperties properties_;
  // The data block written last; its index entry waits for the key after it,
  // so that the separator can be short.
  BlockHandle pending_handle_;
  bool pending_ = false;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_TABLE_TABLE_BUILDER_H_
