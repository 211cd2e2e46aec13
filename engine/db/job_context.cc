#include "engine/db/job_context.h"

#include <utility>

#include "base/mutant.h"
#include "engine/compaction/flush_job.h"

namespace holdfast {
namespace {

TableOptions TableOptionsOf(const Options& options) {
  TableOptions table;
  table.block_bytes = options.block_bytes;
  table.block_restart_interval = options.block_restart_interval;
  table.compression = options.compression;
  table.bloom_bits_per_key = options.bloom_bits_per_key;
  return table;
}

}  // namespace

PendingOutputs::~PendingOutputs() {
  MutexLock lock(&core_.mu);
  for (const uint64_t number : numbers_) core_.pending_outputs.erase(number);
}

std::function<uint64_t()> PendingOutputs::NumberSource() {
  return [this] {
    MutexLock lock(&core_.mu);
    const uint64_t number = core_.versions.NewFileNumber();
    if (HF_MUTANT("job.output_is_pending")) return number;
    core_.pending_outputs.insert(number);
    numbers_.push_back(number);
    return number;
  };
}

absl::StatusOr<std::optional<TableRecord>> WriteLevel0Table(
    DbCore& core, const MemTable& memtable, PendingOutputs& outputs) {
  const std::unique_ptr<InternalIterator> entries = memtable.NewIterator();
  return WriteLevel0Table(core, *entries, memtable.entries(), outputs);
}

absl::StatusOr<std::optional<TableRecord>> WriteLevel0Table(
    DbCore& core, InternalIterator& entries, uint64_t count,
    PendingOutputs& outputs) {
  FlushOptions options;
  options.file_system = &core.file_system;
  options.dir = core.dir;
  options.identity_seed = core.identity_seed;
  options.table = TableOptionsOf(core.options);
  options.new_file_number = outputs.NumberSource();
  options.snapshots = core.snapshots.Sequences(core.visible_sequence);
  options.expected_entries = count;
  return RunFlush(options, entries);
}

CompactionOptions CompactionOptionsOf(DbCore& core,
                                      std::shared_ptr<const Version> version,
                                      PendingOutputs& outputs,
                                      uint64_t max_grandparent_bytes,
                                      const std::atomic<bool>& cancelled) {
  CompactionOptions options;
  options.file_system = &core.file_system;
  options.dir = core.dir;
  options.identity_seed = core.identity_seed;
  options.table = TableOptionsOf(core.options);
  options.block_cache = &core.block_cache;
  options.table_cache = &core.table_cache;
  options.table_bytes = core.options.table_bytes;
  options.max_grandparent_bytes = max_grandparent_bytes;
  options.new_file_number = outputs.NumberSource();
  options.snapshots = core.snapshots.Sequences(core.visible_sequence);
  options.version = std::move(version);
  options.cancelled = &cancelled;
  return options;
}

}  // namespace holdfast
