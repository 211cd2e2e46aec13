// What a crash leaves (holdfast/testing/persistence.h). The first bytes make
// pending things and a choice, the rest is the text of a choice. Properties: a
// choice survives Text and Parse; an accepted text names a choice within the
// alternatives, and its canonical form is a fixed point; a refusal quotes the
// text; what is enumerated is allowed by the profile, comes once and parses
// back; memory is linear in the text.

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
    HF_CHECK(IsAllowed(choice, units, profile));
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
  const auto profiles = AllProfiles();
  const PersistenceProfile& profile =
      profiles[head / (kMostUnits + 1) % profiles.size()];
  (void)IsAllowed(choice, units, profile);  // Whatever it says.
  const uint8_t enumerated = input.Byte();
  if (enumerated % 16 == 1) CheckEnumeration(units, profile, enumerated);
  CheckText(input.Rest(), units);
  return 0;
}
