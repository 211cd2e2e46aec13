// Decides whether what a database holds after a kill is what it must hold: the
// first so many records of the input, each exact, at least as many as were
// acknowledged, and nothing else.
//
//   PrefixChecker checker(records);
//   for each entry of the database: checker.See(key, value)
//   checker.Finish(acknowledged)  →  how many records are there, or what is
//                                    wrong
//
// Thread safety: thread-compatible.

#ifndef HOLDFAST_DEMO_PREFIX_CHECKER_H_
#define HOLDFAST_DEMO_PREFIX_CHECKER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kvd/record_reader.h"

namespace holdfast::demo {

class PrefixChecker {
 public:
  // `records` in the order in which they are loaded; it must outlive the
  // checker and have no key twice.
  explicit PrefixChecker(const std::vector<kvd::Record>& records);

  // Forgets what was seen.
  void Begin();

  // Takes an entry of the database. kDataLoss when no such record was ever
  // loaded, or it had another value, or it comes twice.
  absl::Status See(std::string_view key, std::string_view value);

  // RETURNS how many records are there; kDataLoss when one of the first
  // `acknowledged` is not, or one is there but not all before it.
  absl::StatusOr<size_t> Finish(size_t acknowledged) const;

 private:
  const std::vector<kvd::Record>& records_;
  std::unordered_map<std::string_view, size_t> index_of_key_;
  std::vector<bool> seen_;
  size_t seen_count_ = 0;
};

}  // namespace holdfast::demo

#endif  // HOLDFAST_DEMO_PREFIX_CHECKER_H_
