// What a crash leaves (holdfast/testing/persistence.h). The first bytes make
// pending things and a choice, the rest is the text of a choice. Properties: a
// choice survives Text and Parse; an accepted text names a choice within the
// alternatives, and its canonical form is a fixed point; what became of a thing
// is explained in words that tell it from its other fates; a refusal quotes the
// text; a profile allows a choice when and only when a plain reading of
// docs/crash_model.md does, what the process saw always, and the nearest choice
// that it allows it does allow; what is enumerated is allowed, comes once and
// parses back; memory is linear in the text.

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "fuzz/support/allocation_meter.h"
#include "fuzz/support/fuzz_input.h"
#include "holdfast/testing/persistence.h"

namespace {

using namespace holdfast;
using Alternative = PendingUnit::Alternative;

// Few: enumeration tries each with each.
constexpr size_t kMostUnits = 12;

PendingUnit UnitFrom(FuzzInput* input, size_t position) {
  PendingUnit unit;
  const uint8_t shape = input->Byte();
  unit.kind = static_cast<PendingUnit::Kind>(shape % 3);
  unit.dirty = (shape & 4) == 0;
  unit.appended = (shape & 8) != 0;
  unit.newest = 1 + (shape >> 6);
  // One size for each file, sectors of their own.
  unit.inode = unit.kind == PendingUnit::Kind::kSize ? position : shape >> 4;
  unit.sector = position;
  unit.name_op = position;
  unit.replaces = unit.appended;
  unit.alternatives.emplace_back();
  uint64_t stamp = position;
  for (size_t i = 1; i <= unit.newest; ++i) {
    stamp += 1 + (shape >> 5);
    const uint64_t detail = unit.kind == PendingUnit::Kind::kSize
                                ? stamp * kSectorBytes
                                : uint64_t{i - 1};
    unit.alternatives.push_back({.what = Alternative::What::kVersion,
                                 .stamp = stamp,
                                 .detail = detail});
  }
  const uint8_t others = input->Byte();
  for (uint8_t what = 2; what < 8; ++what) {
    if ((others & (1 << what)) == 0) continue;
    unit.alternatives.push_back({.what = static_cast<Alternative::What>(what),
                                 .stamp = stamp,
                                 .detail = others});
  }
  if (others & 1) unit.label = "/db/000003.wal";
  return unit;
}

void CheckChoice(const CrashChoice& choice,
                 const std::vector<PendingUnit>& units) {
  const std::string text = choice.Text(units);
  const absl::StatusOr<CrashChoice> again = CrashChoice::Parse(text, units);
  HF_CHECK(again.ok());
  HF_CHECK(*again == choice);
  size_t changed = 0;
  for (size_t i = 0; i < units.size(); ++i) {
    changed += choice.picks[i] != units[i].newest;
  }
  HF_CHECK(choice.Explain(units).size() == changed);
}

// Who reads what a crash did to a thing can tell each of its fates.
void CheckExplanations(const std::vector<PendingUnit>& units) {
  CrashChoice choice;
  for (const PendingUnit& unit : units) {
    choice.picks.push_back(static_cast<uint16_t>(unit.newest));
  }
  for (size_t i = 0; i < units.size(); ++i) {
    std::set<std::string> said;
    for (size_t pick = 0; pick < units[i].alternatives.size(); ++pick) {
      if (pick == units[i].newest) continue;
      choice.picks[i] = static_cast<uint16_t>(pick);
      const std::vector<std::string> lines = choice.Explain(units);
      HF_CHECK(lines.size() == 1);
      HF_CHECK(said.insert(lines[0]).second);
    }
    choice.picks[i] = static_cast<uint16_t>(units[i].newest);
  }
}

void CheckText(std::string_view text, const std::vector<PendingUnit>& units) {
  absl::StatusOr<CrashChoice> choice = CrashChoice();
  size_t peak_bytes;
  {
    AllocationMeter meter;
    choice = CrashChoice::Parse(text, units);
    peak_bytes = meter.peak_bytes();
  }
  HF_CHECK(peak_bytes <= 64 * (text.size() + units.size()) + 4096);
  if (!choice.ok()) {
    HF_CHECK(absl::IsInvalidArgument(choice.status()));
    HF_CHECK(choice.status().message().starts_with(
        absl::StrCat("crash choice \"", text, "\": ")));
    return;
  }
  HF_CHECK(choice->picks.size() == units.size());
  for (size_t i = 0; i < units.size(); ++i) {
    HF_CHECK(choice->picks[i] < units[i].alternatives.size());
  }
  CheckChoice(*choice, units);
}

// --- What docs/crash_model.md lets a crash leave, asked of each pair ---------

using What = Alternative::What;

bool Offers(const PersistenceProfile& profile, What what) {
  if (what == What::kZeros) return profile.appends_zeros;
  if (what == What::kGarbage) return profile.appends_garbage;
  if (what == What::kStale) return profile.appends_stale;
  if (what == What::kTorn) return profile.tears_sectors;
  if (what == What::kBoth) return profile.rename_leaves_both;
  if (what == What::kNeither) return profile.rename_leaves_neither;
  return true;
}

// Units with what was picked of them.
struct Left {
  const PendingUnit* unit;
  size_t pick;

  const Alternative& found() const { return unit->alternatives[pick]; }
  bool lost() const { return found().what == What::kOld; }
  bool kept() const { return found().what == What::kVersion; }
  bool is(PendingUnit::Kind kind) const { return unit->kind == kind; }
};

// The size of the sector's file, when it is pending.
const Left* SizeOf(const std::vector<Left>& all, const Left& sector) {
  for (const Left& each : all) {
    if (each.is(PendingUnit::Kind::kSize) &&
        each.unit->inode == sector.unit->inode) {
      return &each;
    }
  }
  return nullptr;
}

bool IsWithinSize(const Left& sector, const Left* size) {
  return size == nullptr ||
         sector.unit->sector * kSectorBytes < size->found().detail;
}

// Appended data is on the disk before the size that covers it.
bool IsThereForSize(const Left& sector, const Left& size) {
  if (!sector.unit->dirty || size.lost() || !IsWithinSize(sector, &size)) {
    return true;
  }
  const uint64_t then = size.found().stamp;
  bool appended = false;
  for (const Alternative& before : size.unit->alternatives) {
    appended |= before.stamp <= then &&
                before.detail < (sector.unit->sector + 1) * kSectorBytes;
  }
  if (!appended) return true;
  for (const Alternative& version : sector.unit->alternatives) {
    if (version.what == What::kVersion && version.stamp <= then &&
        !(sector.kept() && sector.found().stamp >= version.stamp)) {
      return false;
    }
  }
  return true;
}

// The content of a file is on the disk before a rename of it over another.
bool IsThereForRename(const std::vector<Left>& all, const Left& content,
                      const Left& rename) {
  if (content.is(PendingUnit::Kind::kName) || !content.unit->dirty ||
      content.unit->inode != rename.unit->inode) {
    return true;
  }
  const uint64_t then = rename.unit->alternatives[1].stamp;
  if (content.is(PendingUnit::Kind::kSector) &&
      !IsWithinSize(content, SizeOf(all, content))) {
    return true;
  }
  // Versions stand at 1 to newest, in order.
  for (size_t i = 1; i <= content.unit->newest; ++i) {
    if (content.unit->alternatives[i].stamp <= then &&
        (content.pick < i || content.pick > content.unit->newest)) {
      return false;
    }
  }
  return true;
}

bool MayBeLeft(const CrashChoice& choice, const std::vector<PendingUnit>& units,
               const PersistenceProfile& profile) {
  std::vector<Left> all;
  for (size_t i = 0; i < units.size(); ++i) {
    all.push_back({.unit = &units[i], .pick = choice.picks[i]});
  }
  for (const Left& left : all) {
    if (!Offers(profile, left.found().what)) return false;
    if (left.is(PendingUnit::Kind::kSector)) {
      const Left* const size = SizeOf(all, left);
      if (!profile.appends_zeros && left.unit->appended && left.unit->dirty &&
          left.lost() && IsWithinSize(left, size)) {
        return false;
      }
      if (!profile.size_apart_from_data && size != nullptr &&
          !IsThereForSize(left, *size)) {
        return false;
      }
    }
    if (!left.is(PendingUnit::Kind::kName) || left.lost()) continue;
    for (const Left& other : all) {
      // A change of a name happened: all before it did, wholly.
      if (profile.ordered_names && left.unit->dirty && other.unit->dirty &&
          other.is(PendingUnit::Kind::kName) &&
          other.unit->name_op < left.unit->name_op && !other.kept()) {
        return false;
      }
      if (profile.safe_rename && left.unit->replaces &&
          !IsThereForRename(all, other, left)) {
        return false;
      }
    }
  }
  return true;
}

void CheckAllowed(const CrashChoice& choice,
                  const std::vector<PendingUnit>& units,
                  const PersistenceProfile& profile) {
  const bool allowed = MayBeLeft(choice, units, profile);
  HF_CHECK(IsAllowed(choice, units, profile) == allowed);
  const CrashChoice nearest = NearestAllowed(choice, units, profile);
  HF_CHECK(MayBeLeft(nearest, units, profile));
  if (allowed) HF_CHECK(nearest == choice);

  CrashChoice other = choice;
  for (size_t i = 0; i < units.size(); ++i) {
    other.picks[i] = static_cast<uint16_t>(units[i].newest);
  }
  HF_CHECK(IsAllowed(other, units, profile));
  if (!units.empty()) {
    other.picks.back() =
        static_cast<uint16_t>(units.back().alternatives.size());
    HF_CHECK(!IsAllowed(other, units, profile));
  }
  other.picks.push_back(0);
  HF_CHECK(!IsAllowed(other, units, profile));
}

// -----------------------------------------------------------------------------

void CheckEnumeration(const std::vector<PendingUnit>& units,
                      const PersistenceProfile& profile, uint64_t seed) {
  const ChoiceBound bound = {.pairs_up_to_units = 3,
                             .all_up_to_combinations = 8,
                             .singles_up_to_units = 4,
                             .prefixes = 3,
                             .random_choices = 2};
  std::set<std::vector<uint16_t>> seen;
  for (const CrashChoice& choice :
       EnumerateChoices(units, profile, bound, seed)) {
    HF_CHECK(MayBeLeft(choice, units, profile));
    HF_CHECK(seen.insert(choice.picks).second);
    CheckChoice(choice, units);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  std::vector<PendingUnit> units;
  const uint8_t head = input.Byte();
  for (size_t n = head % (kMostUnits + 1); n > 0; --n) {
    units.push_back(UnitFrom(&input, units.size()));
  }
  CrashChoice choice;
  for (const PendingUnit& unit : units) {
    choice.picks.push_back(
        static_cast<uint16_t>(input.Below(unit.alternatives.size())));
  }
  CheckChoice(choice, units);
  CheckExplanations(units);
  const auto profiles = AllProfiles();
  const PersistenceProfile& profile =
      profiles[head / (kMostUnits + 1) % profiles.size()];
  CheckAllowed(choice, units, profile);
  const uint8_t enumerated = input.Byte();
  if (enumerated % 16 == 1) CheckEnumeration(units, profile, enumerated);
  CheckText(input.Rest(), units);
  return 0;
}
