#include "engine/db/background.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "base/mutant.h"
#include "base/sometimes.h"
#include "base/status_util.h"
#include "engine/compaction/compaction_job.h"
#include "engine/db/job_context.h"
#include "engine/format/file_names.h"
#include "engine/format/internal_key.h"
#include "engine/version/obsolete_files.h"

namespace holdfast {
namespace {

LeveledOptions LeveledOptionsOf(const Options& options) {
  LeveledOptions leveled;
  leveled.level0_compaction_trigger = options.level0_compaction_trigger;
  leveled.level1_bytes = options.level1_bytes;
  leveled.level_size_multiplier = options.level_size_multiplier;
  leveled.table_bytes = options.table_bytes;
  return leveled;
}

}  // namespace

Background::Background(DbCore* core)
    : core_(*core), leveled_(LeveledOptionsOf(core->options)) {}

Background::~Background() {
  MutexLock lock(&core_.mu);
  HF_CHECK(!flush_scheduled_);
  HF_CHECK(!compaction_scheduled_);
  HF_CHECK(!prepare_log_scheduled_);
}

void Background::Start(WalChain* wal) {
  wal_ = wal;
  RemoveObsoleteFiles();
  MutexLock lock(&core_.mu);
  MaybeSchedule();
}

// --- What is due -----------------------------------------------------------

bool Background::FlushIsDue() const {
  return !stopping_ && flush_error_.ok() && !core_.error.hard() &&
         !core_.frozen.empty();
}

Decision Background::Decide(ManualCompaction** manual) {
  *manual = nullptr;
  const std::shared_ptr<const Version> version = core_.versions.current();
  if (!manual_.empty()) {
    *manual = manual_.front();
    // Nothing else is running, so nothing is in the way.
    bool blocked = false;
    return PickManual(leveled_, *version, {}, (*manual)->level,
                      (*manual)->output_level, (*manual)->range, &blocked);
  }
  if (core_.options.disable_auto_compaction || !compaction_error_.ok()) {
    return Nothing{"automatic compaction is off"};
  }
  return PickCompaction(leveled_, *version, {}, round_robin_);
}

bool Background::CompactionIsDue() {
  if (stopping_ || core_.error.hard()) return false;
  if (!manual_.empty()) return true;
  ManualCompaction* manual;
  return !std::holds_alternative<Nothing>(Decide(&manual));
}

void Background::MaybeSchedule() {
  core_.mu.AssertHeld();
  if (!flush_scheduled_ && FlushIsDue()) {
    flush_scheduled_ = true;
    core_.executor.Schedule(Executor::Lane::kFlush, [this] { FlushTask(); });
  }
  if (!compaction_scheduled_ && CompactionIsDue()) {
    compaction_scheduled_ = true;
    core_.executor.Schedule(Executor::Lane::kCompaction,
                            [this] { CompactionTask(); });
  }
}

void Background::PrepareLog(uint64_t follows) {
  core_.mu.AssertHeld();
  prepare_log_after_ = follows;
  if (prepare_log_scheduled_ || stopping_ || core_.error.hard()) return;
  prepare_log_scheduled_ = true;
  core_.executor.Schedule(Executor::Lane::kFlush, [this] { PrepareLogTask(); });
}

void Background::PrepareLogTask() {
  bool run;
  uint64_t follows;
  {
    MutexLock lock(&core_.mu);
    run = !stopping_ && !core_.error.hard();
    follows = prepare_log_after_;
  }
  absl::Status status;
  bool names_in_doubt = false;
  if (run) {
    const SequenceNumber next =
        core_.visible_sequence.load(std::memory_order_acquire) + 1;
    status = wal_->PrepareNext(follows, core_.versions.NewFileNumber(), next,
                               &names_in_doubt);
  }
  core_.MakeRoomForFiles(status);
  MutexLock lock(&core_.mu);
  prepare_log_scheduled_ = false;
  if (!status.ok() && !HF_MUTANT("background.log_error_is_recorded")) {
    HF_SOMETIMES(true, "making a log ahead fails");
    HF_SOMETIMES(names_in_doubt, "the name of a log made ahead is in doubt");
    // The file is nobody's, so the rotation makes another. But other names may
    // have been lost with the sync of this one's.
    core_.error.Record(
        names_in_doubt && !HF_MUTANT("background.names_in_doubt_is_a_rotation")
            ? ErrorSource::kWalRotate
            : ErrorSource::kWalAhead,
        status);
  }
  core_.changed.SignalAll();
}

absl::Status Background::Obstacle() const {
  HF_RETURN_IF_ERROR(core_.error.WriteStatus());
  if (stopping_)
    return absl::FailedPreconditionError("the database is closing");
  return absl::OkStatus();
}

// --- Flush -----------------------------------------------------------------

void Background::FlushTask() {
  bool run;
  {
    MutexLock lock(&core_.mu);
    run = FlushIsDue();
  }
  absl::Status status;
  if (run) {
    status = FlushOldest();
    core_.ReleaseViews();
    RemoveObsoleteFiles();
  }
  core_.MakeRoomForFiles(status);
  MutexLock lock(&core_.mu);
  flush_scheduled_ = false;
  if (!status.ok() && !HF_MUTANT("background.flush_error_is_recorded")) {
    HF_SOMETIMES(true, "a flush fails");
    core_.error.Record(ErrorSource::kFlush, status);
    if (!core_.error.hard()) flush_error_ = status;
  } else if (run) {
    ForgetSoftErrors();
  }
  MaybeSchedule();
  core_.changed.SignalAll();
}

absl::Status Background::SettleManifest() {
  if (!core_.versions.manifest_state_unknown()) return absl::OkStatus();
  HF_SOMETIMES(true, "an unknown manifest is settled before the next job");
  if (HF_MUTANT("background.settles_manifest")) return absl::OkStatus();
  HF_RETURN_IF_ERROR(Install(VersionEdit(), /*flushed=*/0));
  RemoveObsoleteFiles();
  return absl::OkStatus();
}

absl::Status Background::FlushOldest() {
  HF_RETURN_IF_ERROR(SettleManifest());
  FrozenMemTable frozen;
  {
    MutexLock lock(&core_.mu);
    frozen = core_.frozen.front();  // Invariant (1).
    HF_SOMETIMES(core_.frozen.size() > 1, "two memtables wait for a flush");
    if (HF_MUTANT("background.flushes_oldest_first")) {
      frozen = core_.frozen.back();
    }
  }
  PendingOutputs outputs(&core_);  // Invariant (2).
  HF_ASSIGN_OR_RETURN(std::optional<TableRecord> table,
                      WriteLevel0Table(core_, *frozen.table, outputs));
  VersionEdit edit;
  edit.log_number = frozen.next_log_number;
  if (HF_MUTANT("background.log_goes_after_its_flush")) {
    edit.log_number = core_.versions.next_file_number();
  }
  if (HF_MUTANT("background.flush_ends_its_log")) edit.log_number.reset();
  if (table.has_value()) {
    core_.counters.flush_bytes.Add(table->bytes);
    edit.added.push_back(*std::move(table));
  }
  HF_RETURN_IF_ERROR(Install(std::move(edit), /*flushed=*/1));
  core_.counters.flushes.Add(1);
  return absl::OkStatus();
}

absl::Status Background::Install(VersionEdit edit, int flushed) {
  MutexLock manifest_lock(&core_.manifest_mu);
  HF_RETURN_IF_ERROR(HF_STEP("background.manifest_before_view",
                             core_.versions.LogAndApply(std::move(edit))));
  MutexLock lock(&core_.mu);
  for (int i = 0; i < flushed; ++i) core_.frozen.pop_front();
  flushed_ += static_cast<uint64_t>(flushed);
  core_.PublishView();  // Invariant (3).
  return absl::OkStatus();
}

uint64_t Background::FlushTicket() {
  MutexLock lock(&core_.mu);
  return flushed_ + core_.frozen.size();
}

absl::Status Background::WaitForFlush(uint64_t ticket) {
  MutexLock lock(&core_.mu);
  if (flushed_ < ticket && FlushFailedSoftly()) {
    HF_RETURN_IF_ERROR(RetryFlush());
  }
  while (flushed_ < ticket) {
    HF_RETURN_IF_ERROR(Obstacle());
    HF_RETURN_IF_ERROR(flush_error_);
    MaybeSchedule();
    core_.executor.Wait(&core_.changed, &core_.mu);
  }
  return absl::OkStatus();
}

// --- After a soft error ----------------------------------------------------

bool Background::FlushFailedSoftly() const {
  core_.mu.AssertHeld();
  return !flush_error_.ok();
}

absl::Status Background::RetryFlush() {
  core_.mu.AssertHeld();
  flush_error_ = absl::OkStatus();
  const uint64_t ticket = flushed_ + 1;
  while (flushed_ < ticket && !core_.frozen.empty()) {
    HF_RETURN_IF_ERROR(Obstacle());
    HF_RETURN_IF_ERROR(flush_error_);
    MaybeSchedule();
    core_.executor.Wait(&core_.changed, &core_.mu);
  }
  return absl::OkStatus();
}

absl::Status Background::CompactionError() const {
  core_.mu.AssertHeld();
  return compaction_error_;
}

void Background::RetryCompaction() {
  core_.mu.AssertHeld();
  compaction_error_ = absl::OkStatus();
  MaybeSchedule();
}

void Background::ForgetSoftErrors() {
  core_.mu.AssertHeld();
  flush_error_ = absl::OkStatus();
  compaction_error_ = absl::OkStatus();
  core_.error.RecordSuccess();
}

// --- Compaction ------------------------------------------------------------

void Background::CompactionTask() {
  ManualCompaction* manual = nullptr;
  Decision decision = Nothing{};
  {
    MutexLock lock(&core_.mu);
    if (!stopping_ && !core_.error.hard()) decision = Decide(&manual);
    MarkBeingCompacted(decision, true);
  }
  const bool run = !std::holds_alternative<Nothing>(decision);
  absl::Status status;
  if (run) {
    status = Compact(decision);
    core_.ReleaseViews();
    RemoveObsoleteFiles();
  }
  core_.MakeRoomForFiles(status);
  {
    MutexLock lock(&core_.mu);
    MarkBeingCompacted(decision, false);
    if (status.ok()) {
      RememberPick(decision, &round_robin_);
      // Its space may help the flush that failed; that one's error stays until
      // it has succeeded.
      if (run && flush_error_.ok()) ForgetSoftErrors();
    } else if (!absl::IsCancelled(status) &&
               !HF_MUTANT("background.compaction_error_is_recorded")) {
      HF_SOMETIMES(true, "a compaction fails");
      core_.error.Record(ErrorSource::kCompaction, status);
      if (!core_.error.hard()) compaction_error_ = status;
    }
    if (manual != nullptr) FinishManual(manual, decision, status);
  }
  // The tables that it holds must go before Stop may return, since their
  // readers go into the epoch domain.
  decision = Nothing{};
  MutexLock lock(&core_.mu);
  compaction_scheduled_ = false;
  MaybeSchedule();
  core_.changed.SignalAll();
}

absl::Status Background::Compact(const Decision& decision) {
  HF_RETURN_IF_ERROR(SettleManifest());
  if (const Move* move = std::get_if<Move>(&decision)) return RunMove(*move);
  return RunMerge(std::get<Merge>(decision));
}

absl::Status Background::RunMove(const Move& move) {
  HF_SOMETIMES(true, "a table is moved to the next level");
  HF_RETURN_IF_ERROR(Install(EditOf(move), /*flushed=*/0));
  core_.counters.moves.Add(1);
  return absl::OkStatus();
}

absl::Status Background::RunMerge(const Merge& merge) {
  PendingOutputs outputs(&core_);  // Invariant (2).
  HF_ASSIGN_OR_RETURN(
      CompactionResult result,
      RunCompaction(
          CompactionOptionsOf(core_, core_.versions.current(), outputs,
                              leveled_.max_grandparent_bytes(), cancel_),
          merge));
  HF_RETURN_IF_ERROR(Install(std::move(result.edit), /*flushed=*/0));
  for (const FileList* inputs : {&merge.inputs, &merge.output_inputs}) {
    for (const FilePtr& file : *inputs)
      core_.table_cache.ForgetBlocks(file->slot);
  }
  core_.counters.compactions.Add(1);
  core_.counters.compaction_read_bytes.Add(result.stats.bytes_read);
  core_.counters.compaction_write_bytes.Add(result.stats.bytes_written);
  return absl::OkStatus();
}

void Background::FinishManual(ManualCompaction* manual,
                              const Decision& decision,
                              const absl::Status& status) {
  const Merge* merge = std::get_if<Merge>(&decision);
  if (status.ok() && merge != nullptr && merge->next_begin.has_value()) {
    manual->range.begin = merge->next_begin;  // It stays first in the queue.
    return;
  }
  manual->status = status;
  manual->done = true;
  manual_.pop_front();
}

absl::Status Background::RunManual(int level, int output_level,
                                   const ManualRange& range) {
  ManualCompaction manual;
  manual.level = level;
  manual.output_level = output_level;
  manual.range = range;
  MutexLock lock(&core_.mu);
  manual_.push_back(&manual);
  absl::Status obstacle;
  while (!manual.done) {
    obstacle = Obstacle();
    // A running job still points at the request: leave only when none does.
    if (!obstacle.ok() && !compaction_scheduled_) break;
    MaybeSchedule();
    core_.executor.Wait(&core_.changed, &core_.mu);
  }
  if (manual.done) return manual.status;
  manual_.erase(std::find(manual_.begin(), manual_.end(), &manual));
  return obstacle;
}

absl::Status Background::CompactRange(std::optional<std::string_view> begin,
                                      std::optional<std::string_view> end) {
  ManualRange range;
  if (begin.has_value()) range.begin = std::string(*begin);
  if (end.has_value()) range.end = std::string(*end);
  const std::optional<int> deepest =
      core_.versions.current()->DeepestLevelOverlapping(begin, end);
  if (!deepest.has_value()) return absl::OkStatus();
  const int last = std::max(*deepest, 1);
  const uint64_t first_new = core_.versions.next_file_number();
  for (int level = 0; level < last; ++level) {
    HF_RETURN_IF_ERROR(RunManual(level, level + 1, range));
  }
  // What lay in the last level under nothing that came down: rewritten in
  // place, to drop what snapshots had kept, and tombstones that came to lie at
  // the bottom by a move.
  range.before_number = first_new;
  return RunManual(last, last, range);
}

// --- Waiting and stopping --------------------------------------------------

absl::Status Background::WaitIdle() {
  absl::Status status;
  {
    MutexLock lock(&core_.mu);
    ForgetSoftErrors();  // Who waits for the work wants it tried.
    for (;;) {
      MaybeSchedule();
      if (!flush_scheduled_ && !compaction_scheduled_ &&
          !prepare_log_scheduled_) {
        break;
      }
      core_.executor.Wait(&core_.changed, &core_.mu);
    }
    status = core_.error.WriteStatus();
    if (status.ok()) status = core_.error.cause();
  }
  // What readers still held when the last job looked.
  core_.ReleaseViews();
  RemoveObsoleteFiles();
  return status;
}

void Background::Stop() {
  cancel_.store(true, std::memory_order_relaxed);
  MutexLock lock(&core_.mu);
  stopping_ = true;
  core_.changed.SignalAll();
  while (flush_scheduled_ || compaction_scheduled_ || prepare_log_scheduled_) {
    HF_SOMETIMES(compaction_scheduled_, "closing waits for a compaction");
    core_.executor.Wait(&core_.changed, &core_.mu);
  }
}

void Background::RemoveObsoleteFiles() {
  const absl::StatusOr<std::vector<std::string>> names =
      core_.file_system.ListDirectory(core_.dir);
  if (!names.ok()) return;
  FilesInUse in_use;
  {
    MutexLock lock(&core_.mu);
    in_use = core_.versions.InUse();
    in_use.pending.insert(core_.pending_outputs.begin(),
                          core_.pending_outputs.end());
  }
  if (HF_MUTANT("background.removes_obsolete")) return;
  for (const std::string& name : ObsoleteFiles(in_use, *names)) {
    // The other job may have removed it already.
    core_.file_system.RemoveFile(JoinPath(core_.dir, name)).IgnoreError();
  }
}

}  // namespace holdfast
