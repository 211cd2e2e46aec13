// What the engine does after an I/O error: the one place that decides, and the
// state that the decision leads to.
//
//              soft error                   hard error
//   Healthy ───────────────> Retrying     ────────────> ReadOnly ──┐
//      ^  ^─── work done ────────┘                         │       │ damage
//      └──────────────────── Resume ───────────────────────┘       v
//                                                               Failed
//
// *Soft*: the disk is full. Nothing is in doubt; the next write tries the work
// again. *Hard*: a call failed in a way that leaves unknown what is on disk (a
// failed sync above all), so nothing more is acknowledged until Resume has
// written everything anew. *Failed*: damage in a file that background work must
// read; writing on would bury it.
//
// Thread safety: external, by the database's mutex.

#ifndef HOLDFAST_ENGINE_DB_ERROR_STATE_H_
#define HOLDFAST_ENGINE_DB_ERROR_STATE_H_

#include "absl/status/status.h"
#include "holdfast/metrics.h"

namespace holdfast {

// What was being done when the error came.
enum class ErrorSource {
  kWalWrite,    // Appending to the log.
  kWalSync,     // Making the log durable.
  kWalRotate,   // Making a new log and sealing the old one.
  kWalAhead,    // Making a log that a rotation would else make itself.
  kFlush,       // Writing a memtable to a table, and recording that.
  kCompaction,  // Merging tables, and recording that.
};

enum class ErrorReaction {
  kReport,    // The caller gets the error; the state stays as it is.
  kRetry,     // As kReport, and background work is tried again by later writes.
  kReadOnly,  // No more writes until Resume.
  kFail,      // No more writes until the database is repaired.
};

// Pure: the reaction to `error` from `source`. REQUIRES: !error.ok().
ErrorReaction ReactionTo(ErrorSource source, const absl::Status& error);

class ErrorState {
 public:
  // Records an error; the first hard one stays the cause.
  void Record(ErrorSource source, const absl::Status& error);

  // OK when writes may go on; otherwise kFailedPrecondition with the cause.
  absl::Status WriteStatus() const;

  // The cause of a state other than healthy, or the soft error of work that has
  // not succeeded since; otherwise OK.
  const absl::Status& cause() const { return cause_; }

  bool hard() const { return state_ != HealthState::kHealthy; }

  // Background work succeeded: a soft error is over.
  void RecordSuccess();

  // Resume begins: background work may run again. REQUIRES: not Failed. When it
  // fails, Record makes the state read-only again, with the cause of that.
  void BeginResume();

  DbHealth health() const { return {state_, cause_}; }

 private:
  HealthState state_ = HealthState::kHealthy;
  absl::Status cause_;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_ERROR_STATE_H_
