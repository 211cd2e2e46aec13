#include "engine/compaction/policy.h"

#include "absl/strings/str_cat.h"

namespace holdfast {
namespace {

std::string FilesString(int level, const FileList& files) {
  std::string text = absl::StrCat("L", level);
  for (const FilePtr& file : files) absl::StrAppend(&text, " #", file->number);
  return text;
}

std::string MergeString(const Merge& merge) {
  std::string text =
      absl::StrCat("merge ", FilesString(merge.level, merge.inputs));
  if (!merge.output_inputs.empty()) {
    absl::StrAppend(&text, " + ",
                    FilesString(merge.output_level, merge.output_inputs));
  }
  absl::StrAppend(&text, " -> L", merge.output_level, ": ", merge.reason);
  if (merge.next_begin.has_value()) absl::StrAppend(&text, " (goes on)");
  return text;
}

}  // namespace

uint64_t Merge::input_bytes() const {
  uint64_t bytes = 0;
  for (const FilePtr& file : inputs) bytes += file->bytes;
  for (const FilePtr& file : output_inputs) bytes += file->bytes;
  return bytes;
}

uint64_t Merge::input_entries() const {
  uint64_t entries = 0;
  for (const FilePtr& file : inputs) entries += file->entries;
  for (const FilePtr& file : output_inputs) entries += file->entries;
  return entries;
}

std::optional<RunningCompaction> RunningOf(const Decision& decision) {
  if (const Move* move = std::get_if<Move>(&decision)) {
    return RunningCompaction{move->level, move->output_level, move->range};
  }
  if (const Merge* merge = std::get_if<Merge>(&decision)) {
    return RunningCompaction{merge->level, merge->output_level, merge->range};
  }
  return std::nullopt;
}

void MarkBeingCompacted(const Decision& decision, bool being_compacted) {
  if (const Move* move = std::get_if<Move>(&decision)) {
    move->file->being_compacted = being_compacted;
  } else if (const Merge* merge = std::get_if<Merge>(&decision)) {
    for (const FilePtr& file : merge->inputs) {
      file->being_compacted = being_compacted;
    }
    for (const FilePtr& file : merge->output_inputs) {
      file->being_compacted = being_compacted;
    }
  }
}

std::string DebugString(const Decision& decision) {
  if (const Move* move = std::get_if<Move>(&decision)) {
    return absl::StrCat("move L", move->level, " #", move->file->number,
                        " -> L", move->output_level, ": ", move->reason);
  }
  if (const Merge* merge = std::get_if<Merge>(&decision)) {
    return MergeString(*merge);
  }
  return absl::StrCat("nothing: ", std::get<Nothing>(decision).reason);
}

}  // namespace holdfast
