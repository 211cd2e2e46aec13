// Ordering, or a missing sync: who names whom. CURRENT names a manifest, the
// manifest names tables and a log; what is named is durable first, and goes
// last.

#include "absl/strings/str_cat.h"
#include "base/status_util.h"
#include "chaos/history_bugs/scenario.h"
#include "chaos/history_bugs/scenarios.h"

namespace holdfast::history_bugs {
namespace {

// A database with a table, a log with records, and a CURRENT that the next
// opening replaces.
absl::Status Prepare(Machine& machine) {
  HF_RETURN_IF_ERROR(machine.Open());
  HF_RETURN_IF_ERROR(machine.Put("a", "1"));
  HF_RETURN_IF_ERROR(machine.Flush());
  return machine.Put("b", "2", kSynced);
}

// Flushes until the manifest was replaced by a new one.
absl::Status RollManifest(Machine& machine) {
  const std::string before = machine.Newest("MANIFEST");
  for (int i = 0; i < 20; ++i) {
    // Long keys make long edits.
    HF_RETURN_IF_ERROR(machine.Put(absl::StrCat(Filler("key", 900), i), "v"));
    HF_RETURN_IF_ERROR(machine.Flush());
    if (machine.Newest("MANIFEST") != before) return absl::OkStatus();
  }
  return Expect(false, "a new manifest");
}

Options RollingOptions() {
  Options options = SmallOptions();
  options.manifest_roll_bytes = size_t{4} << 10;
  return options;
}

}  // namespace

// Goal: CURRENT is never half there. Method: power fails at each call of an
// opening that replaces CURRENT; all names and sizes reach the disk, but where
// data was not synced there are NULs, garbage, stale blocks or nothing.
absl::Status LevelDb74_CurrentAlwaysNamesAValidManifest() {
  Machine machine;
  HF_RETURN_IF_ERROR(Prepare(machine));
  const std::string before = machine.Newest("MANIFEST");
  HF_RETURN_IF_ERROR(machine.Close());
  machine.StartCutting();
  HF_RETURN_IF_ERROR(machine.Open());
  HF_RETURN_IF_ERROR(
      Expect(machine.Newest("MANIFEST") != before, "a new CURRENT"));
  return machine.SurvivesEachCut(
      {AllBut(Sectors(), What::kZeros), AllBut(Sectors(), What::kGarbage),
       AllBut(Sectors(), What::kStale), AllBut(Sectors()), AllBut(Sizes())});
}

// Goal: nothing goes that the CURRENT before needs, until the new one is
// durable. Method: an opening replaces CURRENT, then removes the old manifest
// and log; at each call the removals reach the disk, the rename does not.
absl::Status LevelDb195_NothingThatTheOldCurrentNeedsIsRemoved() {
  Machine machine;
  HF_RETURN_IF_ERROR(Prepare(machine));
  const size_t files = machine.Files().size();
  Machine next(machine.CutNow(), Crash(machine.CutNow(), Lost()));
  next.StartCutting();
  HF_RETURN_IF_ERROR(next.Open());
  // The replayed log became a table.
  HF_RETURN_IF_ERROR(
      Expect(next.Files().size() == files + 1, "a removed manifest and log"));
  return next.SurvivesEachCut(
      {Only(Names("remove")), AllBut(Names("rename")), Lost()});
}

// Goal: as above, where the manifest is replaced while the database works
// (it has grown too long): the switch is durable before the old one goes.
absl::Status RocksDb10573_AManifestSwitchIsDurableBeforeTheOldOneGoes() {
  Machine machine(RollingOptions());
  HF_RETURN_IF_ERROR(machine.Open());
  machine.StartCutting();
  HF_RETURN_IF_ERROR(RollManifest(machine));
  HF_RETURN_IF_ERROR(
      Expect(machine.Files("MANIFEST").size() == 1, "a removed manifest"));
  return machine.SurvivesEachCut(
      {Only(Names("remove")), AllBut(Names("rename")), Lost()});
}

// Goal: the manifest, its content and its name, is durable before CURRENT can
// name it. Method: at each call of an opening the rename of CURRENT reaches the
// disk, and nothing else that was pending does; or names, and no content.
absl::Status Pebble5915_AManifestIsDurableBeforeCurrentNamesIt() {
  Machine machine;
  HF_RETURN_IF_ERROR(Prepare(machine));
  HF_RETURN_IF_ERROR(machine.Close());
  machine.StartCutting();
  HF_RETURN_IF_ERROR(machine.Open());
  return machine.SurvivesEachCut(
      {Only(Names("rename")), AllBut(Names("MANIFEST")),
       AllBut(Sectors("MANIFEST"), What::kZeros), AllBut(Sizes("MANIFEST"))});
}

// Goal: the same when the manifest is replaced while the database works.
absl::Status WiredTiger1957_ARolledManifestIsDurableBeforeCurrentNamesIt() {
  Machine machine(RollingOptions());
  HF_RETURN_IF_ERROR(machine.Open());
  machine.StartCutting();
  HF_RETURN_IF_ERROR(RollManifest(machine));
  return machine.SurvivesEachCut(
      {Only(Names("rename")), AllBut(Names("MANIFEST")),
       AllBut(Sectors("MANIFEST"), What::kGarbage), AllBut(Sizes())});
}

// Goal: recovery always begins a new manifest here; what its replay made, and
// the names of that, are durable before CURRENT leads to them. Method: a log of
// several memtables is replayed; at each call names are lost, or contents.
absl::Status RocksDb14780_TablesOfRecoveryHaveNamesBeforeTheirEdit() {
  Machine machine;
  HF_RETURN_IF_ERROR(machine.Open());
  HF_RETURN_IF_ERROR(machine.FillMemTables(2));
  HF_RETURN_IF_ERROR(machine.SyncWal());
  Machine next(machine.CutNow(), Crash(machine.CutNow(), Lost()));
  next.StartCutting();
  HF_RETURN_IF_ERROR(next.Open());
  HF_RETURN_IF_ERROR(
      Expect(next.Files(".sst").size() > 1, "tables made by recovery"));
  return next.SurvivesEachCut({Only(Names("rename")), AllBut(Names(".sst")),
                               AllBut(Sectors(".sst"), What::kZeros), Lost()});
}

// Goal: there are no backups here; what removes a database step by step is
// Destroy. Half destroyed, also with another database made in its place, it is
// whole, gone or kDataLoss, and the two are never mixed; as long as its CURRENT
// is there, it is whole. Method: power fails at each call of both, and removals
// are lost, kept, or kept without the rest.
absl::Status WiredTiger2867_HalfDestroyedIsNeverTakenForAlive() {
  Machine machine;
  HF_RETURN_IF_ERROR(Prepare(machine));
  const Contents old_contents = machine.history().now();
  HF_RETURN_IF_ERROR(machine.Close());
  machine.StartCutting();
  Options options = machine.options();
  options.env = &machine.env();
  HF_RETURN_IF_ERROR(DB::Destroy(options, kDbDir));
  const size_t destroyed = machine.cuts().size();
  // The place is empty: another database comes there.
  Machine second(machine.CutNow(), machine.env().fs().disk());
  second.StartCutting();
  HF_RETURN_IF_ERROR(second.OpenAnew());
  HF_RETURN_IF_ERROR(second.Put("c", "3", kSynced));
  const size_t made = second.cuts().size();
  HF_RETURN_IF_ERROR(Expect(destroyed > 3 && made > 3, "both"));

  const std::vector<Fate> fates = {Lost(),
                                   Kept(),
                                   Only(Names("remove")),
                                   AllBut(Names("remove")),
                                   AllBut(Names("CURRENT")),
                                   AllBut(Sectors(), What::kZeros)};
  for (const std::vector<Cut>* cuts : {&machine.cuts(), &second.cuts()}) {
    for (const Cut& cut : *cuts) {
      for (const Fate& fate : fates) {
        const SimDisk disk = Crash(cut, fate);
        const bool whole =
            cuts == &machine.cuts() &&
            !FileOf(disk, absl::StrCat(kDbDir, "/CURRENT")).empty();
        const absl::StatusOr<Contents> found =
            OpenAndRead(cut, disk, /*create_if_missing=*/true);
        if (whole && (!found.ok() || *found != old_contents)) {
          return Broken(absl::StrCat("crash ", cut.where, ", ", fate.name,
                                     ": not whole, but CURRENT is there"));
        }
        if (absl::IsDataLoss(found.status())) continue;
        HF_RETURN_IF_ERROR(
            Annotate(found.status(), absl::StrCat("crash ", cut.where)));
        if (found->empty() || *found == old_contents ||
            *found == Contents{{"c", "3"}}) {
          continue;
        }
        return Broken(absl::StrCat("crash ", cut.where, ", ", fate.name,
                                   ": part of a destroyed database"));
      }
    }
  }
  return Recovers(second.CutNow(), Lost());
}

// Goal: we do not trust the kernel: when a sync did not do what it said, the
// bytes tell, or the rest is still a prefix. Method: each sync of a run in turn
// lies; then all that is pending is lost, or is garbage, or each pending thing
// alone is. A lie about anything but the newest log, which nothing else can
// prove, is never silent.
absl::Status BBolt562_ASyncThatLiedIsFoundOutOrHarmless() {
  int told = 0;
  for (int lie = 0;; ++lie) {
    Machine machine;
    HF_RETURN_IF_ERROR(machine.Open());
    int syncs = 0;
    std::string lied;
    machine.on_call = [&](const FileCall& call) {
      if ((call.op == FileOp::kSync || call.op == FileOp::kSyncDirectory) &&
          syncs++ == lie) {
        lied = call.Text();
        machine.env().fs().ArmNextSync(SyncOutcome::kLies);
      }
      return absl::OkStatus();
    };
    HF_RETURN_IF_ERROR(machine.Put("a", Filler("a", 700), kSynced));
    HF_RETURN_IF_ERROR(machine.Flush());
    HF_RETURN_IF_ERROR(machine.Put("b", Filler("b", 700), kSynced));
    HF_RETURN_IF_ERROR(machine.Compact());
    HF_RETURN_IF_ERROR(machine.Put("c", Filler("c", 700), kSynced));
    machine.on_call = nullptr;
    if (lied.empty()) break;
    const Cut cut = machine.CutNow();
    const bool newest_log =
        lied == absl::StrCat("sync ", machine.Newest(".wal"));
    const std::vector<PendingUnit> units = cut.disk.Pending(true);
    std::vector<CrashChoice> choices = {Choose(units, Lost())};
    for (const What what : {What::kOld, What::kGarbage}) {
      choices.push_back(Choose(units, AllBut(Sectors(), what)));
      for (size_t i = 0; i < units.size(); ++i) {
        choices.push_back(Choose(units, Kept()));
        choices.back().picks[i] =
            Choose({&units[i], 1}, AllBut(All(), what)).picks[0];
      }
    }
    for (const CrashChoice& choice : choices) {
      const absl::StatusOr<Contents> found =
          OpenAndRead(cut, cut.disk.Crash(units, choice),
                      /*create_if_missing=*/false);
      const std::string what =
          absl::StrCat(lied, " lied, ", choice.Text(units));
      if (absl::IsDataLoss(found.status())) {
        ++told;
        continue;
      }
      HF_RETURN_IF_ERROR(Annotate(found.status(), what));
      HF_RETURN_IF_ERROR(Annotate(newest_log ? cut.history.JudgeAsPrefix(*found)
                                             : cut.history.Judge(*found),
                                  what));
    }
  }
  return Expect(told > 0, "a lie that cost something");
}

}  // namespace holdfast::history_bugs
