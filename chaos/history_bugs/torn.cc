// Torn or partial files.

#include "absl/strings/str_cat.h"
#include "base/status_util.h"
#include "chaos/history_bugs/scenario.h"
#include "chaos/history_bugs/scenarios.h"

namespace holdfast::history_bugs {

// Goal: a CURRENT that is not whole is never followed. A crash leaves none, so
// there is the one before; one that was cut at rest is told of. Method: power
// fails at each call of an opening, with sizes that are not those of the data;
// then CURRENT is cut at each byte, the last line end included, and each of its
// bytes is changed.
absl::Status LevelDb75_ATornCurrentIsNeverFollowed() {
  Machine machine;
  HF_RETURN_IF_ERROR(machine.Open());
  HF_RETURN_IF_ERROR(machine.Put("a", "1", kSynced));
  machine.StartCutting();
  HF_RETURN_IF_ERROR(machine.Reopen());
  HF_RETURN_IF_ERROR(machine.SurvivesEachCut(
      {AllBut(Sizes()), AllBut(Sectors()), Only(Names())}));

  const std::string path = absl::StrCat(kDbDir, "/CURRENT");
  const Cut cut = machine.CutNow();
  const std::string whole = FileOf(cut.disk, path);
  for (size_t i = 0; i < whole.size(); ++i) {
    SimDisk disk = Crash(cut, Kept());
    disk.Put(path, whole.substr(0, i));
    HF_RETURN_IF_ERROR(Annotate(Told(cut, disk), absl::StrCat("cut at ", i)));
    std::string changed = whole;
    changed[i] ^= 1;
    disk.Put(path, changed);
    HF_RETURN_IF_ERROR(Annotate(Told(cut, disk), absl::StrCat("byte ", i)));
  }
  return absl::OkStatus();
}

// Goal: a table that is shorter than the manifest says is never taken for one,
// however empty. Method: crashes after a flush that keep names and lose sizes;
// then the table is cut at rest, to nothing, to a sector, by one byte.
absl::Status LevelDb333_AnEmptyTableIsNeverAccepted() {
  Machine machine;
  HF_RETURN_IF_ERROR(machine.Open());
  HF_RETURN_IF_ERROR(machine.Put("a", Filler("a", 2000), kSynced));
  machine.StartCutting();
  HF_RETURN_IF_ERROR(machine.Flush());
  HF_RETURN_IF_ERROR(machine.SurvivesEachCut(
      {AllBut(Sizes(".sst")), AllBut(All(".sst")), Only(Names(".sst"))}));

  const std::string path = machine.Newest(".sst");
  const Cut cut = machine.CutNow();
  const std::string whole = FileOf(cut.disk, path);
  for (const size_t bytes : {size_t{0}, size_t{512}, whole.size() - 1}) {
    SimDisk disk = Crash(cut, Kept());
    disk.Put(path, whole.substr(0, bytes));
    HF_RETURN_IF_ERROR(
        Annotate(Told(cut, disk), absl::StrCat("cut to ", bytes)));
    // At once, not only when somebody reads it.
    SimEnv env(disk);
    Options options = SmallOptions();
    options.env = &env;
    if (DB::Open(options, kDbDir).ok()) {
      return Broken("opened with a table too short");
    }
  }
  return absl::OkStatus();
}

// Goal: a metadata file that a crash left half written stands in nobody's way,
// and goes. There is no file of options here; CURRENT and manifests are written
// beside those in force. Method: power fails at each call of an opening; what
// is new is there in name and size, with garbage, torn or empty.
absl::Status Pebble9656de4a3_PartialMetadataDoesNotBlockOpening() {
  Machine machine;
  HF_RETURN_IF_ERROR(machine.Open());
  HF_RETURN_IF_ERROR(machine.Put("a", "1", kSynced));
  machine.StartCutting();
  HF_RETURN_IF_ERROR(machine.Reopen());
  HF_RETURN_IF_ERROR(machine.SurvivesEachCut(
      {AllBut(Sectors(), What::kGarbage), AllBut(Sizes()), Only(Names())}));
  // What no crash of ours leaves, but other crashes and programs may.
  for (const std::string_view name :
       {"000900.tmp", "MANIFEST-000901", "000902.wal", "000903.sst"}) {
    for (const size_t bytes : {0, 1, 71, 600}) {
      const Cut cut = machine.CutNow();
      SimDisk disk = Crash(cut, Kept());
      disk.Put(absl::StrCat(kDbDir, "/", name), Filler(name, bytes));
      HF_RETURN_IF_ERROR(
          Annotate(RecoversFrom(cut, disk), absl::StrCat(name, " of ", bytes)));
    }
  }
  return absl::OkStatus();
}

// Goal: a process that is killed while it writes the snapshot of the metadata,
// which is the first record of a manifest, leaves the one before in force.
// Method: the process dies, and alternatively power fails, at each call of an
// opening; the new manifest is whole, empty or cut.
absl::Status Sled1527_AKilledManifestSnapshotLeavesTheOldOne() {
  Machine machine;
  HF_RETURN_IF_ERROR(machine.Open());
  for (int i = 0; i < 5; ++i) {
    HF_RETURN_IF_ERROR(
        machine.Put(absl::StrCat(Filler("key", 300), i), "v", kSynced));
    HF_RETURN_IF_ERROR(machine.Flush());
  }
  machine.StartCutting();
  HF_RETURN_IF_ERROR(machine.Reopen());
  return machine.SurvivesEachCut({Kept(), AllBut(Sizes("MANIFEST")),
                                  AllBut(Sectors("MANIFEST"), What::kZeros),
                                  AllBut(Names("MANIFEST"))});
}

// Goal: damage inside of the log is told, and nothing is cut away; only the end
// that no sync had covered is dropped in silence. Method: each byte of a synced
// log in use is changed; the log must be as it was after the refusal.
absl::Status Badger434_DamageInsideALogIsNotATornTail() {
  Machine machine;
  HF_RETURN_IF_ERROR(machine.Open());
  for (int i = 0; i < 3; ++i) {
    HF_RETURN_IF_ERROR(
        machine.Put(absl::StrCat("synced", i), "some value", kSynced));
  }
  const std::string path = machine.Newest(".wal");
  const size_t known = FrameBytesOf(machine.env().fs().disk(), path);
  // This one's frame says how far the log was synced.
  HF_RETURN_IF_ERROR(machine.Put("witness", "w", kSynced));
  const Cut cut = machine.CutNow();
  const std::string whole = FileOf(cut.disk, path);
  for (size_t i = 0; i < known; ++i) {
    SimDisk disk = Crash(cut, Kept());
    std::string damaged = whole;
    damaged[i] ^= 0x10;
    disk.Put(path, damaged);
    HF_RETURN_IF_ERROR(Annotate(Told(cut, disk), absl::StrCat("byte ", i)));
    Machine next(cut, disk);
    HF_RETURN_IF_ERROR(Expect(!next.Open().ok(), "a refusal"));
    if (FileOf(next.env().fs().disk(), path) != damaged) {
      return Broken("the damaged log was changed");
    }
  }
  return absl::OkStatus();
}

// Goal: a frame that was torn is no frame, wherever it was torn. Method: an
// unsynced record over several sectors, of which each alone is old, zeros,
// garbage or stale after the crash, with the full size.
absl::Status LiteDb2935_ATornFrameIsDetected() {
  Machine machine;
  HF_RETURN_IF_ERROR(machine.Open());
  HF_RETURN_IF_ERROR(machine.Put("a", "1", kSynced));
  HF_RETURN_IF_ERROR(machine.Write(
      {{"b", Filler("b", 900)}, {"c", Filler("c", 900)}, {"d", "4"}}));
  const Cut cut = machine.CutNow();
  const std::vector<PendingUnit> units = cut.disk.Pending(true);
  int torn = 0;
  for (size_t i = 0; i < units.size(); ++i) {
    if (!Sectors(".wal").Match(units[i])) continue;
    for (size_t j = 0; j < units[i].alternatives.size(); ++j) {
      CrashChoice choice = Choose(units, Kept());
      choice.picks[i] = static_cast<uint16_t>(j);
      HF_RETURN_IF_ERROR(
          Annotate(RecoversFrom(cut, cut.disk.Crash(units, choice)),
                   absl::StrCat(units[i].label, ", alternative ", j)));
      ++torn;
    }
  }
  return Expect(torn >= 8, "torn sectors");
}

}  // namespace holdfast::history_bugs
