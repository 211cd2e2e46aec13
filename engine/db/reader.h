// Point reads and iterators over a view: where a key is looked for, and in
// what order.
//
// Thread-safe. Point reads take no lock.

#ifndef HOLDFAST_ENGINE_DB_READER_H_
#define HOLDFAST_ENGINE_DB_READER_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "engine/db/core.h"
#include "holdfast/iterator.h"
#include "holdfast/options.h"

namespace holdfast {

// The bytes of a value that was found, and what keeps them alive: the view for
// a memtable's, otherwise the block.
struct FoundValue {
  std::string_view bytes;
  const ReadView* view = nullptr;     // Set when in a memtable.
  std::shared_ptr<const void> block;  // Set when in a table.
};

// Looks up `key` as of now or of options.snapshot and passes what it found to
// `use`, while it is pinned. kNotFound when it is not there.
absl::Status ReadKey(DbCore& core, const ReadOptions& options,
                     std::string_view key,
                     absl::FunctionRef<void(FoundValue)> use);

// An iterator over the database as of now or of options.snapshot.
std::unique_ptr<Iterator> OpenIterator(DbCore& core,
                                       const ReadOptions& options);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_READER_H_
