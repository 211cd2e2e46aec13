// Builds the payload of a block: sorted entries with shared key prefixes left
// out, and restart points for binary search. The format is that of Block
// (block.h); docs/formats/table.md.

#ifndef HOLDFAST_ENGINE_TABLE_BLOCK_BUILDER_H_
#define HOLDFAST_ENGINE_TABLE_BLOCK_BUILDER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

// Thread-compatible.
class BlockBuilder {
 public:
  // A whole key every `restart_interval` entries. REQUIRES: within
  // 1 .. kMaxRestartInterval (engine/format/table_layout.h).
  explicit BlockBuilder(int restart_interval);
  BlockBuilder(const BlockBuilder&) = delete;
  BlockBuilder& operator=(const BlockBuilder&) = delete;

  // Adds an entry. REQUIRES: internal key above the one before (the caller
  // checks); the payload stays below 4 GiB.
  void Add(std::string_view key, std::string_view value);
  // The same for who knows SharedPrefix(last_key(), key) already.
  void Add(std::string_view key, std::string_view value, size_t shared);

  // Ends the payload. RETURNS it, to be changed or moved from at will, valid
  // until Reset. REQUIRES: !empty().
  std::string& Finish();

  // Begins a new payload. Keeps memory for the next, but not that of a huge
  // one.
  void Reset();

  // The size that Finish would give now.
  size_t bytes() const {
    return payload_.size() + (restarts_.size() + 1) * sizeof(uint32_t);
  }
  // An upper bound of bytes() after adding such an entry.
  size_t BytesWith(std::string_view key, std::string_view value) const;
  bool empty() const { return payload_.empty(); }
  // The last key added, also after Reset; empty before the first.
  const std::string& last_key() const { return last_key_; }

 private:
  const size_t restart_interval_;
  std::string payload_;
  std::vector<uint32_t> restarts_;
  size_t since_restart_ = 0;
  std::string last_key_;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_TABLE_BLOCK_BUILDER_H_
