#include "engine/table/table_index.h"

#include <algorithm>

#include "base/coding.h"
#include "base/status_util.h"
#include "engine/format/internal_key.h"
#include "engine/format/key_head.h"
#include "engine/format/key_step.h"

namespace holdfast {

absl::StatusOr<TableIndex> TableIndex::Parse(std::string_view payload,
                                             std::string_view file,
                                             uint64_t offset) {
  HF_ASSIGN_OR_RETURN(std::shared_ptr<const Block> block,
                      Block::Parse(payload, file, offset));
  TableIndex index(std::move(block));
  const size_t blocks = index.block_->entries();
  index.handles_.reserve(blocks);
  index.heads_.reserve(blocks - 1);
  Block::Iterator it(index.block_.get());
  if (blocks > 1) {
    // What the first and the last of them have in common all have.
    it.SeekToFirst();
    index.prefix_ = ExtractUserKey(it.key());
    it.SeekToEntry(blocks - 2);
    index.prefix_.resize(SharedPrefix(index.prefix_, ExtractUserKey(it.key())));
  }
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    BlockHandle handle;
    Decoder in(it.value());
    if (!ReadBlockHandle(&in, &handle) || !in.done()) {
      return DataLoss(file, offset, "index does not follow the data blocks");
    }
    index.handles_.push_back(handle);
    if (index.handles_.size() < blocks) {
      index.heads_.push_back(
          HeadAt(ExtractUserKey(it.key()), index.prefix_.size()));
    } else {
      index.last_ = it.key();
    }
  }
  return index;
}

size_t TableIndex::Find(std::string_view target) const {
  const size_t i = FindBeforeLast(target);
  if (i < heads_.size()) [[likely]]
    return i;
  return CompareInternalKeys(last_, target) < 0 ? blocks() : i;
}

// The first separator but the last that is at or after the target; the last one
// when there is none.
size_t TableIndex::FindBeforeLast(std::string_view target) const {
  const std::string_view user_key = ExtractUserKey(target);
  const size_t common = std::min(user_key.size(), prefix_.size());
  const int order = CompareUserKeys(
      user_key.substr(0, common), std::string_view(prefix_).substr(0, common));
  if (order != 0) return order < 0 ? 0 : heads_.size();
  // A part of the prefix is below all that begin with the whole.
  if (user_key.size() < prefix_.size()) return 0;
  const uint64_t head = HeadAt(user_key, prefix_.size());
  const uint64_t* low = heads_.data();
  for (size_t n = heads_.size(); n > 0;) {
    const size_t half = n / 2;
    low += low[half] < head ? n - half : 0;
    n = half;
  }
  size_t begin = static_cast<size_t>(low - heads_.data());
  // Those with the same head need to be looked at.
  size_t end = begin;
  if (end < heads_.size() && heads_[end] == head) {
    end = static_cast<size_t>(
        std::upper_bound(heads_.begin() + static_cast<ptrdiff_t>(end),
                         heads_.end(), head) -
        heads_.begin());
  }
  while (begin < end) {
    const size_t middle = begin + (end - begin) / 2;
    if (block_->CompareNarrowed(static_cast<uint32_t>(middle), target) < 0) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

size_t TableIndex::memory_bytes() const {
  return block_->memory_bytes() + heads_.size() * sizeof(heads_[0]) +
         handles_.size() * sizeof(handles_[0]) + last_.size() + prefix_.size();
}

}  // namespace holdfast
