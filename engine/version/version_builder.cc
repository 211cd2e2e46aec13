#include "engine/version/version_builder.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/mutant.h"
#include "base/status_util.h"

namespace holdfast {
namespace {

template <typename... Why>
absl::Status Bad(uint64_t number, const Why&... why) {
  return absl::InvalidArgumentError(
      absl::StrCat("table ", number, ": ", why...));
}

}  // namespace

VersionBuilder::VersionBuilder(const Version& base) : base_(base.levels()) {
  files_.reserve(base.file_count());
  for (int level = 0; level < kNumLevels; ++level) {
    for (const FilePtr& file : base.files(level)) {
      files_.emplace(file->number, Placed{level, file});
    }
  }
}

absl::Status VersionBuilder::Apply(const VersionEdit& edit) {
  absl::flat_hash_map<uint64_t, Placed> moving;
  for (const auto& [level, number] : edit.removed) {
    HF_RETURN_IF_ERROR(Remove(level, number, &moving));
  }
  for (const TableRecord& table : edit.added) {
    HF_RETURN_IF_ERROR(Add(table, &moving));
  }
  for (const auto& [number, placed] : moving) removed_.insert(number);
  return absl::OkStatus();
}

absl::Status VersionBuilder::Remove(
    int level, uint64_t number, absl::flat_hash_map<uint64_t, Placed>* moving) {
  const auto it = files_.find(number);
  if (it == files_.end()) {
    if (HF_MUTANT("version_builder.removed_was_there")) return absl::OkStatus();
    return Bad(number, "removed but not there");
  }
  if (it->second.level != level) {
    return Bad(number, "removed from level ", level, " but is in level ",
               it->second.level);
  }
  level_changed_[level] = true;
  moving->emplace(number, std::move(it->second));
  files_.erase(it);
  return absl::OkStatus();
}

absl::Status VersionBuilder::Add(
    const TableRecord& table, absl::flat_hash_map<uint64_t, Placed>* moving) {
  const std::string_view why = WhyNotATable(table);
  if (!why.empty()) return Bad(table.number, why);
  if (files_.contains(table.number)) return Bad(table.number, "added twice");
  if (removed_.contains(table.number)) {
    return Bad(table.number, "added again after its removal");
  }
  FilePtr file;
  const auto it = moving->find(table.number);
  if (it != moving->end()) {
    file = std::move(it->second.file);
    moving->erase(it);
    if (file->RecordAt(table.level) != table) {
      return Bad(table.number, "changed by a move");
    }
  } else {
    file = std::make_shared<const FileMetadata>(table);
  }
  level_changed_[table.level] = true;
  files_.emplace(table.number, Placed{table.level, std::move(file)});
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Version>> VersionBuilder::Build() {
  std::vector<FilePtr> changed[kNumLevels];
  for (auto& [number, placed] : files_) {
    if (level_changed_[placed.level]) {
      changed[placed.level].push_back(std::move(placed.file));
    }
  }
  Version::Levels levels = base_;
  for (int level = 0; level < kNumLevels; ++level) {
    if (!level_changed_[level]) continue;
    FileList& files = changed[level];
    std::sort(files.begin(), files.end(),
              [level](const FilePtr& a, const FilePtr& b) {
                if (level == 0) return NewerFirst(*a, *b);
                const int order =
                    a->smallest_user_key().compare(b->smallest_user_key());
                // Tables that overlap are named the same each time.
                return order != 0 ? order < 0 : a->number < b->number;
              });
    const std::string why = WhyNotALevel(level, files);
    if (!why.empty() && !HF_MUTANT("version_builder.levels_in_order")) {
      return absl::InvalidArgumentError(why);
    }
    levels[level] = std::make_shared<const FileList>(std::move(files));
  }
  return std::make_shared<const Version>(std::move(levels));
}

}  // namespace holdfast
