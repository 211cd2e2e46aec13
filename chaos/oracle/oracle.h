// Says whether what a database shows after a crash is legal, given what was
// written and promised; and if not, which promise broke (docs/durability.md)
// and by what.
//
// Legal after a loss of power is the state after any write from the last
// durable one on, and those with one write in flight or failed; after the death
// of a process only those with everything acknowledged; after a life that
// showed a state, that state and what follows it. Writes without a log may be
// missing, from the end, until a flush.
//
// Pure: no I/O, no chance. Deciding that all is well costs a comparison of
// hashes for each legal state and one of contents.

#ifndef HOLDFAST_CHAOS_ORACLE_ORACLE_H_
#define HOLDFAST_CHAOS_ORACLE_ORACLE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "chaos/oracle/contents.h"
#include "chaos/oracle/history.h"

namespace holdfast {

enum class Promise {
  kNone,      // All is well.
  kAtomic,    // D1: a part of a batch.
  kDurable,   // D2: what was durable is gone.
  kKept,      // D2a: what was acknowledged is gone, and power was not.
  kPrefix,    // D3: a hole, or another order.
  kInvented,  // D4: never written, or come back.
  kFinal,     // D5: what was shown to a reader is gone.
  kReads,     // I2: a reader sees what it must not.
};

// "D1", ... "I2"; "" for kNone.
std::string_view PromiseName(Promise promise);

struct Ruling {
  Promise broken = Promise::kNone;
  std::string text;  // For people: which promise, and the smallest difference.

  bool ok() const { return broken == Promise::kNone; }
};

// What happened between the position of a history and the finding.
struct Circumstances {
  bool power_lost = true;  // Otherwise processes died, and that was all.
  bool disk_lied = false;  // Any prefix is legal then.
};

// Judges what the first process after a crash shows.
Ruling Judge(const History& history, size_t position,
             const Circumstances& circumstances, const Contents& found);

// What lives after the history did, before the crash that `found` comes after.
struct LaterLife {
  const State* exposed = nullptr;  // What the last of them showed.
  const State* written = nullptr;  // After one more write; nullptr: none begun.
  bool durable = false;            // That one must survive.
  const State* logged = nullptr;   // After another, not synced, write.
  bool kept = false;               // Nothing but the process died since.
  bool closed = false;             // Close returned OK after it.
};

// Judges what a process shows when an earlier one had recovered already.
Ruling JudgeAgain(const History& history, size_t position,
                  const Circumstances& circumstances, const LaterLife& later,
                  const Contents& found);

// Judges what a reader in the same process sees; `who` says which reader.
Ruling JudgeRead(const State& expected, const Contents& found,
                 std::string_view who);

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_ORACLE_ORACLE_H_
