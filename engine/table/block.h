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

#ifndef HOLDFAST_ENGINE_TABLE_BLOCK_H_
#define HOLDFAST_ENGINE_TABLE_BLOCK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/check.h"
#include "base/coding.h"

namespace holdfast {

// Immutable; thread-safe.
class Block {
  struct Private {
    explicit Private() = default;
  };

 public:
  class Iterator;

  // Takes the first `size` bytes of `data`. `file` and `offset` say where they
  // are from: kDataLoss names them.
  static absl::StatusOr<std::shared_ptr<const Block>> Parse(
      std::unique_ptr<char[]> data, size_t size, std::string_view file,
      uint64_t offset);
  // The same for a copy of `payload`.
  static absl::StatusOr<std::shared_ptr<const Block>> Parse(
      std::string_view payload, std::string_view file, uint64_t offset);

  // Only Parse can name a Private.
  Block(Private, std::unique_ptr<char[]> data, size_t size, size_t entries);

  // What it costs to keep this block: what a cache charges for it.
  size_t memory_bytes() const { return size_ + kOverheadBytes; }
  // At least one.
  size_t entries() const { return entries_; }

 private:
  // This object, its reference counts and what the allocator and the cache add.
  static constexpr size_t kOverheadBytes = 160;

  uint32_t Restart(uint32_t i) const {
    return DecodeFixed32(data_.get() + entries_end_ + i * sizeof(uint32_t));
  }

  const std::unique_ptr<char[]> data_;
  const size_t size_;
  const size_t entries_;
  uint32_t restarts_;
  uint32_t entries_end_;  // Where the restart array begins.
};

// Stands on an entry of a block, which must outlive it. Never fails: see Block.
// Not an InternalIterator: it is a part of the iterator of a table and of a
// point read, without virtual calls.
// Thread-compatible.
class Block::Iterator {
 public:
  // Over nothing, until Reset.
  Iterator() = default;
  explicit Iterator(const Block* block) : block_(block) {}
  Iterator(const Iterator&) = delete;
  Iterator& operator=(const Iterator&) = delete;

  // Turns to another block, or to nothing (nullptr). Not Valid then.
  void Reset(const Block* block) {
    block_ = block;
    Clear();
  }

  bool Valid() const { return key_.data() != nullptr; }
  // The three below do nothing when there is no block.
  void SeekToFirst();
  void SeekToLast();
  // Stands on the first entry at or after the internal key `target`.
  void Seek(std::string_view target);
  // REQUIRES for the four below: Valid().
  void Next();
  void Prev();
  // Lives until the iterator moves.
  std::string_view key() const { return key_; }
  // Lies in the block and lives as long as it does.
  std::string_view value() const { return value_; }

 private:
  void Clear() { key_ = value_ = std::string_view(); }
  void SeekToRestart(uint32_t i);
  // Moves to the entry at next_, which continues the key in key_ (any, when it
  // shares nothing). At the end of the entries: not Valid.
  void ReadEntry();
  std::string_view RestartKey(uint32_t i) const;

  const Block* block_ = nullptr;
  uint32_t current_ = 0;  // Offset of the entry we stand on.
  uint32_t next_ = 0;     // Offset of the one after.
  // In the block when the entry stores its key whole, else in buffer_.
  std::string_view key_;
  std::string_view value_;
  std::string buffer_;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_TABLE_BLOCK_H_
