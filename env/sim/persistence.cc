#include "holdfast/testing/persistence.h"

#include <limits>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "env/sim/choice_rules.h"

namespace holdfast {
namespace {

using Alternative = PendingUnit::Alternative;
using What = Alternative::What;
using Kind = PendingUnit::Kind;

std::string WhatText(const PendingUnit& unit, const Alternative& alternative) {
  const bool size = unit.kind == Kind::kSize;
  switch (alternative.what) {
    case What::kOld:
      if (size) return absl::StrCat("old, ", alternative.detail, " bytes");
      return unit.kind == Kind::kName ? "not done" : "old";
    case What::kVersion:
      if (size) return absl::StrCat(alternative.detail, " bytes");
      return absl::StrCat("version ", alternative.detail + 1, " of ",
                          unit.newest);
    case What::kZeros:
      return "zeros";
    case What::kGarbage:
      return "garbage";
    case What::kStale:
      return "stale bytes of a freed file";
    case What::kTorn:
      return absl::StrCat("torn, the first ", alternative.detail, " bytes new");
    case What::kBoth:
      return "both names";
    case What::kNeither:
      return "neither name";
  }
  return "?";
}

std::string LabelOf(const PendingUnit& unit) {
  if (!unit.label.empty()) return unit.label;
  switch (unit.kind) {
    case Kind::kSector:
      return absl::StrCat("inode ", unit.inode, " sector ", unit.sector);
    case Kind::kSize:
      return absl::StrCat("inode ", unit.inode, " size");
    case Kind::kName:
      return absl::StrCat("name change ", unit.name_op);
  }
  return "?";
}

absl::Status BadChoice(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("crash choice \"", text, "\": ", why));
}

// "3=0"; nullopt when it is not that or out of range.
std::optional<std::pair<size_t, uint16_t>> ParsePick(
    std::string_view word, absl::Span<const PendingUnit> units) {
  const std::pair<std::string_view, std::string_view> parts =
      absl::StrSplit(word, absl::MaxSplits('=', 1));
  uint64_t unit = 0;
  uint64_t pick = 0;
  if (!absl::SimpleAtoi(parts.first, &unit) ||
      !absl::SimpleAtoi(parts.second, &pick) || unit >= units.size() ||
      pick >= units[unit].alternatives.size() ||
      pick > std::numeric_limits<uint16_t>::max()) {
    return std::nullopt;
  }
  return std::pair(unit, static_cast<uint16_t>(pick));
}

}  // namespace

std::string CrashChoice::Text(absl::Span<const PendingUnit> units) const {
  HF_CHECK(units.size() == picks.size());
  size_t lost = 0;
  size_t kept = 0;
  for (size_t i = 0; i < picks.size(); ++i) {
    lost += picks[i] == 0;
    kept += picks[i] == units[i].newest;
  }
  const bool from_kept = kept >= lost;
  std::string text = from_kept ? "kept" : "none";
  for (size_t i = 0; i < picks.size(); ++i) {
    if (picks[i] != (from_kept ? units[i].newest : 0)) {
      absl::StrAppend(&text, " ", i, "=", picks[i]);
    }
  }
  return text;
}

absl::StatusOr<CrashChoice> CrashChoice::Parse(
    std::string_view text, absl::Span<const PendingUnit> units) {
  const std::vector<std::string_view> words =
      absl::StrSplit(text, ' ', absl::SkipEmpty());
  if (words.empty() || (words[0] != "kept" && words[0] != "none")) {
    return BadChoice(text, "begins with neither \"kept\" nor \"none\"");
  }
  CrashChoice choice;
  choice.picks.resize(units.size(), 0);
  if (words[0] == "kept") {
    for (size_t i = 0; i < units.size(); ++i) {
      choice.picks[i] = static_cast<uint16_t>(units[i].newest);
    }
  }
  for (size_t i = 1; i < words.size(); ++i) {
    const auto pick = ParsePick(words[i], units);
    if (!pick.has_value()) {
      return BadChoice(
          text, absl::StrCat("\"", words[i], "\" names no alternative of the ",
                             units.size(), " pending things"));
    }
    choice.picks[pick->first] = pick->second;
  }
  return choice;
}

std::vector<std::string> CrashChoice::Explain(
    absl::Span<const PendingUnit> units) const {
  HF_CHECK(units.size() == picks.size());
  std::vector<std::string> lines;
  for (size_t i = 0; i < picks.size(); ++i) {
    if (picks[i] == units[i].newest) continue;
    lines.push_back(
        absl::StrCat(LabelOf(units[i]), ": ",
                     WhatText(units[i], units[i].alternatives[picks[i]])));
  }
  return lines;
}

std::string ChoiceBound::Text() const {
  const auto number = [](size_t n) {
    return n == std::numeric_limits<size_t>::max() ? std::string("any number")
                                                   : absl::StrCat(n);
  };
  return absl::StrCat(
      "all combinations up to ", number(all_up_to_combinations),
      "; else all kept, none kept, each kind and each file kept and lost, ",
      number(prefixes), " cuts in time, single changes of ",
      number(singles_up_to_units), " units, pairs up to ",
      number(pairs_up_to_units), " units, ", random_choices, " at random");
}

bool IsAllowed(const CrashChoice& choice, absl::Span<const PendingUnit> units,
               const PersistenceProfile& profile) {
  if (choice.picks.size() != units.size()) return false;
  for (size_t i = 0; i < units.size(); ++i) {
    if (choice.picks[i] >= units[i].alternatives.size()) return false;
  }
  return ChoiceRules(units, profile).Allow(choice.picks);
}

CrashChoice NearestAllowed(CrashChoice choice,
                           absl::Span<const PendingUnit> units,
                           const PersistenceProfile& profile) {
  const ChoiceRules rules(units, profile);
  if (rules.Allow(choice.picks)) return choice;
  rules.Repair(&choice.picks);
  if (rules.Allow(choice.picks)) return choice;
  // What the process saw.
  for (size_t i = 0; i < units.size(); ++i) {
    choice.picks[i] = static_cast<uint16_t>(units[i].newest);
  }
  return choice;
}

}  // namespace holdfast
