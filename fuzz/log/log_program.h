// Logs made of valid frames, whole and in odd orders.
//
// The input is a little program that builds a log and then harms it.
//
// *By the writer*: LogWriter adds records, with syncs, failing writes and
// syncs, and a seal; then one place is changed, cleared, or the file is cut.
// Property: what is read are the records before that place, in order. It is
// damage when a frame that is left, or the caller, knows the place as synced,
// and only when it had been synced; else it is a torn tail. Without harm the
// log is whole.
//
// *By hand*: frames of every type, with right checksums, at their place or at
// another, of this log or another, after the frame before or after an earlier
// one; zeros and noise between, frames again, writing begun anew further back.
// Property: the reader agrees with a reader by the book (check_reader.h), and a
// record is made of frames that were put where it is: none is invented.

#ifndef HOLDFAST_FUZZ_LOG_LOG_PROGRAM_H_
#define HOLDFAST_FUZZ_LOG_LOG_PROGRAM_H_

#include "fuzz/support/fuzz_input.h"

namespace holdfast {

// Dies when a property does not hold. `large`: some payloads and gaps may be as
// large as a frame or a chunk of the reader.
void RunLogProgram(FuzzInput in, bool large);

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_LOG_LOG_PROGRAM_H_
