#include "engine/db/replay_buffer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "base/coding.h"
#include "engine/format/key_head.h"

namespace holdfast {
namespace {

// How many entries ahead of the one that is looked at are fetched: they lie
// anywhere in memory.
constexpr size_t kFetchAhead = 8;

// Digits in which heads are sorted. Fewer entries than kLeastForDigits are
// compared: counting digits costs as much as they do.
constexpr int kDigitBits = 11;
constexpr size_t kDigits = size_t{1} << kDigitBits;
constexpr size_t kLeastForDigits = 1000;

}  // namespace

void ReplayBuffer::Add(SequenceNumber sequence, ValueType type,
                       std::string_view key, std::string_view value) {
  if (type == ValueType::kDeletion) value = {};
  if (arena_ == nullptr) arena_ = std::make_unique<Arena>(pages_);
  const size_t key_bytes = key.size() + kTrailerBytes;
  char* const to = arena_->Allocate(key_bytes + value.size());
  used_bytes_ += key_bytes + value.size();
  std::memcpy(to, key.data(), key.size());
  EncodeFixed64(to + key.size(), PackTrailer(sequence, type));
  if (!value.empty()) {
    std::memcpy(to + key_bytes, value.data(), value.size());
  }
  entries_.push_back({.head = 0,
                      .key = to,
                      .key_bytes = static_cast<uint32_t>(key_bytes),
                      .value_bytes = static_cast<uint32_t>(value.size())});
}

void ReplayBuffer::Clear() {
  entries_.clear();
  arena_.reset();
  used_bytes_ = 0;
}

size_t ReplayBuffer::SharedBytes() const {
  if (entries_.empty()) return 0;
  const std::string_view first = ExtractUserKey(entries_[0].internal_key());
  size_t shared = first.size();
  for (const Entry& entry : entries_) {
    const std::string_view key = ExtractUserKey(entry.internal_key());
    const size_t most = std::min(shared, key.size());
    shared = static_cast<size_t>(
        std::mismatch(key.begin(), key.begin() + most, first.begin()).first -
        key.begin());
  }
  return shared;
}

class ReplayBuffer::Iterator final : public InternalIterator {
 public:
  explicit Iterator(const std::vector<Entry>* entries) : entries_(*entries) {}

  bool SeekToFirst() override {
    for (size_t i = 0; i < std::min(kFetchAhead, entries_.size()); ++i) {
      __builtin_prefetch(entries_[i].key);
    }
    return StandAt(0);
  }
  bool SeekToLast() override { return StandAt(entries_.size() - 1); }
  bool Seek(std::string_view target) override {
    const auto found = std::lower_bound(
        entries_.begin(), entries_.end(), target,
        [](const Entry& entry, std::string_view key) {
          return CompareInternalKeys(entry.internal_key(), key) < 0;
        });
    return StandAt(static_cast<size_t>(found - entries_.begin()));
  }
  bool Next() override {
    if (at_ + 1 + kFetchAhead < entries_.size()) {
      __builtin_prefetch(entries_[at_ + 1 + kFetchAhead].key);
    }
    return StandAt(at_ + 1);
  }
  bool Prev() override { return StandAt(at_ - 1); }
  absl::Status status() const override { return absl::OkStatus(); }

 private:
  // Before the first entry is a number that is too large, as well.
  bool StandAt(size_t at) {
    at_ = at;
    if (at >= entries_.size()) return StandNowhere();
    return StandOn(entries_[at].internal_key(), entries_[at].value());
  }

  const std::vector<Entry>& entries_;
  size_t at_ = SIZE_MAX;
};

bool ReplayBuffer::Before(const Entry& a, const Entry& b) {
  if (a.head != b.head) return a.head < b.head;
  return CompareInternalKeys(a.internal_key(), b.internal_key()) < 0;
}

// A radix sort from the last digit to the first (Knuth, The Art of Computer
// Programming, 3, 5.2.5): each pass keeps the order of the one before among
// entries whose digits are equal.
void ReplayBuffer::SortByHead() {
  uint64_t varying = 0;
  for (const Entry& entry : entries_) varying |= entry.head ^ entries_[0].head;
  std::vector<Entry> to(entries_.size());
  for (int shift = 0; shift < 64; shift += kDigitBits) {
    if ((varying >> shift) % kDigits == 0) continue;
    std::array<size_t, kDigits> place{};
    for (const Entry& entry : entries_) {
      ++place[(entry.head >> shift) % kDigits];
    }
    size_t next = 0;
    for (size_t& first : place) next += std::exchange(first, next);
    for (const Entry& entry : entries_) {
      to[place[(entry.head >> shift) % kDigits]++] = entry;
    }
    entries_.swap(to);
  }
}

void ReplayBuffer::Sort() {
  if (std::is_sorted(entries_.begin(), entries_.end(), Before)) return;
  if (entries_.size() < kLeastForDigits) {
    std::sort(entries_.begin(), entries_.end(), Before);
    return;
  }
  SortByHead();
  for (auto first = entries_.begin(); first != entries_.end();) {
    const auto last = std::find_if(
        first + 1, entries_.end(),
        [&](const Entry& entry) { return entry.head != first->head; });
    if (last - first > 1) std::sort(first, last, Before);
    first = last;
  }
}

std::unique_ptr<InternalIterator> ReplayBuffer::NewIterator() {
  const size_t shared = SharedBytes();
  for (Entry& entry : entries_) {
    entry.head = HeadAt(ExtractUserKey(entry.internal_key()), shared);
  }
  Sort();
  return std::make_unique<Iterator>(&entries_);
}

}  // namespace holdfast
