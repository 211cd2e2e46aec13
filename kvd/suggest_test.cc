#include "kvd/suggest.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace holdfast::kvd {
namespace {

TEST(SuggestTest, CountsEdits) {
  EXPECT_EQ(EditDistance("", ""), 0u);
  EXPECT_EQ(EditDistance("", "abc"), 3u);
  EXPECT_EQ(EditDistance("scan", "scan"), 0u);
  EXPECT_EQ(EditDistance("sacn", "scan"), 1u);
  EXPECT_EQ(EditDistance("scn", "scan"), 1u);
  EXPECT_EQ(EditDistance("scaan", "scan"), 1u);
  EXPECT_EQ(EditDistance("span", "scan"), 1u);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
}

TEST(SuggestTest, FindsTheWordThatWasMeant) {
  const std::vector<std::string> known = {
      "put",     "get",   "del",    "scan",         "load",     "dump",
      "compact", "stats", "verify", "dump-sstable", "dump-wal", "--json"};
  EXPECT_EQ(Suggest("scna", known), "scan");
  EXPECT_EQ(Suggest("stat", known), "stats");
  EXPECT_EQ(Suggest("verfy", known), "verify");
  EXPECT_EQ(Suggest("dump_sstable", known), "dump-sstable");
  EXPECT_EQ(Suggest("gte", known), "get");
  EXPECT_EQ(Suggest("--jsno", known), "--json");
  EXPECT_EQ(Suggest("frobnicate", known), "");
  EXPECT_EQ(Suggest("", known), "");
  EXPECT_EQ(Suggest(std::string(1'000'000, 'x'), known), "");
}

}  // namespace
}  // namespace holdfast::kvd
