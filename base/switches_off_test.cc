// Compiled with NDEBUG, as what users run: nothing is left of mutants and
// probes.

#include "absl/status/status.h"
#include "base/mutant.h"
#include "base/sometimes.h"
#include "gtest/gtest.h"

#ifndef NDEBUG
#error "this test is about builds with NDEBUG"
#endif

namespace holdfast {
namespace {

// Goal: a constant, so that the compiler drops what it switches.
static_assert(!HF_MUTANT("test.off"));
static_assert(!kHasMutants);

// Goal: a step is its expression and no more.
constexpr int Twice(int x) { return HF_STEP("test.off_step", 2 * x); }
static_assert(Twice(21) == 42);

TEST(SwitchesOffTest, NoMutantIsEverOn) {
  const ScopedMutant mutant("test.off");
  EXPECT_FALSE(HF_MUTANT("test.off"));
  EXPECT_EQ(mutant.fired(), 0u);
}

TEST(SwitchesOffTest, NoProbeIsThere) {
  int evaluated = 0;
  HF_SOMETIMES(++evaluated > 0, "a probe of a build without probes");
  EXPECT_EQ(evaluated, 0);
  EXPECT_TRUE(AllProbes().empty());
}

}  // namespace
}  // namespace holdfast
