#include "kvd/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "holdfast/options.h"

namespace holdfast::kvd {
namespace {

TEST(OptionsTest, ParsesCounts) {
  EXPECT_EQ(*ParseCount("0"), 0u);
  EXPECT_EQ(*ParseCount("010"), 10u);
  EXPECT_EQ(*ParseCount("18446744073709551615"), UINT64_MAX);
  for (const char* text :
       {"", "-1", "+1", " 1", "1 ", "1.5", "0x10", "18446744073709551616"}) {
    EXPECT_FALSE(ParseCount(text).ok()) << text;
  }
}

TEST(OptionsTest, ParsesByteCounts) {
  EXPECT_EQ(*ParseByteCount("65536"), 65536u);
  EXPECT_EQ(*ParseByteCount("64KiB"), 65536u);
  EXPECT_EQ(*ParseByteCount("3MiB"), uint64_t{3} << 20);
  EXPECT_EQ(*ParseByteCount("1GiB"), uint64_t{1} << 30);
  EXPECT_EQ(*ParseByteCount("2TiB"), uint64_t{2} << 40);
  for (const char* text : {"", "KiB", "1KB", "-1KiB", "99999999999TiB"}) {
    EXPECT_FALSE(ParseByteCount(text).ok()) << text;
  }
}

TEST(OptionsTest, FillsWhatIsGiven) {
  CLI::App app;
  DatabaseOptions database;
  std::optional<std::string> from;
  std::optional<std::string> to;
  uint64_t limit = 3;
  std::vector<std::string> words;
  AddDatabase(app, &database);
  AddTuning(app, &database);
  AddOptionalWord(app, "--from", "", &from);
  AddOptionalWord(app, "--to", "", &to);
  AddCount(app, "--limit", "", &limit);
  AddWords(app, "KEY", "", &words);
  // Last to first, as the library wants them.
  std::vector<std::string> arguments = {"[a,b]",
                                        "[]",
                                        "x",
                                        "zstd",
                                        "--compression",
                                        "64KiB",
                                        "--memtable-bytes",
                                        "",
                                        "--from",
                                        "[db,]"};
  std::reverse(arguments.begin(), arguments.end());
  arguments = ProtectWords(app, arguments);
  std::reverse(arguments.begin(), arguments.end());
  app.parse(arguments);
  EXPECT_EQ(database.path, "[db,]");
  EXPECT_EQ(database.options.memtable_bytes, 65536u);
  EXPECT_EQ(database.options.table_bytes, Options().table_bytes);
  EXPECT_EQ(database.options.compression, Compression::kZstd);
  EXPECT_EQ(from, "");
  EXPECT_EQ(to, std::nullopt);
  EXPECT_EQ(limit, 3u);
  EXPECT_EQ(words, (std::vector<std::string>{"x", "[]", "[a,b]"}));
}

}  // namespace
}  // namespace holdfast::kvd
