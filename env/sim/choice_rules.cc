#include "env/sim/choice_rules.h"

#include <algorithm>
#include <utility>

namespace holdfast {
namespace {

using Alternative = PendingUnit::Alternative;
using What = Alternative::What;
using Kind = PendingUnit::Kind;

// The stamp of the newest version that is not after `limit`; 0 when there is
// none.
uint64_t NewestUpTo(const PendingUnit& unit, uint64_t limit) {
  uint64_t stamp = 0;
  for (const Alternative& alternative : unit.alternatives) {
    if (alternative.what == What::kVersion && alternative.stamp <= limit) {
      stamp = std::max(stamp, alternative.stamp);
    }
  }
  return stamp;
}

// Whether the alternative is a version at least as new as `stamp`.
bool Holds(const Alternative& alternative, uint64_t stamp) {
  return alternative.what == What::kVersion && alternative.stamp >= stamp;
}

}  // namespace

ChoiceRules::ChoiceRules(absl::Span<const PendingUnit> units,
                         const PersistenceProfile& profile)
    : units_(units), profile_(profile), size_of_(units.size(), kNone) {
  std::vector<std::pair<uint64_t, size_t>> sizes;  // By inode.
  for (size_t i = 0; i < units.size(); ++i) {
    if (units[i].kind == Kind::kSize) sizes.emplace_back(units[i].inode, i);
    if (units[i].kind != Kind::kName) continue;
    names_.push_back(i);
    if (units[i].replaces) renames_.push_back(i);
  }
  std::sort(sizes.begin(), sizes.end());
  for (size_t i = 0; i < units.size(); ++i) {
    if (units[i].kind != Kind::kSector) continue;
    const auto size = std::lower_bound(sizes.begin(), sizes.end(),
                                       std::pair(units[i].inode, size_t{0}));
    if (size != sizes.end() && size->first == units[i].inode) {
      size_of_[i] = size->second;
    }
  }
  std::sort(names_.begin(), names_.end(), [&](size_t a, size_t b) {
    return units[a].name_op < units[b].name_op;
  });
}

bool ChoiceRules::Offers(const Alternative& alternative) const {
  switch (alternative.what) {
    case What::kOld:
    case What::kVersion:
      return true;
    case What::kZeros:
      return profile_.appends_zeros;
    case What::kGarbage:
      return profile_.appends_garbage;
    case What::kStale:
      return profile_.appends_stale;
    case What::kTorn:
      return profile_.tears_sectors;
    case What::kBoth:
      return profile_.rename_leaves_both;
    case What::kNeither:
      return profile_.rename_leaves_neither;
  }
  return false;
}

bool ChoiceRules::Visible(absl::Span<const uint16_t> picks, size_t unit) const {
  if (size_of_[unit] == kNone) return true;
  return units_[unit].sector * kSectorBytes <
         Picked(picks, size_of_[unit]).detail;
}

uint64_t ChoiceRules::NeededBySize(absl::Span<const uint16_t> picks,
                                   size_t unit) const {
  if (size_of_[unit] == kNone || !units_[unit].dirty) return 0;
  const PendingUnit& size = units_[size_of_[unit]];
  const Alternative& chosen = size.alternatives[picks[size_of_[unit]]];
  if (chosen.what == What::kOld || !Visible(picks, unit)) return 0;
  // What lies above the smallest size until then was appended.
  uint64_t floor = UINT64_MAX;
  for (const Alternative& each : size.alternatives) {
    if (each.stamp <= chosen.stamp) floor = std::min(floor, each.detail);
  }
  if ((units_[unit].sector + 1) * kSectorBytes <= floor) return 0;
  return NewestUpTo(units_[unit], chosen.stamp);
}

bool ChoiceRules::NamesInOrder(absl::Span<const uint16_t> picks) const {
  bool ended = false;
  for (const size_t name : names_) {
    if (!units_[name].dirty) continue;
    const What what = Picked(picks, name).what;
    if (ended && what != What::kOld) return false;
    if (what != What::kVersion) ended = true;
  }
  return true;
}

bool ChoiceRules::HasDataOf(absl::Span<const uint16_t> picks, size_t rename,
                            size_t unit) const {
  if (units_[unit].inode != units_[rename].inode || !units_[unit].dirty ||
      units_[unit].kind == Kind::kName) {
    return true;
  }
  const uint64_t limit = units_[rename].alternatives.at(1).stamp;
  // By position: a write that moves the size in steps gives all one stamp.
  size_t needed = 0;
  for (size_t i = 1; i <= units_[unit].newest; ++i) {
    if (units_[unit].alternatives[i].stamp <= limit) needed = i;
  }
  return needed == 0 ||
         (picks[unit] >= needed && picks[unit] <= units_[unit].newest) ||
         (units_[unit].kind == Kind::kSector && !Visible(picks, unit));
}

bool ChoiceRules::Allow(absl::Span<const uint16_t> picks) const {
  for (size_t i = 0; i < units_.size(); ++i) {
    const Alternative& picked = Picked(picks, i);
    if (!Offers(picked)) return false;
    if (units_[i].kind != Kind::kSector) continue;
    if (!profile_.size_apart_from_data) {
      const uint64_t needed = NeededBySize(picks, i);
      if (needed != 0 && !Holds(picked, needed)) return false;
    }
    if (!profile_.appends_zeros && units_[i].appended && units_[i].dirty &&
        picked.what == What::kOld && Visible(picks, i)) {
      return false;
    }
  }
  if (profile_.ordered_names && !NamesInOrder(picks)) return false;
  if (!profile_.safe_rename) return true;
  for (const size_t rename : renames_) {
    if (Picked(picks, rename).what == What::kOld) continue;
    for (size_t i = 0; i < units_.size(); ++i) {
      if (!HasDataOf(picks, rename, i)) return false;
    }
  }
  return true;
}

void ChoiceRules::Repair(ChoicePicks* picks) const {
  for (size_t i = 0; i < units_.size(); ++i) {
    if (!Offers(Picked(*picks, i))) (*picks)[i] = 0;
  }
  if (profile_.ordered_names) {
    bool ended = false;
    for (const size_t name : names_) {
      if (!units_[name].dirty) continue;
      if (ended) (*picks)[name] = 0;
      if (Picked(*picks, name).what != What::kVersion) ended = true;
    }
  }
  if (profile_.safe_rename) {
    for (const size_t rename : renames_) {
      if (Picked(*picks, rename).what == What::kOld) continue;
      for (size_t i = 0; i < units_.size(); ++i) {
        if (!HasDataOf(*picks, rename, i)) {
          (*picks)[i] = static_cast<uint16_t>(units_[i].newest);
        }
      }
    }
  }
  for (size_t i = 0; i < units_.size(); ++i) {
    if (units_[i].kind != Kind::kSector) continue;
    const Alternative& picked = Picked(*picks, i);
    const uint64_t needed =
        profile_.size_apart_from_data ? 0 : NeededBySize(*picks, i);
    const bool absent = !profile_.appends_zeros && units_[i].appended &&
                        units_[i].dirty && picked.what == What::kOld &&
                        Visible(*picks, i);
    if (absent || (needed != 0 && !Holds(picked, needed))) {
      (*picks)[i] = static_cast<uint16_t>(units_[i].newest);
    }
  }
}

void ChoiceRules::DropInvisible(ChoicePicks* picks) const {
  for (size_t i = 0; i < units_.size(); ++i) {
    if (size_of_[i] != kNone && (*picks)[i] != 0 && !Visible(*picks, i)) {
      (*picks)[i] = 0;
    }
  }
}

}  // namespace holdfast
