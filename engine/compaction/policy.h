// What a compaction policy is asked and what it answers. Policies are pure:
// they look at a version and the numbers beside it, and say what to do and why.
//
// Invariants of every decision:
// (1) No input is being compacted already.
// (2) The inputs have all tables of the output level that overlap their range
//     and, at level 0, all tables that overlap one of them: of no user key of
//     an input does an older version stay above a newer one, or beside it.
// (3) The range does not overlap that of a running compaction with the same
//     output level, so the outputs of the two cannot overlap.

#ifndef HOLDFAST_ENGINE_COMPACTION_POLICY_H_
#define HOLDFAST_ENGINE_COMPACTION_POLICY_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/version/file_metadata.h"
#include "engine/version/version.h"

namespace holdfast {

// A range of user keys, both ends included.
struct KeyRange {
  std::string smallest;
  std::string largest;

  bool Overlaps(const KeyRange& other) const {
    return smallest <= other.largest && other.smallest <= largest;
  }
};

// Nothing to do.
struct Nothing {
  std::string reason;
};

// Give a table the next level; its bytes stay where they are.
struct Move {
  int level = 0;
  int output_level = 1;
  FilePtr file;
  KeyRange range;
  std::string reason;
};

// Merge tables into new ones.
struct Merge {
  int level = 0;
  int output_level = 1;
  FileList inputs;         // Of `level`.
  FileList output_inputs;  // Of `output_level`; empty when that is `level`.
  // Tables of output_level + 1 in the range: outputs are cut so that none of
  // them overlaps too many.
  FileList grandparents;
  KeyRange range;  // Of all inputs.
  std::string reason;
  // Manual compaction: the range goes on with this user key after this step.
  std::optional<std::string> next_begin;

  uint64_t input_bytes() const;
  uint64_t input_entries() const;
};

using Decision = std::variant<Nothing, Move, Merge>;

// A decision that is being carried out.
struct RunningCompaction {
  int level = 0;
  int output_level = 0;
  KeyRange range;
};

// RETURNS nothing for Nothing.
std::optional<RunningCompaction> RunningOf(const Decision& decision);

// Sets being_compacted of every input. REQUIRES: the mutex of the database.
void MarkBeingCompacted(const Decision& decision, bool being_compacted);

// One line: "merge L1 #4 #5 + L2 #7 -> L2: level 1 has 2.0 times its bytes".
std::string DebugString(const Decision& decision);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_COMPACTION_POLICY_H_
