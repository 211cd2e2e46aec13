// What recovery reads from the logs until it becomes a table: entries in the
// order of the log, sorted once at the end. Nobody looks anything up meanwhile,
// so a memtable, which is sorted at every moment, would be several times the
// work.
//
//   ReplayBuffer replayed;
//   replayed.Add(sequence, ValueType::kValue, key, value);
//   const auto entries = replayed.NewIterator();
//
// Thread-compatible.

#ifndef HOLDFAST_ENGINE_DB_REPLAY_BUFFER_H_
#define HOLDFAST_ENGINE_DB_REPLAY_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "engine/format/internal_key.h"
#include "engine/iter/internal_iterator.h"

namespace holdfast {

class ReplayBuffer {
 public:
  ReplayBuffer() = default;
  ReplayBuffer(const ReplayBuffer&) = delete;
  ReplayBuffer& operator=(const ReplayBuffer&) = delete;

  // Adds a change; `value` is ignored for a deletion.
  // REQUIRES: no two changes have the same number and key.
  void Add(SequenceNumber sequence, ValueType type, std::string_view key,
           std::string_view value);

  uint64_t entries() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  // What the entries take; less than a memtable of them does.
  size_t memory_bytes() const {
    return used_bytes_ + entries_.size() * sizeof(Entry);
  }

  // Sorts; the iterator is good until the next Add or Clear.
  std::unique_ptr<InternalIterator> NewIterator();

  void Clear();

 private:
  class Iterator;

  struct Entry {
    // Bytes of the key from shared_bytes on, as a number that orders like them.
    uint64_t head;
    const char* key;  // The internal key; the value follows.
    uint32_t key_bytes;
    uint32_t value_bytes;

    std::string_view internal_key() const { return {key, key_bytes}; }
    std::string_view value() const { return {key + key_bytes, value_bytes}; }
  };

  char* Allocate(size_t bytes);
  // How many bytes all keys begin with together.
  size_t SharedBytes() const;

  std::vector<Entry> entries_;
  std::vector<std::unique_ptr<char[]>> chunks_;
  size_t used_bytes_ = 0;  // In all chunks.
  char* free_ = nullptr;   // In the last one.
  size_t free_bytes_ = 0;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_REPLAY_BUFFER_H_
