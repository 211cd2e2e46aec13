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

  BlockIterator* BeginRun(SequenceNumber as_of,
                          std::string_view* before) override {
    return table_->BeginRun(as_of, before);
  }
  void EndRun() override {
    table_->EndRun();
    StandWhere(*table_);
  }

 private:
  // Tables that were come by are kept for searches that go to and fro. More
  // than one: what we stood on outlives the move.
  static constexpr size_t kKept = 4;

  struct Opened {
    size_t index = static_cast<size_t>(-1);  // Of its file.
    std::shared_ptr<const TableReader> reader;
    std::unique_ptr<InternalIterator> table;  // Uses reader.
  };

  static void Close(Opened* opened) {
    opened->table.reset();
    opened->reader.reset();
    opened->index = static_cast<size_t>(-1);
  }

  // Makes file `index` the one that table_ iterates over. RETURNS false, with
  // no table_, when there is no such file or it cannot be opened.
  bool Open(size_t index) {
    open_status_ = absl::OkStatus();
    if (table_ != nullptr && index == index_) return true;
    table_ = nullptr;
    if (index >= files_->size()) return false;  // Also for -1.
    for (Opened& opened : kept_) {
      if (opened.index != index) continue;
      table_ = opened.table.get();
      index_ = index;
      return true;
    }
    const FileMetadata& file = *(*files_)[index];
    auto reader =
        cache_.Acquire(file.slot, file.number, file.bytes, file.identity);
    if (absl::IsResourceExhausted(reader.status())) {
      // Too many open files: some of them are ours.
      for (Opened& opened : kept_) {
        if (opened.index != index_) Close(&opened);
      }
      reader =
          cache_.Acquire(file.slot, file.number, file.bytes, file.identity);
    }
    if (!reader.ok()) {
      if (!HF_MUTANT("level_iterator.missing_table_is_an_error")) {
        open_status_ = reader.status();
      }
      return false;
    }
    // In place of the oldest, but for the one that we stood on.
    if (kept_[oldest_].index == index_) oldest_ = (oldest_ + 1) % kKept;
    Opened& opened = kept_[oldest_];
    oldest_ = (oldest_ + 1) % kKept;
    Close(&opened);
    opened.index = index_ = index;
    opened.reader = *std::move(reader);
    opened.table = opened.reader->NewIterator(options_);
    table_ = opened.table.get();
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

  absl::Status open_status_;
  InternalIterator* table_ = nullptr;  // Of one of kept_.
  size_t index_ = 0;  // Of the file that table_, or the last one, is of.
  Opened kept_[kKept];
  size_t oldest_ = 0;
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
