// The first life of a workload: makes its steps, records in the histories what
// was written and promised, and holds every reader against them.
//
// Counters of the step "sees":
//   flushes compactions moves delays stops     of DbStats, over all openings
//   failures                                   steps that failed
//   ahead.there                                logs made ahead, as of now
//   ahead.taken                                rotations that took one
//   OP.SORT     calls that returned OK, such as create.manifest, remove.log,
//               rename.current, write.log: see FileOpName and FileSortName
//
// Thread-compatible.

#ifndef HOLDFAST_CHAOS_DB_WORKLOAD_RUN_H_
#define HOLDFAST_CHAOS_DB_WORKLOAD_RUN_H_

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "chaos/db/db_record.h"
#include "chaos/db/mortal_file_system.h"
#include "chaos/db/workload.h"
#include "chaos/oracle/contents.h"
#include "chaos/oracle/history.h"
#include "holdfast/db.h"
#include "holdfast/metrics.h"
#include "holdfast/options.h"
#include "holdfast/testing/crash_explorer.h"
#include "holdfast/testing/fault_file_system.h"
#include "holdfast/testing/fault_plan.h"

namespace holdfast {

// Makes the records of all databases that the workload uses.
void MakeRecords(const Workload& workload, std::deque<DbRecord>* records);

// The error of a run in which a rule of the plan never struck begins with it.
inline constexpr std::string_view kNeverStruck = "faults that never struck";

struct WorkloadFaults {
  // In force from the beginning; each rule must strike.
  FaultPlan plan;
  // Steps may fail, and what they count on may not happen.
  bool may_fail = false;
};

// The plan of a step "fault".
absl::StatusOr<FaultPlan> PlanOf(const WorkloadStep& step);

// What syncs that went wrong allow: see Circumstances.
bool MayLoseCache(const FaultPlan& plan);
bool MakesDiskLie(const FaultPlan& plan);

class WorkloadRun {
 public:
  // All outlive this. Histories are added to *records.
  WorkloadRun(CrashRun* run, const WorkloadFaults& faults,
              std::deque<DbRecord>* records, Options* options);
  ~WorkloadRun();

  // RETURNS what is wrong: a promise that broke, or a step that did not go as
  // the workload says.
  absl::Status Execute(const Workload& workload);

  // For those who look at each step: what Execute does for one, without what
  // the workload expects of it. finding() says which promise broke, if any.
  absl::Status Do(const WorkloadStep& step);
  const absl::Status& finding() const { return finding_; }
  FaultFileSystem& faults() { return faults_; }
  DB* open_db() { return open().db.get(); }  // nullptr when closed.

 private:
  struct Reader {
    std::shared_ptr<const Snapshot> snapshot;
    std::unique_ptr<Iterator> iterator;
    const State* expected = nullptr;
  };
  struct OpenDatabase {
    std::unique_ptr<DB> db;
    std::map<std::string, Reader> readers;
    bool destroy_failed = false;
  };

  absl::Status DoWithDb(const WorkloadStep& step);
  absl::Status Open(const WorkloadStep& step);
  absl::Status ShowAll();
  absl::Status Close();
  void Kill();
  absl::Status Destroy();
  absl::Status Put(const WorkloadStep& step);
  absl::Status Delete(const WorkloadStep& step);
  absl::Status Batch(const WorkloadStep& step);
  absl::Status Fill(const WorkloadStep& step);
  absl::Status Write(History::Batch batch, std::string_view how);
  absl::Status WriteToDb(const WriteOptions& options, const WriteBatch& batch);
  absl::Status MakeDurable(absl::Status status, std::string_view how);
  absl::Status Compact(const WorkloadStep& step);
  absl::Status Resume();
  absl::Status Read(const ReadOptions& options, std::string_view who,
                    const State& expected);
  absl::Status CheckReader(const std::string& name);
  absl::Status SetPlan(const WorkloadStep& step);
  absl::Status Sees(const WorkloadStep& step);
  absl::Status Entries(const WorkloadStep& step);

  std::string ValueOf(std::string_view word);
  void Mark(std::string_view what);
  void Find(std::string_view what);
  void CountStats(DB& db);
  uint64_t Counter(std::string_view name) const;
  DbRecord& record() { return records_[current_]; }
  OpenDatabase& open() { return open_[current_]; }
  DB& db() { return *open().db; }
  Env* env() { return &run_.env(); }

  static constexpr size_t kMostDatabases = 4;

  CrashRun& run_;
  const WorkloadFaults& faults_given_;
  std::deque<DbRecord>& records_;
  Options& options_;
  FileSystem* const outer_;  // What env() had before.
  FaultFileSystem faults_;
  MortalFileSystem mortal_;
  std::array<OpenDatabase, kMostDatabases> open_;
  size_t current_ = 0;
  uint64_t values_ = 0;
  uint64_t failures_ = 0;
  uint64_t logs_ahead_taken_ = 0;
  bool must_strike_ = true;  // Each rule of the plan in force.
  bool cache_may_be_lost_ = false;
  bool disk_lies_ = false;
  DbStats totals_;
  absl::Status finding_;
};

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_DB_WORKLOAD_RUN_H_
