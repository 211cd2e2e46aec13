#include "engine/db/replay_buffer.h"

#include <algorithm>
#include <cstring>

#include "absl/status/status.h"
#include "base/coding.h"
#include "engine/format/key_head.h"

namespace holdfast {
namespace {

// Chunks grow with what there is.
constexpr size_t kLeastChunkBytes = size_t{4} << 10;
constexpr size_t kMostChunkBytes = size_t{1} << 20;

// How many entries ahead of the one that is looked at are fetched: they lie
// anywhere in memory.
constexpr size_t kFetchAhead = 8;

}  // namespace

void ReplayBuffer::Add(SequenceNumber sequence, ValueType type,
                       std::string_view key, std::string_view value) {
  if (type == ValueType::kDeletion) value = {};
  const size_t key_bytes = key.size() + kTrailerBytes;
  char* const to = Allocate(key_bytes + value.size());
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
  chunks_.clear();
  used_bytes_ = 0;
  free_bytes_ = 0;
}

char* ReplayBuffer::Allocate(size_t bytes) {
  if (bytes > free_bytes_) {
    // Not made ready: it is written before it is read.
    const size_t chunk = std::max(
        bytes, std::clamp(used_bytes_, kLeastChunkBytes, kMostChunkBytes));
    chunks_.emplace_back(new char[chunk]);
    free_ = chunks_.back().get();
    free_bytes_ = chunk;
  }
  char* const result = free_;
  free_ += bytes;
  free_bytes_ -= bytes;
  used_bytes_ += bytes;
  return result;
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

std::unique_ptr<InternalIterator> ReplayBuffer::NewIterator() {
  const size_t shared = SharedBytes();
  for (Entry& entry : entries_) {
    entry.head = HeadAt(ExtractUserKey(entry.internal_key()), shared);
  }
  const auto before = [](const Entry& a, const Entry& b) {
    if (a.head != b.head) return a.head < b.head;
    return CompareInternalKeys(a.internal_key(), b.internal_key()) < 0;
  };
  if (!std::is_sorted(entries_.begin(), entries_.end(), before)) {
    std::sort(entries_.begin(), entries_.end(), before);
  }
  return std::make_unique<Iterator>(&entries_);
}

}  // namespace holdfast
