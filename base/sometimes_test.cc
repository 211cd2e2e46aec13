#include "base/sometimes.h"

#include <string>

#include "gtest/gtest.h"

namespace holdfast {
namespace {

// "-" unknown, "0" never reached, "1" reached.
std::string StateOf(std::string_view what) {
  for (const ProbeState& probe : AllProbes()) {
    if (probe.what == what) return probe.reached ? "1" : "0";
  }
  return "-";
}

void Rare(int x) {
  HF_SOMETIMES(x > 1, "x is above one");
  if (x > 2) HF_SOMETIMES(true, "x is above two");
}

// Goal: a probe is known before its line has run, and reached only when its
// condition held.
TEST(SometimesTest, KnownFromTheStartReachedWhenTrue) {
  EXPECT_EQ(StateOf("x is above one"), "0");
  EXPECT_EQ(StateOf("x is above two"), "0");
  EXPECT_EQ(StateOf("x is above three"), "-");
  Rare(1);
  EXPECT_EQ(StateOf("x is above one"), "0");
  Rare(2);
  EXPECT_EQ(StateOf("x is above one"), "1");
  EXPECT_EQ(StateOf("x is above two"), "0");
  Rare(3);
  EXPECT_EQ(StateOf("x is above two"), "1");
  ResetProbes();
  EXPECT_EQ(StateOf("x is above two"), "0");
  EXPECT_EQ(AllProbes().size(), 2u);
}

}  // namespace
}  // namespace holdfast
