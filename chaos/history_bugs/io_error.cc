// I/O errors: what the engine believes, and does, after a call failed.

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_util.h"
#include "chaos/history_bugs/scenario.h"
#include "chaos/history_bugs/scenarios.h"

namespace holdfast::history_bugs {
namespace {

// The disk as every kind of crash leaves it now.
absl::Status RecoversNow(Machine& machine) {
  const Cut cut = machine.CutNow();
  for (const Fate& fate :
       {Lost(), Kept(), AllBut(Sectors(), What::kZeros), Only(Names())}) {
    HF_RETURN_IF_ERROR(Recovers(cut, fate));
  }
  return Annotate(RecoversFrom(cut, cut.disk.DropCache()), "cache dropped");
}

// The fault is over: the database becomes healthy and durable again.
absl::Status Heals(Machine& machine) {
  machine.faults().Clear();
  HF_RETURN_IF_ERROR(Annotate(machine.Resume(), "Resume"));
  HF_RETURN_IF_ERROR(Recovers(machine.CutNow(), Lost()));
  HF_RETURN_IF_ERROR(machine.Put("healed", "yes", kSynced));
  HF_RETURN_IF_ERROR(machine.CheckReads());
  return RecoversNow(machine);
}

bool ReadOnly(Machine& machine) {
  return machine.db().Health().state == HealthState::kReadOnly;
}

}  // namespace

// Goal: a table whose sync failed is never named by a manifest. Method: the
// sync of a flush, then of a compaction, fails once in each way that kernels
// know, and nothing of the table reached the disk.
absl::Status RocksDb2495_NoTableIsInstalledAfterItsSyncFailed() {
  for (const bool compaction : {false, true}) {
    for (const char* how : {"fails-keeps-new", "fails-reverts", "eio"}) {
      Machine machine;
      HF_RETURN_IF_ERROR(machine.Open());
      HF_RETURN_IF_ERROR(machine.Put("a", "1", kSynced));
      if (compaction) {
        HF_RETURN_IF_ERROR(machine.Flush());
        HF_RETURN_IF_ERROR(machine.Put("a", "2", kSynced));
        HF_RETURN_IF_ERROR(machine.Flush());
      }
      machine.Plan(absl::StrCat("sync *.sst @1 ", how));
      const absl::Status status =
          compaction ? machine.Compact() : machine.Flush();
      if (status.ok()) {
        HF_RETURN_IF_ERROR(RecoversNow(machine));
        HF_RETURN_IF_ERROR(Expect(machine.faults().fired() > 0, "a sync"));
        return Broken("OK though the sync of the table failed");
      }
      HF_RETURN_IF_ERROR(Expect(machine.faults().fired() == 1, "a sync"));
      if (!ReadOnly(machine)) return Broken("not read-only");
      HF_RETURN_IF_ERROR(machine.CheckReads());
      HF_RETURN_IF_ERROR(RecoversNow(machine));
      HF_RETURN_IF_ERROR(Heals(machine));
    }
  }
  return absl::OkStatus();
}

// Goal: of several writes and syncs the failure of any fails the whole, however
// many succeed after it. Method: a flush of several writes and a compaction
// into several tables, in which each write and each sync in turn fails once.
absl::Status RocksDb3740_TheFirstFailureIsNotOverwritten() {
  for (const char* op : {"write", "sync"}) {
    for (const bool compaction : {false, true}) {
      int failed = 0;
      for (;; ++failed) {
        Machine machine;
        HF_RETURN_IF_ERROR(machine.Open());
        HF_RETURN_IF_ERROR(machine.Put("a", Filler("a", 300000)));
        HF_RETURN_IF_ERROR(machine.Put("b", Filler("b", 300000)));
        if (compaction) {
          HF_RETURN_IF_ERROR(machine.Flush());
          HF_RETURN_IF_ERROR(machine.Put("a", Filler("c", 300000)));
          HF_RETURN_IF_ERROR(machine.Flush());
        } else {
          HF_RETURN_IF_ERROR(machine.SyncWal());
        }
        machine.Plan(absl::StrCat(op, " *.sst @", failed + 1, " eio"));
        const absl::Status status =
            compaction ? machine.Compact() : machine.Flush();
        if (machine.faults().fired() == 0) break;
        if (status.ok()) return Broken(absl::StrCat("a failed ", op));
        HF_RETURN_IF_ERROR(machine.CheckReads());
        HF_RETURN_IF_ERROR(Recovers(machine.CutNow(), Lost()));
        HF_RETURN_IF_ERROR(Heals(machine));
      }
      const bool several = op == std::string_view("write") || compaction;
      HF_RETURN_IF_ERROR(Expect(failed > (several ? 1 : 0), "several calls"));
    }
  }
  return absl::OkStatus();
}

// Goal: an error of reading a log fails the opening; it is no end of the log,
// and neither is a read that gives less than was asked for. Method: each call
// that an opening makes on a log fails in turn, then all reads are short. The
// second log is too long for one read.
absl::Status RocksDb6288_AReadErrorIsNotTheEndOfALog() {
  Machine machine;
  HF_RETURN_IF_ERROR(machine.Open());
  HF_RETURN_IF_ERROR(machine.FillMemTables(1));
  HF_RETURN_IF_ERROR(machine.Put("large", Filler("large", size_t{9} << 17)));
  HF_RETURN_IF_ERROR(machine.SyncWal());
  const Cut cut = machine.CutNow();
  for (const char* op : {"read", "open", "stat"}) {
    int failed = 0;
    for (;; ++failed) {
      Machine next(cut, Crash(cut, Lost()));
      next.Plan(absl::StrCat(op, " *.wal @", failed + 1, " eio"));
      const absl::Status status = next.Open();
      if (next.faults().fired() == 0) break;
      if (next.is_open() || absl::IsDataLoss(status)) {
        return Broken(absl::StrCat("a failed ", op, " of a log gave ",
                                   status.ToString()));
      }
      next.faults().Clear();
      HF_RETURN_IF_ERROR(Annotate(next.Open(), "opening again"));
      HF_RETURN_IF_ERROR(Recovers(next.CutNow(), Lost()));
    }
    HF_RETURN_IF_ERROR(Expect(failed > 1, "calls that fail"));
  }
  Machine next(cut, Crash(cut, Lost()));
  next.Plan("read *.wal @1+ short:1000");
  HF_RETURN_IF_ERROR(Annotate(next.Open(), "short reads"));
  return Expect(next.faults().fired() > 1, "short reads");
}

// Goal: there are no column families and no buffer between the engine and the
// log; a batch of several keys whose write failed half-way is whole or absent,
// whatever Resume flushes and wherever it is interrupted. Method: the write is
// torn at many places, power fails at each call of Resume.
absl::Status RocksDb12995_AFailedBatchIsWholeOrAbsentAfterResume() {
  for (const char* effect :
       {"eio", "torn:1", "torn:24", "torn:700", "torn:1500", "done-eio"}) {
    Machine machine;
    HF_RETURN_IF_ERROR(machine.Open());
    HF_RETURN_IF_ERROR(machine.Put("before", "1"));
    machine.Plan(absl::StrCat("write *.wal @1 ", effect));
    const absl::Status status = machine.Write({{"a", Filler("a", 800)},
                                               {"before", std::nullopt},
                                               {"b", Filler("b", 800)}});
    HF_RETURN_IF_ERROR(Expect(machine.faults().fired() == 1, "a write"));
    if (status.ok()) return Broken("a failed write was acknowledged");
    HF_RETURN_IF_ERROR(machine.CheckReads());
    machine.faults().Clear();
    machine.StartCutting();
    HF_RETURN_IF_ERROR(machine.Resume());
    HF_RETURN_IF_ERROR(machine.Put("after", "2", kSynced));
    HF_RETURN_IF_ERROR(machine.CheckReads());
    HF_RETURN_IF_ERROR(machine.SurvivesEachCut(
        {Lost(), Kept(), Only(Names()), AllBut(Sectors(), What::kZeros)}));
  }
  return absl::OkStatus();
}

// Goal: when it is unknown what the manifest says, nothing more is recorded in
// it, no file goes, and no write is accepted until a new manifest is durable.
// Method: append and sync of an edit fail with and without effect; background
// work is given every chance to clean up; then power fails both ways.
absl::Status Pebble162_AManifestInDoubtStopsTheVersionSet() {
  for (const char* fault :
       {"write MANIFEST* @1 eio", "write MANIFEST* @1 done-eio",
        "write MANIFEST* @1 torn:40", "sync MANIFEST* @1 fails-keeps-new",
        "sync MANIFEST* @1 fails-reverts", "sync MANIFEST* @1 done-eio"}) {
    Machine machine;
    HF_RETURN_IF_ERROR(machine.Open());
    HF_RETURN_IF_ERROR(machine.Put("a", "1", kSynced));
    HF_RETURN_IF_ERROR(machine.Flush());
    HF_RETURN_IF_ERROR(machine.Put("b", "2", kSynced));
    machine.Plan(fault);
    const absl::Status status = machine.Flush();
    HF_RETURN_IF_ERROR(Expect(machine.faults().fired() == 1, fault));
    if (status.ok()) return Broken(absl::StrCat(fault, " went unnoticed"));
    machine.faults().Clear();
    const std::string manifest = machine.Newest("MANIFEST");
    std::string touched;
    machine.on_call = [&](const FileCall& call) {
      if (call.op == FileOp::kRemove ||
          (Changes(call.op) && call.path == manifest &&
           call.op != FileOp::kClose)) {
        touched = call.Text();
      }
      return absl::OkStatus();
    };
    machine.db().WaitForBackgroundWork().IgnoreError();
    const absl::Status write = machine.Put("c", "3");
    machine.on_call = nullptr;
    if (!touched.empty()) {
      return Broken(absl::StrCat(fault, ", then ", touched));
    }
    if (write.ok()) return Broken(absl::StrCat(fault, ", and a write passed"));
    if (!ReadOnly(machine)) return Broken("not read-only");
    HF_RETURN_IF_ERROR(machine.CheckReads());
    HF_RETURN_IF_ERROR(Annotate(RecoversNow(machine), fault));
    HF_RETURN_IF_ERROR(Annotate(Heals(machine), fault));
  }
  return absl::OkStatus();
}

// Goal: after a write to the log that failed with an I/O error nothing is
// acknowledged until Resume, so that promises of the writes after it never
// depend on it; after one that found no space the next takes its place. Method:
// torn writes of both kinds, then synced ones, and crashes.
absl::Status Redb857_NothingIsWrittenAfterAFailedWriteUntilResume() {
  for (const char* effect : {"torn:30", "done-eio", "short:30", "enospc"}) {
    const bool no_space =
        absl::StartsWith(effect, "short") || absl::StartsWith(effect, "enospc");
    Machine machine;
    HF_RETURN_IF_ERROR(machine.Open());
    HF_RETURN_IF_ERROR(machine.Put("a", "1", kSynced));
    machine.Plan(absl::StrCat("write *.wal @1 ", effect));
    if (machine.Put("failed", Filler("f", 900), kSynced).ok()) {
      return Broken("a failed write was acknowledged");
    }
    HF_RETURN_IF_ERROR(Expect(machine.faults().fired() == 1, "a write"));
    machine.faults().Clear();
    const absl::Status next = machine.Put("next", "2", kSynced);
    if (next.ok() != no_space) {
      return Broken(
          absl::StrCat(effect, ", the next write: ", next.ToString()));
    }
    HF_RETURN_IF_ERROR(machine.CheckReads());
    HF_RETURN_IF_ERROR(Annotate(RecoversNow(machine), effect));
    HF_RETURN_IF_ERROR(Annotate(Heals(machine), effect));
  }
  return absl::OkStatus();
}

// Goal: after a failed sync of the log nothing is acknowledged on that log, it
// is not touched again, and the sync is not tried again and believed. Method: a
// sync fails once in each way, and would succeed from then on, writing nothing;
// everything is tried that might sync, up to closing; then all that is not
// durable is lost. Resume, in its turn, must make all of it durable anew.
absl::Status Turso2091_AFailedSyncIsNeverForgotten() {
  for (const char* how :
       {"fails-keeps-new", "fails-reverts", "eio", "enospc"}) {
    for (const bool resumes : {false, true}) {
      Machine machine;
      HF_RETURN_IF_ERROR(machine.Open());
      HF_RETURN_IF_ERROR(machine.Put("a", "1", kSynced));
      HF_RETURN_IF_ERROR(machine.Put("unsynced", "2"));
      machine.Plan(absl::StrCat("sync *.wal @1 ", how));
      if (machine.Put("failed", "3", kSynced).ok()) {
        HF_RETURN_IF_ERROR(Recovers(machine.CutNow(), Lost()));
        return Broken("acknowledged, though the sync failed");
      }
      HF_RETURN_IF_ERROR(Expect(machine.faults().fired() == 1, "a sync"));
      if (!ReadOnly(machine)) return Broken("not read-only");
      const std::string log = machine.Newest(".wal");
      std::string touched;
      machine.on_call = [&](const FileCall& call) {
        if (call.path == log &&
            (call.op == FileOp::kSync || call.op == FileOp::kWrite)) {
          touched = call.Text();
        }
        return absl::OkStatus();
      };
      const bool acknowledged =
          machine.Put("next", "4", kSynced).ok() || machine.SyncWal().ok() ||
          machine.Flush().ok() || (!resumes && machine.db().Close().ok());
      machine.on_call = nullptr;
      if (acknowledged) {
        HF_RETURN_IF_ERROR(Recovers(machine.CutNow(), Lost()));
        return Broken("acknowledged after a failed sync");
      }
      if (!touched.empty()) return Broken(touched);
      HF_RETURN_IF_ERROR(Annotate(RecoversNow(machine), how));
      if (!resumes) continue;
      HF_RETURN_IF_ERROR(machine.CheckReads());
      HF_RETURN_IF_ERROR(Annotate(Heals(machine), how));
    }
  }
  return absl::OkStatus();
}

}  // namespace holdfast::history_bugs
