// Leveled compaction: level 0 is merged down when it has too many tables, every
// deeper level when it has too many bytes, a table at a time: the one for whose
// bytes the fewest of the level below are written anew.

#ifndef HOLDFAST_ENGINE_COMPACTION_LEVELED_POLICY_H_
#define HOLDFAST_ENGINE_COMPACTION_LEVELED_POLICY_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/compaction/policy.h"
#include "engine/format/version_edit.h"
#include "engine/version/version.h"

namespace holdfast {

struct LeveledOptions {
  int level0_compaction_trigger = 4;
  uint64_t level1_bytes = uint64_t{256} << 20;
  int level_size_multiplier = 10;
  uint64_t table_bytes = uint64_t{32} << 20;

  // An output is cut, and a table not moved, when it would overlap more than
  // this of the level after: what a later compaction of it would cost.
  uint64_t max_grandparent_bytes() const { return 10 * table_bytes; }
  // Inputs are not widened beyond this.
  uint64_t max_widened_bytes() const { return 25 * table_bytes; }
};

// By level: the largest user key of the last pick; of tables that are equally
// good to pick, the next one after it is.
using RoundRobin = std::array<std::string, kNumLevels>;

// How full a level is: 1 is full. Tables that are being compacted do not count.
double LevelScore(const LeveledOptions& options, const Version& version,
                  int level);

// Bytes that a level >= 1 should hold.
uint64_t LevelTargetBytes(const LeveledOptions& options, int level);

// What to do next by itself. Reads being_compacted: REQUIRES the mutex of the
// database. Remember the pick with `pointer[level] = range.largest` when it is
// carried out (see RememberPick).
Decision PickCompaction(const LeveledOptions& options, const Version& version,
                        const std::vector<RunningCompaction>& running,
                        const RoundRobin& pointers);

void RememberPick(const Decision& decision, RoundRobin* pointers);

// Bounds of user keys, both included; an absent one is no bound.
struct ManualRange {
  std::optional<std::string> begin;
  std::optional<std::string> end;
  // Only tables with a lower file number, when a level is rewritten in place:
  // not those that the compaction itself has made there.
  std::optional<uint64_t> before_number = std::nullopt;
};

// One step of a manual compaction: merges the tables of `level` that overlap
// the range into output_level (level + 1, or level itself to rewrite them).
// Never moves, so that what can be dropped is dropped. Long levels take several
// steps: see Merge::next_begin. Nothing when no table overlaps; or, with
// *blocked set, when a running compaction is in the way: try again after it.
// REQUIRES: the mutex of the database; level 0 is not rewritten in place;
// before_number is given only for one that is.
Decision PickManual(const LeveledOptions& options, const Version& version,
                    const std::vector<RunningCompaction>& running, int level,
                    int output_level, const ManualRange& range, bool* blocked);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_COMPACTION_LEVELED_POLICY_H_
