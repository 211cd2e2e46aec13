#include "engine/table/block.h"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/mutant.h"
#include "base/status_util.h"
#include "engine/format/internal_key.h"
#include "engine/format/key_step.h"
#include "engine/format/table_layout.h"

namespace holdfast {
namespace {

// Memory for a block, its reference counts and what lies behind it: one piece,
// from a pool or the heap.
struct BlockMemory {
  // Beside the object itself: counts, and this.
  static constexpr size_t kCountsBytes = 64;

  static BlockMemory Take(size_t bytes, SlabPool* pool) {
    void* const pooled = pool != nullptr ? pool->Allocate(bytes) : nullptr;
    return pooled != nullptr ? BlockMemory{pooled, true}
                             : BlockMemory{::operator new(bytes), false};
  }
  void Free() const {
    if (pooled) {
      SlabPool::Free(begin);
    } else {
      ::operator delete(begin);
    }
  }

  void* begin;
  bool pooled;
};

// Gives std::allocate_shared the memory that is there.
template <class T>
class AllocatorOfTaken {
 public:
  using value_type = T;

  explicit AllocatorOfTaken(const BlockMemory& memory) : memory_(memory) {}
  template <class U>
  explicit AllocatorOfTaken(const AllocatorOfTaken<U>& other)
      : memory_(other.memory()) {}

  T* allocate(size_t n) {
    HF_CHECK(n == 1);
    static_assert(sizeof(T) <= sizeof(Block) + BlockMemory::kCountsBytes);
    return static_cast<T*>(memory_.begin);
  }
  void deallocate(T*, size_t) { memory_.Free(); }
  const BlockMemory& memory() const { return memory_; }

  template <class U>
  bool operator==(const AllocatorOfTaken<U>& other) const {
    return memory_.begin == other.memory().begin;
  }

 private:
  BlockMemory memory_;
};

// How a key continues a block.
struct Continuation {
  bool in_order = false;  // It is an internal key above the one before.
  uint64_t trailer = 0;   // When it is.
  bool same_user_key = false;
};

// Of the key made of the first `shared` bytes of `previous`, itself an internal
// key, and of `own`. Looks at no more than `own` and a trailer.
Continuation ContinueSlowly(std::string_view previous, size_t shared,
                            std::string_view own) {
  const size_t size = shared + own.size();
  if (size < kTrailerBytes) return {};
  const size_t previous_user = previous.size() - kTrailerBytes;
  const size_t user = size - kTrailerBytes;
  char trailer_bytes[kTrailerBytes];
  for (size_t i = 0; i < kTrailerBytes; ++i) {
    const size_t at = user + i;
    trailer_bytes[i] = at < shared ? previous[at] : own[at - shared];
  }
  const uint64_t trailer = DecodeFixed64(trailer_bytes);
  if ((trailer & 0xff) > static_cast<uint64_t>(ValueType::kValue)) return {};
  const size_t shorter = std::min(previous_user, user);
  if (shared < shorter) {
    const int order =
        std::memcmp(previous.data() + shared, own.data(), shorter - shared);
    if (order != 0) return {order < 0, trailer, false};
  }
  if (previous_user != user) return {previous_user < user, trailer, false};
  return {ExtractTrailer(previous) > trailer, trailer, true};
}

// The same, and fast when the first byte that is not shared decides.
inline Continuation Continue(std::string_view previous, size_t shared,
                             std::string_view own) {
  if (own.size() > kTrailerBytes && shared + kTrailerBytes < previous.size() &&
      static_cast<unsigned char>(previous[shared]) <
          static_cast<unsigned char>(own[0])) [[likely]] {
    const uint64_t trailer = ExtractTrailer(own);
    return {(trailer & 0xff) <= static_cast<uint64_t>(ValueType::kValue),
            trailer, false};
  }
  return ContinueSlowly(previous, shared, own);
}

absl::Status Damage(std::string_view file, uint64_t offset, const char* why,
                    size_t at) {
  return DataLoss(file, offset, absl::StrCat(why, " (byte ", at, " of it)"));
}

size_t UserBytes(size_t key_bytes) {
  return key_bytes < kTrailerBytes ? 0 : key_bytes - kTrailerBytes;
}

}  // namespace

struct Block::Shape {
  size_t payload_bytes = 0;
  uint32_t entries = 0;
  uint32_t longest_key = 0;
  uint32_t prefix_bytes = 0;

  bool wide_offsets() const { return payload_bytes > UINT16_MAX; }
  bool copies_prefix() const { return prefix_bytes <= kMaxCopiedPrefix; }
  // With room for reading some together.
  size_t head_bytes() const {
    const size_t more = entries > kHeadsSearchedAll ? kHeadsAtATime : 0;
    const size_t whole =
        (entries + kHeadsAtATime - 1) / kHeadsAtATime * kHeadsAtATime;
    return (whole + more) * kHeadBytes;
  }
  size_t offset_bytes() const {
    return entries * (wide_offsets() ? sizeof(uint32_t) : sizeof(uint16_t));
  }
  // What lies behind the object, but for a payload.
  size_t tail_bytes() const {
    return head_bytes() + offset_bytes() + (copies_prefix() ? prefix_bytes : 0);
  }
};

// RETURNS the byte after the entry at p, or nullptr when it does not fit below
// limit.
inline const char* Block::ReadStoredEntry(const char* p, const char* limit,
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

Block::Entry Block::LongEntryAt(const char* p) {
  const auto byte = [p](int i) { return static_cast<unsigned char>(p[i]); };
  if ((byte(0) | byte(1) | byte(3)) < 128) {
    // Long values are what brings most entries here.
    return MakeEntry(p + 4, byte(0), byte(1),
                     (byte(2) & 127u) | (uint32_t{byte(3)} << 7));
  }
  const char* const limit = p + 3 * kMaxVarint32Bytes;
  uint32_t shared;
  uint32_t own;
  uint32_t value;
  p = DecodeVarint32(p, limit, &shared);
  p = DecodeVarint32(p, limit, &own);
  p = DecodeVarint32(p, limit, &value);
  return MakeEntry(p, shared, own, value);
}

// What the user keys of the payload have in common, if nothing is wrong with
// it: what the first and the last have, which is reached from the last restart
// point. RETURNS whether these could be read. Uses the buffer.
bool Block::ReadPrefix(std::string_view payload, BlockKeyBuffer* buffer,
                       uint32_t* prefix_bytes) {
  if (payload.size() > UINT32_MAX) return false;
  if (payload.size() < sizeof(uint32_t)) return false;
  const char* const begin = payload.data();
  const size_t body = payload.size() - sizeof(uint32_t);
  const uint32_t restarts = DecodeFixed32(begin + body);
  if (restarts == 0 || restarts > body / sizeof(uint32_t)) return false;
  const char* const limit = begin + body - restarts * sizeof(uint32_t);
  const uint32_t last = DecodeFixed32(begin + body - sizeof(uint32_t));
  if (last >= static_cast<size_t>(limit - begin)) return false;
  Entry entry;
  size_t key_bytes = 0;
  for (const char* p = begin + last; p < limit;) {
    p = ReadStoredEntry(p, limit, &entry);
    if (p == nullptr || entry.shared > key_bytes) return false;
    key_bytes = entry.shared + entry.own.size();
    buffer->Extend(key_bytes, entry.shared);
    std::memcpy(buffer->data() + entry.shared, entry.own.data(),
                entry.own.size());
  }
  if (ReadStoredEntry(begin, limit, &entry) == nullptr) return false;
  *prefix_bytes = static_cast<uint32_t>(
      SharedPrefix(entry.own.substr(0, UserBytes(entry.own.size())),
                   std::string_view(buffer->data(), UserBytes(key_bytes))));
  return true;
}

// The walk that checks: what is wrong with the payload, at *at; nullptr when
// nothing is. Gives visit(i, offset, key, bytes of the user key, entry,
// continuation) each entry that is in order after those before. The last key is
// left in the buffer.
template <class Visit>
const char* Block::FindDamage(std::string_view payload, BlockKeyBuffer* buffer,
                              const Visit& visit, size_t* at) {
  *at = 0;
  if (payload.size() > UINT32_MAX) return "block too large";
  if (payload.size() < sizeof(uint32_t)) return "block too short";
  const char* const begin = payload.data();
  const size_t body = payload.size() - sizeof(uint32_t);
  const uint32_t restarts = DecodeFixed32(begin + body);
  if (restarts > body / sizeof(uint32_t)) return "too many restart points";
  const char* const limit = begin + body - restarts * sizeof(uint32_t);
  char* key = buffer->data();
  size_t key_bytes = 0;
  uint32_t restart = 0;
  int since_restart = 0;
  uint32_t entries = 0;
  for (const char* p = begin; p < limit; ++entries) {
    *at = static_cast<size_t>(p - begin);
    Entry entry;
    const char* const next = ReadStoredEntry(p, limit, &entry);
    if (next == nullptr) return "entry runs out of its block";
    if (entry.shared > key_bytes) return "entry shares more than there is";
    const bool at_restart =
        restart < restarts &&
        DecodeFixed32(limit + restart * sizeof(uint32_t)) == *at;
    if (at_restart && entry.shared != 0) return "restart point shares a prefix";
    since_restart = at_restart ? 1 : since_restart + 1;
    if (since_restart > kMaxRestartInterval) return "too few restart points";
    Continuation how;
    if (entries == 0) {
      ParsedInternalKey parsed;
      if (!at_restart) return "no restart point at the first entry";
      if (!ParseInternalKey(entry.own, &parsed)) return "bad internal key";
      how = {true, ExtractTrailer(entry.own), false};
    } else {
      how = Continue(std::string_view(key, key_bytes), entry.shared, entry.own);
      if (!how.in_order) return "entries out of order";
    }
    key_bytes = entry.shared + entry.own.size();
    buffer->Extend(key_bytes, entry.shared);
    key = buffer->data();
    CopyOwn(key + entry.shared, entry.own);
    visit(entries, static_cast<uint32_t>(*at), key, key_bytes - kTrailerBytes,
          entry, how);
    restart += at_restart;
    p = next;
  }
  if (entries == 0) return "no entries";
  if (restart != restarts) return "restart point is not at an entry";
  return nullptr;
}

// The four bytes after the prefix, zeros for those that are not there, as a
// number that compares as they do. REQUIRES: a trailer follows the user key.
inline int32_t Block::HeadOf(const char* key, size_t user_bytes,
                             size_t prefix) {
  if (user_bytes <= prefix) return INT32_MIN;
  uint32_t head = __builtin_bswap32(DecodeFixed32(key + prefix));
  const size_t own = user_bytes - prefix;
  if (own < kHeadBytes) head &= ~uint32_t{0} << (8 * (kHeadBytes - own));
  return static_cast<int32_t>(head ^ kSignBit);
}

absl::StatusOr<std::shared_ptr<const Block>> Block::Make(
    std::string_view payload, std::unique_ptr<char[]> data,
    std::string_view file, uint64_t offset, SlabPool* pool) {
  // Where there are no more entries, one walk is enough: what it finds waits
  // here until it is known how much memory the block takes.
  constexpr uint32_t kMostInOneWalk = 512;
  int32_t heads[kMostInOneWalk];
  uint16_t offsets[kMostInOneWalk];
  Shape shape;
  BlockKeyBuffer buffer;
  const bool has_prefix = ReadPrefix(payload, &buffer, &shape.prefix_bytes);
  uint64_t newest = 0;  // The largest trailer.
  bool plain = true;
  const auto look = [&](uint32_t i, uint32_t begin, const char* key,
                        size_t user_bytes, const Entry&,
                        const Continuation& how) {
    if (i < kMostInOneWalk) [[likely]] {
      heads[i] = HeadOf(key, user_bytes, shape.prefix_bytes);
      offsets[i] = static_cast<uint16_t>(begin);
    }
    shape.entries = i + 1;
    shape.longest_key = std::max(
        shape.longest_key, static_cast<uint32_t>(user_bytes + kTrailerBytes));
    newest = std::max(newest, how.trailer);
    plain &= !how.same_user_key &&
             (how.trailer & 0xff) == static_cast<uint64_t>(ValueType::kValue);
  };
  size_t at;
  const char* why = FindDamage(payload, &buffer, look, &at);
  if (why != nullptr) [[unlikely]]
    return Damage(file, offset, why, at);
  HF_CHECK(has_prefix);  // Nothing can be wrong that the walk passes.
  shape.payload_bytes = payload.size();
  const size_t payload_tail = data == nullptr ? payload.size() : 0;
  const size_t bytes = BlockMemory::kCountsBytes + sizeof(Block) +
                       shape.tail_bytes() + payload_tail;
  const auto block = std::allocate_shared<Block>(
      AllocatorOfTaken<Block>(BlockMemory::Take(bytes, pool)), Private(), shape,
      payload, std::move(data));
  if (shape.entries <= kMostInOneWalk && !shape.wide_offsets()) [[likely]] {
    std::memcpy(block->heads(), heads, shape.entries * kHeadBytes);
    std::memcpy(block->offsets_, offsets, shape.entries * sizeof(uint16_t));
  } else {
    const auto fill_in = [&block, prefix = size_t{shape.prefix_bytes}](
                             uint32_t i, uint32_t begin, const char* key,
                             size_t user_bytes, const Entry&,
                             const Continuation&) {
      block->heads()[i] = HeadOf(key, user_bytes, prefix);
      block->SetOffset(i, begin);
    };
    why = FindDamage(payload, &buffer, fill_in, &at);
    HF_CHECK(why == nullptr);
  }
  block->newest_if_plain_ = plain ? newest >> 8 : kNotPlain;
  return block;
}

absl::Status Block::FindIn(std::string_view payload, std::string_view target,
                           std::string_view file, uint64_t offset,
                           BlockKeyBuffer* buffer, Found* found) {
  *found = Found();
  const std::string_view wanted = ExtractUserKey(target);
  bool passed = false;  // An entry at or after the target.
  // Of the entry before, which is below the target: what its user key has in
  // common with the wanted one, and whether the byte after that says so.
  size_t common = 0;
  bool differs = false;
  size_t key_bytes = 0;
  const auto visit = [&](uint32_t i, uint32_t, const char* key,
                         size_t user_bytes, const Entry& entry,
                         const Continuation&) {
    if (i == 0) found->smallest = entry.own;
    key_bytes = user_bytes + kTrailerBytes;
    if (passed) return;
    // It has that byte as well.
    if (differs && entry.shared > common && user_bytes > common) return;
    const std::string_view whole(key, key_bytes);
    const std::string_view user_key(key, user_bytes);
    if (CompareInternalKeys(whole, target) >= 0) {
      passed = true;
      found->answer = user_key == wanted ? Answer::kFound : Answer::kAbsent;
      found->trailer = ExtractTrailer(whole);
      found->value = entry.value;
      return;
    }
    common = SharedPrefix(user_key, wanted);
    differs = common < std::min(user_bytes, wanted.size());
  };
  size_t at;
  const char* const why = FindDamage(payload, buffer, visit, &at);
  if (why != nullptr) [[unlikely]]
    return Damage(file, offset, why, at);
  found->largest = std::string_view(buffer->data(), key_bytes);
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Block>> Block::Parse(
    std::unique_ptr<char[]> data, size_t size, std::string_view file,
    uint64_t offset) {
  const std::string_view payload(data.get(), size);
  return Make(payload, std::move(data), file, offset, nullptr);
}

absl::StatusOr<std::shared_ptr<const Block>> Block::Parse(
    std::string_view payload, std::string_view file, uint64_t offset,
    SlabPool* pool) {
  return Make(payload, nullptr, file, offset, pool);
}

Block::Block(Private, const Shape& shape, std::string_view payload,
             std::unique_ptr<char[]> data)
    : payload_bytes_(static_cast<uint32_t>(payload.size())),
      entries_(shape.entries),
      prefix_bytes_(shape.prefix_bytes),
      longest_key_(shape.longest_key),
      wide_offsets_(shape.wide_offsets()),
      memory_bytes_(sizeof(Block) + kOverheadBytes + shape.tail_bytes() +
                    payload.size()),
      data_(std::move(data)) {
  std::fill_n(heads(), shape.head_bytes() / kHeadBytes, INT32_MAX);
  char* end = reinterpret_cast<char*>(heads()) + shape.head_bytes();
  offsets_ = end;
  end += shape.offset_bytes();
  char* const prefix = end;
  if (shape.copies_prefix()) end += prefix_bytes_;
  if (data_ != nullptr) {
    payload_ = data_.get();
  } else {
    std::memcpy(end, payload.data(), payload.size());
    payload_ = end;
  }
  const char* const first_key = EntryAt(payload_).own.data();
  if (shape.copies_prefix()) {
    std::memcpy(prefix, first_key, prefix_bytes_);
    prefix_ = prefix;
  } else {
    prefix_ = first_key;
  }
}

void BlockKeyBuffer::Grow(size_t n, size_t kept) {
  auto larger = std::make_unique_for_overwrite<char[]>(n);
  if (kept > 0) std::memcpy(larger.get(), data_, kept);
  heap_ = std::move(larger);
  data_ = heap_.get();
  room_ = n;
}

Block::Range Block::Narrow(std::string_view target) const {
  const size_t user_bytes = target.size() - kTrailerBytes;
  const size_t common = std::min<size_t>(user_bytes, prefix_bytes_);
  const int order = CompareUserKeys(target.substr(0, common),
                                    std::string_view(prefix_, common));
  if (order != 0) return order < 0 ? Range{0, 0} : Range{entries_, entries_};
  // A part of the prefix is below all that begin with the whole.
  if (user_bytes < prefix_bytes_) return {0, 0};
  const int32_t head = HeadOf(target.data(), user_bytes, prefix_bytes_);
  const int32_t* const all = heads();
  const int32_t* low = all;
  size_t n = entries_;
  while (n > kHeadsSearchedAll) {
    const size_t half = n / 2;
    low += low[half - 1] < head ? half : 0;
    n -= half;
  }
  // Some after the last are counted as well: these are not below.
  int32_t below = 0;
  for (size_t i = 0; i < n; i += kHeadsAtATime) {
    for (size_t j = 0; j < kHeadsAtATime; ++j) below += low[i + j] < head;
  }
  const auto begin =
      static_cast<uint32_t>(low - all) + static_cast<uint32_t>(below);
  uint32_t end = begin;
  if (end < entries_ && all[end] == head) {
    ++end;
    if (end < entries_ && all[end] == head) {
      end = static_cast<uint32_t>(
          std::upper_bound(all + end, all + entries_, head) - all);
    }
  }
  return {begin, end};
}

int Block::CompareEntry(uint32_t i, std::string_view target, Seen* seen) const {
  // Its lengths are waited for; what they lead to comes meanwhile.
  const char* const begin = payload_ + OffsetOf(i);
  __builtin_prefetch(begin + 64);
  __builtin_prefetch(begin + 128);
  const Entry entry = EntryAt(begin);
  const size_t user_bytes = entry.shared + entry.own.size() - kTrailerBytes;
  if (entry.shared > prefix_bytes_ + kHeadBytes || entry.shared > user_bytes)
      [[unlikely]] {
    // The entry does not have all that the heads do not tell.
    Iterator it(this);
    it.SeekToEntry(i);
    seen->value_data = it.value().data();
    seen->value_bytes = it.value().size();
    seen->trailer = ExtractTrailer(it.key());
    seen->same_user_key = ExtractUserKey(it.key()) == ExtractUserKey(target);
    return CompareInternalKeys(it.key(), target);
  }
  seen->value_data = entry.value.data();
  seen->value_bytes = entry.value.size();
  seen->trailer = ExtractTrailer(entry.own);
  seen->same_user_key = false;
  const std::string_view wanted = ExtractUserKey(target);
  // Both begin with the prefix and have the same head. So the target is no
  // longer than what it shares with the entry only if it lacks zeros of it.
  if (wanted.size() < entry.shared) return 1;
  const int order =
      CompareUserKeys(ExtractUserKey(entry.own), wanted.substr(entry.shared));
  if (order != 0) return order;
  seen->same_user_key = true;
  const uint64_t as_of = ExtractTrailer(target);
  return seen->trailer > as_of ? -1 : (seen->trailer < as_of ? 1 : 0);
}

int Block::CompareNarrowed(uint32_t i, std::string_view target) const {
  Seen seen;
  return CompareEntry(i, target, &seen);
}

Block::Answer Block::Find(std::string_view target, uint64_t* trailer,
                          std::string_view* value) const {
  Range range = Narrow(target);
  const uint32_t end = range.end;
  // Of the entry at range.end, once it is below `end`, and of the one that is
  // looked at. Neither is copied.
  Seen seen[2];
  int kept = 0;
  while (range.begin < range.end) {
    const uint32_t middle = range.begin + (range.end - range.begin) / 2;
    if (CompareEntry(middle, target, &seen[1 - kept]) < 0) {
      range.begin = middle + 1;
    } else {
      range.end = middle;
      kept = 1 - kept;
    }
  }
  if (range.end == entries_) return Answer::kBeyond;
  if (range.end == end || !seen[kept].same_user_key) return Answer::kAbsent;
  *trailer = seen[kept].trailer;
  *value = std::string_view(seen[kept].value_data, seen[kept].value_bytes);
  return Answer::kFound;
}

uint32_t Block::LowerBound(Range range, std::string_view target) const {
  while (range.begin < range.end) {
    const uint32_t middle = range.begin + (range.end - range.begin) / 2;
    if (CompareNarrowed(middle, target) < 0) {
      range.begin = middle + 1;
    } else {
      range.end = middle;
    }
  }
  return range.end;
}

void BlockIterator::Seek(std::string_view target) {
  if (block_ == nullptr) return;
  const Block::Range range = block_->Narrow(target);
  for (uint32_t i = 0; i <= kStepsAhead; ++i) {
    block_->Prefetch(range.begin + i, block_->entries_);
  }
  const uint32_t i = block_->LowerBound(range, target);
  if (i == block_->entries_) return Clear();
  MoveTo(i);
}

void BlockIterator::MoveTo(uint32_t i) {
  current_ = i;
  const Entry entry = block_->EntryOf(i);
  if (entry.shared > block_->prefix_bytes_) RebuildShared(i, entry);
  StandOn(entry);
}

void BlockIterator::RebuildShared(uint32_t i, const Entry& of) {
  char* const key = buffer_.data();
  const size_t prefix = block_->prefix_bytes_;
  size_t missing = of.shared;  // Bytes of the key that are not there yet.
  for (Entry entry = of;; entry = block_->EntryOf(--i)) {
    if (entry.shared < missing) {
      std::memcpy(key + entry.shared, entry.own.data(), missing - entry.shared);
      missing = entry.shared;
    }
    if (missing <= prefix) return;
    const size_t user_bytes = entry.shared + entry.own.size() - kTrailerBytes;
    if (missing <= std::min(prefix + Block::kHeadBytes, user_bytes)) {
      const auto head =
          static_cast<uint32_t>(block_->heads()[i]) ^ Block::kSignBit;
      char bytes[Block::kHeadBytes];
      EncodeFixed32(bytes, __builtin_bswap32(head));
      std::memcpy(key + prefix, bytes, missing - prefix);
      return;
    }
  }
}

}  // namespace holdfast
