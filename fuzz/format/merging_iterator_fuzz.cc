// The merge of sorted sources (engine/iter/merging_iterator.h): children and
// moves out of the input, one child failing at a move of the input's choice.
// Property: it stands where one sorted list of all entries would, after any
// sequence of moves and turns; it fails when a child has failed, and not else;
// after an error the next seek starts afresh.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/check.h"
#include "engine/format/internal_key.h"
#include "engine/iter/internal_iterator.h"
#include "engine/iter/merging_iterator.h"
#include "fuzz/support/fuzz_input.h"

namespace {

using namespace holdfast;

constexpr size_t kMaxChildren = 6;
constexpr size_t kMaxEntries = 12;  // Of a child.
constexpr size_t kMaxMoves = 64;

// What comes before what: the internal key, then the child's place.
struct Entry {
  std::string key;
  size_t child = 0;
};

bool Before(const Entry& a, const Entry& b) {
  const int order = CompareInternalKeys(a.key, b.key);
  return order != 0 ? order < 0 : a.child < b.child;
}

// Fails at the move that finds *moves_left at 0, and stays failed until the
// next seek. The key is at another place after each move, so that a sanitizer
// sees a view that was kept.
class VectorIterator final : public InternalIterator {
 public:
  VectorIterator(std::vector<Entry> entries, int* moves_left)
      : entries_(std::move(entries)), moves_left_(moves_left) {}

  bool SeekToFirst() override { return Move(0); }
  bool SeekToLast() override { return Move(entries_.size() - 1); }
  bool Seek(std::string_view target) override {
    size_t at = 0;
    while (at < entries_.size() &&
           CompareInternalKeys(entries_[at].key, target) < 0) {
      ++at;
    }
    return Move(at);
  }
  bool Next() override {
    HF_CHECK(Valid());
    return Move(at_ + 1);
  }
  bool Prev() override {
    HF_CHECK(Valid());
    return Move(at_ - 1);
  }
  absl::Status status() const override { return status_; }

 private:
  // Before the first is as far as behind the last: not Valid.
  bool Move(size_t at) {
    at_ = at;
    status_ = absl::OkStatus();
    if (moves_left_ != nullptr && (*moves_left_)-- == 0) {
      status_ = absl::DataLossError("planted");
    }
    key_ = {};
    if (!status_.ok() || at_ >= entries_.size()) return StandNowhere();
    key_.assign(entries_[at].key.begin(), entries_[at].key.end());
    return StandOn({key_.data(), key_.size()},
                   {reinterpret_cast<const char*>(&entries_[at_].child), 1});
  }

  const std::vector<Entry> entries_;
  int* const moves_left_;
  size_t at_ = SIZE_MAX;
  std::vector<char> key_;
  absl::Status status_;
};

// Few different ones: equal user keys and equal internal keys are common.
std::string NextKey(FuzzInput& input) {
  const uint8_t choice = input.Byte();
  const std::string user_key(choice % 3, static_cast<char>('a' + choice / 64));
  return MakeInternalKey(
      user_key, choice / 4 % 16,
      choice % 2 == 0 ? ValueType::kValue : ValueType::kDeletion);
}

// The merge and the list that it must be.
struct Subject {
  std::vector<Entry> all;
  int moves_left = -1;
  bool can_fail = false;
  std::unique_ptr<InternalIterator> merged;
};

void Build(FuzzInput& input, Subject* subject) {
  const size_t children = input.Below(kMaxChildren + 1);
  const size_t failing = input.Below(2 * kMaxChildren);
  subject->can_fail = failing < children;
  subject->moves_left = input.Byte();
  std::vector<std::unique_ptr<InternalIterator>> iterators;
  for (size_t child = 0; child < children; ++child) {
    std::vector<Entry> entries;
    for (size_t n = input.Below(kMaxEntries + 1); n > 0; --n) {
      entries.push_back({NextKey(input), child});
    }
    std::sort(entries.begin(), entries.end(), Before);
    entries.erase(std::unique(entries.begin(), entries.end(),
                              [](const Entry& a, const Entry& b) {
                                return a.key == b.key;
                              }),
                  entries.end());
    subject->all.insert(subject->all.end(), entries.begin(), entries.end());
    iterators.push_back(std::make_unique<VectorIterator>(
        std::move(entries), child == failing ? &subject->moves_left : nullptr));
  }
  std::sort(subject->all.begin(), subject->all.end(), Before);
  subject->merged = NewMergingIterator(std::move(iterators));
}

// Makes a move, and RETURNS where the list stands then. Valid moves alone: from
// nowhere there is none but a seek.
size_t Move(FuzzInput& input, const std::vector<Entry>& all, size_t at,
            InternalIterator& merged) {
  const uint8_t choice = input.Byte() % 8;
  if (merged.Valid() && choice < 3) {
    merged.Next();
    return at + 1;
  }
  if (merged.Valid() && choice < 6) {
    merged.Prev();
    return at - 1;
  }
  if (choice % 4 == 0) {
    merged.SeekToFirst();
    return 0;
  }
  if (choice % 4 == 1) {
    merged.SeekToLast();
    return all.size() - 1;
  }
  const Entry target{NextKey(input), 0};
  merged.Seek(target.key);
  return static_cast<size_t>(
      std::lower_bound(all.begin(), all.end(), target, Before) - all.begin());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  Subject subject;
  Build(input, &subject);
  InternalIterator& merged = *subject.merged;
  size_t at = SIZE_MAX;
  for (size_t moves = 0; moves < kMaxMoves && !input.empty(); ++moves) {
    at = Move(input, subject.all, at, merged);
    if (subject.can_fail && subject.moves_left < 0) {
      HF_CHECK(!merged.Valid());
      HF_CHECK(absl::IsDataLoss(merged.status()));
      // Once is enough: what follows must be as if it had not been.
      subject.moves_left = INT32_MAX;
      continue;
    }
    HF_CHECK(merged.status().ok());
    HF_CHECK(merged.Valid() == (at < subject.all.size()));
    if (!merged.Valid()) continue;
    HF_CHECK(merged.key() == subject.all[at].key);
    HF_CHECK(merged.value()[0] == static_cast<char>(subject.all[at].child));
  }
  return 0;
}
