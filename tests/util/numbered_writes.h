// A sequence of writes such that any prefix of it can be told from any other,
// and a mixture from both: for tests that lose a tail.
//
//   NumberedWrites writes(seed);
//   for (int i = 1; i <= n; ++i) db->Write({}, writes.Batch(i));
//   ... a crash ...
//   absl::StatusOr<int> found = writes.Recovered(*db);   // Or why it is none.
//
// Write i is one batch: it sets the key "last" to i, sets a few other keys to
// values that name i, and deletes one.
//
// Thread-compatible.

#ifndef HOLDFAST_TESTS_UTIL_NUMBERED_WRITES_H_
#define HOLDFAST_TESTS_UTIL_NUMBERED_WRITES_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "holdfast/db.h"
#include "tests/util/contents.h"

namespace holdfast {

class NumberedWrites {
 public:
  // Values are up to about `value_bytes` long.
  explicit NumberedWrites(uint64_t seed, size_t value_bytes = 600)
      : seed_(seed), value_bytes_(value_bytes) {}

  WriteBatch Batch(int i) const;

  // What the database holds after writes 1 .. count.
  Contents After(int count) const;

  // The number of writes whose effect the database shows, all of it and no
  // more; an error when it shows the effect of no prefix. 0 when empty.
  absl::StatusOr<int> Recovered(DB& db) const;

 private:
  // Calls handler for the changes of write i.
  void Changes(int i, WriteBatch::Handler& handler) const;

  const uint64_t seed_;
  const size_t value_bytes_;
};

}  // namespace holdfast

#endif  // HOLDFAST_TESTS_UTIL_NUMBERED_WRITES_H_
