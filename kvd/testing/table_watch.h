// Tells of sorted tables that appear in a database directory, and which of them
// are not finished: the evidence that a kill hit while one was written.

#ifndef HOLDFAST_KVD_TESTING_TABLE_WATCH_H_
#define HOLDFAST_KVD_TESTING_TABLE_WATCH_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace holdfast::kvd {

// Thread-compatible.
class TableWatch {
 public:
  // Watches a directory that exists.
  static absl::StatusOr<TableWatch> Start(const std::string& directory);

  TableWatch(TableWatch&& other) noexcept;
  TableWatch(const TableWatch&) = delete;
  TableWatch& operator=(const TableWatch&) = delete;
  ~TableWatch();

  // Readable when something happened.
  int descriptor() const { return descriptor_; }

  // Takes what happened. RETURNS whether a table appeared.
  bool SawNewTable();

 private:
  explicit TableWatch(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
};

// The tables in `directory` that are younger than the manifest in force and not
// named in it: a flush or a compaction was writing them, or had written them
// and not yet said so. `manifest_json` is what `kvd dump-manifest --json`
// writes.
absl::StatusOr<size_t> CountUnfinishedTables(const std::string& directory,
                                             std::string_view manifest_json);

}  // namespace holdfast::kvd

#endif  // HOLDFAST_KVD_TESTING_TABLE_WATCH_H_
