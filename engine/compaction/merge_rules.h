// Which entries a flush or compaction keeps: a pure decision.
//
//   MergeRules rules({10, 20}, [&](std::string_view key) { return ...; });
//   for each entry, user keys ascending, of each key newest first:
//     if (IsKept(rules.Judge(user_key, sequence, type))) write it;
//
// Snapshots cut the sequence numbers into stripes: (.., s1], (s1, s2], ...,
// (sn, ..). All readers of a stripe see the newest version at or below its end,
// so of the versions of a key in one stripe only the newest is ever seen. A
// tombstone hides older versions; where nothing older can be, it hides nothing.
//
// What every snapshot, and the present, see is the same before and after.

#ifndef HOLDFAST_ENGINE_COMPACTION_MERGE_RULES_H_
#define HOLDFAST_ENGINE_COMPACTION_MERGE_RULES_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/format/internal_key.h"

namespace holdfast {

enum class Verdict {
  kKeep,
  // A newer version of the key is in the same stripe.
  kDropShadowed,
  // A tombstone of the oldest stripe with nothing older below the output.
  kDropTombstone,
};

inline bool IsKept(Verdict verdict) { return verdict == Verdict::kKeep; }

// "keep", "drop shadowed", "drop tombstone".
std::string_view VerdictName(Verdict verdict);

// Thread-compatible.
class MergeRules {
 public:
  // RETURNS whether no version of the user key can be anywhere below the
  // output.
  using IsBottommost = std::function<bool(std::string_view user_key)>;

  // `snapshots`: ascending, every sequence number at which someone may read
  // now, or may begin to read while entries newer than it are judged. An entry
  // must not be newer than the sequence number at which the next snapshot will
  // be made, unless the present one is in the list.
  MergeRules(std::vector<SequenceNumber> snapshots, IsBottommost is_bottommost);

  // REQUIRES: entries in internal-key order.
  Verdict Judge(std::string_view user_key, SequenceNumber sequence,
                ValueType type);

 private:
  // The number of snapshots below `sequence`, which numbers the stripes.
  size_t StripeOf(SequenceNumber sequence) const;

  const std::vector<SequenceNumber> snapshots_;
  const IsBottommost is_bottommost_;

  bool has_key_ = false;
  std::string key_;           // The user key last judged.
  size_t newest_stripe_ = 0;  // The stripe of its version last judged.
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_COMPACTION_MERGE_RULES_H_
