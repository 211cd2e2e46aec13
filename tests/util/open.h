// Opens a database, or ends the process.

#ifndef HOLDFAST_TESTS_UTIL_OPEN_H_
#define HOLDFAST_TESTS_UTIL_OPEN_H_

#include <cstdio>
#include <memory>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "holdfast/db.h"

namespace holdfast {

inline std::unique_ptr<DB> OpenOrDie(const Options& options,
                                     std::string_view path) {
  absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(options, path);
  if (!db.ok()) std::fprintf(stderr, "%s\n", db.status().ToString().c_str());
  HF_CHECK(db.ok());
  return *std::move(db);
}

// Options of a database that is made when it is not there and whose memtables
// and tables are as small as can be, so that a little data fills many.
inline Options TinyOptions() {
  Options options;
  options.create_if_missing = true;
  options.memtable_bytes = size_t{64} << 10;
  options.table_bytes = size_t{64} << 10;
  options.level1_bytes = uint64_t{64} << 10;
  options.level_size_multiplier = 2;
  return options;
}

}  // namespace holdfast

#endif  // HOLDFAST_TESTS_UTIL_OPEN_H_
