#include "engine/table/block.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/mutant.h"
#include "base/status_util.h"
#include "engine/format/internal_key.h"
#include "engine/format/table_layout.h"

namespace holdfast {
namespace {

// One entry as it is stored.
struct Entry {
  uint32_t shared;
  std::string_view own;  // The key after its shared bytes.
  std::string_view value;
};

// RETURNS the byte after the entry at p, or nullptr when it does not fit below
// limit.
inline const char* ReadStoredEntry(const char* p, const char* limit,
                                   Entry* entry) {
  uint32_t own;
  uint32_t value;
  if (limit - p >= 3 &&
      (static_cast<unsigned char>(p[0]) | static_cast<unsigned char>(p[1]) |
       static_cast<unsigned char>(p[2])) < 128) {
    entry->shared = static_cast<unsigned char>(p[0]);
    own = static_cast<unsigned char>(p[1]);
    value = static_cast<unsigned char>(p[2]);
    p += 3;
  } else {
    if ((p = DecodeVarint32(p, limit, &entry->shared)) == nullptr) return p;
    if ((p = DecodeVarint32(p, limit, &own)) == nullptr) return p;
    if ((p = DecodeVarint32(p, limit, &value)) == nullptr) return p;
  }
  const auto room = static_cast<uint64_t>(limit - p);
  if (room < uint64_t{own} + value && !HF_MUTANT("block.entry_fits")) {
    return nullptr;
  }
  entry->own = std::string_view(p, own);
  entry->value = std::string_view(p + own, value);
  return p + own + value;
}

// Whether the key made of the first `shared` bytes of `previous` and of `own`
// is an internal key above `previous`, itself an internal key. Looks at no more
// than `own` and a trailer.
bool ContinuesInOrder(std::string_view previous, size_t shared,
                      std::string_view own) {
  const size_t size = shared + own.size();
  if (size < kTrailerBytes) return false;
  const size_t previous_user = previous.size() - kTrailerBytes;
  const size_t user = size - kTrailerBytes;
  char trailer_bytes[kTrailerBytes];
  for (size_t i = 0; i < kTrailerBytes; ++i) {
    const size_t at = user + i;
    trailer_bytes[i] = at < shared ? previous[at] : own[at - shared];
  }
  const uint64_t trailer = DecodeFixed64(trailer_bytes);
  if ((trailer & 0xff) > static_cast<uint64_t>(ValueType::kValue)) return false;
  const size_t shorter = std::min(previous_user, user);
  if (shared < shorter) {
    const int order =
        std::memcmp(previous.data() + shared, own.data(), shorter - shared);
    if (order != 0) return order < 0;
  }
  if (previous_user != user) return previous_user < user;
  return ExtractTrailer(previous) > trailer;
}

// What is wrong with the payload, at *at; nullptr when nothing is.
const char* FindDamage(std::string_view payload, size_t* entries, size_t* at) {
  *entries = 0;
  *at = 0;
  if (payload.size() > UINT32_MAX) return "block too large";
  if (payload.size() < sizeof(uint32_t)) return "block too short";
  const char* const begin = payload.data();
  const size_t body = payload.size() - sizeof(uint32_t);
  const uint32_t restarts = DecodeFixed32(begin + body);
  if (restarts > body / sizeof(uint32_t)) return "too many restart points";
  const char* const limit = begin + body - restarts * sizeof(uint32_t);
  uint32_t restart = 0;
  int since_restart = 0;
  std::string key;
  for (const char* p = begin; p != limit;) {
    *at = static_cast<size_t>(p - begin);
    Entry entry;
    const char* const next = ReadStoredEntry(p, limit, &entry);
    if (next == nullptr) return "entry runs out of its block";
    if (entry.shared > key.size()) return "entry shares more than there is";
    const bool at_restart =
        restart < restarts &&
        DecodeFixed32(limit + restart * sizeof(uint32_t)) == *at;
    if (at_restart && entry.shared != 0) return "restart point shares a prefix";
    since_restart = at_restart ? 1 : since_restart + 1;
    if (since_restart > kMaxRestartInterval) return "too few restart points";
    if (*entries == 0) {
      ParsedInternalKey parsed;
      if (!at_restart) return "no restart point at the first entry";
      if (!ParseInternalKey(entry.own, &parsed)) return "bad internal key";
    } else if (!ContinuesInOrder(key, entry.shared, entry.own)) {
      return "entries out of order";
    }
    key.resize(entry.shared);
    key.append(entry.own);
    restart += at_restart;
    ++*entries;
    p = next;
  }
  if (*entries == 0) return "no entries";
  if (restart != restarts) return "restart point is not at an entry";
  return nullptr;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Block>> Block::Parse(
    std::unique_ptr<char[]> data, size_t size, std::string_view file,
    uint64_t offset) {
  size_t entries;
  size_t at;
  const char* why =
      FindDamage(std::string_view(data.get(), size), &entries, &at);
  if (why != nullptr) {
    return DataLoss(file, offset, absl::StrCat(why, " (byte ", at, " of it)"));
  }
  return std::make_shared<const Block>(Private(), std::move(data), size,
                                       entries);
}

absl::StatusOr<std::shared_ptr<const Block>> Block::Parse(
    std::string_view payload, std::string_view file, uint64_t offset) {
  auto copy = std::make_unique_for_overwrite<char[]>(payload.size());
  if (!payload.empty()) {
    std::memcpy(copy.get(), payload.data(), payload.size());
  }
  return Parse(std::move(copy), payload.size(), file, offset);
}

Block::Block(Private, std::unique_ptr<char[]> data, size_t size, size_t entries)
    : data_(std::move(data)), size_(size), entries_(entries) {
  const size_t body = size - sizeof(uint32_t);
  restarts_ = DecodeFixed32(data_.get() + body);
  entries_end_ = static_cast<uint32_t>(body - restarts_ * sizeof(uint32_t));
}

void Block::Iterator::ReadEntry() {
  if (next_ == block_->entries_end_) return Clear();
  const char* const begin = block_->data_.get();
  Entry entry;
  const char* const end =
      ReadStoredEntry(begin + next_, begin + block_->entries_end_, &entry);
  HF_DCHECK(end != nullptr);
  current_ = next_;
  next_ = static_cast<uint32_t>(end - begin);
  value_ = entry.value;
  if (entry.shared == 0) {
    key_ = entry.own;
    return;
  }
  HF_DCHECK(entry.shared <= key_.size());
  if (key_.data() == buffer_.data()) {
    buffer_.resize(entry.shared);
  } else {
    buffer_.assign(key_.data(), entry.shared);
  }
  buffer_.append(entry.own);
  key_ = buffer_;
}

void Block::Iterator::SeekToRestart(uint32_t i) {
  next_ = block_->Restart(i);
  ReadEntry();
}

std::string_view Block::Iterator::RestartKey(uint32_t i) const {
  const char* const begin = block_->data_.get();
  Entry entry;
  const char* const end = ReadStoredEntry(begin + block_->Restart(i),
                                          begin + block_->entries_end_, &entry);
  HF_DCHECK(end != nullptr);
  static_cast<void>(end);
  return entry.own;
}

void Block::Iterator::SeekToFirst() {
  if (block_ != nullptr) SeekToRestart(0);
}

void Block::Iterator::SeekToLast() {
  if (block_ == nullptr) return;
  SeekToRestart(block_->restarts_ - 1);
  while (next_ != block_->entries_end_) ReadEntry();
}

void Block::Iterator::Seek(std::string_view target) {
  if (block_ == nullptr) return;
  // The last restart point below the target, or the first one.
  uint32_t low = 0;
  uint32_t high = block_->restarts_ - 1;
  while (low < high) {
    const uint32_t middle = low + (high - low + 1) / 2;
    if (CompareInternalKeys(RestartKey(middle), target) < 0) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  SeekToRestart(low);
  while (Valid() && CompareInternalKeys(key_, target) < 0) ReadEntry();
}

void Block::Iterator::Next() {
  HF_DCHECK(Valid());
  ReadEntry();
}

void Block::Iterator::Prev() {
  HF_DCHECK(Valid());
  const uint32_t stop = current_;
  if (stop == 0) return Clear();
  // The last restart point before the entry we stand on.
  uint32_t low = 0;
  uint32_t high = block_->restarts_ - 1;
  while (low < high) {
    const uint32_t middle = low + (high - low + 1) / 2;
    if (block_->Restart(middle) < stop) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  SeekToRestart(low);
  while (next_ != stop) ReadEntry();
}

}  // namespace holdfast
