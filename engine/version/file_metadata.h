// A live table, as versions share it.

#ifndef HOLDFAST_ENGINE_VERSION_FILE_METADATA_H_
#define HOLDFAST_ENGINE_VERSION_FILE_METADATA_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/format/internal_key.h"
#include "engine/format/version_edit.h"
#include "engine/table/table_cache.h"

namespace holdfast {

// One table of one or more versions. A table that moves to another level keeps
// its FileMetadata, so the level is not here: it is where a version lists it.
// When the last version that lists a table dies, `slot` goes and with it the
// open reader: the table cache must outlive every version.
//
// Thread safety: immutable, but for `slot` (thread-safe) and `being_compacted`
// (guarded by the mutex of the database: only the code that picks and finishes
// compactions touches it).
struct FileMetadata {
  explicit FileMetadata(const TableRecord& record)
      : number(record.number),
        bytes(record.bytes),
        identity(record.identity),
        entries(record.entries),
        tombstones(record.tombstones),
        smallest(record.smallest),
        largest(record.largest),
        smallest_sequence(record.smallest_sequence),
        largest_sequence(record.largest_sequence) {}
  FileMetadata(const FileMetadata&) = delete;
  FileMetadata& operator=(const FileMetadata&) = delete;

  std::string_view smallest_user_key() const {
    return ExtractUserKey(smallest);
  }
  std::string_view largest_user_key() const { return ExtractUserKey(largest); }

  // The manifest's record of this table at `level`.
  TableRecord RecordAt(int level) const {
    return TableRecord{.level = level,
                       .number = number,
                       .bytes = bytes,
                       .identity = identity,
                       .entries = entries,
                       .tombstones = tombstones,
                       .smallest = smallest,
                       .largest = largest,
                       .smallest_sequence = smallest_sequence,
                       .largest_sequence = largest_sequence};
  }

  const uint64_t number;
  const uint64_t bytes;
  const uint64_t identity;
  const uint64_t entries;
  const uint64_t tombstones;
  const std::string smallest;  // Internal keys.
  const std::string largest;
  const SequenceNumber smallest_sequence;
  const SequenceNumber largest_sequence;

  mutable TableSlot slot;
  mutable bool being_compacted = false;
};

using FilePtr = std::shared_ptr<const FileMetadata>;
using FileList = std::vector<FilePtr>;

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_VERSION_FILE_METADATA_H_
