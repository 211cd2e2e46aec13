#include "chaos/damage/golden.h"

#include <string>

#include "absl/strings/match.h"
#include "chaos/damage/judge.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

size_t CountFiles(const Golden& golden, std::string_view suffix) {
  size_t count = 0;
  for (const auto& [name, content] : golden.files) {
    count += absl::EndsWith(name, suffix) ? 1 : 0;
  }
  return count;
}

TEST(GoldenTest, IsTheSameEachTime) {
  for (const std::string& name : GoldenNames()) {
    const Golden first = MakeGolden(name);
    const Golden second = MakeGolden(name);
    EXPECT_EQ(first.files, second.files) << name;
    EXPECT_EQ(first.states, second.states) << name;
  }
}

TEST(GoldenTest, OpensAndHoldsEverything) {
  for (const std::string& name : GoldenNames()) {
    const Golden golden = MakeGolden(name);
    JudgeDamageOptions options;
    options.reopen = true;
    options.compact = true;
    const DamageVerdict verdict = JudgeDamage(golden, {}, options);
    EXPECT_EQ(verdict.failure, "") << name;
    EXPECT_EQ(verdict.outcome, DamageVerdict::Outcome::kRight) << name;
  }
}

// A twin is what a restored backup of an old database would be: under the same
// names, as long, and nothing in it is the same.
TEST(GoldenTest, ATwinLooksTheSameAndIsNot) {
  for (const char* name : {"log", "tables", "same-blocks"}) {
    Goldens goldens;
    const Golden& golden = goldens.Get(name);
    const Golden& twin = goldens.Twin(name);
    ASSERT_EQ(golden.files.size(), twin.files.size());
    for (const auto& [file, content] : golden.files) {
      EXPECT_NE(twin.files.at(file), content) << file;
      EXPECT_EQ(twin.files.at(file).size(), content.size()) << file;
    }
    EXPECT_EQ(golden.Keys(), twin.Keys());
    EXPECT_NE(golden.states, twin.states);
  }
}

TEST(GoldenTest, AreOfTheKindsThatTheirNamesSay) {
  Goldens goldens;
  EXPECT_TRUE(goldens.Get("log").closed);
  EXPECT_FALSE(goldens.Get("log-tail").closed);
  EXPECT_EQ(goldens.Get("chain").logs.size(), 3U);
  EXPECT_EQ(goldens.Get("chain-fresh").logs.back().frames.size(), 1U);
  EXPECT_GT(goldens.Get("chain-closed").logs.size(), 1U);
  EXPECT_EQ(CountFiles(goldens.Get("tables"), ".sst"), 3U);
  EXPECT_GT(CountFiles(goldens.Get("levels"), ".sst"), 3U);
  // Of the log that grew over its seal, and the one made for that.
  EXPECT_EQ(goldens.Get("log-rewritten").logs.size(), 2U);
  EXPECT_FALSE(goldens.Get("log-rewritten").logs[0].sealed);
  EXPECT_TRUE(goldens.Get("chain").logs[0].sealed);
  EXPECT_EQ(goldens.Get("log-tail").durable_writes, 5U);
  EXPECT_EQ(goldens.Get("log-tail").logged_writes, 8U);
  // A manifest was begun while the database was in use: two were current.
  EXPECT_GT(goldens.Get("manifest-roll").versions.at("CURRENT").size(), 1U);
  EXPECT_EQ(goldens.Get("manifest").versions.at("CURRENT").size(), 1U);
  EXPECT_GT(goldens.Get("fragments").logs[0].bytes(), 262'144U);
  for (const char* name : {"tables", "tables-lz4", "tables-zstd"}) {
    const Golden& golden = goldens.Get(name);
    for (const auto& [file, content] : golden.files) {
      if (!absl::EndsWith(file, ".sst")) continue;
      // Data, index, properties, footer; and a filter.
      const size_t least = golden.options.bloom_bits_per_key > 0 ? 5 : 4;
      EXPECT_GE(golden.PiecesOf(file).size(), least) << file;
    }
  }
}

// Blocks of one size, and at the same offsets in other tables: what only an
// identity tells apart.
TEST(GoldenTest, SameBlocksAreTheSameSize) {
  const Golden golden = MakeGolden("same-blocks");
  size_t same = 0;
  for (const auto& [file, content] : golden.files) {
    if (!absl::EndsWith(file, ".sst")) continue;
    const std::vector<FilePiece> pieces = golden.PiecesOf(file);
    for (size_t i = 1; i + 4 < pieces.size(); ++i) {
      if (pieces[i].bytes == pieces[0].bytes) ++same;
    }
  }
  EXPECT_GT(same, 4U);
}

TEST(GoldenTest, NotesTheFramesOfItsLogs) {
  const Golden golden = MakeGolden("log-middle");
  ASSERT_EQ(golden.logs.size(), 1U);
  const GoldenLog& log = golden.logs[0];
  ASSERT_EQ(log.frames.size(), 9U);  // The header and eight records.
  // Behind them are the zeros ahead of the log.
  const std::string& content = golden.files.at(log.name);
  ASSERT_LT(log.bytes(), content.size());
  EXPECT_EQ(content.find_first_not_of('\0', log.bytes()), std::string::npos);
  EXPECT_EQ(log.synced, log.frames[4].end);
  for (size_t i = 1; i < log.frames.size(); ++i) {
    EXPECT_EQ(log.frames[i].begin, log.frames[i - 1].end);
    EXPECT_EQ(log.frames[i].writes_before, i - 1);
    EXPECT_EQ(log.frames[i].synced,
              i <= 4 ? log.frames[0].end : log.frames[4].end);
  }
}

}  // namespace
}  // namespace holdfast
