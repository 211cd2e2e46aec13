// Opens a damaged database, reads everything in it in every way there is, and
// says whether what came of it is one of the few things that may:
//
//  - opening or a reading fails with kDataLoss that names a damaged file and an
//    offset in it;
//  - all answers are right;
//  - the end of a log that was not closed is gone, whole writes from the end,
//    exactly from the first frame that is not as it was written; and no byte
//    that is left proves that this frame had been durable.
//
// What a log may lose is worked out by ExpectedOf from the frames that were
// noted when the log was written, not by reading it as the engine does. It goes
// both ways: what bytes prove must be reported, what no byte proves must not.

#ifndef HOLDFAST_CHAOS_DAMAGE_JUDGE_H_
#define HOLDFAST_CHAOS_DAMAGE_JUDGE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "chaos/damage/golden.h"
#include "chaos/damage/mutation.h"
#include "holdfast/db.h"

namespace holdfast {

// DB::Open, or something in its place: how the judge itself is tested.
using OpenFunction = std::function<absl::StatusOr<std::unique_ptr<DB>>(
    const Options&, std::string_view path)>;

// What the logs of a damaged database have to say.
struct ExpectedLogs {
  // Some byte proves that the damaged place had been durable: kDataLoss.
  bool loss = false;
  // Otherwise: how many writes are there.
  size_t writes = 0;
  std::string why;
};
ExpectedLogs ExpectedOf(const Golden& golden, const ChangedFiles& changed);

// The file, without its directory, and the offset that a kDataLoss names as
// DataLoss() writes them; nullopt when it names none of the database.
struct DamagePlace {
  std::string file;
  uint64_t offset = 0;
};
std::optional<DamagePlace> PlaceOfLoss(const absl::Status& status);

struct DamageVerdict {
  enum class Outcome : uint8_t {
    kOpenLoss,  // Opening failed with kDataLoss.
    kReadLoss,  // It opened; some reading failed with kDataLoss.
    kRight,     // Everything is there.
    kTornTail,  // Less is there: only what was never durable is missing.
    // Durable writes are missing, and no byte that is left proves it: the limit
    // that docs/durability.md states.
    kUnproven,
  };
  Outcome outcome = Outcome::kRight;
  std::string failure;  // Empty when the outcome is a legal one.
  // The first kDataLoss that it said.
  absl::Status loss;
};
std::string_view OutcomeName(DamageVerdict::Outcome outcome);

struct JudgeDamageOptions {
  OpenFunction open;  // Empty: DB::Open.
  // Also open it once more and see the same, with a write made in between.
  bool reopen = false;
  // Also merge everything, and read again: a merge must not turn damage into
  // wrong answers.
  bool compact = false;
  // Make a database when there is none: the worst that could be taken for
  // opening.
  bool create_if_missing = false;
  // Calls to the file system that opening and reading may take. 0: any number.
  uint64_t most_calls = 0;
};

DamageVerdict JudgeDamage(const Golden& golden, const ChangedFiles& changed,
                          const JudgeDamageOptions& options);

// How many calls an undamaged copy takes.
uint64_t CallsOf(const Golden& golden, const JudgeDamageOptions& options);

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_DAMAGE_JUDGE_H_
