// A hole in the log: something in the middle is missing, what came later is
// there.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_util.h"
#include "chaos/history_bugs/scenario.h"
#include "chaos/history_bugs/scenarios.h"

namespace holdfast::history_bugs {
namespace {

// Two logs that a crash now would replay: the first is sealed and its memtable
// not flushed, the second has records. RETURNS the path of the first.
absl::StatusOr<std::string> TwoLogs(Machine& machine) {
  HF_RETURN_IF_ERROR(machine.Open());
  const std::string first = machine.Newest(".wal");
  HF_RETURN_IF_ERROR(machine.FillMemTables(1));
  HF_RETURN_IF_ERROR(machine.Put("in the second log", "1", kSynced));
  HF_RETURN_IF_ERROR(Expect(machine.Newest(".wal") != first, "two logs"));
  return first;
}

}  // namespace

// Goal: a synced write in a log proves that every log before it is whole,
// though nobody synced those writes. Method: unsynced writes, a change of logs,
// a synced write; at each call since, the first log loses what it can.
absl::Status LevelDb193_ASyncedLogNeverFollowsAHole() {
  Machine machine;
  HF_RETURN_IF_ERROR(machine.Open());
  const std::string first = machine.Newest(".wal");
  HF_RETURN_IF_ERROR(machine.FillMemTables(1));
  machine.StartCutting();
  HF_RETURN_IF_ERROR(machine.Put("synced", "1", kSynced));
  HF_RETURN_IF_ERROR(Expect(machine.Newest(".wal") != first, "two logs"));
  return machine.SurvivesEachCut(
      {Lost(), AllBut(All(first)), AllBut(Sectors(first), What::kZeros)});
}

// Goal: replay does not go on after a log that was cut short. Method: the first
// of two logs is cut at rest, at each sector and at each byte of its end, with
// the seal.
absl::Status RocksDb7701_ATruncatedLogEndsReplay() {
  Machine machine;
  HF_ASSIGN_OR_RETURN(const std::string first, TwoLogs(machine));
  const Cut cut = machine.CutNow();
  const std::string whole = FileOf(cut.disk, first);
  for (size_t bytes = 0; bytes < whole.size();
       bytes += bytes + 600 < whole.size() ? 512 : 1) {
    SimDisk disk = Crash(cut, Kept());
    disk.Put(first, whole.substr(0, bytes));
    HF_RETURN_IF_ERROR(
        Annotate(Told(cut, disk), absl::StrCat("cut to ", bytes)));
  }
  return absl::OkStatus();
}

// Goal: as above for a log that is damaged in its middle. Method: bytes of the
// first of two logs are changed, one at a time.
absl::Status Pebble453_DamageInOneLogHidesTheNext() {
  Machine machine;
  HF_ASSIGN_OR_RETURN(const std::string first, TwoLogs(machine));
  const Cut cut = machine.CutNow();
  const std::string whole = FileOf(cut.disk, first);
  for (size_t i = 0; i < whole.size();
       i += i < 200 || i + 200 > whole.size() ? 1 : 499) {
    SimDisk disk = Crash(cut, Kept());
    std::string damaged = whole;
    damaged[i] ^= 1;
    disk.Put(first, damaged);
    HF_RETURN_IF_ERROR(Annotate(Told(cut, disk), absl::StrCat("byte ", i)));
  }
  return absl::OkStatus();
}

// Goal: logs are not recycled here, but freed blocks of an older log may lie
// behind the end of a newer one, in the last log and after a seal; that is not
// damage, whatever their frames say, and none of it is replayed. Writes that
// were not logged leave gaps between sequence numbers; those are no holes.
// Method: the tail of an older log is put behind each of two logs, at its own
// offsets.
absl::Status RocksDb12918_AStaleTailIsNotAGapAndUnloggedWritesAreNone() {
  Machine machine;
  HF_RETURN_IF_ERROR(machine.Open());
  for (int i = 0; i < 7; ++i) {
    HF_RETURN_IF_ERROR(machine.Put("old", Filler("o", 3000)));
    HF_RETURN_IF_ERROR(machine.Put("older", absl::StrCat(i), kSynced));
  }
  const std::string stale =
      FileOf(machine.env().fs().disk(), machine.Newest(".wal"));
  HF_RETURN_IF_ERROR(machine.Flush());
  HF_RETURN_IF_ERROR(machine.Put("old", "1", kSynced));
  HF_RETURN_IF_ERROR(machine.Put("first", "1", kSynced));
  const Contents logged_first = machine.history().now();
  const std::string first = machine.Newest(".wal");
  // Short logs, a full memtable: the next logged write goes to another log.
  while (machine.db().Stats().memtables < 2) {
    HF_RETURN_IF_ERROR(
        machine.Write({{"unlogged", Filler("u", 8000)}}, false, true));
  }
  HF_RETURN_IF_ERROR(machine.Put("second", "2", kSynced));
  const std::string second = machine.Newest(".wal");
  HF_RETURN_IF_ERROR(Expect(first != second, "two logs"));
  Contents expected = logged_first;
  expected["second"] = "2";
  const Cut cut = machine.CutNow();
  for (const std::string& path : {first, second}) {
    SimDisk disk = Crash(cut, Kept());
    std::string content = FileOf(disk, path);
    // Sectors that were freed hold the older log from the next one on.
    content.resize((content.size() + 511) / 512 * 512);
    HF_RETURN_IF_ERROR(
        Expect(stale.size() > content.size() + 15000, "a longer older log"));
    disk.Put(path, content + stale.substr(content.size()));
    HF_ASSIGN_OR_RETURN(const Damage damage,
                        ToldOrHarmless(cut, disk, expected));
    if (damage == Damage::kTold) {
      return Broken(absl::StrCat("a stale tail of ", path, " is no damage"));
    }
  }

  // Now the gaps: what was logged must be there.
  Machine gaps;
  HF_RETURN_IF_ERROR(gaps.Open());
  for (int i = 0; i < 5; ++i) {
    HF_RETURN_IF_ERROR(
        gaps.Write({{absl::StrCat("unlogged", i), "u"}}, false, true));
    HF_RETURN_IF_ERROR(gaps.Put(absl::StrCat("logged", i), "l", kSynced));
    if (i == 2) HF_RETURN_IF_ERROR(gaps.FillMemTables(1));
  }
  HF_ASSIGN_OR_RETURN(
      const Contents found,
      OpenAndRead(gaps.CutNow(), Crash(gaps.CutNow(), Lost()), false));
  for (int i = 0; i < 5; ++i) {
    if (!found.contains(absl::StrCat("logged", i))) {
      return Broken("a logged write was lost at a gap of unlogged ones");
    }
  }
  return absl::OkStatus();
}

// Goal: whatever is missing of the unsynced logs, what is found is a prefix.
// Method: at each call of a change of logs and after it, each pending sector
// and size is lost alone, and kept alone.
absl::Status RocksDb13169_AnyHoleLeavesAPrefix() {
  Machine machine;
  HF_RETURN_IF_ERROR(machine.Open());
  HF_RETURN_IF_ERROR(machine.FillMemTables(1));
  HF_RETURN_IF_ERROR(machine.SyncWal());
  for (int i = 0; i < 6; ++i) {
    HF_RETURN_IF_ERROR(machine.Put(absl::StrCat("a", i), Filler("a", 700)));
  }
  machine.StartCutting();
  HF_RETURN_IF_ERROR(machine.Flush());
  for (int i = 0; i < 4; ++i) {
    HF_RETURN_IF_ERROR(machine.Put(absl::StrCat("b", i), Filler("b", 700)));
  }
  machine.StopCutting();
  int holes = 0;
  for (const Cut& cut : machine.cuts()) {
    const std::vector<PendingUnit> units = cut.disk.Pending(true);
    for (size_t i = 0; i < units.size(); ++i) {
      for (const bool alone : {false, true}) {
        CrashChoice choice = Choose(units, alone ? Lost() : Kept());
        choice.picks[i] = static_cast<uint16_t>(alone ? units[i].newest : 0);
        HF_RETURN_IF_ERROR(
            Annotate(RecoversFrom(cut, cut.disk.Crash(units, choice)),
                     absl::StrCat("crash ", cut.where, ", ", units[i].label,
                                  alone ? " kept" : " lost", " alone")));
        ++holes;
      }
    }
  }
  return Expect(holes > 50, "holes");
}

}  // namespace holdfast::history_bugs
