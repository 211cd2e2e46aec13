#include "engine/format/golden_page.h"

#include <fstream>
#include <string>

#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

// A page in the test's own folder.
std::string MakePage(const std::string& text) {
  const std::string path = testing::TempDir() + "/page.md";
  std::ofstream(path) << text;
  return path;
}

TEST(GoldenPageTest, ReadsBytesAndSkipsRemarks) {
  const std::string page = MakePage(
      "# Title\n```\nother\n```\n"
      "```golden one\n0000: 00 ff 0a   # three bytes\n"
      "\n  # a line of remarks: 12 34\n0003: 41 42\nfe\n```\n"
      "```golden two\n61\n```\n");
  EXPECT_EQ(GoldenBytes(page, "one"), std::string("\x00\xff\x0a"
                                                  "AB\xfe",
                                                  6));
  EXPECT_EQ(GoldenBytes(page, "two"), "a");
  EXPECT_TRUE(MatchesGolden(page, "two", "a"));
}

TEST(GoldenPageTest, ShowsTheBytesThatDiffer) {
  const std::string page = MakePage("```golden two\n61\n```\n");
  const testing::AssertionResult result = MatchesGolden(page, "two", "\x01z");
  EXPECT_FALSE(result);
  EXPECT_NE(
      std::string(result.message()).find("```golden two\n0000: 01 7a\n```"),
      std::string::npos);
}

TEST(GoldenPageTest, FailsOnWhatItCannotRead) {
  static std::string page;
  page = MakePage("```golden a\n0001: 00\n```\n");
  EXPECT_NONFATAL_FAILURE(GoldenBytes(page, "a"), "not a line");
  page = MakePage("```golden a\n0g\n```\n");
  EXPECT_NONFATAL_FAILURE(GoldenBytes(page, "a"), "not a line");
  page = MakePage("```golden a\n000\n```\n");
  EXPECT_NONFATAL_FAILURE(GoldenBytes(page, "a"), "not a line");
  page = MakePage("```golden a\n00\n");
  EXPECT_NONFATAL_FAILURE(GoldenBytes(page, "a"), "no end");
  page = MakePage("```golden a\n00\n```\n```golden a\n01\n```\n");
  EXPECT_NONFATAL_FAILURE(GoldenBytes(page, "a"), "second block");
  EXPECT_NONFATAL_FAILURE(GoldenBytes(page, "b"), "no block");
}

}  // namespace
}  // namespace holdfast
