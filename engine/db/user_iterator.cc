#include "engine/db/user_iterator.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/coding.h"
#include "engine/table/block.h"

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

// A user key that outlives its source. Short ones are copied word by word,
// which a call would take longer for.
class KeyBuffer {
 public:
  KeyBuffer() = default;
  KeyBuffer(const KeyBuffer&) = delete;
  KeyBuffer& operator=(const KeyBuffer&) = delete;

  // REQUIRES: the key is that of an internal key: a trailer follows it.
  void Assign(std::string_view user_key) {
    static_assert(kTrailerBytes == 8);
    size_ = user_key.size();
    if (size_ > kInlineBytes) [[unlikely]] {
      long_.assign(user_key);
      data_ = long_.data();
      return;
    }
    data_ = inline_;
    for (size_t i = 0; i < size_; i += 8) {
      EncodeFixed64(inline_ + i, DecodeFixed64(user_key.data() + i));
    }
  }
  std::string_view view() const { return std::string_view(data_, size_); }

 private:
  static constexpr size_t kInlineBytes = 64;

  char inline_[kInlineBytes];
  const char* data_ = inline_;
  size_t size_ = 0;
  std::string long_;
};

bool SameKey(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CompareUserKeys(a, b) == 0;
}

// The next possible key.
std::string KeyAfter(std::string_view key) {
  std::string after(key);
  after.push_back('\0');
  return after;
}

// Directions of the walk and where source_ stands:
//   kForward, Valid():  on the entry that is shown; key() and value() are its.
//                       In a run (run_ is not null) it is run_ that stands
//                       there, and source_ knows nothing of its steps.
//   kBackward, Valid(): before all entries of the shown user key (not Valid
//                       when there are none); what is shown is in *shown_ and
//                       found_value_.
class UserIterator final : public Iterator {
 public:
  UserIterator(std::unique_ptr<InternalIterator> source,
               SequenceNumber sequence, KeyBounds bounds,
               std::shared_ptr<const void> pin, DeadSpanUse spans)
      : pin_(std::move(pin)),
        source_(std::move(source)),
        sequence_(sequence),
        spans_(spans),
        bounds_(std::move(bounds)) {}

  void SeekToFirst() override {
    SeekForward(bounds_.lower.has_value() ? std::string_view(*bounds_.lower)
                                          : std::string_view(""));
  }

  void SeekToLast() override {
    if (bounds_.upper.has_value()) {
      SeekBackward(*bounds_.upper);
    } else {
      SeekBackward(std::nullopt);
    }
  }

  void Seek(std::string_view target) override {
    if (bounds_.lower.has_value() && target < *bounds_.lower) {
      target = *bounds_.lower;
    }
    SeekForward(target);
  }

  void SeekForPrev(std::string_view target) override {
    if (bounds_.upper.has_value() && target >= *bounds_.upper) {
      SeekBackward(*bounds_.upper);
    } else {
      // A key followed by a zero byte is the next possible one.
      SeekBackward(KeyAfter(target));
    }
  }

  void Next() override {
    if (run_ != nullptr) [[likely]] {
      std::string_view next;
      std::string_view value;
      if (run_->StepBefore(run_end_, &next, &value)) [[likely]] {
        return ShowForward(next, value);
      }
      shown_->Assign(key());
      run_ = nullptr;
      steps_to_run_ = 1;
      source_->Next();
      return FindNextVisible(/*after_shown=*/true);
    }
    HF_CHECK(Valid());
    if (direction_ == Direction::kForward) {
      if (--steps_to_run_ == 0 && BeginRun()) return Next();
      shown_->Assign(key());
      source_->Next();
    } else {
      // source_ stands before the entries of the shown key: go to its first.
      direction_ = Direction::kForward;
      steps_to_run_ = 1;
      if (source_->Valid()) {
        source_->Next();
      } else {
        SeekSource(shown_->view(), kMaxSequenceNumber);
      }
    }
    FindNextVisible(/*after_shown=*/true);
  }

  void Prev() override {
    HF_CHECK(Valid());
    if (direction_ == Direction::kForward) {
      direction_ = Direction::kBackward;
      shown_->Assign(key());
      if (run_ != nullptr) source_->EndRun();
      run_ = nullptr;
      LeaveShownBackward();
    }
    FindPrevVisible(/*before_shown=*/true, std::nullopt);
  }

  absl::Status status() const override {
    return status_.ok() ? source_->status() : status_;
  }

 private:
  enum class Direction { kForward, kBackward };

  // A value copied for the backward walk keeps no more memory than this when
  // the walk goes on.
  static constexpr size_t kKeptValueBytes = size_t{1} << 20;
  // Entries that are walked over one by one before a search is cheaper.
  static constexpr size_t kStepsBeforeSeek = 16;
  // Steps from one question for a run to the next.
  static constexpr uint32_t kStepsToRun = 8;
  // Entries walked over in a row that make a span worth remembering.
  static constexpr size_t kStepsToRecord = 256;

  void Begin(Direction direction) {
    StandNowhere();
    run_ = nullptr;
    steps_to_run_ = 1;
    direction_ = direction;
    status_ = absl::OkStatus();
  }

  void ShowForward(std::string_view internal_key, std::string_view value) {
    StandOn(ExtractUserKey(internal_key), value);
  }

  // From the entry that is shown, on which source_ stands. RETURNS whether
  // there is a run with more entries.
  bool BeginRun() {
    steps_to_run_ = kStepsToRun;
    std::string_view before;
    BlockIterator* const run = source_->BeginRun(sequence_, &before);
    if (run == nullptr) return false;
    const Block& block = run->block();
    run_end_ = static_cast<uint32_t>(block.entries());
    if (before.data() != nullptr) run_end_ = block.LowerBound(before);
    if (bounds_.upper.has_value()) {
      const LookupKey upper(*bounds_.upper, kMaxSequenceNumber);
      run_end_ = std::min(run_end_, block.LowerBound(upper.internal_key()));
    }
    if (run->current() + 1 >= run_end_) return false;
    run_ = run;
    return true;
  }

  void SeekForward(std::string_view target) {
    Begin(Direction::kForward);
    from_.assign(target);  // Perhaps a view into source_, which moves now.
    DeadSpans::End end;
    if (!InSpan(from_, &end)) {
      SeekSource(from_, sequence_);
    } else if (!JumpTo(end)) {
      return;
    }
    FindNextVisible(/*after_shown=*/false);
  }

  // To the last key before `end`, nullopt being after every key.
  void SeekBackward(const std::optional<std::string_view>& end) {
    Begin(Direction::kBackward);
    std::string begin;
    if (SpanReachesTo(end, &begin)) {
      SeekBefore(begin);
    } else if (end.has_value()) {
      SeekBefore(*end);
    } else {
      source_->SeekToLast();
    }
    FindPrevVisible(/*before_shown=*/false, end);
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
    // What a writer put there since the search, newer than all that we show,
    // may come in between. Nothing else may: see CameTo.
    ParsedInternalKey entry;
    while (source_->Valid() && Parse(&entry) &&
           CompareUserKeys(entry.user_key, user_key) >= 0) {
      if (entry.sequence <= sequence_) {
        status_ =
            absl::DataLossError("a search came to an entry after its key");
        return;
      }
      source_->Prev();
    }
  }

  // From the entry of *shown_, to the last one before all of its versions: few,
  // as a rule.
  void LeaveShownBackward() {
    for (size_t steps = 0; steps < kStepsBeforeSeek; ++steps) {
      if (!source_->Prev()) return;
      if (!SameKey(ExtractUserKey(source_->key()), shown_->view())) return;
    }
    SeekBefore(shown_->view());
  }

  // Whether a span that we may use holds the key; *end is what is behind it.
  bool InSpan(std::string_view user_key, DeadSpans::End* end) const {
    return spans_.spans != nullptr && spans_.spans->any() &&
           spans_.spans->FindEnd(user_key, sequence_, end);
  }
  // Whether one reaches up to `end`; *begin is where it begins.
  bool SpanReachesTo(const std::optional<std::string_view>& end,
                     std::string* begin) const {
    return spans_.spans != nullptr && spans_.spans->any() &&
           spans_.spans->FindBegin(end, sequence_, begin);
  }

  // To the end of a span. RETURNS false when there is nothing behind it.
  bool JumpTo(const DeadSpans::End& end) {
    if (!end.has_value()) {
      source_->SeekToLast();
      return false;
    }
    SeekSource(*end, sequence_);
    return CameTo(*end);
  }

  // After a search that shortens a walk forward: whether it came to the key or
  // behind it. A source that searches wrongly (by bytes that nobody verified)
  // must not make us walk in circles.
  bool CameTo(std::string_view user_key) {
    if (!source_->Valid() ||
        CompareUserKeys(ExtractUserKey(source_->key()), user_key) >= 0) {
      return true;
    }
    status_ = absl::DataLossError("a search came to an entry before its key");
    return false;
  }

  void Record(std::string_view begin, const DeadSpans::End& end) {
    if (!spans_.may_record || !status().ok()) return;
    spans_.spans->Record(begin, end, sequence_);
  }
  // Of a walk forward.
  void RecordTo(bool after_shown, const DeadSpans::End& end) {
    Record(after_shown ? KeyAfter(shown_->view()) : from_, end);
  }

  bool Parse(ParsedInternalKey* parsed) {
    if (ParseInternalKey(source_->key(), parsed)) [[likely]]
      return true;
    status_ = absl::DataLossError("an entry has a malformed internal key");
    return false;
  }

  // From where source_ stands, forward to the first entry to be shown. The walk
  // began behind *shown_, whose entries are hidden then, or else at from_.
  void FindNextVisible(bool after_shown) {
    StandNowhere();
    direction_ = Direction::kForward;
    // The key whose entries are hidden.
    const KeyBuffer* skipped = after_shown ? shown_ : nullptr;
    size_t walked = 0;
    ParsedInternalKey entry;
    while (source_->Valid()) {
      if (!Parse(&entry)) return;
      if (bounds_.upper.has_value() &&
          CompareUserKeys(entry.user_key, *bounds_.upper) >= 0) {
        if (walked >= kStepsToRecord) RecordTo(after_shown, bounds_.upper);
        return;
      }
      if (entry.sequence <= sequence_ &&
          (skipped == nullptr || !SameKey(entry.user_key, skipped->view()))) {
        if (entry.type == ValueType::kValue) [[likely]] {
          ShowForward(source_->key(), source_->value());
          if (walked >= kStepsToRecord) [[unlikely]] {
            RecordTo(after_shown, std::string(entry.user_key));
          }
          return;
        }
        // A tombstone hides the older versions of its key.
        deleted_.Assign(entry.user_key);
        skipped = &deleted_;
      }
      if (++walked % kStepsBeforeSeek != 0) [[likely]] {
        source_->Next();
      } else if (!Advance(entry, walked)) {
        return;
      }
    }
    if (walked >= kStepsToRecord) RecordTo(after_shown, std::nullopt);
  }

  // Forward from a hidden entry, by a short way if there is one. RETURNS false
  // when nothing is to be shown any more.
  bool Advance(const ParsedInternalKey& entry, size_t walked) {
    DeadSpans::End end;
    if (walked % kStepsToRecord == kStepsBeforeSeek &&
        InSpan(entry.user_key, &end)) {
      return JumpTo(end);
    }
    if (!SameKey(entry.user_key, probe_.view())) {
      probe_.Assign(entry.user_key);
      source_->Next();
      return true;
    }
    // Many versions of one key: to the first that is old enough, or past all.
    SeekSource(entry.user_key,
               entry.sequence > sequence_ ? sequence_ : SequenceNumber{0});
    return CameTo(probe_.view());
  }

  // From where source_ stands, backward to the last key to be shown. The
  // entries of a key come oldest first, so each visible one replaces the one
  // before it, until the key changes. The walk began before *shown_, or else at
  // `end`.
  void FindPrevVisible(bool before_shown,
                       const std::optional<std::string_view>& end) {
    StandNowhere();
    direction_ = Direction::kBackward;
    if (saved_value_.capacity() > kKeptValueBytes) {
      std::string().swap(saved_value_);
    }
    KeyBuffer& candidate = shown_ == keys_ ? keys_[1] : keys_[0];
    bool found = false;   // found_value_ is a visible one of the candidate.
    size_t versions = 0;  // Of the candidate.
    size_t moves = 0;     // Of source_, since found_value_ was seen.
    size_t walked = 0;
    std::string begin;
    ParsedInternalKey entry;
    while (source_->Valid() && status_.ok()) {
      if (!Parse(&entry)) return;
      if (found && !SameKey(entry.user_key, candidate.view())) break;
      if (bounds_.lower.has_value() &&
          CompareUserKeys(entry.user_key, *bounds_.lower) < 0) {
        begin = *bounds_.lower;
        break;
      }
      if (entry.sequence <= sequence_) {
        if (entry.type == ValueType::kDeletion) {
          found = false;
        } else {
          if (!found) {
            candidate.Assign(entry.user_key);
            versions = 0;
          }
          found = true;
          found_value_ = source_->value();
          moves = 0;
        }
      }
      if (found) {
        if (++versions > kStepsBeforeSeek) {
          found = SeekNewest(candidate.view());
          if (found) break;
          continue;
        }
        // A value outlives one move of its source (see InternalIterator).
        if (moves++ == 1) {
          saved_value_.assign(found_value_);
          found_value_ = saved_value_;
        }
      } else if (++walked % kStepsToRecord == kStepsBeforeSeek) {
        std::string span;
        if (SpanReachesTo(KeyAfter(entry.user_key), &span)) {
          SeekBefore(span);
          continue;
        }
      }
      source_->Prev();
    }
    // An error in between may have hidden a newer version: show nothing then.
    const bool shows =
        found && status_.ok() && (source_->Valid() || source_->status().ok());
    if (walked >= kStepsToRecord) [[unlikely]] {
      if (found) begin = KeyAfter(candidate.view());
      DeadSpans::End span_end;
      if (before_shown) {
        span_end.emplace(shown_->view());
      } else if (end.has_value()) {
        span_end.emplace(*end);
      }
      Record(begin, span_end);
    }
    if (!shows) return;
    shown_ = &candidate;
    StandOn(candidate.view(), found_value_);
  }

  // Of a key with many versions: keeps the newest that is visible, and moves
  // source_ before all of them. RETURNS whether it is a value.
  bool SeekNewest(std::string_view user_key) {
    SeekSource(user_key, sequence_);
    if (!source_->Valid()) return false;
    ParsedInternalKey entry;
    const bool is_value = Parse(&entry) && SameKey(entry.user_key, user_key) &&
                          entry.type == ValueType::kValue;
    if (is_value) {
      saved_value_.assign(source_->value());
      found_value_ = saved_value_;
    }
    SeekBefore(user_key);
    return is_value;
  }

  const std::shared_ptr<const void> pin_;  // Outlives source_.
  const std::unique_ptr<InternalIterator> source_;
  const SequenceNumber sequence_;
  const DeadSpanUse spans_;
  const KeyBounds bounds_;

  BlockIterator* run_ = nullptr;  // In source_.
  uint32_t run_end_ = 0;
  uint32_t steps_to_run_ = 1;
  Direction direction_ = Direction::kForward;
  absl::Status status_;
  KeyBuffer keys_[2];
  KeyBuffer* shown_ = keys_;  // The key that is shown, or was before the move.
  KeyBuffer deleted_;
  KeyBuffer probe_;  // A key that was come by in a long walk.
  std::string from_;
  std::string_view found_value_;  // In source_ or saved_value_.
  std::string saved_value_;
};

class ErrorIterator final : public Iterator {
 public:
  explicit ErrorIterator(absl::Status status) : status_(std::move(status)) {}

  void SeekToFirst() override {}
  void SeekToLast() override {}
  void Seek(std::string_view) override {}
  void SeekForPrev(std::string_view) override {}
  void Next() override { HF_CHECK(false); }
  void Prev() override { HF_CHECK(false); }
  absl::Status status() const override { return status_; }

 private:
  const absl::Status status_;
};

}  // namespace

void Iterator::NotValid() {
  HF_CHECK(!"the iterator stands on an entry");
  std::abort();
}

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
    KeyBounds bounds, std::shared_ptr<const void> pin, DeadSpanUse spans) {
  return std::make_unique<UserIterator>(
      std::move(source), sequence, std::move(bounds), std::move(pin), spans);
}

std::unique_ptr<Iterator> NewErrorIterator(absl::Status status) {
  return std::make_unique<ErrorIterator>(std::move(status));
}

}  // namespace holdfast
