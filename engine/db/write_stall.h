// Whether a write may go on, must first freeze the memtable, or must wait for
// background work. Pure: facts in, decision and reason out.

#ifndef HOLDFAST_ENGINE_DB_WRITE_STALL_H_
#define HOLDFAST_ENGINE_DB_WRITE_STALL_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "holdfast/options.h"

namespace holdfast {

struct WriteStallFacts {
  size_t active_bytes = 0;  // Of the active memtable.
  bool active_empty = true;
  int frozen_memtables = 0;
  int level0_tables = 0;
  bool freeze_wanted = false;  // By Flush: freeze whatever the size.
  bool delayed_already = false;
};

struct WriteStallDecision {
  enum class Action {
    kProceed,
    kFreeze,  // Make the memtable immutable and begin another.
    kDelay,   // Wait delay_micros once, then ask again.
    kStop,    // Wait until background work is done, then ask again.
  };
  Action action = Action::kProceed;
  uint64_t delay_micros = 0;
  // For kStop: what is waited for; otherwise it is a flush.
  bool waits_for_compaction = false;
  std::string reason;  // For kDelay and kStop: trigger, amount, option.
};

// `options` are those of the database.
WriteStallDecision DecideWriteStall(const WriteStallFacts& facts,
                                    const Options& options);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_WRITE_STALL_H_
