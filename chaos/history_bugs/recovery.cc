// Two crashes in a row, and what recovery does to the disk.

#include <set>

#include "absl/strings/str_cat.h"
#include "base/status_util.h"
#include "chaos/history_bugs/scenario.h"
#include "chaos/history_bugs/scenarios.h"

namespace holdfast::history_bugs {
namespace {

// A log whose end a crash tore: the first sector of its unsynced part is lost,
// good frames follow.
Fate HoleInTheLog() {
  auto seen = std::make_shared<int>(0);
  return {"a hole", [seen](const PendingUnit& unit) -> std::optional<What> {
            if (Sectors(".wal").Match(unit) && ++*seen == 2) return What::kOld;
            return std::nullopt;
          }};
}

absl::Status WriteTornTail(Machine& machine, int round) {
  HF_RETURN_IF_ERROR(machine.Put("round", absl::StrCat(round), kSynced));
  for (int i = 0; i < 4; ++i) {
    HF_RETURN_IF_ERROR(machine.Write(
        {{absl::StrCat("torn", i), Filler(absl::StrCat(round, i), 600)},
         {"twin", absl::StrCat(round, i)}}));
  }
  return absl::OkStatus();
}

}  // namespace

// Goal: recovery writes nothing into a file that it found, so that it may be
// interrupted and begun again any number of times. Method: a torn log is
// recovered, with power failing at each call of it, and again at each call of
// the recovery from that; every write must go to a file of its own.
absl::Status Sled851_RecoveryChangesNothingThatItFound() {
  Machine machine;
  HF_RETURN_IF_ERROR(machine.Open());
  HF_RETURN_IF_ERROR(WriteTornTail(machine, 0));
  Machine second(machine.CutNow(), Crash(machine.CutNow(), HoleInTheLog()));
  const std::vector<std::string> names = second.Files();
  const std::set<std::string> found(names.begin(), names.end());
  std::string changed;
  second.on_call = [&](const FileCall& call) {
    const std::string name = call.path.substr(call.path.rfind('/') + 1);
    if ((call.op == FileOp::kWrite || call.op == FileOp::kTruncate) &&
        found.contains(name)) {
      changed = call.Text();
    }
    return absl::OkStatus();
  };
  second.StartCutting();
  HF_RETURN_IF_ERROR(second.Open());
  if (!changed.empty()) return Broken(changed);
  const std::vector<Cut> cuts = second.cuts();
  HF_RETURN_IF_ERROR(second.SurvivesEachCut({Lost(), Kept(), Only(Names())}));
  for (const Cut& cut : cuts) {
    for (const Fate& fate : {Lost(), Kept()}) {
      Machine third(cut, Crash(cut, fate));
      third.StartCutting();
      HF_RETURN_IF_ERROR(
          Annotate(third.Open(), absl::StrCat("crash ", cut.where)));
      HF_RETURN_IF_ERROR(
          Annotate(third.SurvivesEachCut({Lost(), Only(Names())}),
                   absl::StrCat("after a crash ", cut.where)));
    }
  }
  return absl::OkStatus();
}

// Goal: every crash image opens, and shows a legal state. Method: each call of
// a small workload that does everything once, with what the enumeration of the
// simulated disk gives within a tight bound.
absl::Status Fjall68_AnyCrashImageOpens() {
  Machine machine;
  machine.StartCutting();
  HF_RETURN_IF_ERROR(machine.Open());
  HF_RETURN_IF_ERROR(machine.Put("a", "1", kSynced));
  HF_RETURN_IF_ERROR(machine.Put("b", Filler("b", 1200)));
  HF_RETURN_IF_ERROR(machine.Flush());
  HF_RETURN_IF_ERROR(machine.Write({{"a", std::nullopt}, {"c", "3"}}));
  HF_RETURN_IF_ERROR(machine.Compact());
  HF_RETURN_IF_ERROR(machine.Put("d", "4"));
  HF_RETURN_IF_ERROR(machine.Reopen());
  machine.StopCutting();
  const ChoiceBound bound = {.pairs_up_to_units = 0,
                             .all_up_to_combinations = 8,
                             .singles_up_to_units = 8,
                             .prefixes = 4,
                             .random_choices = 1};
  uint64_t seed = 68;
  for (const Cut& cut : machine.cuts()) {
    const std::vector<PendingUnit> units = cut.disk.Pending();
    for (const CrashChoice& choice :
         EnumerateChoices(units, PosixProfile(), bound, ++seed)) {
      HF_RETURN_IF_ERROR(Annotate(
          RecoversFrom(cut, cut.disk.Crash(units, choice)),
          absl::StrCat("crash ", cut.where, ", ", choice.Text(units))));
    }
  }
  return Expect(machine.cuts().size() > 40, "a workload");
}

// Goal: what a recovery dropped does not come back, though the log that holds
// it is still there, and nothing is written over it. Method: rounds of a torn
// tail, recovery, one synced write and another crash, in which the removal of
// the old log, and all else that was not durable, is lost.
absl::Status TigerBeetle2653_WhatRecoveryDroppedStaysDropped() {
  auto machine = std::make_unique<Machine>();
  HF_RETURN_IF_ERROR(machine->Open());
  for (int round = 0; round < 5; ++round) {
    HF_RETURN_IF_ERROR(WriteTornTail(*machine, round));
    const Cut torn = machine->CutNow();
    machine = std::make_unique<Machine>(torn, Crash(torn, HoleInTheLog()));
    HF_RETURN_IF_ERROR(machine->Open());
    HF_RETURN_IF_ERROR(
        Expect(machine->history().now() != torn.history.now(), "a torn tail"));
    HF_RETURN_IF_ERROR(
        machine->Put(absl::StrCat("after", round), "v", kSynced));
    const Cut again = machine->CutNow();
    HF_RETURN_IF_ERROR(Recovers(again, Lost()));
    HF_RETURN_IF_ERROR(Recovers(again, AllBut(Names("remove"))));
    machine =
        std::make_unique<Machine>(again, Crash(again, AllBut(Names("remove"))));
    HF_RETURN_IF_ERROR(machine->Open());
  }
  return absl::OkStatus();
}

}  // namespace holdfast::history_bugs
