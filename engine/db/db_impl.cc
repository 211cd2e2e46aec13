#include "engine/db/db_impl.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/mutant.h"
#include "base/sometimes.h"
#include "base/status_util.h"
#include "engine/db/destroy.h"
#include "engine/db/reader.h"
#include "engine/db/recovery.h"
#include "engine/db/user_iterator.h"
#include "engine/db/verify.h"
#include "engine/format/file_names.h"

namespace holdfast {
namespace {

std::string WithoutTrailingSlashes(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return std::string(path);
}

// Makes the database's directory when it is wanted and not there. Recovery
// makes its name durable. RETURNS whether it was made.
absl::StatusOr<bool> EnsureDirectory(FileSystem& file_system,
                                     const Options& options,
                                     const std::string& dir) {
  HF_ASSIGN_OR_RETURN(const bool exists, file_system.FileExists(dir));
  if (exists) return false;
  if (!options.create_if_missing) {
    return absl::NotFoundError(absl::StrCat(
        dir, ": no such directory (option create_if_missing would make it)"));
  }
  const absl::Status status = file_system.CreateDirectory(dir);
  if (absl::IsAlreadyExists(status)) return false;
  HF_RETURN_IF_ERROR(status);
  return true;
}

}  // namespace

absl::StatusOr<std::unique_ptr<DB>> DbImpl::Open(const Options& options,
                                                 Env* env,
                                                 std::unique_ptr<Env> own_env,
                                                 std::string_view path) {
  HF_RETURN_IF_ERROR(ValidateOptions(options));
  if (path.empty()) {
    return absl::InvalidArgumentError("the path of the database is empty");
  }
  const std::string dir = WithoutTrailingSlashes(path);
  FileSystem& file_system = env->file_system();
  HF_ASSIGN_OR_RETURN(const bool made_directory,
                      EnsureDirectory(file_system, options, dir));
  if (!options.create_if_missing) {
    // Without a database there is nothing to lock: leave the place untouched.
    HF_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                        file_system.ListDirectory(dir));
    FileKind kind;
    uint64_t number;
    if (std::none_of(names.begin(), names.end(), [&](const std::string& name) {
          return ParseFileName(name, &kind, &number);
        })) {
      return absl::NotFoundError(
          absl::StrCat(dir,
                       ": no database here (option create_if_missing "
                       "would make one)"));
    }
  }
  std::unique_ptr<FileLock> lock;
  if (!HF_MUTANT("open.lock")) {
    absl::StatusOr<std::unique_ptr<FileLock>> locked =
        file_system.LockFile(LockFileName(dir));
    if (!locked.ok() && made_directory) {
      // Fails, as it should, when somebody else is in it by now.
      file_system.RemoveDirectory(dir).IgnoreError();
    }
    HF_RETURN_IF_ERROR(locked.status());
    lock = *std::move(locked);
  }
  // Not make_unique: the constructor is private.
  std::unique_ptr<DbImpl> db(
      new DbImpl(options, env, std::move(own_env), dir, std::move(lock)));
  absl::StatusOr<std::unique_ptr<WalChain>> wal = Recovery(&db->core_).Run();
  if (!wal.ok() && made_directory &&
      !HF_MUTANT("open.failed_directory_removed")) {
    // Should the sync of its name have failed, no later one would prove that it
    // is durable: the next opening makes it anew.
    file_system.RemoveFile(LockFileName(dir)).IgnoreError();
    file_system.RemoveDirectory(dir).IgnoreError();
  }
  HF_RETURN_IF_ERROR(wal.status());
  db->wal_ = *std::move(wal);
  db->room_ =
      std::make_unique<WriteRoom>(&db->core_, db->wal_.get(), &db->background_);
  db->pipeline_ = std::make_unique<CommitPipeline>(&db->core_, db->wal_.get(),
                                                   db->room_.get());
  db->background_.Start(db->wal_.get());
  return db;
}

absl::Status DbImpl::Destroy(Env* env, std::string_view path) {
  return DestroyDatabase(env->file_system(), WithoutTrailingSlashes(path));
}

DbImpl::DbImpl(const Options& options, Env* env, std::unique_ptr<Env> own_env,
               std::string dir, std::unique_ptr<FileLock> lock)
    : own_env_(std::move(own_env)),
      lock_(std::move(lock)),
      core_(options, env, std::move(dir)),
      background_(&core_) {}

DbImpl::~DbImpl() {
  // Open failed half-way when there is no pipeline: nothing to close.
  if (pipeline_ != nullptr) {
    Close().IgnoreError();
  } else {
    background_.Stop();
  }
}

absl::Status DbImpl::CheckOpen() const {
  if (!closed_.load(std::memory_order_acquire)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(core_.dir, ": the database is closed"));
}

absl::Status DbImpl::CheckSnapshot(const ReadOptions& options) const {
  if (options.snapshot == nullptr || core_.snapshots.Owns(*options.snapshot)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the snapshot is not of this database (", core_.dir, ")"));
}

absl::Status DbImpl::Put(const WriteOptions& options, std::string_view key,
                         std::string_view value) {
  WriteBatch batch;
  batch.Put(key, value);
  return Write(options, batch);
}

absl::Status DbImpl::Delete(const WriteOptions& options, std::string_view key) {
  WriteBatch batch;
  batch.Delete(key);
  return Write(options, batch);
}

absl::Status DbImpl::Write(const WriteOptions& options,
                           const WriteBatch& batch) {
  HF_RETURN_IF_ERROR(CheckOpen());
  if (options.sync && options.disable_wal) {
    return absl::InvalidArgumentError(
        "sync and disable_wal exclude each other: what is not logged cannot "
        "be made durable (use Flush)");
  }
  HF_RETURN_IF_ERROR(batch.CheckLimits());
  if (batch.empty()) {
    return options.sync
               ? HF_STEP("write.empty_batch_syncs", pipeline_->SyncWal())
               : absl::OkStatus();
  }
  if (options.disable_wal) {
    unlogged_writes_.store(true, std::memory_order_relaxed);
  }
  return pipeline_->Write(options, batch);
}

absl::StatusOr<std::string> DbImpl::Get(const ReadOptions& options,
                                        std::string_view key) {
  HF_RETURN_IF_ERROR(CheckOpen());
  HF_RETURN_IF_ERROR(CheckSnapshot(options));
  std::string value;
  HF_RETURN_IF_ERROR(ReadKey(core_, options, key, [&](FoundValue found) {
    value.assign(found.bytes);
  }));
  return value;
}

absl::Status DbImpl::Get(const ReadOptions& options, std::string_view key,
                         PinnedValue* value) {
  value->Reset();
  HF_RETURN_IF_ERROR(CheckOpen());
  HF_RETURN_IF_ERROR(CheckSnapshot(options));
  return ReadKey(core_, options, key, [&](FoundValue found) {
    value->Pin(found.bytes, found.view != nullptr
                                ? found.view->shared_from_this()
                                : std::move(found.block));
  });
}

std::unique_ptr<Iterator> DbImpl::NewIterator(const ReadOptions& options) {
  absl::Status status = CheckOpen();
  if (status.ok()) status = CheckSnapshot(options);
  if (!status.ok()) return NewErrorIterator(std::move(status));
  return OpenIterator(core_, options);
}

std::shared_ptr<const Snapshot> DbImpl::GetSnapshot() {
  return core_.snapshots.Acquire(core_.visible_sequence);
}

absl::Status DbImpl::Flush() {
  HF_RETURN_IF_ERROR(CheckOpen());
  uint64_t ticket = 0;
  HF_RETURN_IF_ERROR(pipeline_->RunExclusive([&] {
    const absl::Status status = room_->Freeze();
    ticket = background_.FlushTicket();
    return status;
  }));
  return background_.WaitForFlush(ticket);
}

absl::Status DbImpl::SyncWal() {
  HF_RETURN_IF_ERROR(CheckOpen());
  return pipeline_->SyncWal();
}

absl::Status DbImpl::CompactRange(std::optional<std::string_view> begin,
                                  std::optional<std::string_view> end) {
  HF_RETURN_IF_ERROR(CheckOpen());
  if (begin.has_value() && end.has_value() && *begin > *end) {
    return absl::InvalidArgumentError(
        "CompactRange: begin is after end; nothing lies between them");
  }
  HF_RETURN_IF_ERROR(Flush());
  return background_.CompactRange(begin, end);
}

absl::Status DbImpl::WaitForBackgroundWork() {
  HF_RETURN_IF_ERROR(CheckOpen());
  return background_.WaitIdle();
}

absl::Status DbImpl::Resume() {
  HF_RETURN_IF_ERROR(CheckOpen());
  return pipeline_->RunExclusive([this] { return ResumeExclusively(); });
}

absl::Status DbImpl::ResumeExclusively() {
  bool in_doubt;
  {
    MutexLock lock(&core_.mu);
    const DbHealth health = core_.error.health();
    if (health.state == HealthState::kFailed &&
        !HF_MUTANT("resume.refuses_damage")) {
      return Annotate(health.cause, "Resume cannot mend damage");
    }
    if (health.state == HealthState::kHealthy && health.cause.ok()) {
      return absl::OkStatus();
    }
    in_doubt = core_.error.hard();
    if (in_doubt) core_.error.BeginResume();
    background_.ForgetSoftErrors();
    background_.MaybeSchedule();
  }
  // Nothing that was in doubt is used again: a new log, new tables from the
  // memtables and, when the old one is in doubt, a new manifest. Writers wait
  // until that is durable. When only space was short nothing is in doubt, and
  // the work is tried again as it was.
  absl::Status status = in_doubt ? room_->FreezeForResume() : room_->Freeze();
  HF_SOMETIMES(in_doubt, "Resume after doubt");
  HF_SOMETIMES(!in_doubt, "Resume after a lack of space");
  if (status.ok()) {
    status = HF_STEP("resume.waits_for_flush",
                     background_.WaitForFlush(background_.FlushTicket()));
  }
  HF_SOMETIMES(!status.ok() && in_doubt, "Resume fails");
  if (!status.ok() && in_doubt &&
      !HF_MUTANT("resume.failure_is_read_only_again")) {
    // Back to read-only, whatever the error: no log leads to the new one until
    // the manifest names it, so a write to it would be lost, or worse, found
    // without those before it.
    MutexLock lock(&core_.mu);
    core_.error.Record(ErrorSource::kWalSync, status);
  }
  return status;
}

absl::Status DbImpl::VerifyChecksums() {
  HF_RETURN_IF_ERROR(CheckOpen());
  LogExtent active;
  HF_RETURN_IF_ERROR(pipeline_->RunExclusive([&] {
    MutexLock lock(&core_.mu);
    active = {.number = wal_->current_number(),
              .bytes = wal_->current().bytes(),
              .follows_seal = !core_.error.hard()};
    return absl::OkStatus();
  }));
  return VerifyDatabase(core_, active);
}

absl::Status DbImpl::Close() {
  if (closed_.exchange(true, std::memory_order_acq_rel)) {
    return absl::OkStatus();
  }
  const absl::Status status =
      pipeline_->RunExclusive([this] { return CloseExclusively(); });
  lock_.reset();
  return status;
}

absl::Status DbImpl::CloseExclusively() {
  absl::Status status;
  {
    MutexLock lock(&core_.mu);
    status = core_.error.WriteStatus();
  }
  // Unlogged writes are kept when the process ends in an orderly way.
  if (status.ok() && unlogged_writes_.load(std::memory_order_relaxed) &&
      !HF_MUTANT("close.flushes_unlogged")) {
    HF_SOMETIMES(true, "Close flushes what was not logged");
    status = room_->Freeze();
    if (status.ok()) {
      status = background_.WaitForFlush(background_.FlushTicket());
    }
  }
  background_.Stop();
  // Whatever the state: what is in the log should not need luck.
  const absl::Status sealed = HF_STEP("close.seals_log", wal_->SealForClose());
  if (status.ok()) status = sealed;
  if (status.ok()) {
    VersionEdit edit;
    edit.sealed_log =
        SealedLog{wal_->current_number(), wal_->current().bytes(),
                  core_.visible_sequence.load(std::memory_order_relaxed)};
    MutexLock lock(&core_.manifest_mu);
    status = HF_STEP("close.records_log",
                     core_.versions.LogAndApply(std::move(edit)));
    if (status.ok()) status = core_.versions.Close();
  }
  HF_SOMETIMES(!status.ok(), "Close fails");
  core_.ReleaseViews();
  if (!HF_MUTANT("close.removes_obsolete")) background_.RemoveObsoleteFiles();
  return status;
}

void DbImpl::FillLevelStats(DbStats* stats) {
  const std::shared_ptr<const Version> version = core_.versions.current();
  for (int level = 0; level < kNumLevels; ++level) {
    LevelStats row;
    row.level = level;
    for (const auto& table : version->files(level)) {
      ++row.tables;
      row.bytes += table->bytes;
      row.entries += table->entries;
      row.tombstones += table->tombstones;
    }
    stats->levels.push_back(row);
  }
}

DbStats DbImpl::Stats() {
  DbStats stats;
  FillLevelStats(&stats);
  const Counters& counters = core_.counters;
  stats.last_sequence = core_.visible_sequence.load(std::memory_order_acquire);
  {
    MutexLock lock(&core_.mu);
    stats.memtables = 1 + core_.frozen.size();
    stats.memtable_bytes = core_.active->memory_bytes();
    for (const FrozenMemTable& frozen : core_.frozen) {
      stats.memtable_bytes += frozen.table->memory_bytes();
      stats.wal_bytes += frozen.log_bytes;
    }
    stats.stall_reason = core_.stall_reason;
  }
  stats.wal_files = stats.memtables + (wal_->has_ahead() ? 1 : 0);
  stats.wal_bytes += core_.active_log_bytes.load(std::memory_order_relaxed);
  stats.snapshots = core_.snapshots.size();
  stats.block_cache_bytes = core_.block_cache.charge();
  stats.open_tables = core_.table_cache.open_tables();
  stats.writes_total = counters.writes.value();
  stats.write_keys_total = counters.write_keys.value();
  stats.write_bytes_total = counters.write_bytes.value();
  stats.wal_bytes_total = counters.wal_bytes.value();
  stats.wal_syncs_total = counters.wal_syncs.value();
  stats.reads_total = counters.reads.value();
  stats.block_cache_hits_total = core_.block_cache.hits();
  stats.block_cache_misses_total = core_.block_cache.misses();
  stats.filter_skips_total = counters.filter_skips.value();
  stats.flushes_total = counters.flushes.value();
  stats.flush_bytes_total = counters.flush_bytes.value();
  stats.compactions_total = counters.compactions.value();
  stats.moves_total = counters.moves.value();
  stats.compaction_read_bytes_total = counters.compaction_read_bytes.value();
  stats.compaction_write_bytes_total = counters.compaction_write_bytes.value();
  stats.stall_delays_total = counters.stall_delays.value();
  stats.stall_stops_total = counters.stall_stops.value();
  stats.stall_micros_total = counters.stall_micros.value();
  return stats;
}

DbHealth DbImpl::Health() {
  if (closed_.load(std::memory_order_acquire)) {
    return {HealthState::kClosed, absl::OkStatus()};
  }
  MutexLock lock(&core_.mu);
  return core_.error.health();
}

}  // namespace holdfast
