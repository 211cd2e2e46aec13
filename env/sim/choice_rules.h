// What a profile allows a crash to keep, given what was pending: made once for
// the units, then asked for many choices.
//
// Thread safety: thread-compatible.

#ifndef HOLDFAST_ENV_SIM_CHOICE_RULES_H_
#define HOLDFAST_ENV_SIM_CHOICE_RULES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "holdfast/testing/persistence.h"

namespace holdfast {

using ChoicePicks = std::vector<uint16_t>;

class ChoiceRules {
 public:
  // Keeps both: they outlive this.
  ChoiceRules(absl::Span<const PendingUnit> units,
              const PersistenceProfile& profile);

  // REQUIRES: one pick for each unit, within its alternatives.
  bool Allow(absl::Span<const uint16_t> picks) const;

  // Makes *picks a choice that is allowed, or as near to one as can be told:
  // what came too early is lost, what is missing below is added.
  void Repair(ChoicePicks* picks) const;

  // Sets sectors that lie beyond the chosen size, where nobody can see them,
  // to old.
  void DropInvisible(ChoicePicks* picks) const;

 private:
  static constexpr size_t kNone = SIZE_MAX;

  using What = PendingUnit::Alternative::What;

  const PendingUnit::Alternative& Picked(absl::Span<const uint16_t> picks,
                                         size_t unit) const {
    return units_[unit].alternatives[picks[unit]];
  }
  bool Offers(const PendingUnit::Alternative& alternative) const;
  // Whether the sector can be seen; true when its size is not pending.
  bool Visible(absl::Span<const uint16_t> picks, size_t unit) const;
  // The stamp up to which the sector has to be there because the size that was
  // chosen covers it; 0 when it has not.
  uint64_t NeededBySize(absl::Span<const uint16_t> picks, size_t unit) const;
  bool NamesInOrder(absl::Span<const uint16_t> picks) const;
  bool HasDataOf(absl::Span<const uint16_t> picks, size_t rename,
                 size_t unit) const;

  absl::Span<const PendingUnit> units_;
  const PersistenceProfile& profile_;
  std::vector<size_t> size_of_;  // By unit: the unit of its inode's size.
  std::vector<size_t> names_;    // Of changes of names, in their order.
  std::vector<size_t> renames_;  // Of those, the ones over another file.
};

}  // namespace holdfast

#endif  // HOLDFAST_ENV_SIM_CHOICE_RULES_H_
