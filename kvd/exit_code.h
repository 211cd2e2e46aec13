// What kvd's exit code means. This is the one place that decides it; the table
// is in docs/kvd.md.
//
// Thread safety: pure functions.

#ifndef HOLDFAST_KVD_EXIT_CODE_H_
#define HOLDFAST_KVD_EXIT_CODE_H_

#include "absl/status/status.h"

namespace holdfast::kvd {

enum class ExitCode : int {
  kDone = 0,
  kNegative = 1,     // The answer is no: key absent, verify found damage.
  kUsage = 2,        // The command line or the input is wrong.
  kCorruption = 3,   // Damaged bytes stop the command.
  kBusy = 4,         // The database is open elsewhere.
  kIo = 5,           // The file system said no; no space, a closed pipe.
  kUnsupported = 6,  // A format version that this kvd does not know.
  kInterrupted = 130,
};

// The exit code of a command that ended with `status`. A path that names
// nothing is a mistake in the command line, not an I/O error: kNotFound is
// kUsage. (That a key is absent is an answer, not a status.)
ExitCode ExitCodeOf(const absl::Status& status);

}  // namespace holdfast::kvd

#endif  // HOLDFAST_KVD_EXIT_CODE_H_
