// The iterator that every sorted source inside the engine offers: memtable,
// block, table, level, and their merge. Keys are internal keys.

#ifndef HOLDFAST_ENGINE_ITER_INTERNAL_ITERATOR_H_
#define HOLDFAST_ENGINE_ITER_INTERNAL_ITERATOR_H_

#include <memory>
#include <string_view>

#include "absl/status/status.h"

namespace holdfast {

// Thread-compatible.
//
// Invariants: (1) Valid() implies status().ok(). (2) After an error the
// iterator stays not Valid until the next Seek*. A reader that finds !Valid()
// must look at status() before it takes that for the end.
class InternalIterator {
 public:
  virtual ~InternalIterator() = default;

  virtual bool Valid() const = 0;
  virtual void SeekToFirst() = 0;
  virtual void SeekToLast() = 0;
  // Stands on the first entry at or after the internal key `target`.
  virtual void Seek(std::string_view target) = 0;
  // REQUIRES for the four below: Valid().
  virtual void Next() = 0;
  virtual void Prev() = 0;
  // Views that live until the iterator moves.
  virtual std::string_view key() const = 0;
  virtual std::string_view value() const = 0;
  virtual absl::Status status() const = 0;
};

// An iterator over nothing, with the given status.
std::unique_ptr<InternalIterator> NewEmptyIterator(absl::Status status);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_ITER_INTERNAL_ITERATOR_H_
