// Tables taken apart and put together again with good checksums, so that what
// lies behind the checks of checksums is reached as well.

#ifndef HOLDFAST_FUZZ_TABLE_TABLE_PARTS_H_
#define HOLDFAST_FUZZ_TABLE_TABLE_PARTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/format/table_layout.h"

namespace holdfast {

struct TableParts {
  struct Data {
    std::string payload;
    uint8_t type = 0;
    // The key of its index entry.
    std::string index_key;
  };
  std::vector<Data> data;
  // When not empty, stands in the table in place of the index of `data`.
  std::string index;
  std::optional<std::string> filter;
  std::string properties;
  uint64_t number = 0;
  uint64_t identity = 0;
};

// The footer at the end of `bytes`, whatever its checksum is. False when its
// handles do not tile the end of the file.
bool ReadAnyFooter(std::string_view bytes, TableFooter* footer);

// The handles of the data blocks of a table with that footer that lie in
// [0, data_end); none when the index is no block.
std::vector<BlockHandle> DataHandles(std::string_view bytes,
                                     const TableFooter& footer);

// Takes any bytes apart, without a look at checksums. False when they are not
// laid out as a table: footer, tail and handles in the index.
bool TakeApart(std::string_view bytes, TableParts* parts);

// A table of these parts. TakeApart and then PutTogether change nothing in a
// table that TableBuilder wrote.
std::string PutTogether(const TableParts& parts);

// Makes magic, version and all checksums right in bytes of any kind, as far as
// the blocks that they belong to can be found.
void MendChecksums(std::string* bytes);

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_TABLE_TABLE_PARTS_H_
