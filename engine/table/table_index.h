// The index of a table in memory: where each data block is, and a key at or
// above all keys of it and below those of the next, its *separator*.
//
// It is a block on disk (block.h, docs/formats/table.md). Its handles are
// decoded once, and its heads have eight bytes, as an index has many entries
// over a wide range of keys: so a search compares integers in one array and
// then takes one handle.
//
// The last separator is apart: it is as short as can be, and then has nothing
// in common with the others, which mostly begin alike. Heads that began before
// what they have in common would tell nothing.

#ifndef HOLDFAST_ENGINE_TABLE_TABLE_INDEX_H_
#define HOLDFAST_ENGINE_TABLE_TABLE_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/format/table_layout.h"
#include "engine/table/block.h"

namespace holdfast {

// Immutable; thread-safe.
class TableIndex {
 public:
  // Of any bytes: kDataLoss naming `file` and `offset`, where `payload` stands,
  // unless it is a block whose values are handles. Whether the handles make
  // sense is for the caller to check.
  static absl::StatusOr<TableIndex> Parse(std::string_view payload,
                                          std::string_view file,
                                          uint64_t offset);

  // At least one.
  size_t blocks() const { return handles_.size(); }
  // REQUIRES for both: i < blocks().
  const BlockHandle& handle(size_t i) const { return handles_[i]; }
  // Makes `separator` stand on the separator of block i.
  void ReadSeparator(size_t i, Block::Iterator* separator) const {
    separator->Reset(block_.get());
    separator->SeekToEntry(i);
  }

  // The first block whose separator is at or after the internal key `target`:
  // the only one that can have it. blocks() when there is none.
  size_t Find(std::string_view target) const;

  size_t memory_bytes() const;

 private:
  size_t FindBeforeLast(std::string_view target) const;
  explicit TableIndex(std::shared_ptr<const Block> block)
      : block_(std::move(block)) {}

  std::shared_ptr<const Block> block_;
  std::vector<BlockHandle> handles_;
  std::string last_;    // The last separator.
  std::string prefix_;  // All user keys of the separators before begin with it.
  // Of each separator but the last: the first eight bytes of the user key after
  // the prefix, as numbers that compare as they do; zeros stand for missing
  // bytes.
  std::vector<uint64_t> heads_;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_TABLE_TABLE_INDEX_H_
