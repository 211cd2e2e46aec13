// The iterator that every sorted source inside the engine offers: memtable,
// block, table, level, and their merge. Keys are internal keys.

#ifndef HOLDFAST_ENGINE_ITER_INTERNAL_ITERATOR_H_
#define HOLDFAST_ENGINE_ITER_INTERNAL_ITERATOR_H_

#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "base/check.h"
#include "engine/format/internal_key.h"

namespace holdfast {

class BlockIterator;  // engine/table/block.h

// Thread-compatible.
//
// A move is one virtual call: it leaves views of the entry it came to in this
// class and tells whether there is one, so that looking costs no call.
//
// Invariants: (1) Valid() implies status().ok(). (2) After an error the
// iterator stays not Valid until the next Seek*. A reader that finds !Valid()
// must look at status() before it takes that for the end.
class InternalIterator {
 public:
  virtual ~InternalIterator() = default;

  // Moves; all RETURN Valid().
  virtual bool SeekToFirst() = 0;
  virtual bool SeekToLast() = 0;
  // Stands on the first entry at or after the internal key `target`.
  virtual bool Seek(std::string_view target) = 0;
  // REQUIRES: Valid().
  virtual bool Next() = 0;
  virtual bool Prev() = 0;

  virtual absl::Status status() const = 0;

  // A *run*: entries of one block that a reader as of `as_of` is shown every
  // one of, and that follow each other here as they do there. RETURNS what
  // stands in the block on the entry that we stand on, so that the caller can
  // move it on itself, by StepBefore, up to the end of the block or to the
  // first entry at or after *before (an internal key, or a null view as it was
  // given); or nullptr when there is none. key() and value() do not take part.
  // After steps of the caller, Next goes on from where they came to, and a
  // Seek* ends the run; Prev needs EndRun first.
  // REQUIRES: Valid(); the last move was a Seek, SeekToFirst or Next.
  virtual BlockIterator* BeginRun(SequenceNumber /*as_of*/,
                                  std::string_view* /*before*/) {
    return nullptr;
  }
  // Stands where the caller's steps came to.
  virtual void EndRun() {}

  bool Valid() const { return key_.data() != nullptr; }
  // Views that live until the iterator moves; that of a value, when the move is
  // Next or Prev, until the one after. (So a walk backward, which knows only
  // behind an entry that no newer version follows, need not copy its value.)
  // REQUIRES: Valid().
  std::string_view key() const {
    HF_CHECK(Valid());
    return key_;
  }
  std::string_view value() const {
    HF_CHECK(Valid());
    return value_;
  }

 protected:
  // What each move ends with; both RETURN Valid(). No internal key is a null
  // view: it has a trailer.
  bool StandOn(std::string_view key, std::string_view value) {
    HF_DCHECK(key.data() != nullptr);
    key_ = key;
    value_ = value;
    return true;
  }
  bool StandNowhere() {
    key_ = value_ = std::string_view();
    return false;
  }
  // On what `source`, an iterator of any kind, stands on.
  template <class Source>
  bool StandWhere(const Source& source) {
    return source.Valid() ? StandOn(source.key(), source.value())
                          : StandNowhere();
  }

 private:
  std::string_view key_;
  std::string_view value_;
};

// An iterator over nothing, with the given status.
std::unique_ptr<InternalIterator> NewEmptyIterator(absl::Status status);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_ITER_INTERNAL_ITERATOR_H_
