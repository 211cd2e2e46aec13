// An ordered walk over a database, forward and backward.
//
//   auto it = db->NewIterator({.prefix = "user/"});
//   for (it->SeekToFirst(); it->Valid(); it->Next()) {
//     Use(it->key(), it->value());
//   }
//   if (!it->status().ok()) ...  // It ended early: not all was seen.
//
// An iterator sees the database as it was when it was made, whatever is
// written meanwhile. Keys are ordered as unsigned bytes.

#ifndef HOLDFAST_ITERATOR_H_
#define HOLDFAST_ITERATOR_H_

#include <string_view>

#include "absl/status/status.h"

namespace holdfast {

// Thread-compatible: one iterator, one thread at a time. It must be destroyed
// before its database is closed.
class Iterator {
 public:
  virtual ~Iterator() = default;

  // True when the iterator stands on an entry. False at either end, before the
  // first Seek, and after an error.
  bool Valid() const { return key_.data() != nullptr; }

  // Stand on the first or last key within the bounds.
  virtual void SeekToFirst() = 0;
  virtual void SeekToLast() = 0;
  // Stand on the first key at or after `target`.
  virtual void Seek(std::string_view target) = 0;
  // Stand on the last key at or before `target`.
  virtual void SeekForPrev(std::string_view target) = 0;

  // REQUIRES: Valid().
  virtual void Next() = 0;
  virtual void Prev() = 0;

  // Views that live until the iterator moves. REQUIRES: Valid().
  std::string_view key() const {
    if (!Valid()) [[unlikely]]
      NotValid();
    return key_;
  }
  std::string_view value() const {
    if (!Valid()) [[unlikely]]
      NotValid();
    return value_;
  }

  // OK unless something could not be read; then the iterator is not Valid and
  // stays so until the next Seek.
  virtual absl::Status status() const = 0;

 protected:
  Iterator() = default;
  Iterator(const Iterator&) = delete;
  Iterator& operator=(const Iterator&) = delete;

  // For implementations: where a move came to. So looking at an entry, which
  // users do several times for each move, needs no virtual call.
  // REQUIRES: key.data() != nullptr.
  void StandOn(std::string_view key, std::string_view value) {
    key_ = key;
    value_ = value;
  }
  void StandNowhere() { key_ = value_ = std::string_view(); }

 private:
  // Says so and aborts.
  [[noreturn]] static void NotValid();

  std::string_view key_;  // A null view when not Valid.
  std::string_view value_;
};

}  // namespace holdfast

#endif  // HOLDFAST_ITERATOR_H_
