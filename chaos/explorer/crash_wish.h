// Crashes as wished by somebody who does not know what will be there to crash:
// the last call but three, all lost but the newest name. What does not fit is
// bent until it does, so that every wish leads to a state. What fuzzers make
// of bytes.
//
//   const WishedWalk walk = WalkWishes(&program, options, {{.calls_back = 3}});
//   if (!walk.verdict.ok()) print(PathText(walk.path));

#ifndef HOLDFAST_CHAOS_EXPLORER_CRASH_WISH_H_
#define HOLDFAST_CHAOS_EXPLORER_CRASH_WISH_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "chaos/explorer/crash_path.h"
#include "holdfast/testing/crash_explorer.h"
#include "holdfast/testing/persistence.h"

namespace holdfast {

struct CrashWish {
  // What becomes of the pending units.
  enum class What : uint8_t {
    kNone,      // All as if they had not happened.
    kKept,      // All as the process saw them.
    kCut,       // As at a moment: the last `amount` stamps did not happen.
    kNames,     // Names alone happened.
    kContents,  // All but names happened.
    kSizes,     // Names and sizes happened, sectors did not.
    kNoSizes,   // Names and sectors happened, sizes did not.
    kZeros,     // Kept, but zeros wherever they may be.
    kGarbage,
    kStale,
    kTorn,
    kBoth,    // Kept, but of renames both names.
    kRandom,  // Each by chance, with `amount` as the seed.
    kKill,    // The process alone dies.
    kDrop,    // It dies, and the cache of the operating system is dropped.
  };
  static constexpr int kWhats = 15;

  // A unit that takes another alternative. Modulo how many there are.
  struct Exception {
    uint64_t back = 0;  // 0: the last unit.
    uint64_t alternative = 0;

    friend bool operator==(const Exception&, const Exception&) = default;
  };

  // How many changing calls before the end of the life; 0: at its end. Modulo
  // how many crash points there are.
  uint64_t calls_back = 0;
  What what = What::kNone;
  uint64_t amount = 0;
  std::vector<Exception> exceptions = {};

  friend bool operator==(const CrashWish&, const CrashWish&) = default;
};

// The choice that comes nearest to what is wished. REQUIRES: neither kKill nor
// kDrop is.
CrashChoice ChoiceOf(const CrashWish& wish, absl::Span<const PendingUnit> units,
                     const PersistenceProfile& profile);

struct WishedWalk {
  absl::Status broken;   // Prepare or Run failed.
  absl::Status verdict;  // What the last Recover said; the first that failed.
  CrashPath path;        // To the state that the verdict is of.
};

// Prepares the program, runs it, and crashes Run and each Recover but the last
// as wished. Every Recover is judged at its end, too.
WishedWalk WalkWishes(CrashProgram* program, const ExploreOptions& options,
                      absl::Span<const CrashWish> wishes);

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_EXPLORER_CRASH_WISH_H_
