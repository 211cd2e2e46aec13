// The named points at which the writer is killed: the calls to the file system
// of which a crash in the middle must cost nothing.
//
// Thread safety: pure functions.

#ifndef HOLDFAST_CHAOS_KILL_KILL_POINTS_H_
#define HOLDFAST_CHAOS_KILL_KILL_POINTS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/types/span.h"

namespace holdfast::chaos {

struct KillPoint {
  std::string_view name;  // "table.sync"
  std::string_view call;  // "sync *.sst": operation and path of a fault rule.
  uint64_t calls;         // A life makes about so many of them.
  bool recovery;          // While the database is opened; otherwise while it
                          // is written.
  enum class Moment : uint8_t { kBefore, kInside, kAfter };
  Moment moment;    // kInside: a part of a write is done.
  int life_writes;  // Until it may be expected.

  // "writing: after table.sync".
  std::string Text() const;
  // The rule that kills at the `number`-th such call.
  std::string Plan(uint64_t number) const;
};

// All, before and after each call, and in the middle of writes.
absl::Span<const KillPoint> AllKillPoints();

// Those of writing between the first byte of a table and its entry in the
// manifest: where most is at stake.
absl::Span<const KillPoint> SwapKillPoints();

}  // namespace holdfast::chaos

#endif  // HOLDFAST_CHAOS_KILL_KILL_POINTS_H_
