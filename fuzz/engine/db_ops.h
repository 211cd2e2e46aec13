// The operations of db_ops_fuzz, as its inputs spell them (op_bytes.h): what
// the target reads and the seeds are written in.
//
// An input is whether to look at all once more in the end, after closing and
// opening (0 or 1), the options of the first opening, then operations. KEY is
// as in TakeKey, OPTIONS as in TakeOptions; SLOT counts what is held:
// iterators, snapshots. Operands that would break a REQUIRES do nothing.

#ifndef HOLDFAST_FUZZ_ENGINE_DB_OPS_H_
#define HOLDFAST_FUZZ_ENGINE_DB_OPS_H_

#include <cstdint>

namespace holdfast {

// HOW: 0 plain, 1 sync, 2 disable_wal, 3 both (refused). SIZE and KIND are of
// ValueSize and ValueKind: operand = KIND * 32 + SIZE.
//
// The dictionary and past findings spell operations by their number: a new one
// goes to the end.
enum class DbOp : uint8_t {
  kPut,           // HOW KEY SIZE+KIND
  kPutSized,      // HOW KEY KIND and two operands: any size
  kDelete,        // HOW KEY
  kBatch,         // HOW+PIECES (KEY SIZE+KIND-or-kDeletes)*
  kFill,          // HOW COUNT SIZE+KIND: that many keys
  kGet,           // READ KEY
  kGetPinned,     // READ KEY; the value is held
  kCheckPins,     // Looks at the values held; 1: lets them go
  kNewIterator,   // READ BOUNDS KEY*
  kSeekToFirst,   // SLOT
  kSeekToLast,    // SLOT
  kSeek,          // SLOT KEY
  kSeekForPrev,   // SLOT KEY
  kWalk,          // SLOT COUNT PATTERN: a bit a step, 1 is backward
  kDropIterator,  // SLOT
  kTakeSnapshot,  //
  kDropSnapshot,  // SLOT
  kWork,          // COUNT background tasks
  kWaitForWork,   //
  kFlush,         //
  kSyncWal,       //
  kCompact,       // KEY KEY; without operands: everything
  kVerify,        //
  kCheckAll,      // READ
  kReopen,        // OPTIONS
  kKill,          // OPTIONS
  kResume,        // Does nothing to a healthy database
  kRecreate,      // OPTIONS: destroys it, and makes another
};
inline constexpr uint8_t kDbOps = 28;

// READ: which snapshot to read at, and how: bits.
inline constexpr uint8_t kReadAtSnapshot = 1;
inline constexpr uint8_t kReadNoFill = 2;
inline constexpr uint8_t kReadUnverified = 4;
inline constexpr uint8_t kReadSlotShift = 3;  // The SLOT of the snapshot.

// BOUNDS: bits; a KEY for each that is set.
inline constexpr uint8_t kBoundLower = 1;
inline constexpr uint8_t kBoundUpper = 2;
inline constexpr uint8_t kBoundPrefix = 4;

// Of a change in a batch, in place of SIZE+KIND: deletes the key.
inline constexpr uint8_t kDeletes = 0x60;
// HOW+PIECES of a batch: HOW, and bits.
inline constexpr uint8_t kBatchTwice = 4;     // Written a second time.
inline constexpr uint8_t kBatchAppended = 8;  // Put together from two.

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_ENGINE_DB_OPS_H_
