// Reads a table in all ways and compares.

#ifndef HOLDFAST_FUZZ_TABLE_TABLE_CHECKS_H_
#define HOLDFAST_FUZZ_TABLE_TABLE_CHECKS_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "engine/table/table_reader.h"
#include "fuzz/table/table_fuzzing.h"

namespace holdfast {

// Who may not be believed.
struct TableTrust {
  // A key may be missing in the filter.
  bool filter_may_lie = false;
};

// Reads `table`, whose entries should be `entries`, with an iterator (both
// ways, seeks, turns) and with Get: keys that are there, and their neighbours,
// at their numbers and others. Dies when an answer is wrong, and when an error
// does not say where. RETURNS the offsets that errors named; none when all was
// read.
std::vector<uint64_t> ReadEveryWay(const TableReader& table,
                                   const TableEntries& entries,
                                   const TableTrust& trust = {});

// Dies unless the properties of `table` are those of `entries`.
void CheckPropertiesOf(const TableReader& table, const TableEntries& entries);

// Opens any bytes as the table that their footer says they are, and reads it
// every way. Dies unless:
//   - errors are kDataLoss at an offset of the file, or kUnimplemented;
//   - entries come in order, and the same on every way;
//   - a table that passes Verify is read without error, and its properties are
//     true;
//   - reads are as few, and memory as little, as the table justifies.
void CheckAnyTable(std::string_view bytes, size_t tail_bytes);

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_TABLE_TABLE_CHECKS_H_
