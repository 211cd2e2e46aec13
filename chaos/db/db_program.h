// A workload over databases as a program for the crash explorer: its first life
// makes the steps; each later one opens what the crash left, reads everything,
// and asks the oracle. It also looks for files that nothing needs and for files
// left open, and now and then writes once more and closes.
//
//   DbProgram program(*Workload::Parse("open create; put a 1 sync; flush"));
//   CrashReport report = ExploreCrashes(&program, {});
//   EXPECT_TRUE(report.ok()) << report.Text();
//
// Thread-compatible.

#ifndef HOLDFAST_CHAOS_DB_DB_PROGRAM_H_
#define HOLDFAST_CHAOS_DB_DB_PROGRAM_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "chaos/db/db_record.h"
#include "chaos/db/workload.h"
#include "chaos/db/workload_run.h"
#include "chaos/oracle/contents.h"
#include "chaos/oracle/oracle.h"
#include "holdfast/db.h"
#include "holdfast/options.h"
#include "holdfast/testing/crash_explorer.h"

namespace holdfast {

struct DbProgramSettings {
  WorkloadFaults faults;
  // In force in the beginning of each later life: a recovery that may fail,
  // before the one that may not.
  FaultPlan recovery_plan;
  // One recovered state in so many writes once more and closes. 0: none.
  uint64_t go_on_one_in = 8;
  // The explorer may visit later positions of the history before earlier ones.
  bool any_order = false;
  // And is also read backward.
  uint64_t backward_one_in = 4;
};

class DbProgram final : public CrashProgram {
 public:
  explicit DbProgram(Workload workload, DbProgramSettings settings = {});
  ~DbProgram() override;

  absl::Status Run(CrashRun& run) override;
  absl::Status Recover(CrashRun& run) override;
  uint64_t StateKey(absl::Span<const CrashMark> marks) const override;

  const Workload& workload() const { return workload_; }

 private:
  // What a database's marks say.
  struct Progress {
    bool touched = false;
    bool opened = false;  // Made, and opened once.
    bool destroying = false;
    bool destroyed = false;
    bool remade = false;  // Begun anew after a destruction that failed.
    size_t position = 0;
    // Of later lives.
    uint64_t lives = 0;  // That showed something.
    uint64_t shown = 0;  // The hash of what the last one showed.
    bool writing = false;
    bool written = false;
    bool logging = false;    // One more, without a sync.
    size_t logged_mark = 0;  // Told by the mark of this number, from 1.
    bool closed = false;
  };
  // What some life showed; kept since later ones must show it, too.
  struct Shown {
    Contents contents;
    State state;
  };

  static std::vector<Progress> ProgressOf(absl::Span<const CrashMark> marks);
  absl::Status RecoverInTrouble(CrashRun& run);
  absl::Status OpenInTrouble(CrashRun& run, const DbRecord& record,
                             const Progress& progress);
  absl::Status RecoverDatabase(CrashRun& run, const DbRecord& record,
                               const Progress& progress);
  // After a crash in Destroy, or after it.
  absl::Status RecoverDestroyed(CrashRun& run, const DbRecord& record,
                                const Progress& progress);
  absl::Status Inspect(CrashRun& run, const DbRecord& record,
                       const Progress& progress, DB& db);
  Ruling JudgeFound(const CrashRun& run, const DbRecord& record,
                    const Progress& progress, const Contents& found) const;
  const Shown& Keep(const Contents& found);
  absl::Status GoOn(CrashRun& run, const DbRecord& record,
                    const Progress& progress, DB& db);
  bool OneIn(uint64_t n, CrashRun& run, const Contents& found) const;

  const Workload workload_;
  const DbProgramSettings settings_;
  bool cache_may_be_lost_ = false;
  bool disk_lies_ = false;
  std::deque<DbRecord> records_;
  Options options_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<Shown>> shown_;
};

// Empty, or which files of a database that was just opened are needed and
// missing, or there and not needed.
std::string WrongFiles(FileSystem& file_system, const std::string& dir, DB& db);

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_DB_DB_PROGRAM_H_
