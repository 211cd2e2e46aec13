#include "chaos/faults/fault_run.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_util.h"
#include "chaos/db/db_program.h"
#include "chaos/db/db_record.h"
#include "chaos/db/mortal_file_system.h"
#include "chaos/db/read_all.h"
#include "chaos/db/workload_run.h"
#include "chaos/oracle/contents.h"
#include "chaos/oracle/oracle.h"
#include "engine/db/db_impl.h"
#include "holdfast/db.h"
#include "holdfast/metrics.h"
#include "holdfast/options.h"
#include "holdfast/testing/crash_explorer.h"
#include "holdfast/testing/fault_file_system.h"
#include "holdfast/testing/sim_disk.h"
#include "holdfast/testing/sim_file_system.h"

namespace holdfast {
namespace {

using Expect = WorkloadStep::Expect;

// What is done with a database that was healed, after the workload.
constexpr std::string_view kAfterwards =
    "read; put healed 1; put healed 2 sync; read; flush; put healed *600; "
    "compact; read; verify; idle; put last 1";

absl::Status Finding(std::string_view what) {
  return absl::InternalError(what);
}

WorkloadStep StepOf(std::string_view text) {
  const absl::StatusOr<Workload> workload = Workload::Parse(text);
  HF_CHECK(workload.ok());
  HF_CHECK(workload->steps.size() == 1);
  return workload->steps[0];
}

bool Contains(std::initializer_list<std::string_view> verbs,
              std::string_view verb) {
  return std::find(verbs.begin(), verbs.end(), verb) != verbs.end();
}

// The work behind a step counts: a flush or a compaction that it waits for.
bool IsWrite(const WorkloadStep& step) {
  return Contains({"put", "del", "batch", "fill", "syncwal", "flush", "compact",
                   "idle", "work"},
                  step.verb);
}

// Says only what happens when nothing fails.
bool IsExpectation(const WorkloadStep& step) {
  return Contains({"sees", "entries"}, step.verb);
}

bool UsesReader(const WorkloadStep& step) {
  return Contains({"check", "release"}, step.verb);
}

// The system's words for what the effects of a plan do.
bool SaysTheFault(const absl::Status& status) {
  for (const std::string_view words :
       {"Input/output error", "No space left on device", "Too many open files",
        "Permission denied", "Interrupted system call"}) {
    if (absl::StrContains(status.message(), words)) return true;
  }
  return false;
}

// Some sync fails after the fault has ended.
bool FailsLate(const FaultPlan& plan) {
  return std::any_of(plan.faults.begin(), plan.faults.end(),
                     [](const Fault& fault) {
                       return fault.effect == Fault::Effect::kSyncFailsLate;
                     });
}

// What a failed sync was for is never written, though the cache shows it.
bool LosesAtSync(const FaultPlan& plan) {
  return std::any_of(
      plan.faults.begin(), plan.faults.end(), [](const Fault& fault) {
        return fault.effect == Fault::Effect::kSyncFailsKeepsNew ||
               fault.effect == Fault::Effect::kSyncFailsReverts;
      });
}

// A read that gives less than there is looks like a file that was cut off.
bool CutsReads(const FaultPlan& plan) {
  return std::any_of(plan.faults.begin(), plan.faults.end(),
                     [](const Fault& fault) {
                       return fault.op == FileOp::kRead &&
                              fault.effect == Fault::Effect::kShort;
                     });
}

std::string HealthText(const DbHealth& health) {
  return absl::StrCat(HealthStateName(health.state), " (",
                      health.cause.ToString(), ")");
}

class FaultRun {
 public:
  FaultRun(const Workload& workload, const FaultPlan& plan, Cure cure)
      : workload_(workload),
        cure_(cure),
        cuts_reads_(CutsReads(plan)),
        loses_at_sync_(LosesAtSync(plan)),
        cache_may_be_lost_(MayLoseCache(plan)),
        disk_lies_(MakesDiskLie(plan)),
        late_failures_(FailsLate(plan) ? kMostLateFailures : 0) {
    MakeRecords(workload, &records_);
    faults_given_.plan = plan;
    faults_given_.may_fail = true;
    steps_ = std::make_unique<WorkloadRun>(&run_, faults_given_, &records_,
                                           &options_);
  }

  FaultRunResult Run() {
    FaultRunResult result;
    result.finding = RunSteps();
    if (result.finding.ok()) result.finding = Finish();
    result.fired = steps_->faults().FirstFired();
    result.healings = healings_;
    return result;
  }

  // Only the steps, which must succeed.
  WorkloadCalls Trace() {
    WorkloadCalls traced;
    env_.fs().after = [&](const FileCall& call) {
      if (Changes(call.op)) {
        traced.most_bytes =
            std::max(traced.most_bytes, env_.fs().disk().bytes());
      }
    };
    env_.fs().before = [&](const FileCall& call) {
      traced.calls.push_back(call);
      return absl::OkStatus();
    };
    HF_CHECK(RunSteps().ok());
    HF_CHECK(steps_->faults().calls() == traced.calls.size());
    env_.fs().before = nullptr;
    env_.fs().after = nullptr;
    return traced;
  }

 private:
  bool fired() const { return steps_->faults().fired() > 0; }

  absl::Status RunSteps() {
    for (size_t i = 0; i < workload_.steps.size(); ++i) {
      const WorkloadStep& step = workload_.steps[i];
      if (IsExpectation(step)) continue;
      if (readers_lost_ && UsesReader(step)) continue;
      HF_RETURN_IF_ERROR(Annotate(
          RunStep(step), absl::StrCat("step ", i + 1, " (", step.Text(), ")")));
    }
    return absl::OkStatus();
  }

  // RETURNS a finding.
  absl::Status RunStep(const WorkloadStep& step) {
    const absl::Status status = Do(step);
    HF_RETURN_IF_ERROR(steps_->finding());
    const bool expected = step.expect == Expect::kEither ||
                          status.ok() == (step.expect == Expect::kSuccess);
    if (fault_ended_ && !expected && late_failures_ > 0) {
      --late_failures_;
      return React(step);
    }
    if (!fired() || fault_ended_) {
      return expected ? absl::OkStatus() : Unexpected(status);
    }
    if (status.ok() || step.expect != Expect::kSuccess) return absl::OkStatus();
    HF_RETURN_IF_ERROR(CheckError(step, status));
    return React(step);
  }

  absl::Status Unexpected(const absl::Status& status) const {
    const std::string_view when = fault_ended_ ? ", after the fault has ended"
                                               : ", before anything failed";
    if (status.ok()) return Finding(absl::StrCat("did not fail", when));
    return Finding(absl::StrCat("failed", when, ": ", status.ToString()));
  }

  absl::Status Do(const WorkloadStep& step) {
    absl::Status status = steps_->Do(step);
    if (!status.ok()) return status;
    if (step.verb == "open") destroy_failed_ = false;
    if (step.verb == "destroy" && !loses_at_sync_) destroy_failed_ = false;
    return status;
  }
  absl::Status Do(std::string_view text) { return Do(StepOf(text)); }
  DB* db() { return steps_->open_db(); }

  // --- While the fault lasts.

  // An error tells where it comes from; one of writing shows in Health.
  absl::Status CheckError(const WorkloadStep& step,
                          const absl::Status& status) {
    if (cuts_reads_) return absl::OkStatus();
    // The log of a cache that was thrown away is not what was written.
    if (cache_may_be_lost_ && step.verb == "verify") return absl::OkStatus();
    if (!SaysTheFault(status) && db() != nullptr) {
      return Finding(absl::StrCat("an error that does not say the fault: ",
                                  status.ToString()));
    }
    if (absl::IsDataLoss(status) && !disk_lies_) {
      return Finding(
          absl::StrCat("a failed call taken for damage: ", status.ToString()));
    }
    if (!IsWrite(step) || db() == nullptr) return absl::OkStatus();
    const DbHealth health = db()->Health();
    // For want of space a write fails alone.
    if (absl::IsResourceExhausted(status)) return absl::OkStatus();
    if (health.state != HealthState::kHealthy && !health.cause.ok()) {
      return absl::OkStatus();
    }
    return Finding(absl::StrCat("Health says ", HealthText(health),
                                " after: ", status.ToString()));
  }

  absl::Status React(const WorkloadStep& step) {
    if (step.verb == "destroy") destroy_failed_ = true;
    if (cure_ == Cure::kGoOn && !fault_ended_) {
      // Without these there would be nothing to go on with.
      if (step.verb != "open" && step.verb != "destroy") {
        return absl::OkStatus();
      }
      if (Do(step).ok()) return steps_->finding();
      HF_RETURN_IF_ERROR(steps_->finding());
      EndFault();
      return Again(step);
    }
    EndFault();
    if (db() == nullptr) {
      // It closed, if with an error; or could not be opened or destroyed.
      return step.verb == "close" ? absl::OkStatus() : Again(step);
    }
    HF_RETURN_IF_ERROR(Heal());
    if (readers_lost_ && UsesReader(step)) return absl::OkStatus();
    return step.verb == "release" ? absl::OkStatus() : Again(step);
  }

  absl::Status Again(const WorkloadStep& step) {
    absl::Status status = Do(step);
    if (!status.ok() && late_failures_ > 0) {
      --late_failures_;
      if (db() != nullptr) HF_RETURN_IF_ERROR(Heal());
      status = Do(step);
    }
    if (absl::IsAlreadyExists(status) && step.verb == "open") {
      // The opening that failed had made it already.
      status = Do("open");
    }
    HF_RETURN_IF_ERROR(steps_->finding());
    if (status.ok()) return absl::OkStatus();
    return Finding(
        absl::StrCat("made again after the fault: ", status.ToString()));
  }

  void EndFault() {
    fault_ended_ = true;
    steps_->faults().Clear();
  }

  // --- After it.

  bool IsHealthy() {
    const DbHealth health = db()->Health();
    return health.state == HealthState::kHealthy && health.cause.ok();
  }

  // REQUIRES: a database is open.
  absl::Status Heal() {
    if (cure_ == Cure::kReopen) return Reopen();
    if (IsHealthy()) return absl::OkStatus();
    // D8: with space again, writing works again.
    if (db()->Health().state == HealthState::kHealthy) {
      ++healings_.by_itself;
      return absl::OkStatus();
    }
    if (db()->Health().state == HealthState::kFailed) {
      // Resume mends no damage, real or not.
      if (cuts_reads_ || disk_lies_) return Reopen();
      return Finding(absl::StrCat("a failed call taken for damage: ",
                                  HealthText(db()->Health())));
    }
    absl::Status status = Do("resume");
    if (!status.ok() && late_failures_ > 0) {
      --late_failures_;
      status = Do("resume");
    }
    HF_RETURN_IF_ERROR(steps_->finding());
    if (!status.ok()) {
      return Finding(absl::StrCat("Resume fails: ", status.ToString()));
    }
    if (!IsHealthy()) {
      return Finding(absl::StrCat("after Resume, Health says ",
                                  HealthText(db()->Health())));
    }
    ++healings_.resumed;
    return absl::OkStatus();
  }

  absl::Status Reopen() {
    if (!IsHealthy()) ++healings_.reopened;
    Do("close").IgnoreError();
    readers_lost_ = true;
    return OpenAgain();
  }

  absl::Status OpenAgain() {
    absl::Status status = Do("open create");
    if (!status.ok() && late_failures_ > 0) {
      --late_failures_;
      status = Do("open create");
    }
    HF_RETURN_IF_ERROR(steps_->finding());
    if (status.ok()) return absl::OkStatus();
    return Finding(
        absl::StrCat("opening after the fault: ", status.ToString()));
  }

  absl::Status Finish() {
    if (!fault_ended_) {
      if (fired()) HF_RETURN_IF_ERROR(CheckEnds());
      // A disk that was large enough for the steps, if not for the zeros ahead
      // of a log, may be too small for what comes now.
      EndFault();
    }
    for (size_t i = 0; i < records_.size(); ++i) {
      HF_CHECK(Do(absl::StrCat("use ", i)).ok());
      HF_RETURN_IF_ERROR(Annotate(FinishDatabase(records_[i]),
                                  absl::StrCat(records_[i].dir, ", at last")));
    }
    const int left_open =
        steps_->faults().open_files() + env_.fs().open_files();
    if (left_open > 0) {
      return Finding(absl::StrCat("D12 is broken: ", left_open,
                                  " files stay open after closing"));
    }
    return CheckDisk(env_.fs().disk().CrashKeepingNone(), /*power_lost=*/true,
                     "power is lost after all was closed");
  }

  absl::Status FinishDatabase(const DbRecord& record) {
    if (db() == nullptr) {
      HF_RETURN_IF_ERROR(OpenAgain());
    } else {
      HF_RETURN_IF_ERROR(Heal());
    }
    const absl::StatusOr<Workload> afterwards = Workload::Parse(kAfterwards);
    HF_CHECK(afterwards.ok());
    for (const WorkloadStep& step : afterwards->steps) {
      HF_RETURN_IF_ERROR(Annotate(RunStep(step), step.Text()));
    }
    if (!IsHealthy()) {
      return Finding(absl::StrCat("Health says ", HealthText(db()->Health())));
    }
    const std::string wrong = WrongFiles(env_.fs(), record.dir, *db());
    if (!wrong.empty()) return Finding(wrong);
    return Annotate(RunStep(StepOf("close")), "close");
  }

  // What would be found if the process, the machine or the power went now.
  absl::Status CheckEnds() {
    const SimDisk disk = env_.fs().disk();
    SimDisk left = disk;
    left.ReleaseAll();
    HF_RETURN_IF_ERROR(
        CheckDisk(std::move(left), /*power_lost=*/false, "the process dies"));
    HF_RETURN_IF_ERROR(CheckDisk(disk.DropCache(), true,
                                 "the process ends and its cache is dropped"));
    HF_RETURN_IF_ERROR(CheckDisk(disk.CrashKeepingNone(), true,
                                 "power is lost and all that was pending"));
    return CheckDisk(disk.CrashKeepingAll(), true,
                     "power is lost and nothing that was pending");
  }

  // Opens what is on a disk and asks the oracle.
  absl::Status CheckDisk(SimDisk disk, bool power_lost,
                         std::string_view circumstances) {
    SimEnv env(std::move(disk));
    MortalFileSystem mortal(&env.fs());
    env.set_file_system(&mortal);
    absl::Status status;
    for (const DbRecord& record : records_) {
      std::unique_ptr<DB> db;
      status = CheckDatabase(record, power_lost, &env, &db);
      mortal.Die();
      db.reset();
      env.sim_executor().Drop();
      mortal.BeBorn();
      if (!status.ok()) {
        return Annotate(status,
                        absl::StrCat(record.dir, ", when ", circumstances));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckDatabase(const DbRecord& record, bool power_lost,
                             SimEnv* env, std::unique_ptr<DB>* db) {
    Options options = options_;
    options.create_if_missing = true;
    options.error_if_exists = false;
    absl::StatusOr<std::unique_ptr<DB>> opened =
        DbImpl::Open(options, env, nullptr, record.dir);
    // D11: found out, as far as bytes tell. And what a sync that failed in
    // Destroy left is no database, and says so.
    if ((disk_lies_ || destroy_failed_) && absl::IsDataLoss(opened.status())) {
      return absl::OkStatus();
    }
    if (!opened.ok()) return Finding(opened.status().ToString());
    *db = *std::move(opened);
    Contents found;
    absl::Status status = ReadForward(*(*db)->NewIterator({}), &found);
    if (disk_lies_ && absl::IsDataLoss(status)) return absl::OkStatus();
    HF_RETURN_IF_ERROR(status);
    const Ruling ruling = Judge(record.history, record.history.position(),
                                {.power_lost = power_lost || cache_may_be_lost_,
                                 .disk_lied = disk_lies_},
                                found);
    if (!ruling.ok()) return Finding(ruling.text);
    std::string wrong;
    HF_RETURN_IF_ERROR(
        ReadOtherwise(**db, {}, found, record.keys, true, &wrong));
    if (!wrong.empty()) return Finding(wrong);
    wrong = WrongFiles(env->fs(), record.dir, **db);
    return wrong.empty() ? absl::OkStatus() : Finding(wrong);
  }

  const Workload& workload_;
  const Cure cure_;
  const bool cuts_reads_;
  const bool loses_at_sync_;
  const bool cache_may_be_lost_;
  const bool disk_lies_;

  // So many may still come: of a file and of a directory.
  static constexpr int kMostLateFailures = 2;
  int late_failures_;

  SimEnv env_;
  CrashRun run_{&env_, {}};
  std::deque<DbRecord> records_;
  Options options_ = SmallOptions();
  WorkloadFaults faults_given_;
  std::unique_ptr<WorkloadRun> steps_;
  bool fault_ended_ = false;
  bool readers_lost_ = false;
  // Until it is repeated with success. That is not enough when what was removed
  // comes back with a loss of power, since no sync of a second Destroy can tell
  // that one of the first failed: then until a database is made in its place.
  bool destroy_failed_ = false;
  Healings healings_;
};

}  // namespace

std::string_view CureName(Cure cure) {
  switch (cure) {
    case Cure::kGoOn:
      return "go-on";
    case Cure::kResume:
      return "resume";
    case Cure::kReopen:
      return "reopen";
  }
  return "";
}

std::optional<Cure> CureFromName(std::string_view name) {
  for (const Cure cure : kCures) {
    if (CureName(cure) == name) return cure;
  }
  return std::nullopt;
}

FaultRunResult RunWithFaults(const Workload& workload, const FaultPlan& plan,
                             Cure cure) {
  return FaultRun(workload, plan, cure).Run();
}

WorkloadCalls CallsOf(const Workload& workload) {
  return FaultRun(workload, FaultPlan(), Cure::kGoOn).Trace();
}

}  // namespace holdfast
