#include "engine/compaction/compaction_job.h"

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/mutant.h"
#include "base/sometimes.h"
#include "base/status_util.h"
#include "engine/compaction/merge_rules.h"
#include "engine/compaction/table_sink.h"
#include "engine/format/file_names.h"
#include "engine/format/key_step.h"
#include "engine/iter/internal_iterator.h"
#include "engine/iter/merging_iterator.h"
#include "engine/version/level_iterator.h"

namespace holdfast {
namespace {

// Entries between two looks at `cancelled`.
constexpr uint64_t kEntriesPerCancelCheck = 1024;

std::unique_ptr<InternalIterator> InputIterator(
    const CompactionOptions& options, const Merge& merge) {
  // A compaction reads everything once: checked, and not into the cache.
  const BlockReadOptions read{
      .verify_checksums = true, .fill_cache = false, .whole_table = true};
  std::vector<std::unique_ptr<InternalIterator>> children;
  const auto add_row = [&](const FileList& files) {
    children.push_back(NewLevelIterator(std::make_shared<const FileList>(files),
                                        options.table_cache, read));
  };
  if (merge.level == 0) {
    for (const FilePtr& file : merge.inputs) {
      children.push_back(NewTableIterator(file, options.table_cache, read));
    }
  } else {
    add_row(merge.inputs);
  }
  if (!merge.output_inputs.empty()) add_row(merge.output_inputs);
  return NewMergingIterator(std::move(children));
}

// One run of a job.
class Job {
 public:
  Job(const CompactionOptions& options, const Merge& merge)
      : options_(options),
        merge_(merge),
        sink_({.file_system = options.file_system,
               .dir = options.dir,
               .identity_seed = options.identity_seed,
               .table = options.table,
               .block_cache = options.block_cache,
               .new_file_number = options.new_file_number,
               .level = merge.output_level,
               .table_bytes = options.table_bytes,
               .grandparents = merge.grandparents,
               .max_grandparent_bytes = options.max_grandparent_bytes}),
        rules_(options.snapshots, [this](std::string_view user_key) {
          return !options_.version->MayHoldAtOrBelow(merge_.output_level + 1,
                                                     user_key);
        }) {}

  absl::StatusOr<CompactionResult> Run() {
    const std::unique_ptr<InternalIterator> input =
        InputIterator(options_, merge_);
    for (input->SeekToFirst(); input->Valid(); input->Next()) {
      HF_RETURN_IF_ERROR(CheckCancelled());
      HF_RETURN_IF_ERROR(Take(input->key(), input->value()));
    }
    HF_RETURN_IF_ERROR(
        HF_STEP("compaction.input_errors_are_told", input->status()));
    HF_RETURN_IF_ERROR(HF_STEP("compaction.saw_every_entry", CheckComplete()));
    HF_ASSIGN_OR_RETURN(const std::vector<TableRecord> tables, sink_.Finish());
    return Result(tables);
  }

 private:
  absl::Status CheckCancelled() const {
    if (options_.cancelled != nullptr &&
        stats_.entries_read % kEntriesPerCancelCheck == 0 &&
        options_.cancelled->load(std::memory_order_relaxed)) {
      HF_SOMETIMES(true, "a compaction is cancelled");
      return absl::CancelledError("compaction cancelled");
    }
    return absl::OkStatus();
  }

  absl::Status Take(std::string_view internal_key, std::string_view value) {
    ParsedInternalKey key;
    if (!ParseInternalKey(internal_key, &key)) {
      return Damaged("entry with a bad internal key");
    }
    if (stats_.entries_read > 0 &&
        StepBetween(last_key_, internal_key).order > 0 &&
        !HF_MUTANT("compaction.entries_in_order")) {
      return Damaged("entries out of order");
    }
    last_key_.assign(internal_key);
    ++stats_.entries_read;
    switch (rules_.Judge(key.user_key, key.sequence, key.type)) {
      case Verdict::kKeep:
        ++stats_.entries_written;
        return sink_.Add(internal_key, value);
      case Verdict::kDropShadowed:
        ++stats_.shadowed_dropped;
        return absl::OkStatus();
      case Verdict::kDropTombstone:
        ++stats_.tombstones_dropped;
        return absl::OkStatus();
    }
    HF_CHECK(false);
    return absl::OkStatus();
  }

  // Every entry of the inputs went by: an end that came early would lose data.
  absl::Status CheckComplete() const {
    if (stats_.entries_read == merge_.input_entries()) return absl::OkStatus();
    return Damaged(absl::StrCat("the tables gave ", stats_.entries_read,
                                " entries, the manifest says ",
                                merge_.input_entries()));
  }

  // The merge does not tell which input an entry is of: names the first.
  absl::Status Damaged(std::string_view why) const {
    return DataLoss(
        TableFileName(options_.dir, merge_.inputs[0]->number), 0,
        absl::StrCat(why, " (in compaction: ", merge_.inputs.size(), " + ",
                     merge_.output_inputs.size(), " tables from here on)"));
  }

  CompactionResult Result(const std::vector<TableRecord>& tables) {
    CompactionResult result;
    for (const FilePtr& file : merge_.inputs) {
      if (HF_MUTANT("compaction.inputs_are_removed")) break;
      result.edit.removed.emplace_back(merge_.level, file->number);
    }
    for (const FilePtr& file : merge_.output_inputs) {
      result.edit.removed.emplace_back(merge_.output_level, file->number);
    }
    result.edit.added = tables;
    stats_.bytes_read = merge_.input_bytes();
    for (const TableRecord& table : tables) {
      stats_.bytes_written += table.bytes;
    }
    result.stats = stats_;
    return result;
  }

  const CompactionOptions& options_;
  const Merge& merge_;
  TableSink sink_;
  MergeRules rules_;
  CompactionStats stats_;
  std::string last_key_;
};

}  // namespace

absl::StatusOr<CompactionResult> RunCompaction(const CompactionOptions& options,
                                               const Merge& merge) {
  HF_CHECK(!merge.inputs.empty());
  HF_CHECK(options.version != nullptr);
  return Job(options, merge).Run();
}

VersionEdit EditOf(const Move& move) {
  VersionEdit edit;
  edit.removed.emplace_back(move.level, move.file->number);
  edit.added.push_back(move.file->RecordAt(move.output_level));
  return edit;
}

}  // namespace holdfast
