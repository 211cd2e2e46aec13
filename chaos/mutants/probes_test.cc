#include "chaos/mutants/probes.h"

#include "base/mutant.h"
#include "base/sometimes.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

void Probes(bool rare) {
  HF_SOMETIMES(true, "b always");
  HF_SOMETIMES(rare, "a rare path");
}

TEST(ProbesTest, NamesThoseNeverReached) {
  if (!kHasMutants) GTEST_SKIP() << "no probes in this build";
  Probes(false);
  EXPECT_EQ(ReportProbes().Text(),
            "1 of 2 probes reached; never:\n  a rare path\n");
  Probes(true);
  EXPECT_EQ(ReportProbes().Text(), "2 of 2 probes reached\n");
}

TEST(ProbesTest, OneProcessIsEnough) {
  EXPECT_EQ(JoinProbes("0 a\n1 b\n0 c\n1 a\n0 b\n0 c\n").Text(),
            "2 of 3 probes reached; never:\n  c\n");
}

}  // namespace
}  // namespace holdfast
