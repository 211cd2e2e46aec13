// A block of sorted entries in memory, uncompressed: data blocks and indexes.
//
// Parse checks the whole payload once: every length, every restart point, that
// each key is an internal key above the one before. So what walks a Block
// afterwards cannot run out of it, cannot fail, and sees its keys in order,
// whatever the bytes were.
//
//   payload = entry... fixed32(offset of each restart)... fixed32(restarts)
//   entry   = varint(shared) varint(own) varint(value size) own-bytes value
//
// `shared` counts the first bytes of the key before that this key begins with;
// it is 0 at a restart point. Format: docs/formats/table.md.
//
// Beside the payload, as it is stored, Parse makes what a search wants: the
// offset of every entry, and its *head*, the four bytes of its user key after
// the *prefix* that all user keys of the block have in common, as integers that
// compare as the bytes do. Entries whose heads differ need no other comparison,
// so a search touches the heads, which lie together, and one entry. The heads
// also are the part of a key that its entry does not store, unless it shares
// more than that: then the entries before it are asked, up to the last whole
// key. So any entry can be reached from anywhere.

#ifndef HOLDFAST_ENGINE_TABLE_BLOCK_H_
#define HOLDFAST_ENGINE_TABLE_BLOCK_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/check.h"
#include "base/coding.h"
#include "engine/cache/slab_pool.h"
#include "engine/format/internal_key.h"

namespace holdfast {

class BlockIterator;
class BlockKeyBuffer;

// Immutable; thread-safe.
class Block {
  struct Private {
    explicit Private() = default;
  };
  // What must be known before memory is taken, and what follows from it.
  struct Shape;

 public:
  using Iterator = BlockIterator;

  // Takes the first `size` bytes of `data`. `file` and `offset` say where they
  // are from: kDataLoss names them.
  static absl::StatusOr<std::shared_ptr<const Block>> Parse(
      std::unique_ptr<char[]> data, size_t size, std::string_view file,
      uint64_t offset);
  // The same for a copy of `payload`, in one piece of memory with the rest,
  // which is from `pool` when that is there and has some.
  static absl::StatusOr<std::shared_ptr<const Block>> Parse(
      std::string_view payload, std::string_view file, uint64_t offset,
      SlabPool* pool = nullptr);

  // Only Parse can name a Private. Copies the payload behind this object when
  // `data` is null.
  Block(Private, const Shape& shape, std::string_view payload,
        std::unique_ptr<char[]> data);
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  // What a point read wants to know of a block.
  enum class Answer {
    kFound,   // An entry at or after the target has its user key.
    kAbsent,  // The first entry at or after the target has another user key.
    kBeyond,  // All entries are before the target.
  };
  // Looks for the first entry at or after the internal key `target`. With
  // kFound *trailer is that of its key, and *value lives as long as the block.
  Answer Find(std::string_view target, uint64_t* trailer,
              std::string_view* value) const;

  // What a search in a payload finds that no Block is made of.
  struct Found {
    Answer answer = Answer::kBeyond;
    uint64_t trailer = 0;
    std::string_view value;  // In the payload.
    // The first and the last key of the payload, in it and in the buffer.
    std::string_view smallest;
    std::string_view largest;
  };
  // Checks all that Parse does and answers as Find does then, in one walk and
  // with no memory taken: for a payload that is looked at once.
  static absl::Status FindIn(std::string_view payload, std::string_view target,
                             std::string_view file, uint64_t offset,
                             BlockKeyBuffer* buffer, Found* found);

  // Entries from `begin` to before `end`. All before are below the target that
  // was looked for, all from `end` on are above it.
  struct Range {
    uint32_t begin;
    uint32_t end;
  };
  // What the heads tell of the place of the internal key `target`.
  Range Narrow(std::string_view target) const;
  // How the key of entry i compares with `target`, which Narrow gave a range
  // with i in it.
  int CompareNarrowed(uint32_t i, std::string_view target) const;
  // The first entry at or after the internal key `target`; entries() when there
  // is none.
  uint32_t LowerBound(std::string_view target) const {
    return LowerBound(Narrow(target), target);
  }

  // Whether a reader as of `as_of` is shown every entry, the first one perhaps
  // excepted: no entry has the user key of the one before it, all are values,
  // none is newer.
  bool ShowsAll(SequenceNumber as_of) const {
    return newest_if_plain_ <= as_of;
  }

  // What it costs to keep this block: what a cache charges for it.
  size_t memory_bytes() const { return memory_bytes_; }
  // At least one.
  size_t entries() const { return entries_; }
  // The user keys all begin with it.
  std::string_view prefix() const {
    return std::string_view(prefix_, prefix_bytes_);
  }

 private:
  friend class BlockIterator;

  // An entry as it is stored.
  struct Entry {
    uint32_t shared;
    std::string_view own;  // The key after its shared bytes.
    std::string_view value;
  };

  // Heads are searched eight at a time when there are so few.
  static constexpr uint32_t kHeadsAtATime = 8;
  static constexpr uint32_t kHeadsSearchedAll = 64;
  static constexpr size_t kHeadBytes = sizeof(int32_t);
  // Heads are signed, which is what processors compare, so this bit is turned
  // in all of them.
  static constexpr uint32_t kSignBit = 0x80000000;
  // Above all sequence numbers.
  static constexpr SequenceNumber kNotPlain = kMaxSequenceNumber + 1;
  // Prefixes up to this lie with the heads; longer ones in the first key.
  static constexpr size_t kMaxCopiedPrefix = 64;
  // Reference counts, and what the allocator and the cache add.
  static constexpr size_t kOverheadBytes = 128;

  // The same, from what Narrow gave for the target.
  uint32_t LowerBound(Range range, std::string_view target) const;
  static const char* ReadStoredEntry(const char* p, const char* limit,
                                     Entry* entry);
  static bool ReadPrefix(std::string_view payload, BlockKeyBuffer* buffer,
                         uint32_t* prefix_bytes);
  template <class Visit>
  static const char* FindDamage(std::string_view payload,
                                BlockKeyBuffer* buffer, const Visit& visit,
                                size_t* at);
  static int32_t HeadOf(const char* key, size_t user_bytes, size_t prefix);
  // Of `payload`, which lies in `data`, or is to be copied when that is null.
  static absl::StatusOr<std::shared_ptr<const Block>> Make(
      std::string_view payload, std::unique_ptr<char[]> data,
      std::string_view file, uint64_t offset, SlabPool* pool);
  static void CopyOwn(char* to, std::string_view own) {
    const size_t n = own.size();
    if (n - 8 <= 8) [[likely]] {  // 8 to 16 bytes, as most keys have.
      const uint64_t first = DecodeFixed64(own.data());
      const uint64_t last = DecodeFixed64(own.data() + n - 8);
      EncodeFixed64(to, first);
      EncodeFixed64(to + n - 8, last);
    } else {
      std::memcpy(to, own.data(), n);
    }
  }

  // What a comparison with an entry has seen of it.
  struct Seen {
    uint64_t trailer = 0;
    const char* value_data = nullptr;
    size_t value_bytes = 0;
    bool same_user_key = false;
  };
  int CompareEntry(uint32_t i, std::string_view target, Seen* seen) const;

  uint32_t OffsetOf(uint32_t i) const {
    if (wide_offsets_) {
      return DecodeFixed32(offsets_ + size_t{i} * sizeof(uint32_t));
    }
    uint16_t narrow;
    std::memcpy(&narrow, offsets_ + size_t{i} * sizeof(narrow), sizeof(narrow));
    return narrow;
  }
  void SetOffset(uint32_t i, uint32_t offset) {
    if (wide_offsets_) {
      EncodeFixed32(offsets_ + size_t{i} * sizeof(uint32_t), offset);
    } else {
      const auto narrow = static_cast<uint16_t>(offset);
      std::memcpy(offsets_ + size_t{i} * sizeof(narrow), &narrow,
                  sizeof(narrow));
    }
  }
  // REQUIRES for both: `p` is where an entry begins, of a block that was
  // checked.
  static Entry EntryAt(const char* p);
  static Entry LongEntryAt(const char* p);
  static Entry MakeEntry(const char* own, uint32_t shared, uint32_t own_bytes,
                         uint32_t value_bytes) {
    return {shared, std::string_view(own, own_bytes),
            std::string_view(own + own_bytes, value_bytes)};
  }
  Entry EntryOf(uint32_t i) const { return EntryAt(payload_ + OffsetOf(i)); }
  // Asks for the memory where entry i begins, if that is before entry `end`.
  void Prefetch(uint32_t i, uint32_t end) const {
    if (i < end) __builtin_prefetch(payload_ + OffsetOf(i));
  }
  int32_t* heads() { return reinterpret_cast<int32_t*>(this + 1); }
  const int32_t* heads() const {
    return reinterpret_cast<const int32_t*>(this + 1);
  }

  // In memory that follows the heads, which follow this object; or in data_.
  const char* payload_;
  char* offsets_;
  const char* prefix_;
  uint32_t payload_bytes_;
  uint32_t entries_;
  uint32_t prefix_bytes_;
  uint32_t longest_key_;
  bool wide_offsets_;  // Of four bytes, not of two.
  SequenceNumber newest_if_plain_ = kNotPlain;
  size_t memory_bytes_;
  const std::unique_ptr<char[]> data_;
};

// Where an iterator puts keys together. Short ones need no allocation.
// Thread-compatible.
class BlockKeyBuffer {
 public:
  BlockKeyBuffer() = default;
  BlockKeyBuffer(const BlockKeyBuffer&) = delete;
  BlockKeyBuffer& operator=(const BlockKeyBuffer&) = delete;

  // Makes room for `n` bytes; what was in it is lost.
  void Reserve(size_t n) {
    if (n > room_) [[unlikely]]
      Grow(n, 0);
  }
  // The same, keeping the first `kept` bytes of what is in it.
  void Extend(size_t n, size_t kept) {
    if (n > room_) [[unlikely]]
      Grow(2 * n, kept);
  }
  char* data() { return data_; }

 private:
  void Grow(size_t n, size_t kept);

  char inline_[120];
  char* data_ = inline_;
  size_t room_ = sizeof(inline_);
  std::unique_ptr<char[]> heap_;
};

// Stands on an entry of a block, which must outlive it. Never fails: see Block.
// Not an InternalIterator: it is a part of the iterator of a table, without
// virtual calls.
// Thread-compatible.
class BlockIterator {
 public:
  // Over nothing, until Reset.
  BlockIterator() = default;
  explicit BlockIterator(const Block* block) { Reset(block); }
  BlockIterator(const BlockIterator&) = delete;
  BlockIterator& operator=(const BlockIterator&) = delete;

  // Turns to another block, or to nothing (nullptr). Not Valid then.
  void Reset(const Block* block) {
    block_ = block;
    Clear();
    if (block == nullptr) return;
    buffer_.Reserve(block->longest_key_);
    std::memcpy(buffer_.data(), block->prefix_, block->prefix_bytes_);
  }

  bool Valid() const { return key_.data() != nullptr; }
  // The four below do nothing when there is no block.
  void SeekToFirst() {
    if (block_ != nullptr) MoveTo(0);
  }
  void SeekToLast() {
    if (block_ != nullptr) MoveTo(block_->entries_ - 1);
  }
  // Stands on the first entry at or after the internal key `target`.
  void Seek(std::string_view target);
  // Stands on entry i. REQUIRES: i < entries() of the block.
  void SeekToEntry(size_t i) {
    if (block_ != nullptr) MoveTo(static_cast<uint32_t>(i));
  }
  // REQUIRES for the four below: Valid().
  void Next() {
    HF_DCHECK(Valid());
    if (++current_ == block_->entries_) return Clear();
    // The buffer holds the key before. The offset is at hand before the lengths
    // of that entry are, so the processor need not wait for them.
    StandOn(block_->EntryOf(current_));
  }
  void Prev() {
    HF_DCHECK(Valid());
    if (current_ == 0) return Clear();
    MoveTo(current_ - 1);
  }
  // Next, if that is an entry before entry `end`. RETURNS whether it was, with
  // *key and *value what key() and value() would be, which is quicker than
  // asking for what was just written by halves; if not, the iterator has not
  // moved. REQUIRES: Valid(); `end` is not beyond the entries of the block.
  // (A call would put both into memory again.)
  [[gnu::always_inline]] bool StepBefore(uint32_t end, std::string_view* key,
                                         std::string_view* value) {
    HF_DCHECK(Valid());
    if (current_ + 1 >= end) return false;
    ++current_;
    block_->Prefetch(current_ + kStepsAhead, end);
    const Entry entry = block_->EntryOf(current_);
    StandOn(entry);
    *key = std::string_view(buffer_.data(), entry.shared + entry.own.size());
    *value = entry.value;
    return true;
  }
  // Lives until the iterator moves.
  std::string_view key() const { return key_; }
  // Lies in the block and lives as long as it does.
  std::string_view value() const { return value_; }
  // Which entry it stands on. REQUIRES: Valid().
  uint32_t current() const { return current_; }
  const Block& block() const { return *block_; }

 private:
  using Entry = Block::Entry;

  // Entries that far ahead are asked for, as memory takes longer than a step.
  static constexpr uint32_t kStepsAhead = 6;

  void Clear() { key_ = value_ = std::string_view(); }
  void MoveTo(uint32_t i);
  // Puts what the key of entry i, which is `of`, shares into the buffer.
  void RebuildShared(uint32_t i, const Entry& of);
  // The shared bytes of the entry's key are in the buffer.
  void StandOn(const Entry& entry) {
    Block::CopyOwn(buffer_.data() + entry.shared, entry.own);
    key_ = std::string_view(buffer_.data(), entry.shared + entry.own.size());
    value_ = entry.value;
  }

  const Block* block_ = nullptr;
  uint32_t current_ = 0;  // The entry we stand on.
  std::string_view key_;  // In buffer_.
  std::string_view value_;
  BlockKeyBuffer buffer_;  // Begins with the prefix of the block.
};

inline Block::Entry Block::EntryAt(const char* p) {
  const auto byte = [p](int i) { return static_cast<unsigned char>(p[i]); };
  if ((byte(0) | byte(1) | byte(2)) < 128) [[likely]] {
    return MakeEntry(p + 3, byte(0), byte(1), byte(2));
  }
  // Copied by parts: whose address is taken lies in memory, and what was
  // written there in halves is slow to read as a whole.
  const Entry entry = LongEntryAt(p);
  return {entry.shared, std::string_view(entry.own.data(), entry.own.size()),
          std::string_view(entry.value.data(), entry.value.size())};
}

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_TABLE_BLOCK_H_
