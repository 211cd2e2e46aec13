// What a user walks over: of the many versions of each key, the newest that the
// read may see, without the deleted ones, within bounds.
//
// Thread-compatible.

#ifndef HOLDFAST_ENGINE_DB_USER_ITERATOR_H_
#define HOLDFAST_ENGINE_DB_USER_ITERATOR_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "engine/db/dead_spans.h"
#include "engine/format/internal_key.h"
#include "engine/iter/internal_iterator.h"
#include "holdfast/iterator.h"
#include "holdfast/options.h"

namespace holdfast {

// The keys in [lower, upper); nullopt is no bound.
struct KeyBounds {
  std::optional<std::string> lower;
  std::optional<std::string> upper;
};

// The bounds that a read asked for: its own, narrowed by its prefix.
KeyBounds BoundsOf(const ReadOptions& options);

// What an iterator makes of the database's dead spans.
struct DeadSpanUse {
  DeadSpans* spans = nullptr;  // None: it walks.
  // The source has everything up to the iterator's number.
  bool may_record = false;
};

// `source` yields internal keys in order; `pin` keeps alive what it reads.
std::unique_ptr<Iterator> NewUserIterator(
    std::unique_ptr<InternalIterator> source, SequenceNumber sequence,
    KeyBounds bounds, std::shared_ptr<const void> pin, DeadSpanUse spans = {});

// An iterator over nothing, with the given status.
std::unique_ptr<Iterator> NewErrorIterator(absl::Status status);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_USER_ITERATOR_H_
