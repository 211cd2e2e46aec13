// Names and numbers that come again.

#include <set>

#include "absl/strings/str_cat.h"
#include "base/status_util.h"
#include "chaos/history_bugs/scenario.h"
#include "chaos/history_bugs/scenarios.h"

namespace holdfast::history_bugs {

// Goal: no file is made under a name that is there. Method: an opening is
// crashed at each call, everything kept, so that a manifest, a log and a
// temporary file lie there which nothing names; the next opening must use
// numbers of its own.
absl::Status RocksDb6426_NoFileNumberIsGivenTwice() {
  Machine machine;
  HF_RETURN_IF_ERROR(machine.Open());
  HF_RETURN_IF_ERROR(machine.Put("a", "1", kSynced));
  machine.StartCutting();
  HF_RETURN_IF_ERROR(machine.Reopen());
  return machine.SurvivesEachCut(
      {Kept(), AllBut(Names("rename")), AllBut(Names("remove"))});
}

// Goal: as above for tables that a crash left without a manifest that names
// them; there is no ingestion here, so flushes and compactions make them.
// Method: a flush, and a compaction while there are writes in the log, are
// crashed at each call; the process after that replays the log into a table,
// writes, flushes and crashes too, and the removals of orphans are lost.
absl::Status Pebble06feeaa2a_NumbersGoPastEveryOrphan() {
  Options options = SmallOptions();
  options.disable_auto_compaction = false;
  options.level0_compaction_trigger = 2;
  Machine machine(options);
  HF_RETURN_IF_ERROR(machine.Open());
  HF_RETURN_IF_ERROR(machine.Put("a", "1", kSynced));
  HF_RETURN_IF_ERROR(machine.Flush());
  HF_RETURN_IF_ERROR(machine.Put("a", "2", kSynced));
  machine.StartCutting();
  HF_RETURN_IF_ERROR(machine.Flush());
  HF_RETURN_IF_ERROR(machine.Put("a", "3", kSynced));
  machine.env().sim_executor().RunAll();
  HF_RETURN_IF_ERROR(
      Expect(machine.db().Stats().compactions_total == 1, "a compaction"));
  machine.StopCutting();
  size_t orphans = 0;
  for (const Cut& cut : machine.cuts()) {
    Machine next(cut, Crash(cut, Kept()));
    const std::vector<std::string> names = next.Files();
    const std::set<std::string> found(names.begin(), names.end());
    std::string reused;
    next.on_call = [&](const FileCall& call) {
      const std::string name = call.path.substr(call.path.rfind('/') + 1);
      if (call.op == FileOp::kCreate && found.contains(name)) reused = name;
      return absl::OkStatus();
    };
    const std::string where = absl::StrCat("after a crash ", cut.where);
    HF_RETURN_IF_ERROR(Annotate(next.Open(), where));
    for (const std::string& name : found) {
      if (name.ends_with(".sst") &&
          FileOf(next.env().fs().disk(), absl::StrCat(kDbDir, "/", name))
              .empty()) {
        ++orphans;
      }
    }
    HF_RETURN_IF_ERROR(Annotate(next.Put("b", "3"), where));
    HF_RETURN_IF_ERROR(Annotate(next.Flush(), where));
    if (!reused.empty()) return Broken(absl::StrCat(reused, " again, ", where));
    HF_RETURN_IF_ERROR(
        Annotate(Recovers(next.CutNow(), AllBut(Names("remove"))), where));
    HF_RETURN_IF_ERROR(Annotate(Recovers(next.CutNow(), Lost()), where));
  }
  return Expect(orphans > 0, "orphans");
}

// Goal: logs are not recycled here, but a file or a sector may be that of
// another log: an older one of this database, or one of the same number of
// another. None of its records is replayed, and it is told. Method: the log in
// use is replaced as a whole, then sector by sector.
absl::Status Pebble580_RecordsOfAnotherLogAreRefused() {
  Machine machine;
  HF_RETURN_IF_ERROR(machine.Open());
  for (int i = 0; i < 4; ++i) {
    HF_RETURN_IF_ERROR(
        machine.Put(absl::StrCat("k", i), Filler("old", 600), kSynced));
  }
  const std::string older =
      FileOf(machine.env().fs().disk(), machine.Newest(".wal"));
  HF_RETURN_IF_ERROR(machine.Flush());
  for (int i = 0; i < 4; ++i) {
    HF_RETURN_IF_ERROR(
        machine.Put(absl::StrCat("k", i), Filler("new", 600), kSynced));
  }
  const std::string path = machine.Newest(".wal");
  const size_t known = FrameBytesOf(machine.env().fs().disk(), path);
  // This one's frame says how far the log was synced.
  HF_RETURN_IF_ERROR(machine.Put("witness", "w", kSynced));

  // Another database with a log of the same number, and with the same writes.
  Machine other;
  other.env().fs().set_unique_id(uint64_t{77} << 40);
  HF_RETURN_IF_ERROR(other.Open());
  HF_RETURN_IF_ERROR(other.Put("k", "1"));
  HF_RETURN_IF_ERROR(other.Flush());
  for (int i = 0; i < 4; ++i) {
    HF_RETURN_IF_ERROR(
        other.Put(absl::StrCat("k", i), Filler("other", 600), kSynced));
  }
  HF_RETURN_IF_ERROR(Expect(other.Newest(".wal") == path, "the same name"));

  const Cut cut = machine.CutNow();
  const std::string whole = FileOf(cut.disk, path);
  for (const std::string& wrong :
       {older, FileOf(other.env().fs().disk(), path)}) {
    SimDisk disk = Crash(cut, Kept());
    disk.Put(path, wrong);
    HF_RETURN_IF_ERROR(Annotate(Told(cut, disk), "another log"));
    for (size_t at = 0; at + 512 <= known; at += 512) {
      std::string mixed = whole;
      mixed.replace(at, 512, wrong, at, 512);
      disk.Put(path, mixed);
      HF_RETURN_IF_ERROR(
          Annotate(Told(cut, disk), absl::StrCat("a sector of it at ", at)));
    }
  }
  return absl::OkStatus();
}

}  // namespace holdfast::history_bugs
