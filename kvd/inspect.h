// What the inspection commands (dump-sstable, dump-wal, dump-manifest) share:
// finding a file of a database, by path or by number, and words for what is in
// it. They read files as they are, without opening the database, so they also
// work while it is in use and when it is damaged.

#ifndef HOLDFAST_KVD_INSPECT_H_
#define HOLDFAST_KVD_INSPECT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/format/file_names.h"
#include "engine/format/internal_key.h"
#include "engine/format/table_layout.h"
#include "engine/table/table_reader.h"
#include "holdfast/env/file_system.h"
#include "kvd/json.h"
#include "kvd/text.h"

namespace holdfast::kvd {

// The path of a file of a database. `path` is the file itself, with `number`
// empty, or a database, with the number of the file ("12"). For a manifest of a
// database, an empty `number` means the one in force.
absl::StatusOr<std::string> FindFile(FileSystem& file_system, FileKind kind,
                                     const std::string& path,
                                     const std::string& number);

// Opens a table that nothing vouches for: its number and its identity are those
// that its own footer claims. *footer is set to it.
absl::StatusOr<std::shared_ptr<const TableReader>> OpenClaimedTable(
    FileSystem& file_system, const std::string& path, TableFooter* footer);

// What a log reader says of a file that is too short for any log is, for a log
// that somebody asked to see, damage.
absl::Status ExplainLogError(const absl::Status& status, std::string_view path);

// Every damaged file that is found by reading all files which the manifest in
// force names, without opening the database: a line each.
std::vector<std::string> FindDamage(FileSystem& file_system,
                                    const std::string& database);

// A change as it is found in a table or a log.
struct NumberedChange {
  SequenceNumber sequence = 0;
  ValueType type = ValueType::kDeletion;
  std::string_view key;
  std::string_view value;  // Not looked at for a deletion.
};

// A line with its end: SEQUENCE, put or delete, KEY and VALUE between tabs; or
// an object with the same.
std::string FormatChange(const NumberedChange& change, bool json, bool hex);

// "0123456789abcdef".
std::string FormatIdentity(uint64_t identity);

// "KEY @ SEQUENCE".
std::string FormatInternalKey(Notation notation, std::string_view internal_key);
// {"key": KEY, "sequence": N}.
Json InternalKeyToJson(std::string_view internal_key, bool hex);

}  // namespace holdfast::kvd

#endif  // HOLDFAST_KVD_INSPECT_H_
