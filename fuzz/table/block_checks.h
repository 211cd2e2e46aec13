// What holds for every block that Block::Parse accepts.

#ifndef HOLDFAST_FUZZ_TABLE_BLOCK_CHECKS_H_
#define HOLDFAST_FUZZ_TABLE_BLOCK_CHECKS_H_

#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "engine/table/block.h"
#include "fuzz/table/table_fuzzing.h"

namespace holdfast {

// Parses a copy of `payload` and dies when that takes more memory than the
// payload justifies, or when the error does not say where. `*begin` is where
// the copy lies.
absl::StatusOr<std::shared_ptr<const Block>> ParseMeasured(
    std::string_view payload, uint64_t offset, const char** begin);

// Walks `block`, whose payload is [begin, begin + bytes), and dies unless:
//   - going forward gives entries() entries, strictly rising, with values
//     within the payload; going backward gives the same the other way round;
//   - Seek to `target` (an internal key), to keys of the block and to the keys
//     right below and above these agrees with that;
//   - turning round anywhere leads to the neighbours.
// RETURNS the entries.
TableEntries CheckBlock(const Block& block, const char* begin, size_t bytes,
                        std::string_view target);

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_TABLE_BLOCK_CHECKS_H_
