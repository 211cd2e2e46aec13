#include "engine/table/table_index.h"

#include <algorithm>

#include "base/coding.h"
#include "base/status_util.h"
#include "engine/format/internal_key.h"
#include "engine/format/key_head.h"

namespace holdfast {

absl::StatusOr<TableIndex> TableIndex::Parse(std::string_view payload,
                                             std::string_view file,
                                             uint64_t offset) {
  HF_ASSIGN_OR_RETURN(std::shared_ptr<const Block> block,
                      Block::Parse(payload, file, offset));
  std::vector<uint64_t> heads;
  std::vector<BlockHandle> handles;
  heads.reserve(block->entries());
  handles.reserve(block->entries());
  const size_t prefix = block->prefix().size();
  Block::Iterator it(block.get());
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    BlockHandle handle;
    Decoder in(it.value());
    if (!ReadBlockHandle(&in, &handle) || !in.done()) {
      return DataLoss(file, offset, "index does not follow the data blocks");
    }
    heads.push_back(HeadAt(ExtractUserKey(it.key()), prefix));
    handles.push_back(handle);
  }
  return TableIndex(std::move(block), std::move(heads), std::move(handles));
}

size_t TableIndex::Find(std::string_view target) const {
  const std::string_view user_key = ExtractUserKey(target);
  const std::string_view prefix = block_->prefix();
  const size_t common = std::min(user_key.size(), prefix.size());
  const int order =
      CompareUserKeys(user_key.substr(0, common), prefix.substr(0, common));
  if (order != 0) return order < 0 ? 0 : blocks();
  // A part of the prefix is below all that begin with the whole.
  if (user_key.size() < prefix.size()) return 0;
  const uint64_t head = HeadAt(user_key, prefix.size());
  const uint64_t* low = heads_.data();
  for (size_t n = heads_.size(); n > 0;) {
    const size_t half = n / 2;
    low += low[half] < head ? n - half : 0;
    n = half;
  }
  size_t begin = static_cast<size_t>(low - heads_.data());
  // Those with the same head need to be looked at.
  size_t end = begin;
  if (end < blocks() && heads_[end] == head) {
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
         handles_.size() * sizeof(handles_[0]);
}

}  // namespace holdfast
