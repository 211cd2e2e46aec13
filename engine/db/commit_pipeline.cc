#include "engine/db/commit_pipeline.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/mutant.h"
#include "base/sometimes.h"
#include "base/status_util.h"
#include "engine/format/wal_record.h"

namespace holdfast {
namespace {

// A group takes at most this many bytes, so that the first of its writers does
// not wait for too long a write; a small one only a little more than its own.
constexpr size_t kMaxGroupBytes = size_t{1} << 20;
constexpr size_t kSmallBatchBytes = size_t{128} << 10;

// A group buffer over this size is not kept for the next group.
constexpr size_t kKeptBufferBytes = 2 * kMaxGroupBytes;

// How often a writer looks for its turn before it sleeps: about as long as a
// few writes without a sync take, and no longer than going to sleep and being
// woken.
constexpr int kLooksBeforeSleep = 64;

// The owner of a group with a sync waits for company no longer than this part
// of a sync, nor than so long.
constexpr uint64_t kCompanyPartOfSync = 4;
constexpr uint64_t kMostCompanyMicros = 500;

// Tells the processor that this is a loop that waits.
inline void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

absl::Status CommitPipeline::Write(const WriteOptions& options,
                                   const WriteBatch& batch) {
  Writer writer;
  writer.batch = &batch;
  writer.sync = options.sync;
  writer.disable_wal = options.disable_wal;
  if (!AwaitTurn(&writer)) return std::move(writer.status);
  group_.followers = nullptr;
  group_.sync = false;
  absl::Status status = CommitGroup(&writer);
  Writer* follower = group_.followers;
  PassOn(group_.sync ? group_.batches : 0);
  while (follower != nullptr) {
    Writer* const next = follower->next;
    follower->status = status;
    Give(follower, Turn::kDone);
    follower = next;
  }
  return status;
}

absl::Status CommitPipeline::SyncWal() {
  return RunExclusive([this] {
    {
      MutexLock lock(&core_.mu);
      HF_RETURN_IF_ERROR(
          HF_STEP("commit.no_sync_when_read_only", core_.error.WriteStatus()));
    }
    return SyncLog();
  });
}

absl::Status CommitPipeline::RunExclusive(
    absl::FunctionRef<absl::Status()> work) {
  Writer writer;
  const bool owns = AwaitTurn(&writer);
  HF_CHECK(owns);  // Only writers with a batch are taken into a group.
  absl::Status status = work();
  PassOn(0);
  return status;
}

bool CommitPipeline::AwaitTurn(Writer* writer) {
  uint32_t state = kFree;
  // Acquire, here and below: what the owner before did. Partner: PassOn.
  if (state_.compare_exchange_strong(state, kOwned,
                                     std::memory_order_acquire)) {
    return true;
  }
  {
    MutexLock lock(&mu_);
    state = state_.load(std::memory_order_relaxed);
    while (state != kOwnedAndQueued) {
      const uint32_t next = state == kFree ? kOwned : kOwnedAndQueued;
      if (!state_.compare_exchange_weak(state, next,
                                        std::memory_order_acquire)) {
        continue;
      }
      if (next == kOwned) return true;
      break;
    }
    (first_ == nullptr ? first_ : last_->next) = writer;
    last_ = writer;
    if (++queued_ == awaited_) company_.Signal();
  }
  return Wait(writer) == Turn::kOwns;
}

CommitPipeline::Turn CommitPipeline::Wait(Writer* writer) {
  for (int i = 0; i < kLooksBeforeSleep && !writer->sync &&
                  !syncing_.load(std::memory_order_relaxed) &&
                  writer->turn.load(std::memory_order_acquire) == Turn::kWaits;
       ++i) {
    Pause();
  }
  // Also when the turn has come: who gives it may still be in there.
  MutexLock lock(&writer->mu);
  while (writer->turn.load(std::memory_order_relaxed) == Turn::kWaits) {
    writer->changed.Wait(&writer->mu);
  }
  return writer->turn.load(std::memory_order_relaxed);
}

void CommitPipeline::Give(Writer* writer, Turn turn) {
  // Signals under the lock: *writer goes once the turn is seen.
  MutexLock lock(&writer->mu);
  writer->turn.store(turn, std::memory_order_release);
  writer->changed.Signal();
}

void CommitPipeline::PassOn(size_t synced_writers) {
  if (synced_writers > 0) expected_writers_ = synced_writers;
  uint32_t state = kOwned;
  // Release: what this owner did. Partner: AwaitTurn.
  if (state_.compare_exchange_strong(state, kFree, std::memory_order_release)) {
    return;
  }
  Writer* next;
  {
    MutexLock lock(&mu_);
    next = first_;
    HF_CHECK(next != nullptr);
    if (synced_writers > 0) expected_writers_ += queued_;
    first_ = next->next;
    next->next = nullptr;
    --queued_;
    if (first_ == nullptr) state_.store(kOwned, std::memory_order_relaxed);
  }
  Give(next, Turn::kOwns);
}

absl::Status CommitPipeline::CommitGroup(Writer* owner) {
  MemTable* memtable;
  HF_RETURN_IF_ERROR(
      room_.Make(owner->disable_wal && !HF_MUTANT("commit.unlogged_proves_log")
                     ? WalChain::Next::kProvesAll
                     : WalChain::Next::kAheadWillDo,
                 &memtable));
  if (owner->sync) AwaitCompany();
  GatherGroup(owner);
  if (!owner->disable_wal) {
    // Invariant (2): logged, and synced when asked, before visible.
    const absl::Status logged = LogGroup();
    if (!logged.ok() && !HF_MUTANT("commit.unlogged_is_not_applied")) {
      return logged;
    }
  }
  ApplyGroup(memtable);
  return absl::OkStatus();
}

void CommitPipeline::AwaitCompany() {
  const size_t others = expected_writers_ - 1;
  const uint64_t micros =
      std::min(sync_micros_ / kCompanyPartOfSync, kMostCompanyMicros);
  if (others == 0 || micros == 0) return;
  MutexLock lock(&mu_);
  if (queued_ >= others) return;
  // Once: a wait that ends early does no harm.
  awaited_ = others;
  company_.WaitFor(&mu_, micros);
  HF_SOMETIMES(queued_ >= others, "company comes before a sync");
  awaited_ = SIZE_MAX;
}

void CommitPipeline::GatherGroup(Writer* owner) {
  Group& group = group_;
  group.first_sequence =
      core_.visible_sequence.load(std::memory_order_relaxed) + 1;
  group.changes = owner->batch->rep();
  group.count = owner->batch->count();
  group.batches = 1;
  group.sync = owner->sync;
  if (state_.load(std::memory_order_relaxed) == kOwned) return;
  if (group.buffer.capacity() > kKeptBufferBytes)
    std::string().swap(group.buffer);
  group.buffer.clear();

  const size_t own_bytes = group.changes.size();
  const size_t limit = own_bytes <= kSmallBatchBytes
                           ? own_bytes + kSmallBatchBytes
                           : std::max(own_bytes, kMaxGroupBytes);
  MutexLock lock(&mu_);
  Writer* last = nullptr;
  for (Writer* writer = first_; writer != nullptr; writer = writer->next) {
    if (writer->batch == nullptr) break;
    if (writer->disable_wal != owner->disable_wal &&
        !HF_MUTANT("commit.group_of_one_kind")) {
      break;
    }
    // The owner does not wait for a sync that it did not ask for. (One that did
    // takes others along: waiting behind it would not be shorter.)
    if (writer->sync && !owner->sync &&
        !HF_MUTANT("commit.synced_waits_for_sync")) {
      break;
    }
    if (group.changes.size() + writer->batch->size_bytes() > limit) break;
    if (group.buffer.empty()) group.buffer = group.changes;
    group.buffer.append(writer->batch->rep());
    group.changes = group.buffer;
    group.count += writer->batch->count();
    ++group.batches;
    last = writer;
    --queued_;
  }
  HF_SOMETIMES(last != nullptr, "writers are committed as a group");
  if (last == nullptr) return;
  group.followers = std::exchange(first_, last->next);
  last->next = nullptr;
  if (first_ == nullptr) state_.store(kOwned, std::memory_order_relaxed);
}

absl::Status CommitPipeline::LogGroup() {
  std::string prefix;
  AppendWalRecordPrefix(&prefix, group_.first_sequence, group_.count);
  LogWriter& log = wal_.current();
  const uint64_t before = log.bytes();
  const absl::Status status = log.AddRecord(prefix, group_.changes);
  if (!status.ok()) {
    MutexLock lock(&core_.mu);
    if (HF_MUTANT("commit.write_error_is_recorded")) return status;
    core_.error.Record(ErrorSource::kWalWrite, status);
    return status;
  }
  core_.counters.wal_bytes.AddAlone(log.bytes() - before);
  core_.active_log_bytes.store(log.bytes(), std::memory_order_relaxed);
  if (!group_.sync) return absl::OkStatus();
  syncing_.store(true, std::memory_order_relaxed);
  const uint64_t start = core_.clock.NowMicros();
  absl::Status synced = HF_STEP("commit.sync_before_ack", SyncLog());
  sync_micros_ = core_.clock.NowMicros() - start;
  syncing_.store(false, std::memory_order_relaxed);
  return synced;
}

absl::Status CommitPipeline::SyncLog() {
  LogWriter& log = wal_.current();
  const uint64_t before = log.synced_bytes();
  const absl::Status status = log.Sync();
  if (!status.ok()) {
    MutexLock lock(&core_.mu);
    if (HF_MUTANT("commit.sync_error_is_recorded")) return status;
    core_.error.Record(ErrorSource::kWalSync, status);
    return status;
  }
  if (log.synced_bytes() != before) core_.counters.wal_syncs.AddAlone(1);
  return absl::OkStatus();
}

void CommitPipeline::ApplyGroup(MemTable* memtable) {
  SequenceNumber sequence = group_.first_sequence;
  // Before it is visible: see dead_spans.h.
  const bool cuts = core_.dead_spans.Announce(sequence + group_.count - 1);
  uint64_t bytes = 0;
  const absl::Status status = ForEachChange(
      group_.changes, group_.count,
      [&](ValueType type, std::string_view key, std::string_view value) {
        memtable->Add(sequence++, type, key, value);
        if (cuts && type == ValueType::kValue) core_.dead_spans.Cut(key);
        bytes += key.size() + value.size();
      });
  HF_CHECK(status.ok());  // We encoded them.
  // Invariant (1). Pairs with the acquire of every reader: who sees the number
  // sees the entries.
  core_.visible_sequence.store(sequence - 1, std::memory_order_release);
  core_.counters.writes.AddAlone(group_.batches);
  core_.counters.write_keys.AddAlone(group_.count);
  core_.counters.write_bytes.AddAlone(bytes);
}

}  // namespace holdfast
