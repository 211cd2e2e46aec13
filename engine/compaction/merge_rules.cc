#include "engine/compaction/merge_rules.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/mutant.h"
#include "base/sometimes.h"

namespace holdfast {

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kKeep:
      return "keep";
    case Verdict::kDropShadowed:
      return "drop shadowed";
    case Verdict::kDropTombstone:
      return "drop tombstone";
  }
  HF_CHECK(false);
  return {};
}

MergeRules::MergeRules(std::vector<SequenceNumber> snapshots,
                       IsBottommost is_bottommost)
    : snapshots_(std::move(snapshots)),
      is_bottommost_(std::move(is_bottommost)) {
  HF_VERIFY(std::is_sorted(snapshots_.begin(), snapshots_.end()));
}

size_t MergeRules::StripeOf(SequenceNumber sequence) const {
  if (HF_MUTANT("merge_rules.snapshots_see_their_versions")) return 0;
  return static_cast<size_t>(
      std::lower_bound(snapshots_.begin(), snapshots_.end(), sequence) -
      snapshots_.begin());
}

Verdict MergeRules::Judge(std::string_view user_key, SequenceNumber sequence,
                          ValueType type) {
  const size_t stripe = StripeOf(sequence);
  const bool same_key = has_key_ && user_key == key_;
  HF_SOMETIMES(same_key && stripe != newest_stripe_,
               "a snapshot keeps an older version in a merge");
  if (same_key && stripe == newest_stripe_) return Verdict::kDropShadowed;
  if (!same_key) {
    has_key_ = true;
    key_.assign(user_key);
  }
  // Also when it is dropped below: it hides what is older in its stripe.
  newest_stripe_ = stripe;
  // In a younger stripe a tombstone may hide versions that an older snapshot
  // keeps alive.
  if (type == ValueType::kDeletion &&
      (stripe == 0 || HF_MUTANT("merge_rules.tombstone_of_oldest_stripe")) &&
      (is_bottommost_(user_key) ||
       HF_MUTANT("merge_rules.tombstone_at_the_bottom"))) {
    HF_SOMETIMES(true, "a tombstone is dropped in a merge");
    return Verdict::kDropTombstone;
  }
  return Verdict::kKeep;
}

}  // namespace holdfast
