#include "engine/db/reader.h"

#include <utility>
#include <vector>

#include "base/checksum.h"
#include "base/mutant.h"
#include "base/sometimes.h"
#include "engine/db/user_iterator.h"
#include "engine/iter/merging_iterator.h"

namespace holdfast {
namespace {

SequenceNumber SequenceOf(const DbCore& core, const ReadOptions& options) {
  return options.snapshot != nullptr
             ? options.snapshot->sequence()
             : core.visible_sequence.load(std::memory_order_acquire);
}

BlockReadOptions BlockOptions(const ReadOptions& options) {
  BlockReadOptions block_options;
  block_options.verify_checksums = options.verify_checksums;
  block_options.fill_cache = options.fill_cache;
  return block_options;
}

// Without a message: that would be an allocation for each key that is not
// there, and the code says it all.
absl::Status NotFound() {
  return absl::Status(absl::StatusCode::kNotFound, "");
}

// RETURNS whether the memtable decides; *status is set then.
bool ReadMemTable(const MemTable& memtable, const LookupKey& lookup,
                  uint64_t key_hash, const ReadView& view,
                  absl::FunctionRef<void(FoundValue)> use,
                  absl::Status* status) {
  const MemTable::Lookup found = memtable.Get(lookup, key_hash);
  switch (found.kind) {
    case MemTable::Lookup::kAbsent:
      return false;
    case MemTable::Lookup::kDeletion:
      if (HF_MUTANT("reader.tombstone_decides")) return false;
      *status = NotFound();
      return true;
    case MemTable::Lookup::kValue:
      use({found.value, &view, nullptr});
      *status = absl::OkStatus();
      return true;
  }
  return false;
}

absl::Status ReadKeyOnce(DbCore& core, const ReadOptions& options,
                         std::string_view key,
                         absl::FunctionRef<void(FoundValue)> use) {
  const EpochDomain::Guard guard = core.epochs.Pin();
  // First the view, then the number: see read_view.h.
  const ReadView& view = core.views.Load(guard);
  const LookupKey lookup(key, SequenceOf(core, options));

  const uint64_t key_hash = HashKey(key);
  absl::Status status;
  if (ReadMemTable(*view.active, lookup, key_hash, view, use, &status)) {
    return status;
  }
  for (const auto& memtable : view.frozen) {
    if (ReadMemTable(*memtable, lookup, key_hash, view, use, &status)) {
      return status;
    }
  }
  GetResult result;
  status = view.version->Get(BlockOptions(options), lookup, key_hash,
                             core.table_cache, &result);
  if (result.filter_skips != 0) {
    core.counters.filter_skips.Add(static_cast<uint64_t>(result.filter_skips));
  }
  if (!status.ok()) return status;
  if (result.lookup.kind != TableLookup::kValue) return NotFound();
  use({result.lookup.value, nullptr, std::move(result.lookup.pin)});
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadKey(DbCore& core, const ReadOptions& options,
                     std::string_view key,
                     absl::FunctionRef<void(FoundValue)> use) {
  core.counters.reads.Add(1);
  absl::Status status = ReadKeyOnce(core, options, key, use);
  // Too many open files: tables were closed to make room, but stay open as long
  // as our own pin, which is gone now.
  if (absl::IsResourceExhausted(status)) {
    HF_SOMETIMES(true, "a read tries again after too many open files");
    core.epochs.Reclaim();
    status = ReadKeyOnce(core, options, key, use);
  }
  return status;
}

std::unique_ptr<Iterator> OpenIterator(DbCore& core,
                                       const ReadOptions& options) {
  // First the view, then the number: see read_view.h. When the number is what
  // it was before the view, the view has everything up to it: dead_spans.h.
  const SequenceNumber before =
      core.visible_sequence.load(std::memory_order_acquire);
  const std::shared_ptr<const ReadView> view = core.views.Acquire();
  const SequenceNumber sequence = SequenceOf(core, options);
  std::vector<std::unique_ptr<InternalIterator>> sources;
  sources.reserve(1 + view->frozen.size() + view->version->files(0).size() +
                  kNumLevels);
  // Read after the number: what is not in it by now has a later one.
  if (!view->active->empty()) sources.push_back(view->active->NewIterator());
  for (const auto& memtable : view->frozen) {
    sources.push_back(memtable->NewIterator());
  }
  view->version->AppendIterators(BlockOptions(options), core.table_cache,
                                 &sources);
  return NewUserIterator(
      NewMergingIterator(std::move(sources)), sequence, BoundsOf(options), view,
      {.spans = &core.dead_spans,
       .may_record =
           sequence <= before || HF_MUTANT("reader.complete_views_record")});
}

}  // namespace holdfast
