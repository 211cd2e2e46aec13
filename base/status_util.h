// Helpers around absl::Status: early return, context, and the one way to
// report damaged bytes.

#ifndef HOLDFAST_BASE_STATUS_UTIL_H_
#define HOLDFAST_BASE_STATUS_UTIL_H_

#include <cstdint>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace holdfast {

// Damaged bytes: names the file, the offset of the first byte in doubt and
// what is wrong with it. Whoever finds damage in a file reports it with this,
// so that a reader of the message finds the place.
//   "/db/000012.sst at offset 4096: block checksum mismatch"
absl::Status DataLoss(std::string_view file, uint64_t offset,
                      std::string_view why);

// Returns `status` with "CONTEXT: " before its message; OK stays OK. Keeps the
// code and the payloads.
absl::Status Annotate(const absl::Status& status, std::string_view context);

}  // namespace holdfast

#define HF_STATUS_CONCAT_INNER(a, b) a##b
#define HF_STATUS_CONCAT(a, b) HF_STATUS_CONCAT_INNER(a, b)

// Returns from the enclosing function when `expr` is not OK.
#define HF_RETURN_IF_ERROR(expr)       \
  do {                                 \
    absl::Status hf_status_ = (expr);  \
    if (!hf_status_.ok()) [[unlikely]] \
      return hf_status_;               \
  } while (false)

// HF_ASSIGN_OR_RETURN(auto x, F()): x is the value of the StatusOr, or the
// enclosing function returns its status.
#define HF_ASSIGN_OR_RETURN(lhs, expr) \
  HF_ASSIGN_OR_RETURN_IMPL(HF_STATUS_CONCAT(hf_or_, __LINE__), lhs, expr)
#define HF_ASSIGN_OR_RETURN_IMPL(tmp, lhs, expr) \
  auto tmp = (expr);                             \
  if (!tmp.ok()) [[unlikely]]                    \
    return tmp.status();                         \
  lhs = std::move(tmp).value()

#endif  // HOLDFAST_BASE_STATUS_UTIL_H_
