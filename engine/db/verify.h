// Checking a whole database, byte for byte, while it is open.

#ifndef HOLDFAST_ENGINE_DB_VERIFY_H_
#define HOLDFAST_ENGINE_DB_VERIFY_H_

#include <cstdint>

#include "absl/status/status.h"
#include "engine/db/core.h"

namespace holdfast {

// A log that is being written, and how much of it was there at some moment
// when no write was under way.
struct LogExtent {
  uint64_t number = 0;
  uint64_t bytes = 0;
  // Every log before it ends with a seal. Not so after a failed Resume: the log
  // in doubt stays as it is until a manifest does without it.
  bool follows_seal = true;
};

// See DB::VerifyChecksums. Checks CURRENT and the manifest, the logs from the
// first needed one up to `active`, and every table of the current version.
absl::Status VerifyDatabase(DbCore& core, const LogExtent& active);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_VERIFY_H_
