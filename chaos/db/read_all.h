// Reads all of a database in each way there is.

#ifndef HOLDFAST_CHAOS_DB_READ_ALL_H_
#define HOLDFAST_CHAOS_DB_READ_ALL_H_

#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "chaos/oracle/contents.h"
#include "holdfast/db.h"
#include "holdfast/iterator.h"
#include "holdfast/options.h"

namespace holdfast {

// What an iterator shows from its first entry to its last.
absl::Status ReadForward(Iterator& it, Contents* contents);

// Reads the same backward, when asked, and each of `keys`. RETURNS an error of
// the database; *wrong says what is not as in `contents`, or stays empty.
absl::Status ReadOtherwise(DB& db, const ReadOptions& options,
                           const Contents& contents,
                           absl::Span<const std::string> keys, bool backward,
                           std::string* wrong);

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_DB_READ_ALL_H_
