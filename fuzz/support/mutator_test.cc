#include "fuzz/support/mutator.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace holdfast {
namespace {

// The bytes, and how many there are behind them.
void MendCount(std::string* bytes) {
  bytes->push_back(static_cast<char>(bytes->size()));
}

TEST(MutatorTest, MendsAfterTheChange) {
  int changed = 0;
  for (unsigned int seed = 1; seed < kUnmendedOneIn; ++seed) {
    std::vector<uint8_t> data(16, 'x');
    const size_t size =
        MutateAndMend(data.data(), 8, data.size(), seed, MendCount);
    ASSERT_GT(size, 0u);
    ASSERT_LE(size, data.size());
    EXPECT_EQ(data[size - 1], size - 1);
    data.resize(size - 1);
    if (data != std::vector<uint8_t>(8, 'x')) ++changed;
  }
  EXPECT_GT(changed, 0);
}

TEST(MutatorTest, LeavesSomeInputsUnmended) {
  std::vector<uint8_t> data(16, 'x');
  EXPECT_EQ(MutateAndMend(data.data(), 8, data.size(), kUnmendedOneIn,
                          [](std::string* bytes) { bytes->assign("mended"); }),
            8u);
  EXPECT_NE(data, std::vector<uint8_t>(16, 'x'));
  EXPECT_EQ(data[8], 'x');
}

TEST(MutatorTest, WhatIsTooLargeIsNotMended) {
  std::vector<uint8_t> data(8, 'x');
  EXPECT_EQ(MutateAndMend(data.data(), data.size(), data.size(), 1, MendCount),
            8u);
}

TEST(MutatorTest, AnEmptyInputMayBecomeOne) {
  std::vector<uint8_t> data(8, 'x');
  EXPECT_EQ(MutateAndMend(data.data(), 0, data.size(), 1, MendCount), 1u);
  EXPECT_EQ(data[0], 0);
}

}  // namespace
}  // namespace holdfast
