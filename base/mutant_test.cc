#include "base/mutant.h"

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

// Goal: one mutant at a time is on, and only where its name stands.
TEST(MutantTest, OnlyTheActiveOneFires) {
  static_assert(kHasMutants);
  EXPECT_FALSE(HF_MUTANT("test.one"));
  {
    const ScopedMutant mutant("test.one");
    EXPECT_TRUE(HF_MUTANT("test.one"));
    EXPECT_FALSE(HF_MUTANT("test.two"));
    EXPECT_TRUE(HF_MUTANT("test.one"));
    EXPECT_EQ(mutant.fired(), 2u);
    SetActiveMutant("test.two");
    EXPECT_EQ(mutant.fired(), 0u);
    EXPECT_FALSE(HF_MUTANT("test.one"));
    EXPECT_TRUE(HF_MUTANT("test.two"));
  }
  EXPECT_FALSE(HF_MUTANT("test.two"));
  EXPECT_EQ(MutantFired(), 0u);
}

// Goal: a step that is left out is not evaluated and is OK.
TEST(MutantTest, AStepIsLeftOut) {
  int runs = 0;
  const auto step = [&] {
    ++runs;
    return absl::InternalError("ran");
  };
  EXPECT_FALSE(HF_STEP("test.step", step()).ok());
  EXPECT_EQ(runs, 1);
  const ScopedMutant mutant("test.step");
  EXPECT_TRUE(HF_STEP("test.step", step()).ok());
  EXPECT_EQ(runs, 1);
}

TEST(MutantTest, NoNameHasTheHashOfNone) {
  EXPECT_NE(MutantHash(""), 0u);
  EXPECT_NE(MutantHash("a"), MutantHash("b"));
}

}  // namespace
}  // namespace holdfast
