// One sorted sequence out of several: what a reader or a compaction sees of
// memtables, tables and levels together.

#ifndef HOLDFAST_ENGINE_ITER_MERGING_ITERATOR_H_
#define HOLDFAST_ENGINE_ITER_MERGING_ITERATOR_H_

#include <memory>
#include <vector>

#include "engine/iter/internal_iterator.h"

namespace holdfast {

// RETURNS an iterator over the entries of all children, in internal-key order.
// Of equal internal keys (which sound sources never have) each is given, that
// of the first child first. No children: empty; one child: that child itself.
// REQUIRES: no child is null.
//
// Never misses an entry in silence: when any child fails, in whatever move, the
// iterator is not Valid and status() is that child's error until the next
// Seek*, which asks every child again. At the end every child is asked once
// more.
//
// Thread-compatible.
std::unique_ptr<InternalIterator> NewMergingIterator(
    std::vector<std::unique_ptr<InternalIterator>> children);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_ITER_MERGING_ITERATOR_H_
