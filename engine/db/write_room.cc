#include "engine/db/write_room.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/mutant.h"
#include "base/sometimes.h"
#include "base/status_util.h"
#include "engine/db/write_stall.h"

namespace holdfast {

absl::Status WriteRoom::Freeze() {
  MemTable* active;
  // No record need follow.
  const WalChain::Next next_log = HF_MUTANT("write_room.flush_proves_log")
                                      ? WalChain::Next::kAheadWillDo
                                      : WalChain::Next::kProvesAll;
  return Make(/*freeze_wanted=*/true, next_log, &active);
}

absl::Status WriteRoom::Make(bool freeze_wanted, WalChain::Next next_log,
                             MemTable** active) {
  using Action = WriteStallDecision::Action;
  WriteStallFacts facts;
  facts.freeze_wanted = freeze_wanted;
  bool retried = false;
  MutexLock lock(&core_.mu);
  for (;;) {
    HF_RETURN_IF_ERROR(HF_STEP("write_room.refuses_when_read_only",
                               core_.error.WriteStatus()));
    // A flush ran out of space: see whether there is some again, so that
    // writing heals by itself, and fails with the cause until then.
    if (background_.FlushFailedSoftly() &&
        !HF_MUTANT("write_room.retries_flush")) {
      HF_SOMETIMES(true, "a write tries a failed flush again");
      HF_RETURN_IF_ERROR(background_.RetryFlush());
    }
    facts.active_bytes = core_.active->memory_bytes();
    facts.active_empty = core_.active->empty();
    facts.frozen_memtables = static_cast<int>(core_.frozen.size());
    facts.level0_tables = core_.level0_tables;
    const WriteStallDecision decision = DecideWriteStall(facts, core_.options);
    if (decision.reason != core_.stall_reason) {
      core_.stall_reason = decision.reason;
    }
    switch (decision.action) {
      case Action::kProceed:
        if (!log_ahead_wanted_ &&
            facts.active_bytes >= core_.options.memtable_bytes / 2) {
          log_ahead_wanted_ = true;
          background_.PrepareLog(wal_.current_number());
        }
        *active = core_.active.get();
        return absl::OkStatus();
      case Action::kDelay:
        HF_SOMETIMES(true, "a write is delayed");
        core_.counters.stall_delays.AddAlone(1);
        core_.counters.stall_micros.AddAlone(decision.delay_micros);
        core_.mu.Unlock();
        core_.clock.SleepMicros(decision.delay_micros);
        core_.mu.Lock();
        facts.delayed_already = true;
        break;
      case Action::kStop: {
        HF_SOMETIMES(decision.waits_for_compaction,
                     "a write waits for a compaction");
        HF_SOMETIMES(!decision.waits_for_compaction,
                     "a write waits for a flush");
        // The same for compaction, when a write must wait for it; once a write,
        // so that it does not wait for ever.
        if (decision.waits_for_compaction &&
            !background_.CompactionError().ok()) {
          HF_SOMETIMES(true, "a write tries a failed compaction again");
          if (retried) return background_.CompactionError();
          retried = true;
          background_.RetryCompaction();
        }
        core_.counters.stall_stops.AddAlone(1);
        const uint64_t start = core_.clock.NowMicros();
        background_.MaybeSchedule();
        core_.executor.Wait(&core_.changed, &core_.mu);
        core_.counters.stall_micros.AddAlone(core_.clock.NowMicros() - start);
        break;
      }
      case Action::kFreeze: {
        // I/O without the mutex: only the pipeline's owner, which is this
        // thread, replaces the active memtable and the log.
        core_.mu.Unlock();
        const absl::Status status = FreezeNow(next_log);
        core_.mu.Lock();
        HF_RETURN_IF_ERROR(status);
        facts.freeze_wanted = false;
        break;
      }
    }
  }
}

absl::Status WriteRoom::FreezeNow(WalChain::Next next_log) {
  const uint64_t number = core_.versions.NewFileNumber();
  const SequenceNumber next =
      core_.visible_sequence.load(std::memory_order_relaxed) + 1;
  const absl::Status status = wal_.Rotate(number, next, next_log);
  if (!status.ok()) {
    core_.MakeRoomForFiles(status);
    MutexLock lock(&core_.mu);
    if (HF_MUTANT("write_room.rotate_error_is_recorded")) return status;
    core_.error.Record(
        wal_.sync_failed() ? ErrorSource::kWalSync : ErrorSource::kWalRotate,
        status);
    return status;
  }
  InstallNewMemTable(wal_.current_number());
  return absl::OkStatus();
}

absl::Status WriteRoom::FreezeForResume() {
  {
    // An earlier attempt has begun a log, and nothing was written since.
    MutexLock lock(&core_.mu);
    if (wal_.unused() && core_.active->empty()) {
      HF_SOMETIMES(true, "Resume goes on with the log of an earlier attempt");
      return absl::OkStatus();
    }
  }
  const uint64_t number = core_.versions.NewFileNumber();
  const SequenceNumber next =
      core_.visible_sequence.load(std::memory_order_relaxed) + 1;
  if (HF_MUTANT("write_room.resume_begins_a_log")) {
    return FreezeNow(WalChain::Next::kProvesAll);
  }
  HF_RETURN_IF_ERROR(wal_.Begin(number, next));
  InstallNewMemTable(number);
  return absl::OkStatus();
}

void WriteRoom::InstallNewMemTable(uint64_t log_number) {
  std::shared_ptr<MemTable> memtable = core_.NewMemTable();
  {
    MutexLock lock(&core_.mu);
    core_.frozen.push_back(
        {std::exchange(core_.active, std::move(memtable)), log_number,
         core_.active_log_bytes.exchange(0, std::memory_order_relaxed)});
    core_.PublishView();
    background_.MaybeSchedule();
  }
  log_ahead_wanted_ = false;
  core_.ReleaseViews();
}

}  // namespace holdfast
