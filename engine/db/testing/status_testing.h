// absl::Status in GoogleTest's assertions.
//
//   ASSERT_OK(db->Put({}, "key", "value"));
//   EXPECT_CODE(db->Get({}, "no key"), kNotFound);
//   EXPECT_TRUE(Says(db->Flush(), "000004.sst"));

#ifndef HOLDFAST_ENGINE_DB_TESTING_STATUS_TESTING_H_
#define HOLDFAST_ENGINE_DB_TESTING_STATUS_TESTING_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace holdfast {

inline const absl::Status& StatusOf(const absl::Status& status) {
  return status;
}
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

inline testing::AssertionResult HasCode(const absl::Status& status,
                                        absl::StatusCode code) {
  if (status.code() == code) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << "status is " << status.ToString() << ", not "
         << absl::StatusCodeToString(code);
}

inline testing::AssertionResult Says(const absl::Status& status,
                                     std::string_view part) {
  if (!status.ok() && status.message().find(part) != std::string_view::npos) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure()
         << "status is " << status.ToString() << "; expected one that says \""
         << part << "\"";
}

}  // namespace holdfast

#define HF_HAS_CODE(expr, code) \
  ::holdfast::HasCode(::holdfast::StatusOf(expr), absl::StatusCode::code)
#define EXPECT_OK(expr) EXPECT_TRUE(HF_HAS_CODE(expr, kOk))
#define ASSERT_OK(expr) ASSERT_TRUE(HF_HAS_CODE(expr, kOk))
#define EXPECT_CODE(expr, code) EXPECT_TRUE(HF_HAS_CODE(expr, code))
#define ASSERT_CODE(expr, code) ASSERT_TRUE(HF_HAS_CODE(expr, code))

#endif  // HOLDFAST_ENGINE_DB_TESTING_STATUS_TESTING_H_
