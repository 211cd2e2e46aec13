// What the scenarios of this room are made of: a database on a simulated disk,
// the history of what was written to it, copies of the disk at exact calls
// (cuts), and exact words for what a crash there leaves (fates).
//
//   Machine machine;
//   HF_RETURN_IF_ERROR(machine.Open());
//   HF_RETURN_IF_ERROR(machine.Put("a", "1", kSynced));
//   machine.StartCutting();                  // at each call that changes the
//   disk HF_RETURN_IF_ERROR(machine.Flush()); return
//   machine.SurvivesEachCut({Lost(), AllBut(Names(".sst"))});
//
// A scenario is a function that returns OK when the invariant held. It returns
// kFailedPrecondition when it did not reach the situation that it is about, so
// that no test takes a scenario which went astray for an invariant that broke.

#ifndef HOLDFAST_CHAOS_HISTORY_BUGS_SCENARIO_H_
#define HOLDFAST_CHAOS_HISTORY_BUGS_SCENARIO_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "holdfast/db.h"
#include "holdfast/options.h"
#include "holdfast/testing/fault_file_system.h"
#include "holdfast/testing/file_call.h"
#include "holdfast/testing/persistence.h"
#include "holdfast/testing/sim_disk.h"
#include "holdfast/testing/sim_file_system.h"

namespace holdfast::history_bugs {

inline constexpr char kDbDir[] = "/db";
inline constexpr bool kSynced = true;

using Contents = std::map<std::string, std::string>;

// A batch: keys with their new values, or nullopt to delete them.
using Batch = std::vector<std::pair<std::string, std::optional<std::string>>>;

// The smallest of everything, no compaction but by hand.
Options SmallOptions();

// `bytes` bytes that differ for each tag and do not compress.
std::string Filler(std::string_view tag, size_t bytes);

// "the scenario is about X, which did not happen" as kFailedPrecondition.
absl::Status Expect(bool reached, std::string_view what);

// The invariant does not hold.
absl::Status Broken(std::string_view why);

// --- What was written, and what a crash may leave of it ---------------------

class History {
 public:
  void Begin(const Batch& batch);
  void Acknowledge(bool durable);  // The batch that began.
  void Fail();                     // It failed: readers do not see it.
  void AllDurable();
  // A process that began anew shows this; nothing else is possible now.
  void Found(Contents contents);

  const Contents& now() const { return *states_.back(); }
  // OK when a crash may leave `found`: the state after some prefix of the
  // commits, not before the last durable one, or after one that was under way.
  absl::Status Judge(const Contents& found) const;
  // The same without a floor: the state after any prefix.
  absl::Status JudgeAsPrefix(const Contents& found) const;

 private:
  using State = std::shared_ptr<const Contents>;
  struct Uncertain {
    size_t after = 0;  // Follows states_[after].
    State state;
  };

  std::vector<State> states_ = {std::make_shared<const Contents>()};
  size_t floor_ = 0;
  std::vector<Uncertain> uncertain_;
};

// --- Fates ------------------------------------------------------------------

using What = PendingUnit::Alternative::What;

// Which pending things: a kind, and a part of the label.
struct Units {
  std::optional<PendingUnit::Kind> kind;
  std::string label_part;

  bool Match(const PendingUnit& unit) const;
};
Units Sectors(std::string_view path_part = "");
Units Sizes(std::string_view path_part = "");
Units Names(std::string_view label_part = "");
Units All(std::string_view label_part = "");

// What a crash makes of each pending thing. nullopt: what the process saw.
struct Fate {
  std::string name;
  std::function<std::optional<What>(const PendingUnit&)> decide;
};
Fate Kept();                                    // All reached the disk.
Fate Lost();                                    // Nothing that was pending did.
Fate Only(Units kept);                          // Nothing but these did.
Fate AllBut(Units lost, What as = What::kOld);  // All but these did.

// An alternative that a thing does not have is kOld.
CrashChoice Choose(absl::Span<const PendingUnit> units, const Fate& fate);

// --- The machine ------------------------------------------------------------

// The disk at one moment, with what is legal then.
struct Cut {
  std::string where;  // For messages.
  SimDisk disk;
  History history;
  bool created = false;  // An Open has succeeded: the database must be there.
  Options options;
  uint64_t life = 0;  // How many processes there were before this one.
};

class Machine {
 public:
  explicit Machine(const Options& options = SmallOptions());
  // The machine comes up again after a crash at `cut` that left `disk`.
  Machine(const Cut& cut, SimDisk disk);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // --- What the process does. Each keeps the history.
  absl::Status Open();
  absl::Status Close();
  absl::Status Reopen();    // Both.
  absl::Status OpenAnew();  // Where a database was destroyed.
  absl::Status Write(const Batch& batch, bool sync = false,
                     bool disable_wal = false);
  absl::Status Put(std::string_view key, std::string_view value,
                   bool sync = false);
  // Unsynced values of 8 KiB until the memtable was frozen `times` times;
  // background work does not run.
  absl::Status FillMemTables(int times);
  // Runs background work until so many flushes ended, ever.
  absl::Status RunFlushes(uint64_t total);
  absl::Status SyncWal();
  absl::Status Flush();
  absl::Status Compact();
  absl::Status Resume();
  // What readers see is what was acknowledged.
  absl::Status CheckReads();

  DB& db() { return *db_; }
  bool is_open() const { return db_ != nullptr; }
  SimEnv& env() { return env_; }
  FaultFileSystem& faults() { return faults_; }
  // Puts a fault plan in force. Dies on a bad one.
  void Plan(std::string_view plan);
  History& history() { return history_; }
  const Options& options() const { return options_; }

  // Names in the database's directory that contain `part`.
  std::vector<std::string> Files(std::string_view part = "");
  // Path of the newest file whose name contains `part`.
  std::string Newest(std::string_view part);

  // --- Cuts.
  // From now on keeps a cut before each call that changes the disk.
  void StartCutting();
  void StopCutting() { cutting_ = false; }
  const std::vector<Cut>& cuts() const { return cuts_; }
  Cut CutNow(std::string where = "now");
  // For each cut, and for now, and each fate: the database recovers.
  absl::Status SurvivesEachCut(const std::vector<Fate>& fates);

  // Called before each call to the disk; an error makes the call fail.
  std::function<absl::Status(const FileCall&)> on_call;
  // Called after each call.
  std::function<void(const FileCall&)> after_call;

 private:
  void SetHooks();

  const Options options_;
  SimEnv env_;
  FaultFileSystem faults_;
  std::unique_ptr<DB> db_;
  History history_;
  bool created_ = false;
  bool cutting_ = false;
  uint64_t life_ = 0;
  int fillers_ = 0;
  std::vector<Cut> cuts_;
};

// --- Judging ----------------------------------------------------------------

// The disk after a crash at `cut` with this fate.
SimDisk Crash(const Cut& cut, const Fate& fate);

// All that an iterator shows; each key must read the same with Get.
absl::StatusOr<Contents> ReadAll(DB& db);

// The database opens and shows a legal state, every checksum holds and no file
// is left over (D1..D4, D12); a crash right after that, which loses everything
// not durable, leaves the same state (D5).
absl::Status Recovers(const Cut& cut, const Fate& fate);
absl::Status RecoversFrom(const Cut& cut, const SimDisk& disk);

// What one process finds there, without an opinion.
absl::StatusOr<Contents> OpenAndRead(const Cut& cut, const SimDisk& disk,
                                     bool create_if_missing);

// A damaged disk: the database refuses to open, or to read, with kDataLoss
// that names a file, or shows exactly `expected`.
enum class Damage { kTold, kHarmless };
absl::StatusOr<Damage> ToldOrHarmless(const Cut& cut, const SimDisk& disk,
                                      const Contents& expected);
// The same, where the damage must be told.
absl::Status Told(const Cut& cut, const SimDisk& disk);

// The content of a file, as the process sees it; empty when there is none.
std::string FileOf(const SimDisk& disk, std::string_view path);
// How many bytes of the log at `path` are frames: those that are not the zeros
// ahead of it. REQUIRES: its last frame does not end with a zero byte.
size_t FrameBytesOf(const SimDisk& disk, std::string_view path);

}  // namespace holdfast::history_bugs

#endif  // HOLDFAST_CHAOS_HISTORY_BUGS_SCENARIO_H_
