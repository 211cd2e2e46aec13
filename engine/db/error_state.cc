#include "engine/db/error_state.h"

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/mutant.h"
#include "base/sometimes.h"

namespace holdfast {

ErrorReaction ReactionTo(ErrorSource source, const absl::Status& error) {
  HF_CHECK(!error.ok());
  // Bytes that cannot be trusted were found by a job that must read them.
  if (absl::IsDataLoss(error) && !HF_MUTANT("error_state.damage_is_final")) {
    return ErrorReaction::kFail;
  }
  const bool no_space = absl::IsResourceExhausted(error);
  switch (source) {
    case ErrorSource::kWalWrite:
    case ErrorSource::kWalRotate:
      // A failed append leaves the log's end where it was, and a failed
      // creation a file that no one names: both can be tried again.
      return no_space ? ErrorReaction::kReport : ErrorReaction::kReadOnly;
    case ErrorSource::kWalAhead:
      // Nobody needs it: should the rotation fail as well, that counts.
      return ErrorReaction::kRetry;
    case ErrorSource::kWalSync:
      HF_SOMETIMES(no_space, "a sync of the log finds no space");
      if (no_space && HF_MUTANT("error_state.sync_is_read_only")) {
        return ErrorReaction::kReport;
      }
      // Whatever the code: after a failed sync nothing is known of the log.
      return ErrorReaction::kReadOnly;
    case ErrorSource::kFlush:
    case ErrorSource::kCompaction:
      // Their output is dropped (or kept until a new manifest says which it
      // is), and made again from sources that are still there.
      return no_space ? ErrorReaction::kRetry : ErrorReaction::kReadOnly;
  }
  return ErrorReaction::kReadOnly;
}

void ErrorState::Record(ErrorSource source, const absl::Status& error) {
  switch (ReactionTo(source, error)) {
    case ErrorReaction::kReport:
      return;
    case ErrorReaction::kRetry:
      if (!hard()) cause_ = error;
      return;
    case ErrorReaction::kReadOnly:
      if (!hard()) {
        state_ = HealthState::kReadOnly;
        cause_ = error;
      }
      return;
    case ErrorReaction::kFail:
      if (state_ != HealthState::kFailed) {
        state_ = HealthState::kFailed;
        cause_ = error;
      }
      return;
  }
}

absl::Status ErrorState::WriteStatus() const {
  if (!hard()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "database is ", HealthStateName(state_),
      " after an error (see Health, Resume): ", cause_.ToString()));
}

void ErrorState::RecordSuccess() {
  HF_SOMETIMES(!hard() && !cause_.ok(), "a soft error is over");
  if (hard() && HF_MUTANT("error_state.success_heals_nothing_hard")) {
    state_ = HealthState::kHealthy;
  }
  if (!hard()) cause_ = absl::OkStatus();
}

void ErrorState::BeginResume() {
  HF_CHECK(state_ != HealthState::kFailed);
  state_ = HealthState::kHealthy;
  cause_ = absl::OkStatus();
}

const char* HealthStateName(HealthState state) {
  switch (state) {
    case HealthState::kHealthy:
      return "healthy";
    case HealthState::kReadOnly:
      return "read-only";
    case HealthState::kFailed:
      return "failed";
    case HealthState::kClosed:
      return "closed";
  }
  return "unknown";
}

}  // namespace holdfast
