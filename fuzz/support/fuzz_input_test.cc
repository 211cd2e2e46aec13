#include "fuzz/support/fuzz_input.h"

#include <cstdint>
#include <string_view>

#include "gtest/gtest.h"

namespace holdfast {
namespace {

TEST(FuzzInputTest, TakesLittleEndianNumbersFromTheFront) {
  FuzzInput input("\x01\x02\x03\x04\x05\x06\x07\x08\x09");
  EXPECT_EQ(input.Byte(), 1);
  EXPECT_EQ(input.Short(), 0x0302);
  EXPECT_EQ(input.Word(), 0x07060504u);
  EXPECT_EQ(input.Long(), 0x0908u) << "zeros behind the end";
  EXPECT_TRUE(input.empty());
  EXPECT_EQ(input.Byte(), 0);
}

TEST(FuzzInputTest, BelowTakesAsManyBytesAsTheRangeNeeds) {
  constexpr std::string_view kBytes = "\xff\xff\xff\xff\xff\xff\xff\xff";
  FuzzInput byte(kBytes);
  EXPECT_EQ(byte.Below(0x100), 0xffu);
  EXPECT_EQ(byte.size(), 7u);
  FuzzInput word(kBytes);
  EXPECT_EQ(word.Below(0x10000), 0xffffu);
  EXPECT_EQ(word.size(), 6u);
  FuzzInput all(kBytes);
  EXPECT_EQ(all.Below(UINT64_MAX), 0u);
  EXPECT_TRUE(all.empty());
}

TEST(FuzzInputTest, BytesStopAtTheEnd) {
  FuzzInput input("abcdef");
  EXPECT_EQ(input.Bytes(2), "ab");
  EXPECT_EQ(input.Bytes(3), "cde");
  EXPECT_EQ(input.Bytes(10), "f");
  EXPECT_EQ(input.Rest(), "");
}

}  // namespace
}  // namespace holdfast
