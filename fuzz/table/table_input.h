// Tables chosen by a fuzzer's bytes: options, and entries that look like those
// of a database (versions of a key, shared prefixes, runs, tombstones) rather
// than noise.

#ifndef HOLDFAST_FUZZ_TABLE_TABLE_INPUT_H_
#define HOLDFAST_FUZZ_TABLE_TABLE_INPUT_H_

#include <cstddef>

#include "engine/table/table_builder.h"
#include "fuzz/support/fuzz_input.h"
#include "fuzz/table/table_fuzzing.h"

namespace holdfast {

struct TableChoices {
  TableOptions options;
  // How it is read.
  size_t tail_bytes = 0;
  bool cached = false;
};

// Takes two bytes.
TableChoices ReadTableChoices(FuzzInput* input);

// Takes entries to the end of the input, or until there are `max_entries` or
// `max_bytes` of them. RETURNS them in order, each key once.
//
//   byte    meaning
//   1       bits 0-1  user key: 0 as before; 1 length (1), bytes; 2 as much of
//                     the one before (1), length (1), bytes; 3 a run: byte (1),
//                     length / 2 (1)
//           bit 2     sequence number: 0 one byte, 1 eight
//           bit 3     1: a tombstone
//           bits 4-5  value: 0 empty; 1 length (1), bytes; 2 a run: byte (1),
//                     length (2); 3 noise: seed (1), length (2)
//           bits 6-7  2: three more versions; 3: 15 more keys
//   ...     user key, sequence number, value
TableEntries ReadTableEntries(FuzzInput* input, size_t max_entries,
                              size_t max_bytes);

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_TABLE_TABLE_INPUT_H_
