// Ordering, or a missing sync: a file, its name, and who relies on them.

#include "absl/strings/str_cat.h"
#include "base/status_util.h"
#include "chaos/history_bugs/scenario.h"
#include "chaos/history_bugs/scenarios.h"

namespace holdfast::history_bugs {

// Goal: once a database was opened, it opens again. Method: power fails at each
// call of creating it and right after, and takes files without names, names
// without content, or all.
absl::Status LevelDb189_ACreatedDatabaseReopens() {
  Machine machine;
  machine.StartCutting();
  HF_RETURN_IF_ERROR(machine.Open());
  HF_RETURN_IF_ERROR(machine.Put("a", "1"));
  return machine.SurvivesEachCut(
      {Lost(), AllBut(Names()), AllBut(Sectors("MANIFEST"), What::kZeros),
       AllBut(Sectors(), What::kZeros), AllBut(Sizes()), Kept()});
}

// Goal: the directory of a new database is durable, also when the program made
// it itself and did not sync it. Method: all that is not durable is lost right
// after the first synced write.
absl::Status WiredTiger2064_TheDirectoryOfANewDatabaseIsDurable() {
  for (const bool made_before : {false, true}) {
    Machine machine;
    if (made_before) {
      HF_RETURN_IF_ERROR(machine.env().fs().CreateDirectory(kDbDir));
    }
    HF_RETURN_IF_ERROR(machine.Open());
    HF_RETURN_IF_ERROR(machine.Put("a", "1", kSynced));
    HF_RETURN_IF_ERROR(Recovers(machine.CutNow(), Lost()));
    HF_RETURN_IF_ERROR(Recovers(machine.CutNow(), AllBut(Names())));
  }
  return absl::OkStatus();
}

// Goal: the name of a flushed table is durable before the manifest names the
// table. Method: crashes from the flush on that lose names alone.
absl::Status LevelDb196_ATableHasItsNameBeforeTheManifestNamesIt() {
  Machine machine;
  HF_RETURN_IF_ERROR(machine.Open());
  HF_RETURN_IF_ERROR(machine.Put("a", "1", kSynced));
  machine.StartCutting();
  HF_RETURN_IF_ERROR(machine.Flush());
  HF_RETURN_IF_ERROR(machine.Put("b", "2", kSynced));
  HF_RETURN_IF_ERROR(Expect(machine.Files(".sst").size() == 1, "a table"));
  return machine.SurvivesEachCut(
      {AllBut(Names(".sst")), AllBut(Names()), Lost()});
}

// Goal: the content of a flushed table is durable before the manifest names it.
// Method: crashes from the flush on that keep every name and size, and leave
// old sectors, zeros, garbage or stale blocks where data was not synced.
absl::Status Badger1625_ATableIsDurableBeforeTheManifestNamesIt() {
  Machine machine;
  HF_RETURN_IF_ERROR(machine.Open());
  HF_RETURN_IF_ERROR(machine.Put("a", Filler("a", 3000), kSynced));
  machine.StartCutting();
  HF_RETURN_IF_ERROR(machine.Flush());
  HF_RETURN_IF_ERROR(machine.Put("b", "2", kSynced));
  return machine.SurvivesEachCut(
      {AllBut(Sectors(".sst")), AllBut(Sectors(".sst"), What::kZeros),
       AllBut(Sectors(".sst"), What::kGarbage),
       AllBut(Sectors(".sst"), What::kStale), Lost()});
}

// Goal: there is no ingestion here; the one step that brings several files in
// at once is a compaction. Its outputs, and their names, are durable before the
// edit that takes them in. Method: crashes at each call of a compaction into
// several tables, losing contents, names, or all.
absl::Status RocksDb5287_OutputsOfACompactionAreDurableBeforeItsEdit() {
  Machine machine;
  HF_RETURN_IF_ERROR(machine.Open());
  for (int flush = 0; flush < 2; ++flush) {
    HF_RETURN_IF_ERROR(machine.FillMemTables(1));
    HF_RETURN_IF_ERROR(machine.Put("shared", absl::StrCat(flush)));
    HF_RETURN_IF_ERROR(machine.Flush());
  }
  machine.StartCutting();
  HF_RETURN_IF_ERROR(machine.Compact());
  HF_RETURN_IF_ERROR(
      Expect(machine.db().Stats().levels[1].tables > 1, "several outputs"));
  return machine.SurvivesEachCut(
      {AllBut(Sectors(".sst"), What::kZeros), AllBut(Names()), Lost()});
}

// Goal: what a compaction read, and the log of what a flush wrote, go only
// after the edit that releases them is durable. Method: crashes at each call in
// which the removals reached the disk, and nothing else that was pending.
absl::Status Cockroach117299_InputsGoOnlyAfterTheEditIsDurable() {
  Machine machine;
  HF_RETURN_IF_ERROR(machine.Open());
  HF_RETURN_IF_ERROR(machine.Put("a", "1", kSynced));
  machine.StartCutting();
  HF_RETURN_IF_ERROR(machine.Flush());
  HF_RETURN_IF_ERROR(machine.Put("a", "2", kSynced));
  HF_RETURN_IF_ERROR(machine.Compact());
  HF_RETURN_IF_ERROR(
      Expect(machine.Files(".sst").size() == 1, "inputs that were removed"));
  return machine.SurvivesEachCut({Only(Names("remove")), Lost()});
}

// Goal: every file that the manifest names is there, also when a compaction
// looks for obsolete files while a flush has made a table that no version names
// yet. Method: the compaction runs inside the flush, at the sync of its table.
absl::Status Badger1291_AFlushBesideACompactionKeepsItsTable() {
  Options options = SmallOptions();
  options.disable_auto_compaction = false;
  options.level0_compaction_trigger = 2;
  Machine machine(options);
  HF_RETURN_IF_ERROR(machine.Open());
  // A table over all keys, so that the compaction merges.
  HF_RETURN_IF_ERROR(machine.Write({{"a", "1"}, {"z", "2"}}));
  HF_RETURN_IF_ERROR(machine.Flush());
  // Two memtables wait. The first flush makes a compaction due, which queues up
  // behind the second.
  HF_RETURN_IF_ERROR(machine.FillMemTables(2));
  HF_RETURN_IF_ERROR(machine.SyncWal());
  HF_RETURN_IF_ERROR(machine.RunFlushes(2));
  bool nested = false;
  machine.after_call = [&](const FileCall& call) {
    if (nested || call.op != FileOp::kSync || !call.path.ends_with(".sst")) {
      return;
    }
    nested = true;
    machine.env().sim_executor().RunOne();
  };
  machine.env().sim_executor().RunOne();
  machine.after_call = nullptr;
  HF_RETURN_IF_ERROR(Expect(nested, "a flush"));
  HF_RETURN_IF_ERROR(Expect(machine.db().Stats().compactions_total == 1 &&
                                machine.db().Stats().flushes_total == 3,
                            "a compaction within the last of three flushes"));
  HF_RETURN_IF_ERROR(machine.CheckReads());
  HF_RETURN_IF_ERROR(Recovers(machine.CutNow(), Kept()));
  return Recovers(machine.CutNow(), Lost());
}

// Goal: a clean close loses no write, though none was synced. Method: power
// fails right after it.
absl::Status RocksDb12556_CloseKeepsUnsyncedWrites() {
  Machine machine;
  HF_RETURN_IF_ERROR(machine.Open());
  HF_RETURN_IF_ERROR(machine.Put("a", "1"));
  HF_RETURN_IF_ERROR(machine.Write({{"b", "2"}}, false, /*disable_wal=*/true));
  HF_RETURN_IF_ERROR(machine.Put("c", Filler("c", 2000)));
  HF_RETURN_IF_ERROR(machine.Close());
  HF_RETURN_IF_ERROR(Recovers(machine.CutNow(), Lost()));
  // And when there is nothing to flush.
  HF_RETURN_IF_ERROR(machine.Open());
  HF_RETURN_IF_ERROR(machine.Put("d", "4"));
  HF_RETURN_IF_ERROR(machine.Close());
  return Recovers(machine.CutNow(), Lost());
}

// Goal: a write that was acknowledged as synced is durable. Method: power fails
// right after each acknowledgement, and takes all it can.
absl::Status Etcd14370_AnAcknowledgedSyncedWriteIsDurable() {
  Machine machine;
  HF_RETURN_IF_ERROR(machine.Open());
  for (int i = 0; i < 4; ++i) {
    HF_RETURN_IF_ERROR(machine.Put(absl::StrCat("unsynced", i), "v"));
    HF_RETURN_IF_ERROR(machine.Put(absl::StrCat("synced", i), "v", kSynced));
    HF_RETURN_IF_ERROR(Recovers(machine.CutNow(), Lost()));
  }
  return absl::OkStatus();
}

// Goal: a sync covers every byte that was accepted before it, wherever it was
// gathered. Method: values around the sizes of fragments and write buffers,
// made durable by a sync of the log, then by a flush; all else is lost.
absl::Status Cockroach50847_ASyncCoversEveryAcceptedByte() {
  for (const size_t bytes : {size_t{100}, size_t{262100}, size_t{262144},
                             size_t{524200}, size_t{600000}}) {
    Machine machine;
    HF_RETURN_IF_ERROR(machine.Open());
    HF_RETURN_IF_ERROR(machine.Put("first", Filler("first", bytes)));
    HF_RETURN_IF_ERROR(machine.Put("second", Filler("second", bytes)));
    HF_RETURN_IF_ERROR(machine.SyncWal());
    HF_RETURN_IF_ERROR(Recovers(machine.CutNow(), Lost()));
    HF_RETURN_IF_ERROR(machine.Put("third", Filler("third", bytes)));
    HF_RETURN_IF_ERROR(machine.Flush());
    HF_RETURN_IF_ERROR(Recovers(machine.CutNow(), Lost()));
  }
  return absl::OkStatus();
}

// Goal: a table never holds what the log may still lose, and no log goes before
// the tables of all its writes are named: memtables are flushed in order.
// Method: two memtables wait, one flush at a time runs, all unsynced is lost at
// each call.
absl::Status Turso7781_TablesNeverGetAheadOfTheLog() {
  Machine machine;
  HF_RETURN_IF_ERROR(machine.Open());
  HF_RETURN_IF_ERROR(machine.FillMemTables(2));
  HF_RETURN_IF_ERROR(machine.Put("newest", "1", kSynced));
  machine.StartCutting();
  HF_RETURN_IF_ERROR(machine.RunFlushes(1));
  HF_RETURN_IF_ERROR(machine.Put("unsynced", "2"));
  HF_RETURN_IF_ERROR(machine.RunFlushes(2));
  HF_RETURN_IF_ERROR(
      Expect(machine.db().Stats().flushes_total == 2, "two flushes"));
  return machine.SurvivesEachCut(
      {Lost(), AllBut(Sectors(".wal"), What::kZeros), Only(Names("remove"))});
}

// Goal: a new log, its header and its name are durable before anything leads to
// it or is written to it. Method: power fails at each call of a change of logs
// and of a synced write after it.
absl::Status WiredTiger1653_ANewLogIsDurableBeforeItIsUsed() {
  Machine machine;
  HF_RETURN_IF_ERROR(machine.Open());
  machine.StartCutting();
  HF_RETURN_IF_ERROR(machine.FillMemTables(1));
  HF_RETURN_IF_ERROR(machine.Put("synced", "1", kSynced));
  HF_RETURN_IF_ERROR(Expect(machine.Files(".wal").size() == 2, "two logs"));
  return machine.SurvivesEachCut({AllBut(Names(".wal")),
                                  AllBut(Sectors(".wal"), What::kZeros),
                                  AllBut(Sizes(".wal")), Lost()});
}

// Goal: the log before is whole on disk before the next one is used, so that a
// crash anywhere in a change of logs leaves a prefix. Method: as above, with
// unsynced writes on both sides and crashes that favour the newer log.
absl::Status Pebble9af7bb126_ALogIsUsedOnlyAfterTheOneBeforeItIsDurable() {
  Machine machine;
  HF_RETURN_IF_ERROR(machine.Open());
  const std::string old_log = machine.Newest(".wal");
  machine.StartCutting();
  HF_RETURN_IF_ERROR(machine.FillMemTables(1));
  HF_RETURN_IF_ERROR(machine.Put("unsynced", "1"));
  HF_RETURN_IF_ERROR(machine.Put("unsynced too", "2"));
  HF_RETURN_IF_ERROR(Expect(machine.Newest(".wal") != old_log, "a second log"));
  return machine.SurvivesEachCut({AllBut(All(old_log)),
                                  AllBut(Sectors(old_log), What::kGarbage),
                                  AllBut(Sizes(old_log))});
}

}  // namespace holdfast::history_bugs
