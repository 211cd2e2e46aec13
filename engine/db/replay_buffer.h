// What recovery reads from the logs until it becomes a table: entries in the
// order of the log, sorted once at the end. Nobody looks anything up meanwhile,
// so a memtable, which is sorted at every moment, would be several times the
// work.
//
//   ReplayBuffer replayed(&pages);
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

#include "engine/cache/page_pool.h"
#include "engine/format/internal_key.h"
#include "engine/iter/internal_iterator.h"
#include "engine/memtable/arena.h"

namespace holdfast {

class ReplayBuffer {
 public:
  // Large ones have their memory from `pages`, which may be nullptr, and must
  // outlive the buffer.
  explicit ReplayBuffer(PagePool* pages = nullptr) : pages_(pages) {}
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

  // Sorts, for which it takes 24 bytes an entry more for a while; the iterator
  // is good until the next Add or Clear.
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

  // How many bytes all keys begin with together.
  size_t SharedBytes() const;
  // The order of internal keys. REQUIRES: heads are set; for Sort, too.
  static bool Before(const Entry& a, const Entry& b);
  void Sort();
  // Entries whose heads are equal are left as they were among themselves.
  void SortByHead();

  PagePool* const pages_;
  std::vector<Entry> entries_;
  std::unique_ptr<Arena> arena_;  // Of keys and values; null while empty.
  size_t used_bytes_ = 0;         // Of it.
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_REPLAY_BUFFER_H_
