#include "engine/db/write_stall.h"

#include "absl/strings/str_cat.h"

namespace holdfast {
namespace {

// The longest delay of one write: it takes the edge off a burst early, in
// small steps, so that the full stop stays rare.
constexpr uint64_t kMaxDelayMicros = 1000;

uint64_t DelayMicros(int tables, const Options& options) {
  const int span =
      options.level0_stop_trigger - options.level0_slowdown_trigger + 1;
  const int over = tables - options.level0_slowdown_trigger + 1;
  return kMaxDelayMicros * static_cast<uint64_t>(over) /
         static_cast<uint64_t>(span);
}

}  // namespace

WriteStallDecision DecideWriteStall(const WriteStallFacts& facts,
                                    const Options& options) {
  using Action = WriteStallDecision::Action;
  WriteStallDecision decision;
  // Without compactions, waiting for fewer tables would be for ever.
  const bool compacts = !options.disable_auto_compaction;
  if (compacts && !facts.delayed_already &&
      facts.level0_tables >= options.level0_slowdown_trigger &&
      facts.level0_tables < options.level0_stop_trigger) {
    decision.action = Action::kDelay;
    decision.delay_micros = DelayMicros(facts.level0_tables, options);
    decision.reason = absl::StrCat("level 0 has ", facts.level0_tables,
                                   " tables; writes are delayed from ",
                                   options.level0_slowdown_trigger,
                                   " (level0_slowdown_trigger)");
    return decision;
  }
  const bool full = facts.active_bytes >= options.memtable_bytes;
  if (!full && !(facts.freeze_wanted && !facts.active_empty)) return decision;
  if (facts.frozen_memtables + 1 >= options.max_memtables) {
    decision.action = Action::kStop;
    decision.reason =
        absl::StrCat(facts.frozen_memtables + 1,
                     " memtables are full; writes wait for a flush at ",
                     options.max_memtables, " (max_memtables)");
    return decision;
  }
  if (compacts && facts.level0_tables >= options.level0_stop_trigger) {
    decision.action = Action::kStop;
    decision.waits_for_compaction = true;
    decision.reason =
        absl::StrCat("level 0 has ", facts.level0_tables,
                     " tables; writes wait for compaction at ",
                     options.level0_stop_trigger, " (level0_stop_trigger)");
    return decision;
  }
  decision.action = Action::kFreeze;
  return decision;
}

}  // namespace holdfast
