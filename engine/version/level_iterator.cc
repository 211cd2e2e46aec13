#include "engine/version/level_iterator.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "base/check.h"
#include "base/mutant.h"
#include "engine/format/internal_key.h"

namespace holdfast {
namespace {

class LevelIterator final : public InternalIterator {
 public:
  LevelIterator(std::shared_ptr<const FileList> files, TableCache* cache,
                const BlockReadOptions& options)
      : files_(std::move(files)), cache_(*cache), options_(options) {}

  bool SeekToFirst() override {
    if (Open(0)) table_->SeekToFirst();
    return SkipForward();
  }

  bool SeekToLast() override {
    if (Open(files_->size() - 1)) table_->SeekToLast();
    return SkipBackward();
  }

  bool Seek(std::string_view target) override {
    const auto it = std::partition_point(
        files_->begin(), files_->end(), [target](const FilePtr& file) {
          return CompareInternalKeys(file->largest, target) < 0;
        });
    if (Open(static_cast<size_t>(it - files_->begin()))) table_->Seek(target);
    return SkipForward();
  }

  bool Next() override {
    HF_DCHECK(Valid());
    if (table_->Next()) [[likely]]
      return StandWhere(*table_);
    return SkipForward();
  }

  bool Prev() override {
    HF_DCHECK(Valid());
    if (table_->Prev()) [[likely]]
      return StandWhere(*table_);
    return SkipBackward();
  }

  absl::Status status() const override {
    if (!open_status_.ok()) return open_status_;
    return table_ != nullptr ? table_->status() : absl::OkStatus();
  }

 private:
  // Makes file `index` the one that table_ iterates over. RETURNS false, with
  // no table_, when there is no such file or it cannot be opened.
  bool Open(size_t index) {
    open_status_ = absl::OkStatus();
    if (table_ != nullptr && index == index_) return true;
    // What we stood on outlives the move.
    previous_table_ = std::move(table_);
    previous_reader_ = std::move(reader_);
    if (index >= files_->size()) return false;  // Also for -1.
    index_ = index;
    const FileMetadata& file = *(*files_)[index];
    auto reader =
        cache_.Acquire(file.slot, file.number, file.bytes, file.identity);
    if (!reader.ok()) {
      if (!HF_MUTANT("level_iterator.missing_table_is_an_error")) {
        open_status_ = reader.status();
      }
      return false;
    }
    reader_ = *std::move(reader);
    table_ = reader_->NewIterator(options_);
    return true;
  }

  // At the end of a table, not at an error, goes on to the next one.
  bool SkipForward() {
    while (table_ != nullptr && !table_->Valid() && table_->status().ok()) {
      if (Open(index_ + 1)) table_->SeekToFirst();
    }
    return Stand();
  }

  bool SkipBackward() {
    while (table_ != nullptr && !table_->Valid() && table_->status().ok()) {
      if (Open(index_ - 1)) table_->SeekToLast();
    }
    return Stand();
  }

  bool Stand() {
    return table_ != nullptr ? StandWhere(*table_) : StandNowhere();
  }

  const std::shared_ptr<const FileList> files_;
  TableCache& cache_;
  const BlockReadOptions options_;

  size_t index_ = 0;  // Of the file that table_ iterates over.
  absl::Status open_status_;
  std::shared_ptr<const TableReader> reader_;
  std::unique_ptr<InternalIterator> table_;  // Uses reader_.
  // The table before, whose value may still be looked at.
  std::shared_ptr<const TableReader> previous_reader_;
  std::unique_ptr<InternalIterator> previous_table_;  // Uses previous_reader_.
};

}  // namespace

std::unique_ptr<InternalIterator> NewLevelIterator(
    std::shared_ptr<const FileList> files, TableCache* cache,
    const BlockReadOptions& options) {
  return std::make_unique<LevelIterator>(std::move(files), cache, options);
}

std::unique_ptr<InternalIterator> NewTableIterator(
    FilePtr file, TableCache* cache, const BlockReadOptions& options) {
  return NewLevelIterator(
      std::make_shared<const FileList>(FileList{std::move(file)}), cache,
      options);
}

}  // namespace holdfast
