// Concurrency. Threads are held at exact calls to the disk; nothing sleeps.

#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/status_util.h"
#include "chaos/history_bugs/scenario.h"
#include "chaos/history_bugs/scenarios.h"
#include "engine/format/log_frame.h"
#include "engine/wal/log_reader.h"
#include "engine/wal/log_writer.h"
#include "holdfast/env/sync.h"

namespace holdfast::history_bugs {
namespace {

// Where one thread waits until another says go.
class Gate {
 public:
  // By the thread that is held.
  void Arrive() {
    MutexLock lock(&mu_);
    arrived_ = true;
    changed_.SignalAll();
    while (!open_) changed_.Wait(&mu_);
  }
  // By the same, when its work is done: it may never have arrived.
  void Leave() {
    MutexLock lock(&mu_);
    left_ = true;
    changed_.SignalAll();
  }
  // By the other.
  void AwaitArrival() {
    MutexLock lock(&mu_);
    while (!arrived_ && !left_) changed_.Wait(&mu_);
  }
  void Open() {
    MutexLock lock(&mu_);
    open_ = true;
    changed_.SignalAll();
  }

 private:
  Mutex mu_;
  CondVar changed_;
  bool arrived_ ABSL_GUARDED_BY(mu_) = false;
  bool left_ ABSL_GUARDED_BY(mu_) = false;
  bool open_ ABSL_GUARDED_BY(mu_) = false;
};

// A thread that will wait in the engine for somebody else; others can see when
// it does: the kernel says that it sleeps, and it takes no lock before.
class Waiter {
 public:
  explicit Waiter(std::function<void()> work)
      : thread_([this, work = std::move(work)] {
          tid_.store(gettid());
          work();
          tid_.store(-1);
        }) {}
  ~Waiter() { thread_.join(); }

  void AwaitSleepOrEnd() const {
    while (tid_.load() == 0) std::this_thread::yield();
    for (;;) {
      const pid_t tid = tid_.load();
      if (tid == -1) return;
      std::ifstream stat(absl::StrCat("/proc/self/task/", tid, "/stat"));
      std::string line;
      std::getline(stat, line);
      // "123 (name) S ...": the state follows the last parenthesis.
      const size_t at = line.rfind(") ");
      if (at != std::string::npos && line[at + 2] == 'S') return;
      std::this_thread::yield();
    }
  }

 private:
  std::atomic<pid_t> tid_{0};
  std::thread thread_;
};

}  // namespace

// Goal: what a log says of itself about how far it was synced is never more
// than a sync had covered when it began, though records come in beside it.
// Method: a thread is held in a sync that has done its work; a record is added;
// the thread goes on; another record says how far the log was synced. Then all
// that is pending is lost, or the record beside the sync is.
absl::Status RocksDb10185_SyncedBytesAreNeverAheadOfTheSync() {
  SimEnv env;
  SimFileSystem& fs = env.fs();
  const std::string path = "/log";
  const LogIdentity identity{.db_id = 7, .kind = LogKind::kWal, .number = 3};
  HF_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file, fs.CreateFile(path));
  LogWriter log(std::move(file), path, identity);
  LogHeader header;
  header.version = 1;
  header.db_id = identity.db_id;
  header.kind = identity.kind;
  header.number = identity.number;
  HF_RETURN_IF_ERROR(log.AddHeader(header));
  HF_RETURN_IF_ERROR(fs.SyncDirectory("/"));
  HF_RETURN_IF_ERROR(log.AddRecord(Filler("first", 700)));
  const uint64_t covered = log.bytes();

  Gate gate;
  fs.after = [&](const FileCall& call) {
    if (call.op == FileOp::kSync) gate.Arrive();
  };
  absl::Status synced;
  absl::Status added;
  {
    const Waiter syncer([&] {
      synced = log.Sync();
      gate.Leave();
    });
    gate.AwaitArrival();
    added = log.AddRecord(Filler("beside", 700));
    gate.Open();
  }
  fs.after = nullptr;
  HF_RETURN_IF_ERROR(synced);
  HF_RETURN_IF_ERROR(added);
  HF_RETURN_IF_ERROR(log.AddRecord(Filler("witness", 700)));

  const SimDisk disk = fs.disk();
  const std::vector<PendingUnit> units = disk.Pending(true);
  int images = 0;
  for (size_t lost = 0; lost <= units.size(); ++lost) {
    CrashChoice choice = Choose(units, Kept());
    if (lost < units.size()) {
      choice.picks[lost] = 0;
    } else {
      choice = Choose(units, Lost());
    }
    SimFileSystem after(disk.Crash(units, choice));
    HF_ASSIGN_OR_RETURN(const auto found, after.OpenFile(path));
    LogReader reader(found.get(), path, identity);
    HF_RETURN_IF_ERROR(reader.ReadHeader().status());
    std::string record;
    int records = 0;
    for (;;) {
      const absl::StatusOr<bool> more = reader.ReadRecord(&record);
      if (!more.ok()) return Broken(more.status().ToString());
      if (!*more) break;
      ++records;
    }
    if (records < 1) return Broken("a synced record was lost");
    ++images;
  }
  if (log.synced_bytes() != covered) {
    return Broken(
        absl::StrCat("synced ", log.synced_bytes(), " bytes, not ", covered));
  }
  return Expect(images > 3, "lost sectors");
}

// Goal: whoever asked for a sync is released after one that covers its write,
// though the writers in front of it asked for none, or their sync had begun
// before. Method: the pipeline's owner is held while it makes a new log, or in
// its own sync; others queue up behind it. When each is released, what is
// durable then is looked at, with all else lost.
absl::Status Pebble3755_NoWaiterIsReleasedBeforeItsSync() {
  for (const bool owner_syncs : {false, true}) {
    Machine machine;
    HF_RETURN_IF_ERROR(machine.Open());
    if (!owner_syncs) {
      // One write before the memtable is full.
      while (machine.db().Stats().memtable_bytes < (size_t{64} << 10)) {
        HF_RETURN_IF_ERROR(machine.Put("filler", Filler("f", 4096)));
      }
    }
    Gate gate;
    std::atomic<bool> held{false};
    // In a sync: when it has had its effect and does not know it yet.
    machine.on_call = [&](const FileCall& call) {
      if (!owner_syncs && call.op == FileOp::kCreate && !held.exchange(true)) {
        gate.Arrive();
      }
      return absl::OkStatus();
    };
    machine.after_call = [&](const FileCall& call) {
      if (owner_syncs && call.op == FileOp::kSync && !held.exchange(true)) {
        gate.Arrive();
      }
    };
    const auto write = [&](const std::string& key, bool sync,
                           absl::StatusOr<SimDisk>* released) {
      const absl::Status status =
          machine.db().Put({.sync = sync}, key, Filler(key, 100));
      *released = machine.env().fs().disk();
      if (!status.ok()) *released = status;
    };
    absl::StatusOr<SimDisk> owner, unsynced, first, second;
    {
      const Waiter a([&] {
        write("owner", owner_syncs, &owner);
        gate.Leave();
      });
      gate.AwaitArrival();
      const Waiter b([&] { write("unsynced", false, &unsynced); });
      b.AwaitSleepOrEnd();
      const Waiter c([&] { write("first", kSynced, &first); });
      c.AwaitSleepOrEnd();
      const Waiter d([&] { write("second", kSynced, &second); });
      d.AwaitSleepOrEnd();
      gate.Open();
    }
    machine.on_call = nullptr;
    machine.after_call = nullptr;
    HF_RETURN_IF_ERROR(Expect(held.load(), "an owner that is held"));
    const std::pair<const char*, absl::StatusOr<SimDisk>*> writers[] = {
        {"first", &first}, {"second", &second}};
    for (const auto& [key, released] : writers) {
      HF_RETURN_IF_ERROR(released->status());
      const Cut cut = machine.CutNow();
      HF_ASSIGN_OR_RETURN(
          const Contents found,
          OpenAndRead(cut, (*released)->CrashKeepingNone(), false));
      for (const char* earlier : {"owner", "unsynced", key}) {
        if (!found.contains(earlier)) {
          return Broken(absl::StrCat(key, " was released when ", earlier,
                                     " was not durable"));
        }
      }
    }
  }
  return absl::OkStatus();
}

// Goal: an index and the data that it counts are one unit, in every crash, when
// they are one batch; also when batches of several threads are logged together,
// and when a flush moves them from the log to a table. Method: three threads
// are made to commit as one group, held at its write; then a flush. Power fails
// at each call; each sector alone is lost.
absl::Status Etcd13766_IndexAndDataAreOneAtomicUnit() {
  Machine machine;
  HF_RETURN_IF_ERROR(machine.Open());
  HF_RETURN_IF_ERROR(machine.Put("zero", "0", kSynced));
  Gate gate;
  std::atomic<bool> held{false};
  machine.on_call = [&](const FileCall& call) {
    if (call.op == FileOp::kSync && !held.exchange(true)) gate.Arrive();
    return absl::OkStatus();
  };
  const auto write = [&](std::string name, absl::Status* status) {
    WriteBatch batch;
    batch.Put(absl::StrCat("index ", name), "1");
    batch.Put(absl::StrCat("data ", name), Filler(name, 700));
    batch.Put(absl::StrCat("end ", name), "1");
    *status = machine.db().Write({.sync = true}, batch);
  };
  absl::Status owner, first, second;
  {
    const Waiter a([&] {
      write("owner", &owner);
      gate.Leave();
    });
    gate.AwaitArrival();
    const Waiter b([&] { write("first", &first); });
    b.AwaitSleepOrEnd();
    const Waiter c([&] { write("second", &second); });
    c.AwaitSleepOrEnd();
    // Nobody but the threads writes now, and they are held or asleep.
    machine.StartCutting();
    gate.Open();
  }
  HF_RETURN_IF_ERROR(owner);
  HF_RETURN_IF_ERROR(first);
  HF_RETURN_IF_ERROR(second);
  HF_RETURN_IF_ERROR(
      Expect(machine.db().Stats().wal_syncs_total == 3, "one group of two"));
  HF_RETURN_IF_ERROR(machine.Flush());
  machine.StopCutting();
  int images = 0;
  for (const Cut& cut : machine.cuts()) {
    const std::vector<PendingUnit> units = cut.disk.Pending(true);
    for (size_t lost = 0; lost <= units.size(); ++lost) {
      CrashChoice choice = Choose(units, Kept());
      if (lost < units.size()) choice.picks[lost] = 0;
      HF_ASSIGN_OR_RETURN(
          const Contents found,
          OpenAndRead(cut, cut.disk.Crash(units, choice), false));
      for (const char* name : {"owner", "first", "second"}) {
        const size_t parts = found.count(absl::StrCat("index ", name)) +
                             found.count(absl::StrCat("data ", name)) +
                             found.count(absl::StrCat("end ", name));
        if (parts != 0 && parts != 3) {
          return Broken(absl::StrCat("crash ", cut.where, ": ", parts,
                                     " of 3 keys of ", name));
        }
      }
      ++images;
    }
  }
  return Expect(images > 20, "crashes");
}

}  // namespace holdfast::history_bugs
