// Version edits: the records of the manifest. Each says how the set of tables,
// and the few numbers beside it, change. The first record of a manifest is a
// *snapshot*: an edit from nothing to the whole state.
//
// Layout: fields in ascending tag order, each
//   varint32 tag, varint64 length, `length` bytes.
// A reader skips a field whose tag it does not know when the tag is even, and
// refuses the record when it is odd. Format: docs/formats/manifest.md.

#ifndef HOLDFAST_ENGINE_FORMAT_VERSION_EDIT_H_
#define HOLDFAST_ENGINE_FORMAT_VERSION_EDIT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/format/internal_key.h"

namespace holdfast {

// Levels of the tree, 0 (newest, tables may overlap) to kNumLevels - 1. With
// level 1 at 256 MiB and a factor of 10, level 6 holds 25 TB.
inline constexpr int kNumLevels = 7;

// What the manifest knows of a table.
struct TableRecord {
  int level = 0;
  uint64_t number = 0;
  uint64_t bytes = 0;     // Exact size of the file.
  uint64_t identity = 0;  // Seeds every checksum in the file.
  uint64_t entries = 0;   // Tombstones included.
  uint64_t tombstones = 0;
  std::string smallest;  // First internal key.
  std::string largest;   // Last internal key.
  SequenceNumber smallest_sequence = 0;
  SequenceNumber largest_sequence = 0;

  bool operator==(const TableRecord&) const = default;
};

// Empty, or why no table can be like this (an impossible size, count, key or
// number). Does not look at other tables.
std::string_view WhyNotATable(const TableRecord& table);

// A write-ahead log that is finished: how long it is and where it ended.
struct SealedLog {
  uint64_t number = 0;
  uint64_t bytes = 0;
  SequenceNumber last_sequence = 0;

  bool operator==(const SealedLog&) const = default;
};

struct VersionEdit {
  std::optional<uint64_t> db_id;
  // The first write-ahead log whose changes are not all in tables.
  std::optional<uint64_t> log_number;
  // No file has this number or a higher one, but those made since.
  std::optional<uint64_t> next_file_number;
  // No change in a table has a higher number.
  std::optional<SequenceNumber> last_sequence;
  std::optional<SealedLog> sealed_log;
  // (level, number). Removals come before additions, so that one edit can move
  // a table to another level.
  std::vector<std::pair<int, uint64_t>> removed;
  std::vector<TableRecord> added;

  bool operator==(const VersionEdit&) const = default;
};

// REQUIRES: each added table is one (see WhyNotATable), levels are in range.
std::string EncodeVersionEdit(const VersionEdit& edit);

// RETURNS kInvalidArgument "offset N: why" when `bytes` is not an edit. What it
// accepts, encodes to the same bytes again (but for skipped fields).
absl::StatusOr<VersionEdit> DecodeVersionEdit(std::string_view bytes);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_FORMAT_VERSION_EDIT_H_
