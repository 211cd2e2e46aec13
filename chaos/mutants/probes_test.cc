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

}  // namespace
}  // namespace holdfast
