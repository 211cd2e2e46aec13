#include "chaos/db/workloads.h"

#include "absl/status/statusor.h"
#include "base/check.h"

namespace holdfast {
namespace {

// Sizes: a record of a put with key "k" and a value of n bytes takes 24 bytes
// of frame and about 20 of record besides, after a header frame of 72; a sector
// has 512 bytes, a frame at most 256 KiB, a memtable 64 KiB.
constexpr ReferenceWorkload kWorkloads[] = {
    // --- Beginnings and ends.
    {"create", "an empty database is made",
     "open create; close; sees create.manifest 1; sees rename.current 1"},
    {"first-write", "one write, then nothing",
     "open create; put a 1; sees write.log 2"},
    {"first-synced-write", "one write that must survive",
     "open create; put a 1 sync; sees sync.log 2"},
    {"empty-reopened", "an empty database, opened again and again",
     "open create; close; open; close; open; read; sees create.manifest 3"},
    {"clean-close", "what a clean close promises, and opening after it",
     "open create; put a 1; put b 2; del a; close; open; read; close"},
    {"reopen-chain", "writes, deaths and openings by turns",
     "open create; put a 1; kill; open; put b 2; close; open; put a 3 sync; "
     "kill; open; del b; kill; open; read"},
    {"kill-unsynced", "what recovery read from an unsynced log is final",
     "open create; put a 1; put b 2; kill; open; read; kill; open; put c 3; "
     "kill; open; read"},
    {"failed-opens", "openings that are refused leave all as it was",
     "!open; open create; put a 1 sync; !open; close; !open exclusive create; "
     "!open block=1; open block=256; read; put b 2 sync; sees failures 4"},
    {"exclusive-create", "a new database is asked for, and made",
     "open create exclusive; put a 1 sync; close; !open create exclusive; "
     "open; read"},
    {"destroy", "a database is destroyed, and another made in its place",
     "open create; put a 1 sync; flush; put b 2; close; destroy; !open; "
     "open create; put c 3 sync; read; sees remove.table 1"},
    {"destroy-while-open", "a database in use cannot be destroyed",
     "open create; put a 1; !destroy; read; close; destroy"},
    {"two-databases", "two databases in one process know nothing of each other",
     "open create; use 1; open create; put a 1 sync; use 0; put a 2; put b 3; "
     "use 1; flush; put c 4; use 0; syncwal; use 1; close; use 0; read; kill; "
     "open; use 1; open; read"},

    // --- The log.
    {"sync-mix", "synced and unsynced writes by turns",
     "open create; put a 1; put b 2 sync; put a 3; del b; put c 4 sync; put a "
     "5; put d 6"},
    {"syncwal", "unsynced writes made durable by SyncWal",
     "open create; put a 1; put b 2; syncwal; put a 3; del b; syncwal; put c "
     "4"},
    {"batches", "batches that overwrite and delete within themselves",
     "open create; batch a=1 b=2 c=3; batch a=4 a=5 b=- sync; batch c=- c=6 "
     "d=7; batch a=- d=- sync; batch a=8 b=9 c=10 d=11"},
    {"sector-edges",
     "records that end before, at and after the edge of a sector",
     "open create; put a *395; put b *467 sync; put c *468; put d *469; put e "
     "*466 sync; put f *980; put g 1"},
    {"batch-over-sectors", "batches that lie in several sectors",
     "open create; batch a=*300 b=*300 c=*300 sync; batch a=*300 b=*300 c=- "
     "d=*600; batch b=*200 e=*10 f=*511"},
    {"large-frames", "a record of several frames",
     "open create memtable=1024k table=1024k; put a 1 sync; put b *300000; put "
     "c 2 sync; batch a=*200000 b=~200000; put d 3",
     true},
    {"empty-values",
     "empty values, deletions of nothing, one key again and "
     "again",
     "open create; put a *0; del zz; put a *0 sync; del a; del a; put a 1; del "
     "a sync; put a *0"},
    {"log-rotation", "a full memtable begins a new log, and the old one goes",
     "open create noauto=1; fill 14 5000; put a 1 sync; sees create.log 2; "
     "work; work; sees flushes 1; sees remove.log 1; put b 2",
     true},
    {"rotation-before-flush", "a crash while two logs are needed",
     "open create noauto=1 memtables=3; fill 14 5000; put a 1; put b 2 sync; "
     "sees create.log 2; kill; open; read; sees remove.log 2",
     true},
    {"log-ahead", "a rotation takes the log made ahead, twice",
     "open create noauto=1 memtables=3; put a 1 sync; put b *33000; put c 2; "
     "work; sees ahead.there 1; put d *33000; put e 3 sync; sees ahead.taken "
     "1; put f *33000; put g 4; work; work; sees flushes 1; sees ahead.there "
     "1; put h *33000; put i 5; sees ahead.taken 2; idle; sees remove.log 2; "
     "put j 6; read",
     true},
    {"log-ahead-unsynced", "as above; only rotations sync",
     "open create noauto=1; put a 1; put b *33000; put c 2; work; put d "
     "*33000; put e 3; sees ahead.taken 1; put f 4; kill; open; sees "
     "remove.log 2; read",
     true},
    {"log-ahead-left", "a crash leaves a log made ahead, and another one",
     "open create; put a 1 sync; put b *33000; put c 2; work; sees ahead.there "
     "1; put d 3; put e 4 sync; del a; kill; open; read; sees remove.log 2; "
     "put c 5; put b *33000; put c 6 sync; work; sees ahead.there 1; put d 7; "
     "kill; open; sees remove.log 4; read",
     true},
    {"log-ahead-unused", "a log made ahead that Flush and Close do without",
     "open create; put a 1; put b *33000; put c 2; work; sees ahead.there 1; "
     "put d 3; flush; sees remove.log 2; put c 4; put b *33000 sync; put c 5; "
     "work; sees ahead.there 1; put d 6; close; sees remove.log 3; open; read",
     true},
    {"log-ahead-unlogged", "unlogged writes beside a log made ahead",
     "open create noauto=1; put a 1; put b *33000 nolog; put c 2 nolog; work; "
     "sees ahead.there 1; put d *33000; put e 3 nolog; put f 4 sync; flush; "
     "put g 5; read",
     true},
    {"log-ahead-no-space", "no space for a log made ahead, then space",
     "open create noauto=1; put a 1 sync; put b *33000; put c 2; fault create "
     "*.wal @1 enospc; work; heal; put d *33000; put e 3 sync; sees create.log "
     "2; idle; read",
     true},
    {"log-ahead-resume", "Resume beside a log made ahead",
     "open create; put a 1; put b *33000; put c 2; work; sees ahead.there 1; "
     "fault sync *.wal @1 fails-keeps-new; !put d 3 sync; heal; resume; put e "
     "4 sync; "
     "sees remove.log 2; read",
     true},

    // --- Flushes.
    {"flush", "a memtable becomes a table",
     "open create; put a 1; put b 2 sync; flush; sees flushes 1; put a 3; "
     "sees remove.log 1"},
    {"flush-unsynced", "a flush makes durable what no sync did",
     "open create; put a 1; del a; put b 2; flush; sees create.table 1"},
    {"table-to-manifest", "between the table and the manifest that names it",
     "open create; put a 1; flush; put a 2; put b *600; flush; put c 3; flush; "
     "sees create.table 3; read"},
    {"flush-of-deletions", "a table of nothing but tombstones",
     "open create; put a 1; flush; del a; flush; read; kill; open; read"},
    {"unlogged", "writes without a log, then a flush",
     "open create; put a 1 nolog; put b 2; put a 3 nolog; flush; put c 4 "
     "nolog; put d 5 sync; put e 6 nolog"},
    {"unlogged-closed", "a clean close keeps what was not logged",
     "open create; put a 1 nolog; close; open; read; put b 2 nolog; kill; "
     "open; sees flushes 1"},
    {"iterator-over-flush", "an iterator lives through flushes and deletions",
     "open create; batch a=1 b=2 c=3; iterator i; del b; put a 4; flush; put d "
     "5; compact; check i; del a; flush; release i; read"},

    // --- Manifests.
    {"manifest-roll", "a manifest grows too large, and CURRENT moves on",
     "open create roll=4k noauto=1; put a^900 1; flush; put b^900 2; flush; "
     "put "
     "c^900 3 sync; flush; put d 4 sync; flush; sees create.manifest 2; sees "
     "rename.current 2; put e 5 sync; flush; read"},
    {"manifest-roll-in-compaction", "the roll is part of a compaction",
     "open create roll=4k l0=4; put a^900 1; flush; put a^900 2; flush; put "
     "a^900 3; compact; sees create.manifest 2; sees compactions 1; put b 4; "
     "read"},

    // --- Compactions.
    {"compaction", "overwritten values are dropped",
     "open create l0=2; put a 1; flush; put a 2; flush; idle; sees compactions "
     "1; entries 1; sees remove.table 2; put b 3 sync; read"},
    {"compaction-drops-deletions", "a deletion and what it hides both go",
     "open create; batch a=1 b=2; flush; del a; flush; compact; entries 1; "
     "read; put c 3 sync"},
    {"compaction-to-nothing", "a compaction with no output",
     "open create; put a 1; flush; del a; flush; compact; entries 0; read; put "
     "b 2"},
    {"compaction-move", "a table changes its level and nothing else",
     "open create l0=1 noauto=1; put a *300; flush; kill; open noauto=0 l0=1; "
     "idle; sees moves 1; put b 2 sync; read"},
    {"compaction-by-steps", "writes between the steps of background work",
     "open create l0=2; put a 1; flush; put a 2; flush; put c 3; work; put a 4 "
     "sync; work; del b; work; read; sees compactions 1"},
    {"snapshot-in-compaction", "what a snapshot sees is not dropped",
     "open create; batch a=1 b=2; snapshot s; flush; put a 3; del b; flush; "
     "snapshot t; put b 4; compact; check s; check t; release s; compact; "
     "check t; release t; read"},
    {"deep-levels", "compactions over several levels",
     "open create l0=1; fill 14 5000; idle; fill 14 5000; flush; idle; del "
     "f003; fill 5 5000; compact; read; sees compactions 2",
     true},
    {"compact-range", "a part of the keys is compacted",
     "open create; batch a=1 m=2 z=3; flush; batch a=4 z=5; flush; compact a "
     "c; put m 6; compact x z; read; verify"},
    {"obsolete-files", "what an iterator holds goes when it lets go",
     "open create l0=2; put a 1; flush; iterator i; put a 2; flush; idle; "
     "check i; release i; idle; sees remove.table 2; kill; open; read"},
    {"stalled-writes", "writes wait for flushes",
     "open create noauto=1; fill 30 5000; sees stops 1; read", true},

    // --- Big values.
    {"big-values", "values over many blocks and sectors",
     "open create compression=none; put a *3000; put b ~9000; put a *5000 "
     "sync; flush; put c *2000; read; kill; open; read"},
    {"compressed", "compressed blocks with filters",
     "open create compression=zstd bloom=10 block=512; put a ~3000; put b "
     "*100; flush; put a ~4000; flush; compact; read"},
    {"plain-blocks", "no compression, no filter, a cache",
     "open create compression=none bloom=0 cache=4k restart=1; batch a=*200 "
     "b=*200 c=*200 d=*200; flush; put b 1; flush; compact; read"},

    // --- Faults.
    {"full-disk", "no space in the log, then space",
     "open create; put a 1 sync; fault write *.wal @1x2 enospc; !put b 2; !put "
     "c 3 sync; heal; put d 4; put b 5 sync; read; close; open; read"},
    {"full-disk-torn", "a write that fails half-way is written over",
     "open create; put a 1 sync; fault write *.wal @1 short:70; !put b *100; "
     "put c *90; heal; put d 4 sync; read"},
    // The failed record fills its sector, and so does the one over it: a crash
    // may keep the first of them and what follows the second.
    {"full-disk-chain", "a failed write is no predecessor of what comes later",
     "open create; put a 1 sync; fault write *.wal @1 short:100000; !put b "
     "*364; heal; put b *364; put c 3; put d 4 sync; read"},
    {"full-disk-flush", "no space for a table, then space",
     "open create; put a 1; fault write *.sst @1 enospc; !flush; put b 2; "
     "flush; heal; read; sees flushes 1"},
    {"full-disk-manifest", "no space in the manifest",
     "open create; put a 1 sync; fault write MANIFEST* @1 enospc; ?flush; "
     "heal; ?resume; put b 2 sync; flush; read"},
    {"failed-sync-resume", "a failed sync, then Resume",
     "open create; put a 1 sync; put b 2; fault sync *.wal @1 fails-keeps-new; "
     "!put c 3 sync; !put d 4; !syncwal; read; resume; heal; put e 5 sync; "
     "read; kill; open; read"},
    {"failed-sync-reopen", "a failed sync, then a new process",
     "open create; put a 1 sync; put b 2; fault sync *.wal @1 fails-keeps-new; "
     "!syncwal; !put c 3; heal; ?close; open; put d 4 sync; read"},
    {"failed-sync-reverts", "a failed sync throws the cache away",
     "open create; put a 1 sync; put b 2; fault sync *.wal @1 fails-reverts; "
     "!put c 3 sync; !put d 4; read; resume; heal; put e 5 sync; read"},
    {"failed-table-sync", "a flush whose sync fails",
     "open create; put a 1; put b 2 sync; fault sync *.sst @1 fails-keeps-new; "
     "!flush; heal; !put c 3; resume; put d 4 sync; read"},
    {"failed-manifest-sync", "a manifest of unknown state is left behind",
     "open create; put a 1 sync; fault sync MANIFEST* @1 fails-keeps-new; "
     "!flush; heal; !put b 2; resume; put c 3 sync; flush; read; sees "
     "create.manifest 2"},
    {"failed-write-done", "a write that took effect and failed",
     "open create; put a 1 sync; fault write *.wal @1 done-eio; !put b 2; "
     "heal; !put c 3; resume; put d 4 sync; read"},
    {"failed-directory-sync", "the name of a table is in doubt",
     "open create; put a 1; put b 2 sync; fault syncdir * @1 eio; ?flush; "
     "?flush; heal; ?resume; put c 3 sync; read"},
    {"failed-close", "a close that fails",
     "open create; put a 1 sync; put b 2; fault sync *.wal @1 eio; !close; "
     "heal; open; put c 3 sync; read"},
};

}  // namespace

Workload ReferenceWorkload::Parsed() const {
  absl::StatusOr<Workload> workload = Workload::Parse(text);
  HF_CHECK(workload.ok());
  return *std::move(workload);
}

absl::Span<const ReferenceWorkload> ReferenceWorkloads() { return kWorkloads; }

const ReferenceWorkload* FindReferenceWorkload(std::string_view name) {
  for (const ReferenceWorkload& workload : kWorkloads) {
    if (workload.name == name) return &workload;
  }
  return nullptr;
}

}  // namespace holdfast
