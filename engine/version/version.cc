#include "engine/version/version.h"

#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/mutant.h"
#include "base/status_util.h"
#include "engine/version/level_iterator.h"

namespace holdfast {
namespace {

bool Overlaps(const FileMetadata& file,
              const std::optional<std::string_view>& smallest,
              const std::optional<std::string_view>& largest) {
  if (smallest.has_value() && file.largest_user_key() < *smallest) return false;
  if (largest.has_value() && file.smallest_user_key() > *largest) return false;
  return true;
}

std::string KeyForPeople(std::string_view internal_key) {
  return absl::StrCat("\"", absl::CEscape(ExtractUserKey(internal_key)), "\"@",
                      ExtractSequence(internal_key));
}

// Looks `key` up in one table and counts that in *result.
absl::Status SearchTable(const BlockReadOptions& options, const LookupKey& key,
                         uint64_t key_hash, TableCache& cache,
                         const FileMetadata& file, TableLookup* found,
                         GetResult* result) {
  HF_ASSIGN_OR_RETURN(
      const TableReader* reader,
      cache.Get(file.slot, file.number, file.bytes, file.identity));
  ++result->tables_searched;
  HF_RETURN_IF_ERROR(reader->Get(options, key, key_hash, found));
  if (found->filter_skipped) ++result->filter_skips;
  return absl::OkStatus();
}

}  // namespace

bool NewerFirst(const FileMetadata& a, const FileMetadata& b) {
  if (a.largest_sequence != b.largest_sequence) {
    return a.largest_sequence > b.largest_sequence;
  }
  return a.number > b.number;
}

std::string WhyNotALevel(int level, const FileList& files) {
  for (size_t i = 1; i < files.size(); ++i) {
    const FileMetadata& a = *files[i - 1];
    const FileMetadata& b = *files[i];
    if (level == 0) {
      if (!NewerFirst(a, b)) {
        return absl::StrCat("tables ", a.number, " and ", b.number,
                            " of level 0 are out of order");
      }
    } else if (a.largest_user_key() >= b.smallest_user_key()) {
      return absl::StrCat("tables ", a.number, " and ", b.number, " of level ",
                          level, " overlap");
    }
  }
  return {};
}

Version::Version()
    : Version([] {
        Levels levels;
        levels.fill(std::make_shared<const FileList>());
        return levels;
      }()) {}

Version::Version(Levels levels) : levels_(std::move(levels)) {
  for (int level = 0; level < kNumLevels; ++level) {
    HF_VERIFY(WhyNotALevel(level, files(level)).empty());
    uint64_t bytes = 0;
    for (const FilePtr& file : files(level)) bytes += file->bytes;
    level_bytes_[level] = bytes;
    file_count_ += files(level).size();
  }
}

size_t Version::FindFile(int level, std::string_view user_key) const {
  const FileList& list = files(level);
  const auto it = std::partition_point(
      list.begin(), list.end(), [user_key](const FilePtr& file) {
        return CompareUserKeys(file->largest_user_key(), user_key) < 0;
      });
  return static_cast<size_t>(it - list.begin());
}

absl::Status Version::Get(const BlockReadOptions& options, const LookupKey& key,
                          uint64_t key_hash, TableCache& cache,
                          GetResult* result) const {
  const std::string_view user_key = key.user_key();
  const SequenceNumber as_of = key.sequence();
  *result = GetResult();

  // The tables that may hold it, in the order in which they are searched.
  absl::InlinedVector<const FileMetadata*, 16> candidates;
  for (const FilePtr& file : files(0)) {
    if (file->smallest_sequence > as_of) continue;
    if (CompareUserKeys(user_key, file->smallest_user_key()) < 0) continue;
    if (CompareUserKeys(user_key, file->largest_user_key()) > 0) continue;
    candidates.push_back(file.get());
  }
  const size_t level0 = candidates.size();
  for (int level = 1; level < kNumLevels; ++level) {
    if (files(level).empty()) continue;
    const size_t i = FindFile(level, user_key);
    if (i == files(level).size()) continue;
    const FileMetadata& file = *files(level)[i];
    if (CompareUserKeys(user_key, file.smallest_user_key()) < 0) continue;
    if (file.smallest_sequence > as_of) continue;
    candidates.push_back(&file);
  }
  // Each filter is likely a miss of the processor's caches: wait for all at
  // once.
  if (candidates.size() > 1) {
    for (const FileMetadata* file : candidates) {
      const TableReader* const reader = TableCache::IfOpen(file->slot);
      if (reader != nullptr) reader->PrefetchFilter(key_hash);
    }
  }

  // Level 0, newest first. A hit ends it only when no later table can hold a
  // newer version: sequence ranges of tables may interleave after a repair.
  for (size_t i = 0; i < level0; ++i) {
    const FileMetadata& file = *candidates[i];
    const bool have = result->lookup.kind != TableLookup::kAbsent;
    if (have && file.largest_sequence <= result->lookup.sequence) break;
    TableLookup found;
    const absl::Status searched =
        SearchTable(options, key, key_hash, cache, file, &found, result);
    if (!searched.ok() && !HF_MUTANT("version.unread_table_ends_a_read")) {
      return searched;
    }
    if (found.kind == TableLookup::kAbsent) continue;
    if (!have || found.sequence > result->lookup.sequence) {
      result->lookup = std::move(found);
    }
  }
  if (result->lookup.kind != TableLookup::kAbsent) return absl::OkStatus();

  for (size_t i = level0; i < candidates.size(); ++i) {
    HF_RETURN_IF_ERROR(SearchTable(options, key, key_hash, cache,
                                   *candidates[i], &result->lookup, result));
    if (result->lookup.kind != TableLookup::kAbsent) return absl::OkStatus();
  }
  return absl::OkStatus();
}

void Version::AppendIterators(
    const BlockReadOptions& options, TableCache& cache,
    std::vector<std::unique_ptr<InternalIterator>>* iterators) const {
  for (const FilePtr& file : files(0)) {
    iterators->push_back(NewTableIterator(file, &cache, options));
  }
  for (int level = 1; level < kNumLevels; ++level) {
    if (files(level).empty()) continue;
    iterators->push_back(NewLevelIterator(levels_[level], &cache, options));
  }
}

FileList Version::FilesOverlapping(
    int level, std::optional<std::string_view> smallest,
    std::optional<std::string_view> largest) const {
  const FileList& list = files(level);
  FileList result;
  if (level == 0) {
    for (const FilePtr& file : list) {
      if (Overlaps(*file, smallest, largest)) result.push_back(file);
    }
    return result;
  }
  size_t i = smallest.has_value() ? FindFile(level, *smallest) : 0;
  for (; i < list.size() && Overlaps(*list[i], smallest, largest); ++i) {
    result.push_back(list[i]);
  }
  return result;
}

bool Version::MayHoldAtOrBelow(int level, std::string_view user_key) const {
  for (int l = level; l < kNumLevels; ++l) {
    if (l == 0) {
      for (const FilePtr& file : files(0)) {
        if (Overlaps(*file, user_key, user_key)) return true;
      }
      continue;
    }
    const size_t i = FindFile(l, user_key);
    if (i < files(l).size() && files(l)[i]->smallest_user_key() <= user_key) {
      return true;
    }
  }
  return false;
}

std::optional<int> Version::DeepestLevelOverlapping(
    std::optional<std::string_view> smallest,
    std::optional<std::string_view> largest) const {
  for (int level = kNumLevels - 1; level >= 0; --level) {
    if (!FilesOverlapping(level, smallest, largest).empty()) return level;
  }
  return std::nullopt;
}

std::string Version::DebugString() const {
  std::string text;
  for (int level = 0; level < kNumLevels; ++level) {
    for (const FilePtr& file : files(level)) {
      absl::StrAppend(&text, "L", level, " #", file->number, " [",
                      KeyForPeople(file->smallest), " .. ",
                      KeyForPeople(file->largest), "] ", file->bytes,
                      " bytes\n");
    }
  }
  return text;
}

}  // namespace holdfast
