// What db_crash_fuzz is given: a workload, a disk, and the crashes that come
// during it and during the recoveries after. As bytes it is a row of ops, made
// for mutation: every row of bytes is a case, the empty one too; a change of a
// byte changes little, and a part of one case makes sense in another.
//
//   op      a byte: 5 bits say what, 3 are an argument; then its operands, a
//           byte each
//   crash   ends the workload. What follows are the crashes of its recoveries,
//           up to kMostCrashes in all, and, as the op of a fault, what goes
//           wrong in them
//
// Nothing is opened by an op alone: a database is when a step needs it. Without
// a crash the power fails at the end, and takes all that was not synced. After
// the first fault each step may fail; before it none may.

#ifndef HOLDFAST_FUZZ_ENGINE_CRASH_CASE_H_
#define HOLDFAST_FUZZ_ENGINE_CRASH_CASE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "chaos/db/workload.h"
#include "chaos/explorer/crash_wish.h"

namespace holdfast {

struct CrashCase {
  Workload workload;
  std::string profile = "posix";
  uint64_t executor_seed = 0;
  std::vector<CrashWish> crashes = {{}};
  // A FaultPlan that is in force in the beginning of each recovery.
  std::string recovery_faults = {};

  friend bool operator==(const CrashCase&, const CrashCase&) = default;
};

inline constexpr size_t kMostCrashes = 3;

CrashCase DecodeCrashCase(std::string_view bytes);

// Bytes of the case. What they cannot say is left out (what a workload expects
// to have happened by then) or said nearly (keys and sizes of values), so this
// is exact for cases that were decoded, and close for others.
std::string EncodeCrashCase(const CrashCase& crash_case);

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_ENGINE_CRASH_CASE_H_
