#include "engine/db/user_iterator.h"

#include <string_view>
#include <utility>

#include "base/check.h"

namespace holdfast {
namespace {

// The first key after all keys that begin with `prefix`, or nullopt when there
// is none (the prefix is empty or all 0xff).
std::optional<std::string> PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) {
    end.pop_back();
  }
  if (end.empty()) return std::nullopt;
  end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

// Directions of the walk and where source_ stands:
//   kForward, Valid():  on the entry that is shown; key() and value() are its.
//   kBackward, Valid(): before all entries of the shown user key (not Valid
//                       when there are none); what is shown is in saved_key_
//                       and saved_value_.
class UserIterator final : public Iterator {
 public:
  UserIterator(std::unique_ptr<InternalIterator> source,
               SequenceNumber sequence, KeyBounds bounds,
               std::shared_ptr<const void> pin)
      : pin_(std::move(pin)),
        source_(std::move(source)),
        sequence_(sequence),
        bounds_(std::move(bounds)) {}

  bool Valid() const override { return valid_; }

  void SeekToFirst() override {
    Begin();
    if (bounds_.lower.has_value()) {
      SeekSource(*bounds_.lower, sequence_);
    } else {
      source_->SeekToFirst();
    }
    FindNextVisible(/*skipping=*/false);
  }

  void SeekToLast() override {
    Begin();
    if (bounds_.upper.has_value()) {
      SeekBefore(*bounds_.upper);
    } else {
      source_->SeekToLast();
    }
    FindPrevVisible();
  }

  void Seek(std::string_view target) override {
    if (bounds_.lower.has_value() && target < *bounds_.lower) {
      SeekToFirst();
      return;
    }
    Begin();
    SeekSource(target, sequence_);
    FindNextVisible(/*skipping=*/false);
  }

  void SeekForPrev(std::string_view target) override {
    if (bounds_.upper.has_value() && target >= *bounds_.upper) {
      SeekToLast();
      return;
    }
    Begin();
    // The first entry after all versions of target, then one back. A key
    // followed by a zero byte is the next possible one.
    std::string after(target);
    after.push_back('\0');
    SeekBefore(after);
    FindPrevVisible();
  }

  void Next() override {
    HF_CHECK(valid_);
    if (direction_ == Direction::kBackward) {
      // source_ stands before the entries of the shown key: go to its first.
      direction_ = Direction::kForward;
      SeekSource(saved_key_, kMaxSequenceNumber);
    } else {
      saved_key_.assign(ExtractUserKey(source_->key()));
      source_->Next();
    }
    FindNextVisible(/*skipping=*/true);
  }

  void Prev() override {
    HF_CHECK(valid_);
    if (direction_ == Direction::kForward) {
      direction_ = Direction::kBackward;
      saved_key_.assign(ExtractUserKey(source_->key()));
      // To the last entry before all versions of the shown key.
      SeekBefore(saved_key_);
    }
    FindPrevVisible();
  }

  std::string_view key() const override {
    HF_CHECK(valid_);
    return direction_ == Direction::kForward ? ExtractUserKey(source_->key())
                                             : std::string_view(saved_key_);
  }

  std::string_view value() const override {
    HF_CHECK(valid_);
    return direction_ == Direction::kForward ? source_->value()
                                             : std::string_view(saved_value_);
  }

  absl::Status status() const override {
    return status_.ok() ? source_->status() : status_;
  }

 private:
  enum class Direction { kForward, kBackward };

  // A value copied for the backward walk keeps no more memory than this when
  // the walk goes on.
  static constexpr size_t kKeptValueBytes = size_t{1} << 20;

  void Begin() {
    valid_ = false;
    direction_ = Direction::kForward;
    status_ = absl::OkStatus();
  }

  void SeekSource(std::string_view user_key, SequenceNumber sequence) {
    const LookupKey target(user_key, sequence);
    source_->Seek(target.internal_key());
  }

  // Moves source_ to the last entry whose user key is below `user_key`.
  void SeekBefore(std::string_view user_key) {
    SeekSource(user_key, kMaxSequenceNumber);
    if (source_->Valid()) {
      source_->Prev();
    } else if (source_->status().ok()) {
      source_->SeekToLast();
    }
  }

  bool Parse(ParsedInternalKey* parsed) {
    if (ParseInternalKey(source_->key(), parsed)) return true;
    status_ = absl::DataLossError("an entry has a malformed internal key");
    valid_ = false;
    return false;
  }

  // From where source_ stands, forward to the first entry to be shown. With
  // `skipping`, entries of saved_key_ and before are hidden.
  void FindNextVisible(bool skipping) {
    valid_ = false;
    direction_ = Direction::kForward;
    ParsedInternalKey entry;
    for (; source_->Valid(); source_->Next()) {
      if (!Parse(&entry)) return;
      if (bounds_.upper.has_value() && entry.user_key >= *bounds_.upper) return;
      if (entry.sequence > sequence_) continue;
      if (skipping && entry.user_key <= saved_key_) continue;
      if (entry.type == ValueType::kValue) {
        valid_ = true;
        return;
      }
      // A tombstone hides the older versions of its key.
      saved_key_.assign(entry.user_key);
      skipping = true;
    }
  }

  // From where source_ stands, backward to the last key to be shown. The
  // entries of a key come oldest first, so each visible one replaces the one
  // before it, until the key changes.
  void FindPrevVisible() {
    valid_ = false;
    direction_ = Direction::kBackward;
    bool found = false;  // saved_* hold a visible value of the current key.
    bool any = false;    // saved_key_ is the current key.
    if (saved_value_.capacity() > kKeptValueBytes) {
      std::string().swap(saved_value_);
    }
    ParsedInternalKey entry;
    for (; source_->Valid(); source_->Prev()) {
      if (!Parse(&entry)) return;
      if (found && entry.user_key != saved_key_) break;
      if (bounds_.lower.has_value() && entry.user_key < *bounds_.lower) break;
      if (entry.sequence > sequence_) continue;
      if (entry.type == ValueType::kDeletion) {
        found = false;
        continue;
      }
      if (!any || entry.user_key != saved_key_) {
        saved_key_.assign(entry.user_key);
        any = true;
      }
      saved_value_.assign(source_->value());
      found = true;
    }
    // An error in between may have hidden a newer version: show nothing then.
    valid_ = found && source_->status().ok();
  }

  const std::shared_ptr<const void> pin_;  // Outlives source_.
  const std::unique_ptr<InternalIterator> source_;
  const SequenceNumber sequence_;
  const KeyBounds bounds_;

  bool valid_ = false;
  Direction direction_ = Direction::kForward;
  absl::Status status_;
  std::string saved_key_;
  std::string saved_value_;
};

class ErrorIterator final : public Iterator {
 public:
  explicit ErrorIterator(absl::Status status) : status_(std::move(status)) {}

  bool Valid() const override { return false; }
  void SeekToFirst() override {}
  void SeekToLast() override {}
  void Seek(std::string_view) override {}
  void SeekForPrev(std::string_view) override {}
  void Next() override { HF_CHECK(false); }
  void Prev() override { HF_CHECK(false); }
  std::string_view key() const override {
    HF_CHECK(false);
    return {};
  }
  std::string_view value() const override {
    HF_CHECK(false);
    return {};
  }
  absl::Status status() const override { return status_; }

 private:
  const absl::Status status_;
};

}  // namespace

KeyBounds BoundsOf(const ReadOptions& options) {
  KeyBounds bounds{options.lower_bound, options.upper_bound};
  if (options.prefix.has_value()) {
    const std::string& prefix = *options.prefix;
    if (!bounds.lower.has_value() || *bounds.lower < prefix) {
      bounds.lower = prefix;
    }
    const std::optional<std::string> end = PrefixEnd(prefix);
    if (end.has_value() &&
        (!bounds.upper.has_value() || *end < *bounds.upper)) {
      bounds.upper = end;
    }
  }
  return bounds;
}

std::unique_ptr<Iterator> NewUserIterator(
    std::unique_ptr<InternalIterator> source, SequenceNumber sequence,
    KeyBounds bounds, std::shared_ptr<const void> pin) {
  return std::make_unique<UserIterator>(std::move(source), sequence,
                                        std::move(bounds), std::move(pin));
}

std::unique_ptr<Iterator> NewErrorIterator(absl::Status status) {
  return std::make_unique<ErrorIterator>(std::move(status));
}

}  // namespace holdfast
