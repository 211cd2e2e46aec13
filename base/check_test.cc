#include "base/check.h"

#include <csignal>

#include "gtest/gtest.h"

namespace holdfast {
namespace {

TEST(CheckTest, PassesAndEvaluatesOnce) {
  int evaluations = 0;
  HF_CHECK(++evaluations == 1);
  EXPECT_EQ(evaluations, 1);
}

TEST(CheckTest, IsAnExpression) {
  // So that it may stand in a constructor's initialiser or after a comma.
  const int value = (HF_CHECK(true), 7);
  EXPECT_EQ(value, 7);
}

TEST(CheckDeathTest, FailurePrintsPlaceAndConditionAndAborts) {
  const int one = 1;
  EXPECT_EXIT(HF_CHECK(one == 2), testing::KilledBySignal(SIGABRT),
              "base/check_test.cc:[0-9]+: CHECK failed: one == 2");
}

TEST(CheckDeathTest, DebugCheckIsOnUnlessNdebug) {
#ifdef NDEBUG
  int evaluations = 0;
  HF_DCHECK(++evaluations == 2);
  EXPECT_EQ(evaluations, 0);
#else
  const int one = 1;
  EXPECT_DEATH(HF_DCHECK(one == 2), "CHECK failed: one == 2");
#endif
}

TEST(CheckDeathTest, VerifyIsOnWhenAskedFor) {
#ifdef HOLDFAST_VERIFY
  const int one = 1;
  EXPECT_DEATH(HF_VERIFY(one == 2), "CHECK failed: one == 2");
#else
  int evaluations = 0;
  HF_VERIFY(++evaluations == 2);
  EXPECT_EQ(evaluations, 0);
#endif
}

}  // namespace
}  // namespace holdfast
