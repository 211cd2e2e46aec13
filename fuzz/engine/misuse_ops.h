// The operations of api_misuse_fuzz, as its inputs spell them (op_bytes.h).
//
// There are two places, /a and /b, each with a database or none; operations are
// for the current one. KEY is as in TakeKey, OPTIONS as in TakeOptions, VALUE
// as SIZE+KIND in db_ops.h, FAULT as in TakeFaultPlan. Past findings spell
// operations by their number: a new one goes to the end.

#ifndef HOLDFAST_FUZZ_ENGINE_MISUSE_OPS_H_
#define HOLDFAST_FUZZ_ENGINE_MISUSE_OPS_H_

#include <cstdint>

namespace holdfast {

enum class MisuseOp : uint8_t {
  kUse,            // PLACE: the current one from now on
  kOpen,           // FLAGS OPTIONS; refused when it is open
  kOpenSpoiled,    // OPTION EDGE: one option out of its range
  kOpenElsewhere,  // WHERE: no database is or can be there
  kPut,            // HOW KEY VALUE
  kDelete,         // HOW KEY
  kBatch,          // HOW (KEY VALUE-or-kDeletes)*
  kManyChanges,    // HOW COUNT KEY: 20 * COUNT changes of a key
  kTooLarge,       // WHAT: a key over the limit
  kGet,            // KEY
  kReadAll,        //
  kHoldIterator,   //
  kCheckHeld,      // What iterators and snapshots show
  kDropHeld,       //
  kTakeSnapshot,   //
  kWrongSnapshot,  // WHICH KEY: not of this database, or of an earlier opening
  kFlush,          //
  kSyncWal,        //
  kCompact,        // KEY KEY; without operands: everything
  kVerify,         //
  kWaitForWork,    //
  kResume,         //
  kWork,           // One background task
  kClose,          // The handle stays, closed
  kUseClosed,      // WHAT: a call of a handle that is closed
  kDropOpen,       // Destroys an open handle
  kKill,           // The process dies
  kDestroy,        // The database; refused while it is open
  kFault,          // FAULT: calls fail from now on
  kHeal,           // No more faults
  kDamage,         // A copy of the disk, damaged and opened: WHAT and operands
};
inline constexpr uint8_t kMisuseOps = 31;

// FLAGS.
inline constexpr uint8_t kOpenCreates = 1;
inline constexpr uint8_t kOpenExclusive = 2;

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_ENGINE_MISUSE_OPS_H_
