// What a database holds, read in every way there is, against what it should
// hold.

#ifndef HOLDFAST_TESTS_UTIL_CONTENTS_H_
#define HOLDFAST_TESTS_UTIL_CONTENTS_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "holdfast/db.h"

namespace holdfast {

// std::string compares as unsigned bytes, as the database does.
using Contents = std::map<std::string, std::string>;

// All entries that an iterator shows, walking forward or backward. Checks on
// the way that keys rise or fall, and fails when they do not.
absl::StatusOr<Contents> ReadForward(DB& db, const ReadOptions& options = {});
absl::StatusOr<Contents> ReadBackward(DB& db, const ReadOptions& options = {});

// Reads by iterators in both directions and by a Get of each key that is
// expected. Fails at the first difference or error.
testing::AssertionResult Holds(DB& db, const Contents& expected,
                               const ReadOptions& options = {});

// What two maps differ in, in a line; success when in nothing.
testing::AssertionResult Same(const Contents& found, const Contents& expected);

// As Holds, but each reading may instead fail with an error that `check_error`
// accepts. A wrong value and a missing one are failures.
using ErrorCheck =
    std::function<testing::AssertionResult(const absl::Status& error)>;
testing::AssertionResult HoldsOrFails(DB& db, const Contents& expected,
                                      const ErrorCheck& check_error,
                                      const ReadOptions& options = {});

// For messages: printable, and cut when long.
std::string Shown(std::string_view bytes);

}  // namespace holdfast

#endif  // HOLDFAST_TESTS_UTIL_CONTENTS_H_
