#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "base/random.h"
#include "env/sim/choice_rules.h"
#include "holdfast/testing/persistence.h"

namespace holdfast {
namespace {

using Alternative = PendingUnit::Alternative;
using What = Alternative::What;
using Kind = PendingUnit::Kind;

// `count` of the numbers below `total`, evenly spread, first and last among
// them; all when there are not more.
std::vector<size_t> Spread(size_t total, size_t count) {
  std::vector<size_t> picked;
  if (count >= total) {
    for (size_t i = 0; i < total; ++i) picked.push_back(i);
  } else if (count == 1) {
    picked.push_back(total / 2);
  } else {
    for (size_t i = 0; i < count; ++i) {
      picked.push_back(i * (total - 1) / (count - 1));
    }
  }
  return picked;
}

class Enumerator {
 public:
  Enumerator(absl::Span<const PendingUnit> units,
             const PersistenceProfile& profile, const ChoiceBound& bound,
             uint64_t seed)
      : units_(units), rules_(units, profile), bound_(bound), random_(seed) {}

  std::vector<CrashChoice> Run() && {
    Add(Kept());
    Add(None());
    if (Combinations() <= bound_.all_up_to_combinations) {
      AddAll();
    } else {
      AddPrefixes();
      AddKinds();
      AddFiles();
      AddSingles();
      if (units_.size() <= bound_.pairs_up_to_units) AddPairs();
      for (size_t i = 0; i < bound_.random_choices; ++i) AddRandom();
    }
    return std::move(choices_);
  }

 private:
  using Picks = ChoicePicks;
  using Test = std::function<bool(const PendingUnit&)>;

  uint16_t Newest(size_t unit) const {
    return static_cast<uint16_t>(units_[unit].newest);
  }

  Picks Kept() const {
    Picks picks(units_.size());
    for (size_t i = 0; i < picks.size(); ++i) picks[i] = Newest(i);
    return picks;
  }
  Picks None() const { return Picks(units_.size(), 0); }

  // Those of which the test is true take the newest, the others the old.
  Picks KeptWhere(const Test& test) const {
    Picks picks(units_.size(), 0);
    for (size_t i = 0; i < picks.size(); ++i) {
      if (test(units_[i])) picks[i] = Newest(i);
    }
    return picks;
  }

  // The nearest choice that is allowed.
  void Add(Picks picks) {
    rules_.Repair(&picks);
    AddIfAllowed(std::move(picks));
  }

  void AddIfAllowed(Picks picks) {
    if (!rules_.Allow(picks)) return;
    // The two ends keep their names; what else cannot be told apart on the
    // disk is one choice.
    if (choices_.size() >= 2) rules_.DropInvisible(&picks);
    if (!rules_.Allow(picks) || !seen_.insert(picks).second) return;
    choices_.push_back({std::move(picks)});
  }

  size_t Combinations() const {
    size_t product = 1;
    for (const PendingUnit& unit : units_) {
      if (product > bound_.all_up_to_combinations) break;
      product *= unit.alternatives.size();
    }
    return product;
  }

  void AddAll() {
    Picks picks = None();
    while (true) {
      AddIfAllowed(picks);
      size_t i = 0;
      while (i < picks.size() && ++picks[i] == units_[i].alternatives.size()) {
        picks[i++] = 0;
      }
      if (i == picks.size()) return;
    }
  }

  // What was there at a moment, and nothing later.
  Picks Prefix(uint64_t stamp) const {
    Picks picks = None();
    for (size_t i = 0; i < picks.size(); ++i) {
      for (size_t k = 1; k <= units_[i].newest; ++k) {
        if (units_[i].alternatives[k].stamp <= stamp) {
          picks[i] = static_cast<uint16_t>(k);
        }
      }
    }
    return picks;
  }

  void AddPrefixes() {
    std::vector<uint64_t> stamps;
    for (const PendingUnit& unit : units_) {
      for (const Alternative& alternative : unit.alternatives) {
        if (alternative.what == What::kVersion) {
          stamps.push_back(alternative.stamp);
        }
      }
    }
    std::sort(stamps.begin(), stamps.end());
    stamps.erase(std::unique(stamps.begin(), stamps.end()), stamps.end());
    for (const size_t i : Spread(stamps.size(), bound_.prefixes)) {
      Add(Prefix(stamps[i]));
    }
  }

  void AddKinds() {
    for (const Kind kind : {Kind::kSector, Kind::kSize, Kind::kName}) {
      Add(KeptWhere(
          [=](const PendingUnit& unit) { return unit.kind == kind; }));
      Add(KeptWhere(
          [=](const PendingUnit& unit) { return unit.kind != kind; }));
    }
    Add(KeptWhere([](const PendingUnit& unit) { return !unit.appended; }));
    for (const What what : {What::kZeros, What::kGarbage, What::kStale,
                            What::kBoth, What::kNeither}) {
      AddEverywhere(what);
    }
  }

  // All kept, but the alternative wherever it is offered.
  void AddEverywhere(What what) {
    Picks picks = Kept();
    for (size_t i = 0; i < picks.size(); ++i) {
      const auto& all = units_[i].alternatives;
      for (size_t k = 0; k < all.size(); ++k) {
        if (all[k].what == what) picks[i] = static_cast<uint16_t>(k);
      }
    }
    Add(std::move(picks));
  }

  // The content of each file lost as a whole, and kept as the only one.
  void AddFiles() {
    std::set<uint64_t> inodes;
    for (const PendingUnit& unit : units_) {
      if (unit.kind != Kind::kName) inodes.insert(unit.inode);
    }
    if (inodes.size() < 2) return;
    const std::vector<uint64_t> all(inodes.begin(), inodes.end());
    for (const size_t i : Spread(all.size(), bound_.singles_up_to_units)) {
      const auto is_content = [inode = all[i]](const PendingUnit& unit) {
        return unit.kind != Kind::kName && unit.inode == inode;
      };
      Add(KeptWhere(
          [&](const PendingUnit& unit) { return !is_content(unit); }));
      Add(KeptWhere([&](const PendingUnit& unit) {
        return unit.kind == Kind::kName || is_content(unit);
      }));
    }
  }

  void AddSingles() {
    for (const size_t i : Spread(units_.size(), bound_.singles_up_to_units)) {
      for (size_t k = 0; k < units_[i].alternatives.size(); ++k) {
        Picks picks = Kept();
        picks[i] = static_cast<uint16_t>(k);
        Add(std::move(picks));
      }
      Picks alone = None();
      alone[i] = Newest(i);
      Add(std::move(alone));
      // A sector alone is seen only where names and sizes are kept.
      if (units_[i].kind == Kind::kSector) {
        Picks visible = KeptWhere(
            [](const PendingUnit& unit) { return unit.kind != Kind::kSector; });
        visible[i] = Newest(i);
        Add(std::move(visible));
      }
    }
  }

  void AddPairs() {
    for (size_t i = 0; i < units_.size(); ++i) {
      for (size_t j = i + 1; j < units_.size(); ++j) {
        Picks lost = Kept();
        lost[i] = lost[j] = 0;
        Add(std::move(lost));
        Picks kept = None();
        kept[i] = Newest(i);
        kept[j] = Newest(j);
        Add(std::move(kept));
      }
    }
  }

  // Every third one picks with each unit equal, the others lean to a side.
  void AddRandom() {
    const uint64_t lean = random_.Uniform(3);
    Picks picks(units_.size());
    for (size_t i = 0; i < picks.size(); ++i) {
      picks[i] =
          static_cast<uint16_t>(random_.Uniform(units_[i].alternatives.size()));
      if (lean != 0 && !random_.OneIn(4)) {
        picks[i] = lean == 1 ? Newest(i) : 0;
      }
    }
    Add(std::move(picks));
  }

  absl::Span<const PendingUnit> units_;
  const ChoiceRules rules_;
  const ChoiceBound& bound_;
  Random random_;
  std::set<Picks> seen_;
  std::vector<CrashChoice> choices_;
};

}  // namespace

std::vector<CrashChoice> EnumerateChoices(absl::Span<const PendingUnit> units,
                                          const PersistenceProfile& profile,
                                          const ChoiceBound& bound,
                                          uint64_t seed) {
  return Enumerator(units, profile, bound, seed).Run();
}

}  // namespace holdfast
