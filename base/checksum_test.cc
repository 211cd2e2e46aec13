#include "base/checksum.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

#define XXH_INLINE_ALL
#include "xxhash.h"

namespace holdfast {
namespace {

// The numbers below are part of the disk formats: if one changes, old
// databases no longer open.

TEST(ChecksumTest, IsXxh3WithTheContextAsSeed) {
  // XXH3 of nothing, seed 0, as xxHash publishes it; the rest computed once
  // with xxHash 0.8.1.
  EXPECT_EQ(Checksum64("", 0), 0x2d06800538d394c2u);
  EXPECT_EQ(Checksum64("holdfast", 0), 0x4ddf46ebd3ad850bu);
  EXPECT_EQ(Checksum64("holdfast", 1), 0x69c60ff020c8d432u);
  EXPECT_EQ(Checksum64(std::string(1000, 'x'), 0x123456789abcdef0u),
            0xd9a3570f59c7fdcbu);
}

// Goal: the same on every processor, whatever registers it has: the library's
// own function, as this file is compiled, has the smallest.
TEST(ChecksumTest, IsXxh3AtAllLengths) {
  std::string data;
  for (int i = 0; i < 6000; ++i) data.push_back(static_cast<char>(i * i / 7));
  for (size_t begin = 0; begin < 3; ++begin) {
    for (size_t bytes = 0; bytes + begin <= data.size(); ++bytes) {
      const uint64_t seed = bytes % 2 == 0 ? 0 : bytes * 0x9e3779b97f4a7c15u;
      ASSERT_EQ(Checksum64(std::string_view(data).substr(begin, bytes), seed),
                XXH3_64bits_withSeed(data.data() + begin, bytes, seed))
          << bytes << " bytes from " << begin;
    }
  }
}

TEST(ChecksumTest, MixContextAndHashKeyAreFrozen) {
  EXPECT_EQ(MixContext(0, 0), 0xd0a66a65c7528968u);
  EXPECT_EQ(MixContext(1, 2), 0x07ee86c281446befu);
  EXPECT_EQ(HashKey("key"), 0xbbea0d63a05165e3u);
}

TEST(ChecksumTest, Checksum32IsTheLowHalf) {
  for (const char* data : {"", "a", "holdfast"}) {
    EXPECT_EQ(Checksum32(data, 77), Checksum64(data, 77) & 0xffffffffu);
  }
}

TEST(ChecksumTest, MixContextDependsOnBothAndOnTheirOrder) {
  std::set<uint64_t> seen;
  for (uint64_t a = 0; a < 100; ++a) {
    for (uint64_t b = 0; b < 100; ++b) seen.insert(MixContext(a, b));
  }
  EXPECT_EQ(seen.size(), 10'000u);
}

RC_GTEST_PROP(ChecksumProperty, NoticesEachFlippedBit,
              (std::string data, uint64_t context)) {
  RC_PRE(!data.empty());
  const auto byte = *rc::gen::inRange<size_t>(0, data.size());
  const auto bit = *rc::gen::inRange(0, 8);
  const uint64_t sum64 = Checksum64(data, context);
  const uint32_t sum32 = Checksum32(data, context);
  data[byte] = static_cast<char>(data[byte] ^ (1 << bit));
  RC_ASSERT(Checksum64(data, context) != sum64);
  RC_ASSERT(Checksum32(data, context) != sum32);
}

RC_GTEST_PROP(ChecksumProperty, NoticesAnotherContext,
              (const std::string& data, uint64_t context, uint64_t other)) {
  RC_PRE(context != other);
  RC_ASSERT(Checksum64(data, context) != Checksum64(data, other));
}

}  // namespace
}  // namespace holdfast
