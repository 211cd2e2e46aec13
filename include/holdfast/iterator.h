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
  virtual bool Valid() const = 0;

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
  virtual std::string_view key() const = 0;
  virtual std::string_view value() const = 0;

  // OK unless something could not be read; then the iterator is not Valid and
  // stays so until the next Seek.
  virtual absl::Status status() const = 0;
};

}  // namespace holdfast

#endif  // HOLDFAST_ITERATOR_H_
