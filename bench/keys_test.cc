#include "bench/keys.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace holdfast::bench {
namespace {

TEST(KeyMakerTest, KeysAreInTheOrderOfTheirNumbers) {
  for (const KeyShape shape : {KeyShape::kDecimal, KeyShape::kBigEndian}) {
    KeyMaker maker({.key_shape = shape, .key_bytes = 24});
    std::string before;
    for (const uint64_t number : {0u, 1u, 9u, 10u, 255u, 256u, 1'000'000u}) {
      const std::string key(maker.Of(number));
      EXPECT_EQ(key.size(), 24u);
      EXPECT_LT(before, key);
      before = key;
    }
  }
  EXPECT_EQ(KeyMaker({}).Of(1234), "0000000000001234");
}

TEST(ValueMakerTest, ValuesAreOfTheirSizeAndHalfRepeats) {
  for (const size_t bytes : {1u, 100u, 1000u}) {
    ValueMaker values({.value_bytes = bytes}, 1);
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) seen.emplace(values.Next());
    for (const std::string& value : seen) {
      ASSERT_EQ(value.size(), bytes);
      EXPECT_EQ(value.substr(0, bytes / 2), value.substr(bytes - bytes / 2));
    }
    EXPECT_GT(seen.size(), 40u);
  }
}

TEST(ZipfianTest, FewNumbersAreFrequent) {
  constexpr uint64_t kNumbers = 1000;
  Zipfian zipfian(kNumbers, 7);
  std::vector<int> counts(kNumbers);
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t rank = zipfian.NextRank();
    ASSERT_LT(rank, kNumbers);
    ++counts[rank];
  }
  // The first has a share of 1 / zeta(1000, 0.99), about 13 %.
  EXPECT_NEAR(counts[0], 13'000, 1'500);
  EXPECT_NEAR(counts[1], 6'600, 1'000);
  EXPECT_GT(counts[0], 50 * counts[100]);
  EXPECT_LT(zipfian.Next(), kNumbers);
}

}  // namespace
}  // namespace holdfast::bench
