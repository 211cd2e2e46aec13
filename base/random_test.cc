#include "base/random.h"

#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace holdfast {
namespace {

TEST(RandomTest, GivesThePublishedSequenceOfSplitMix64) {
  // Reference values of the authors' splitmix64.c for seed 1234567.
  Random random(1234567);
  EXPECT_EQ(random.Next64(), 6457827717110365317u);
  EXPECT_EQ(random.Next64(), 3203168211198807973u);
  EXPECT_EQ(random.Next64(), 9817491932198370423u);
  EXPECT_EQ(random.Next64(), 4593380528125082431u);
  EXPECT_EQ(random.Next64(), 16408922859458223821u);
}

TEST(RandomTest, SameSeedGivesTheSameNumbers) {
  Random a(42);
  Random b(42);
  Random other(43);
  int equal_to_other = 0;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t value = a.Next64();
    EXPECT_EQ(value, b.Next64());
    if (value == other.Next64()) ++equal_to_other;
  }
  EXPECT_EQ(equal_to_other, 0);
}

TEST(RandomTest, UniformStaysInRangeAndReachesEachValue) {
  Random random(1);
  for (uint64_t n : {1u, 2u, 3u, 10u}) {
    std::set<uint64_t> seen;
    for (int i = 0; i < 1000; ++i) {
      const uint64_t value = random.Uniform(n);
      ASSERT_LT(value, n);
      seen.insert(value);
    }
    EXPECT_EQ(seen.size(), n);
  }
}

TEST(RandomTest, OneInHoldsAboutThatOften) {
  Random random(1);
  int hits = 0;
  for (int i = 0; i < 100'000; ++i) hits += random.OneIn(10) ? 1 : 0;
  EXPECT_GT(hits, 9'500);
  EXPECT_LT(hits, 10'500);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(random.OneIn(1));
}

}  // namespace
}  // namespace holdfast
