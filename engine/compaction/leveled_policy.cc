#include "engine/compaction/leveled_policy.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/mutant.h"
#include "base/sometimes.h"

namespace holdfast {
namespace {

// See NewestStale.
constexpr uint64_t kFreshFiles = 8;

uint64_t TotalBytes(const FileList& files) {
  uint64_t bytes = 0;
  for (const FilePtr& file : files) bytes += file->bytes;
  return bytes;
}

bool AnyBeingCompacted(const FileList& files) {
  return std::any_of(files.begin(), files.end(),
                     [](const FilePtr& file) { return file->being_compacted; });
}

void Widen(KeyRange* range, const FileList& files) {
  for (const FilePtr& file : files) {
    if (file->smallest_user_key() < range->smallest) {
      range->smallest = file->smallest_user_key();
    }
    if (file->largest_user_key() > range->largest) {
      range->largest = file->largest_user_key();
    }
  }
}

// REQUIRES: files is not empty.
KeyRange RangeOf(const FileList& files) {
  KeyRange range{std::string(files[0]->smallest_user_key()),
                 std::string(files[0]->largest_user_key())};
  Widen(&range, files);
  return range;
}

FileList Overlapping(const Version& version, int level, const KeyRange& range) {
  return version.FilesOverlapping(level, range.smallest, range.largest);
}

// All tables of level 0 that overlap `files` or one that is found so.
FileList Level0Closure(const Version& version, FileList files) {
  while (true) {
    FileList wider = Overlapping(version, 0, RangeOf(files));
    if (wider.size() == files.size()) return files;
    files = std::move(wider);
  }
}

// A merge of `inputs`, or the reason why there is none now.
struct Attempt {
  std::optional<Merge> merge;
  std::string_view why_not;
};

// Takes more tables of the input level, when that adds none of the output level
// and stays small: they come along for the price of their own bytes.
void WidenInputs(const LeveledOptions& options, const Version& version,
                 Merge* merge) {
  if (merge->level == 0 || merge->output_inputs.empty()) return;
  FileList wider = Overlapping(version, merge->level, merge->range);
  if (wider.size() <= merge->inputs.size()) return;
  if (AnyBeingCompacted(wider)) return;
  if (TotalBytes(wider) + TotalBytes(merge->output_inputs) >
      options.max_widened_bytes()) {
    return;
  }
  KeyRange range = merge->range;
  Widen(&range, wider);
  const FileList outputs = Overlapping(version, merge->output_level, range);
  if (outputs.size() != merge->output_inputs.size() &&
      !HF_MUTANT("policy.widening_adds_no_output")) {
    return;
  }
  HF_SOMETIMES(true, "a compaction takes more tables along");
  merge->inputs = std::move(wider);
  merge->range = std::move(range);
}

Attempt TryMerge(const LeveledOptions& options, const Version& version,
                 const std::vector<RunningCompaction>& running, int level,
                 int output_level, FileList inputs) {
  Merge merge;
  merge.level = level;
  merge.output_level = output_level;
  if (level == 0 && !HF_MUTANT("policy.level0_overlaps_come_along")) {
    inputs = Level0Closure(version, std::move(inputs));
  }
  merge.inputs = std::move(inputs);
  merge.range = RangeOf(merge.inputs);
  if (output_level != level) {
    if (!HF_MUTANT("policy.output_overlaps_come_along")) {
      merge.output_inputs = Overlapping(version, output_level, merge.range);
    }
    Widen(&merge.range, merge.output_inputs);
    WidenInputs(options, version, &merge);
  }
  // Invariant (1).
  if (AnyBeingCompacted(merge.inputs)) return {{}, "input is busy"};
  if (AnyBeingCompacted(merge.output_inputs)) return {{}, "output is busy"};
  for (const RunningCompaction& other : running) {
    // Invariant (3).
    if (other.output_level == output_level &&
        other.range.Overlaps(merge.range)) {
      return {{}, "range is busy"};
    }
  }
  if (output_level + 1 < kNumLevels) {
    merge.grandparents = Overlapping(version, output_level + 1, merge.range);
  }
  return {std::move(merge), {}};
}

// The number of the newest table that stays in its level no longer, however
// dear: since it was made, many times as many files were as there are tables.
// What is written about evenly has long been written anew by then.
uint64_t NewestStale(const Version& version) {
  uint64_t newest = 0;
  for (int level = 0; level < kNumLevels; ++level) {
    for (const FilePtr& file : version.files(level)) {
      newest = std::max(newest, file->number);
    }
  }
  const uint64_t fresh = kFreshFiles * version.file_count();
  return newest > fresh ? newest - fresh : 0;
}

// For each table of a level >= 1, in order: what its merge costs, as bytes of
// the next level that are written anew for each of its own. Less by the share
// of its entries that are tombstones, since it also takes away: they and what
// they hide cost readers and space until they meet. A stale one goes first.
std::vector<double> MergeCosts(const Version& version, int level) {
  const FileList& files = version.files(level);
  const FileList& below = version.files(level + 1);
  const uint64_t newest_stale = NewestStale(version);
  std::vector<double> costs;
  costs.reserve(files.size());
  size_t first = 0;
  for (const FilePtr& file : files) {
    while (first < below.size() &&
           below[first]->largest_user_key() < file->smallest_user_key()) {
      ++first;
    }
    uint64_t bytes = 0;
    for (size_t i = first; i < below.size() && below[i]->smallest_user_key() <=
                                                   file->largest_user_key();
         ++i) {
      bytes += below[i]->bytes;
    }
    double stays = 1;
    if (file->entries > 0) {
      stays -= static_cast<double>(file->tombstones) /
               static_cast<double>(file->entries);
    }
    costs.push_back(
        file->number <= newest_stale
            ? -1
            : stays * static_cast<double>(bytes) /
                  static_cast<double>(std::max<uint64_t>(file->bytes, 1)));
  }
  return costs;
}

// The tables of a level in the order in which to try them as a start.
FileList Candidates(const Version& version, int level,
                    const RoundRobin& pointers) {
  FileList files = version.files(level);
  if (level == 0) {
    std::reverse(files.begin(), files.end());  // Oldest first.
    return files;
  }
  const auto after = std::partition_point(
      files.begin(), files.end(), [&](const FilePtr& file) {
        return file->largest_user_key() <= pointers[level];
      });
  const auto first = static_cast<size_t>(after - files.begin());
  const std::vector<double> costs = MergeCosts(version, level);
  // Of equal cost, those after the last pick, then those before it.
  std::vector<std::pair<double, size_t>> order;
  order.reserve(files.size());
  for (size_t i = 0; i < files.size(); ++i) {
    order.emplace_back(costs[(first + i) % files.size()], i);
  }
  std::sort(order.begin(), order.end());
  FileList candidates;
  candidates.reserve(files.size());
  for (const auto& [cost, i] : order) {
    candidates.push_back(std::move(files[(first + i) % files.size()]));
  }
  return candidates;
}

bool CanMove(const LeveledOptions& options, const Merge& merge) {
  return merge.inputs.size() == 1 &&
         (merge.output_inputs.empty() ||
          HF_MUTANT("policy.moves_overlap_nothing")) &&
         TotalBytes(merge.grandparents) <= options.max_grandparent_bytes();
}

std::string ScoreReason(const LeveledOptions& options, const Version& version,
                        int level, double score) {
  if (level == 0) {
    return absl::StrFormat("level 0 has %d tables, trigger is %d",
                           version.files(0).size(),
                           options.level0_compaction_trigger);
  }
  return absl::StrFormat("level %d has %.2f times its bytes", level, score);
}

Decision MoveOrMerge(const LeveledOptions& options, Merge merge) {
  if (!CanMove(options, merge)) return merge;
  return Move{.level = merge.level,
              .output_level = merge.output_level,
              .file = merge.inputs[0],
              .range = std::move(merge.range),
              .reason = std::move(merge.reason)};
}

}  // namespace

uint64_t LevelTargetBytes(const LeveledOptions& options, int level) {
  HF_CHECK(level >= 1);
  const auto factor = static_cast<uint64_t>(options.level_size_multiplier);
  uint64_t target = options.level1_bytes;
  for (int l = 1; l < level; ++l) {
    if (target > std::numeric_limits<uint64_t>::max() / factor) {
      return std::numeric_limits<uint64_t>::max();
    }
    target *= factor;
  }
  return target;
}

double LevelScore(const LeveledOptions& options, const Version& version,
                  int level) {
  uint64_t bytes = 0;
  int count = 0;
  for (const FilePtr& file : version.files(level)) {
    if (file->being_compacted) continue;
    bytes += file->bytes;
    ++count;
  }
  if (level == 0) {
    return static_cast<double>(count) / options.level0_compaction_trigger;
  }
  return static_cast<double>(bytes) /
         static_cast<double>(LevelTargetBytes(options, level));
}

Decision PickCompaction(const LeveledOptions& options, const Version& version,
                        const std::vector<RunningCompaction>& running,
                        const RoundRobin& pointers) {
  // The last level has nowhere to go.
  std::vector<std::pair<double, int>> scores;
  for (int level = 0; level + 1 < kNumLevels; ++level) {
    const double score = LevelScore(options, version, level);
    if (score >= 1) scores.emplace_back(score, level);
  }
  if (scores.empty()) return Nothing{"no level is full"};
  std::sort(scores.begin(), scores.end(), [](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first > b.first;
    return a.second < b.second;
  });
  std::string why_not;
  for (const auto& [score, level] : scores) {
    for (const FilePtr& start : Candidates(version, level, pointers)) {
      if (start->being_compacted) continue;
      Attempt attempt = TryMerge(options, version, running, level, level + 1,
                                 FileList{start});
      if (attempt.merge.has_value()) {
        attempt.merge->reason = ScoreReason(options, version, level, score);
        return MoveOrMerge(options, *std::move(attempt.merge));
      }
      why_not = absl::StrCat("level ", level, ": ", attempt.why_not);
    }
  }
  return Nothing{why_not};
}

void RememberPick(const Decision& decision, RoundRobin* pointers) {
  if (const Move* move = std::get_if<Move>(&decision)) {
    (*pointers)[move->level] = move->file->largest_user_key();
  } else if (const Merge* merge = std::get_if<Merge>(&decision)) {
    (*pointers)[merge->level] = RangeOf(merge->inputs).largest;
  }
}

Decision PickManual(const LeveledOptions& options, const Version& version,
                    const std::vector<RunningCompaction>& running, int level,
                    int output_level, const ManualRange& range, bool* blocked) {
  HF_CHECK(level >= 0 && output_level < kNumLevels);
  HF_CHECK(output_level == level + 1 || (output_level == level && level > 0));
  *blocked = false;
  HF_CHECK(!range.before_number.has_value() || output_level == level);
  const auto is_done = [&](const FilePtr& file) {
    return range.before_number.has_value() &&
           file->number >= *range.before_number;
  };
  FileList inputs = version.FilesOverlapping(level, range.begin, range.end);
  inputs.erase(inputs.begin(),
               std::find_if_not(inputs.begin(), inputs.end(), is_done));
  if (inputs.empty()) return Nothing{"no table in the range"};
  std::optional<std::string> next_begin;
  if (level > 0) {
    // Neighbours only: an output must not span a table that stays.
    uint64_t bytes = 0;
    size_t n = 0;
    while (n < inputs.size() && bytes < options.max_widened_bytes() &&
           (!is_done(inputs[n]) || HF_MUTANT("policy.rewrites_span_nothing"))) {
      bytes += inputs[n++]->bytes;
    }
    const auto next = std::find_if_not(
        inputs.begin() + static_cast<ptrdiff_t>(n), inputs.end(), is_done);
    if (next != inputs.end()) next_begin = (*next)->smallest_user_key();
    inputs.resize(n);
  }
  Attempt attempt = TryMerge(options, version, running, level, output_level,
                             std::move(inputs));
  if (!attempt.merge.has_value()) {
    *blocked = true;
    return Nothing{absl::StrCat("level ", level, ": ", attempt.why_not)};
  }
  attempt.merge->reason = "manual";
  attempt.merge->next_begin = std::move(next_begin);
  return *std::move(attempt.merge);
}

}  // namespace holdfast
