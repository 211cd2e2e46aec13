#include "engine/db/commit_pipeline.h"

#include <algorithm>
#include <string_view>
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

}  // namespace

absl::Status CommitPipeline::Write(const WriteOptions& options,
                                   const WriteBatch& batch) {
  Writer writer;
  writer.batch = &batch;
  writer.sync = options.sync;
  writer.disable_wal = options.disable_wal;
  if (!AwaitTurn(&writer)) return writer.status;
  Writer* last = &writer;
  const absl::Status status = CommitGroup(&writer, &last);
  PassOn(&writer, last, status);
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
  const absl::Status status = work();
  PassOn(&writer, &writer, status);
  return status;
}

bool CommitPipeline::AwaitTurn(Writer* writer) {
  MutexLock lock(&mu_);
  queue_.push_back(writer);
  while (!writer->done && queue_.front() != writer) writer->turn.Wait(&mu_);
  return !writer->done;
}

void CommitPipeline::PassOn(Writer* owner, Writer* last,
                            const absl::Status& status) {
  MutexLock lock(&mu_);
  for (;;) {
    Writer* writer = queue_.front();
    queue_.pop_front();
    const bool is_last = writer == last;
    if (writer != owner) {
      writer->status = status;
      writer->done = true;
      writer->turn.Signal();  // Under the lock: *writer goes once it is seen.
    }
    if (is_last) break;
  }
  if (!queue_.empty()) queue_.front()->turn.Signal();
}

absl::Status CommitPipeline::CommitGroup(Writer* owner, Writer** last) {
  HF_RETURN_IF_ERROR(room_.Make());
  *last = GatherGroup(owner);
  if (!owner->disable_wal) {
    // Invariant (2): logged, and synced when asked, before visible.
    const absl::Status logged = LogGroup(group_.sync);
    if (!logged.ok() && !HF_MUTANT("commit.unlogged_is_not_applied")) {
      return logged;
    }
  }
  ApplyGroup();
  return absl::OkStatus();
}

CommitPipeline::Writer* CommitPipeline::GatherGroup(Writer* owner) {
  Group& group = group_;
  group.first_sequence =
      core_.visible_sequence.load(std::memory_order_relaxed) + 1;
  group.changes = owner->batch->rep();
  group.count = owner->batch->count();
  group.batches = 1;
  group.sync = owner->sync;
  if (group.buffer.capacity() > kKeptBufferBytes)
    std::string().swap(group.buffer);
  group.buffer.clear();

  const size_t own_bytes = group.changes.size();
  const size_t limit = own_bytes <= kSmallBatchBytes
                           ? own_bytes + kSmallBatchBytes
                           : std::max(own_bytes, kMaxGroupBytes);
  Writer* last = owner;
  MutexLock lock(&mu_);
  for (auto it = queue_.begin() + 1; it != queue_.end(); ++it) {
    Writer* writer = *it;
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
  }
  HF_SOMETIMES(last != owner, "writers are committed as a group");
  return last;
}

absl::Status CommitPipeline::LogGroup(bool sync) {
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
  core_.counters.wal_bytes.Add(log.bytes() - before);
  core_.active_log_bytes.store(log.bytes(), std::memory_order_relaxed);
  return sync ? HF_STEP("commit.sync_before_ack", SyncLog()) : absl::OkStatus();
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
  if (log.synced_bytes() != before) core_.counters.wal_syncs.Add(1);
  return absl::OkStatus();
}

void CommitPipeline::ApplyGroup() {
  MemTable* memtable;
  {
    MutexLock lock(&core_.mu);
    memtable = core_.active.get();  // Replaced only by the pipeline's owner.
  }
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
  core_.counters.writes.Add(group_.batches);
  core_.counters.write_keys.Add(group_.count);
  core_.counters.write_bytes.Add(bytes);
}

}  // namespace holdfast
