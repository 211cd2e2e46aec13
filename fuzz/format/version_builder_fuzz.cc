// Sequences of version edits, as recovery applies them
// (engine/version/version_builder.h): edits out of the input, that fit or do
// not. Property: an edit is refused when a map of tables says that it does not
// fit, and not else; what is built has the tables of that map, in order and
// without overlap, or is refused for it; questions to the version are answered
// as by a look at each table.

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/check.h"
#include "engine/format/internal_key.h"
#include "engine/format/version_edit.h"
#include "engine/version/version.h"
#include "engine/version/version_builder.h"
#include "fuzz/support/fuzz_input.h"

namespace {

using namespace holdfast;

constexpr size_t kMaxEdits = 16;
constexpr size_t kMaxChanges = 8;  // Of an edit.

std::string_view SmallestUserKey(const TableRecord& table) {
  return ExtractUserKey(table.smallest);
}
std::string_view LargestUserKey(const TableRecord& table) {
  return ExtractUserKey(table.largest);
}

// The tables, and what an edit does to them.
class Model {
 public:
  using Tables = std::map<uint64_t, TableRecord>;

  const Tables& tables() const { return tables_; }

  // RETURNS whether the edit fits. After one that does not, nothing is said.
  bool Apply(const VersionEdit& edit) {
    Tables moving;
    for (const auto& [level, number] : edit.removed) {
      const auto it = tables_.find(number);
      if (it == tables_.end() || it->second.level != level) return false;
      moving.insert(tables_.extract(it));
    }
    for (const TableRecord& table : edit.added) {
      if (!WhyNotATable(table).empty()) return false;
      if (removed_.contains(table.number)) return false;
      const auto moved = moving.find(table.number);
      if (moved != moving.end()) {
        moved->second.level = table.level;
        if (moved->second != table) return false;
        moving.erase(moved);
      }
      if (!tables_.emplace(table.number, table).second) return false;
    }
    for (const auto& [number, table] : moving) removed_.insert(number);
    return true;
  }

  // No two tables of a level from 1 on have a user key in common.
  bool InOrder() const {
    for (const auto& [number, a] : tables_) {
      for (const auto& [other, b] : tables_) {
        if (number >= other || a.level != b.level || a.level == 0) continue;
        if (SmallestUserKey(a) <= LargestUserKey(b) &&
            SmallestUserKey(b) <= LargestUserKey(a)) {
          return false;
        }
      }
    }
    return true;
  }

  // A builder knows of removed tables only what it removed.
  void BeginBuilder() { removed_.clear(); }

 private:
  Tables tables_;
  std::set<uint64_t> removed_;
};

// Keys of a letter, so that ranges meet.
std::string NextUserKey(FuzzInput& input) {
  return std::string(1, static_cast<char>('a' + input.Below(26)));
}

TableRecord NextTable(FuzzInput& input) {
  TableRecord table;
  table.number = input.Below(32);
  table.level = static_cast<int>(input.Below(kNumLevels));
  table.bytes = input.Below(8);
  table.entries = 1;
  table.smallest_sequence = 1 + input.Below(16);
  table.largest_sequence = table.smallest_sequence + input.Below(4);
  const std::string smallest = NextUserKey(input);
  std::string largest = smallest;
  largest[0] = static_cast<char>(largest[0] + input.Below(3));
  table.smallest =
      MakeInternalKey(smallest, table.largest_sequence, ValueType::kValue);
  table.largest =
      MakeInternalKey(largest, table.smallest_sequence, ValueType::kValue);
  return table;
}

// One change: any, or one that fits.
void AddChange(FuzzInput& input, const Model::Tables& tables,
               VersionEdit* edit) {
  const uint8_t choice = input.Byte() % 8;
  if (choice < 3 || tables.empty()) {
    edit->added.push_back(NextTable(input));
    return;
  }
  if (choice == 3) {
    edit->removed.emplace_back(input.Below(kNumLevels), input.Below(32));
    return;
  }
  const TableRecord& table =
      std::next(tables.begin(),
                static_cast<ptrdiff_t>(input.Below(tables.size())))
          ->second;
  edit->removed.emplace_back(table.level, table.number);
  if (choice == 4) return;
  edit->added.push_back(table);
  edit->added.back().level = static_cast<int>(input.Below(kNumLevels));
  if (choice == 5) edit->added.back().identity = input.Below(4);
}

VersionEdit NextEdit(FuzzInput& input, const Model::Tables& tables) {
  VersionEdit edit;
  for (size_t n = input.Below(kMaxChanges + 1); n > 0; --n) {
    AddChange(input, tables, &edit);
  }
  // By way of the manifest, when it is an edit that can be written.
  for (const TableRecord& table : edit.added) {
    if (!WhyNotATable(table).empty()) return edit;
  }
  const absl::StatusOr<VersionEdit> read =
      DecodeVersionEdit(EncodeVersionEdit(edit));
  HF_CHECK(read.ok());
  HF_CHECK(*read == edit);
  return *read;
}

void CheckLevels(const Version& version, const Model::Tables& tables) {
  HF_CHECK(version.file_count() == tables.size());
  for (int level = 0; level < kNumLevels; ++level) {
    uint64_t bytes = 0;
    const FileMetadata* previous = nullptr;
    for (const FilePtr& file : version.files(level)) {
      const auto it = tables.find(file->number);
      HF_CHECK(it != tables.end());
      HF_CHECK(it->second == file->RecordAt(level));
      bytes += file->bytes;
      if (previous != nullptr && level == 0) {
        HF_CHECK(previous->largest_sequence >= file->largest_sequence);
      } else if (previous != nullptr) {
        HF_CHECK(previous->largest_user_key() < file->smallest_user_key());
      }
      previous = file.get();
    }
    HF_CHECK(version.level_bytes(level) == bytes);
  }
}

void CheckQuestions(FuzzInput& input, const Version& version,
                    const Model::Tables& tables) {
  std::optional<std::string> from = NextUserKey(input);
  std::optional<std::string> to = NextUserKey(input);
  const uint8_t open = input.Byte();
  if (open % 4 == 0) from.reset();
  if (open % 8 < 2) to.reset();
  if (from > to && to.has_value()) std::swap(from, to);
  const auto overlaps = [](const TableRecord& table, const auto& first,
                           const auto& last) {
    return (!first.has_value() || LargestUserKey(table) >= *first) &&
           (!last.has_value() || SmallestUserKey(table) <= *last);
  };
  std::map<int, std::set<uint64_t>> wanted;
  bool at_or_below = false;
  const int level = static_cast<int>(input.Below(kNumLevels));
  const std::optional<std::string> key = NextUserKey(input);
  for (const auto& [number, table] : tables) {
    if (overlaps(table, from, to)) wanted[table.level].insert(number);
    at_or_below |= table.level >= level && overlaps(table, key, key);
  }
  for (int l = 0; l < kNumLevels; ++l) {
    std::set<uint64_t> found;
    for (const FilePtr& file : version.FilesOverlapping(l, from, to)) {
      HF_CHECK(found.insert(file->number).second);
    }
    HF_CHECK(found == wanted[l]);
    if (found.empty()) wanted.erase(l);
  }
  HF_CHECK(version.MayHoldAtOrBelow(level, *key) == at_or_below);
  const std::optional<int> deepest =
      wanted.empty() ? std::nullopt
                     : std::optional<int>(wanted.rbegin()->first);
  HF_CHECK(version.DeepestLevelOverlapping(from, to) == deepest);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  Model model;
  auto version = std::make_shared<const Version>();
  std::optional<VersionBuilder> builder(*version);
  for (size_t edits = 0; edits < kMaxEdits && !input.empty(); ++edits) {
    const VersionEdit edit = NextEdit(input, model.tables());
    const absl::Status status = builder->Apply(edit);
    HF_CHECK(status.ok() == model.Apply(edit));
    if (!status.ok()) {
      HF_CHECK(absl::IsInvalidArgument(status));
      return 0;
    }
    if (input.Bool()) continue;  // As recovery: many edits, one version.
    const auto built = builder->Build();
    HF_CHECK(built.ok() == model.InOrder());
    if (!built.ok()) {
      HF_CHECK(absl::IsInvalidArgument(built.status()));
      return 0;
    }
    version = *built;
    CheckLevels(*version, model.tables());
    CheckQuestions(input, *version, model.tables());
    builder.emplace(*version);
    model.BeginBuilder();
  }
  return 0;
}
