// Iterators over tables of a version: over one, and over a sorted row of them.

#ifndef HOLDFAST_ENGINE_VERSION_LEVEL_ITERATOR_H_
#define HOLDFAST_ENGINE_VERSION_LEVEL_ITERATOR_H_

#include <memory>

#include "engine/iter/internal_iterator.h"
#include "engine/table/table_cache.h"
#include "engine/table/table_reader.h"
#include "engine/version/file_metadata.h"

namespace holdfast {

// Iterates over the entries of `files` one table after the other. Opens a table
// when it gets there and keeps the last few. Keeps the files alive; `cache`
// must outlive the iterator. A table that cannot be opened or read stops it:
// not Valid, with the cause in status().
// REQUIRES: `files` is sorted and does not overlap (as a level >= 1, or one
// table).
std::unique_ptr<InternalIterator> NewLevelIterator(
    std::shared_ptr<const FileList> files, TableCache* cache,
    const BlockReadOptions& options);

// The same over one table.
std::unique_ptr<InternalIterator> NewTableIterator(
    FilePtr file, TableCache* cache, const BlockReadOptions& options);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_VERSION_LEVEL_ITERATOR_H_
