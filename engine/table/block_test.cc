#include "engine/table/block.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "engine/format/golden_page.h"
#include "engine/format/internal_key.h"
#include "engine/format/table_layout.h"
#include "engine/table/block_builder.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

using Entries = std::vector<std::pair<std::string, std::string>>;

std::string Value(std::string_view user, SequenceNumber sequence) {
  return MakeInternalKey(user, sequence, ValueType::kValue);
}

std::string BuildBlock(const Entries& entries, int restart_interval) {
  BlockBuilder builder(restart_interval);
  for (const auto& [key, value] : entries) builder.Add(key, value);
  const size_t bytes = builder.bytes();
  std::string payload = builder.Finish();
  EXPECT_EQ(payload.size(), bytes);
  return payload;
}

absl::StatusOr<std::shared_ptr<const Block>> Parse(std::string_view payload) {
  return Block::Parse(payload, "t.sst", 4096);
}

Entries ReadForward(const Block& block) {
  Entries entries;
  Block::Iterator it(&block);
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    entries.emplace_back(it.key(), it.value());
  }
  return entries;
}

// What must hold of whatever Parse accepted: entries in order, found by seeks,
// the same backward.
void CheckWalks(const Block& block) {
  const Entries entries = ReadForward(block);
  ASSERT_EQ(entries.size(), block.entries());
  ASSERT_FALSE(entries.empty());
  for (size_t i = 0; i < entries.size(); ++i) {
    ParsedInternalKey parsed;
    ASSERT_TRUE(ParseInternalKey(entries[i].first, &parsed));
    if (i > 0) {
      ASSERT_LT(CompareInternalKeys(entries[i - 1].first, entries[i].first), 0);
    }
    Block::Iterator it(&block);
    it.Seek(entries[i].first);
    ASSERT_TRUE(it.Valid());
    ASSERT_EQ(it.key(), entries[i].first);
    ASSERT_EQ(it.value(), entries[i].second);
  }
  Block::Iterator it(&block);
  it.SeekToLast();
  for (size_t i = entries.size(); i-- > 0;) {
    ASSERT_TRUE(it.Valid());
    ASSERT_EQ(it.key(), entries[i].first);
    ASSERT_EQ(it.value(), entries[i].second);
    it.Prev();
  }
  ASSERT_FALSE(it.Valid());
}

Entries ExampleEntries() {
  return {{Value("apple", 7), "red"},
          {Value("apple", 5), "green"},
          {MakeInternalKey("apricot", 9, ValueType::kDeletion), ""},
          {Value("banana", 2), "yellow"}};
}

TEST(BlockTest, WritesWhatTheFormatPageShows) {
  EXPECT_TRUE(MatchesGolden("docs/formats/table.md", "data_block",
                            BuildBlock(ExampleEntries(), 2)));
}

TEST(BlockTest, KeepsEntriesForEveryRestartInterval) {
  Entries entries;
  for (int i = 0; i < 300; ++i) {
    entries.emplace_back(Value(absl::StrCat("key", 1000 + i), 1),
                         std::string(static_cast<size_t>(i), 'v'));
  }
  for (int interval = 1; interval <= 20; ++interval) {
    const auto block = Parse(BuildBlock(entries, interval));
    ASSERT_TRUE(block.ok()) << block.status();
    EXPECT_EQ(ReadForward(**block), entries);
    CheckWalks(**block);
  }
}

TEST(BlockTest, SeekStandsOnFirstEntryAtOrAfterTarget) {
  for (int interval = 1; interval <= 3; ++interval) {
    const auto block = Parse(BuildBlock(ExampleEntries(), interval));
    ASSERT_TRUE(block.ok());
    const auto seek = [&](const std::string& target) -> std::string {
      Block::Iterator it(block->get());
      it.Seek(target);
      return it.Valid() ? std::string(it.value()) : "end";
    };
    EXPECT_EQ(seek(Value("", kMaxSequenceNumber)), "red");
    EXPECT_EQ(seek(Value("apple", 8)), "red");
    EXPECT_EQ(seek(Value("apple", 7)), "red");
    EXPECT_EQ(seek(Value("apple", 6)), "green");
    EXPECT_EQ(seek(Value("apple", 4)), "");
    EXPECT_EQ(seek(Value("b", 1)), "yellow");
    EXPECT_EQ(seek(Value("banana", 1)), "end");
  }
}

TEST(BlockTest, IteratorTurnsAround) {
  const auto block = Parse(BuildBlock(ExampleEntries(), 2));
  ASSERT_TRUE(block.ok());
  Block::Iterator it(block->get());
  EXPECT_FALSE(it.Valid());
  it.SeekToFirst();
  it.Next();
  it.Next();
  it.Prev();
  EXPECT_EQ(it.value(), "green");
  it.Next();
  EXPECT_EQ(it.value(), "");
  it.Reset(nullptr);
  EXPECT_FALSE(it.Valid());
  it.Seek(Value("apple", 1));
  EXPECT_FALSE(it.Valid());
}

TEST(BlockTest, DamageNamesFileOffsetAndCause) {
  std::string too_long_value = BuildBlock({{Value("a", 1), "v"}}, 1);
  too_long_value[2] = 2;  // Of its length; it would end in the restart point.
  const struct {
    std::string payload;
    const char* why;
  } cases[] = {
      {"", "too short"},
      {std::string(4, '\0'), "no entries"},
      {std::string("\1\0\0\0", 4), "too many restart points"},
      {std::string("\0\0\0\0\1\0\0\0", 8), "no entries"},
      {BuildBlock({{Value("b", 1), ""}, {Value("a", 1), ""}}, 2),
       "out of order"},
      {BuildBlock({{Value("a", 1), ""}, {Value("a", 1), ""}}, 2),
       "out of order"},
      {BuildBlock({{Value("a", 1), ""}, {Value("a", 2), ""}}, 1),
       "out of order"},
      {BuildBlock({{"short", ""}}, 1), "bad internal key"},
      {BuildBlock({{"x2345678", ""}}, 1), "bad internal key"},
      {too_long_value, "runs out of its block (byte 0 of it)"},
  };
  for (const auto& c : cases) {
    const auto block = Parse(c.payload);
    ASSERT_TRUE(absl::IsDataLoss(block.status())) << c.why;
    EXPECT_TRUE(absl::StrContains(block.status().message(), c.why))
        << block.status();
    EXPECT_TRUE(absl::StrContains(block.status().message(), "t.sst"));
    EXPECT_TRUE(absl::StrContains(block.status().message(), "4096"));
  }
}

TEST(BlockTest, RefusesMoreEntriesThanARestartIntervalHas) {
  // Else each step backward over such a block would walk all of it.
  Entries entries;
  for (SequenceNumber s = 2000; s > 2000 - kMaxRestartInterval; --s) {
    entries.emplace_back(Value("key", s), "");
  }
  const auto longest = Parse(BuildBlock(entries, kMaxRestartInterval));
  ASSERT_TRUE(longest.ok()) << longest.status();
  CheckWalks(**longest);
  // One more, and the restart point that it got taken away.
  entries.emplace_back(Value("key", 1), "");
  std::string payload = BuildBlock(entries, kMaxRestartInterval);
  payload.resize(payload.size() - 8);
  payload += std::string("\1\0\0\0", 4);
  const absl::Status status = Parse(payload).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "too few restart points"))
      << status;
}

TEST(BlockTest, AnyByteInAnyPlaceIsRefusedOrWalksInOrder) {
  // Method: no checksum protects the payload here; each byte takes each value.
  for (int interval = 1; interval <= 4; ++interval) {
    const std::string good = BuildBlock(ExampleEntries(), interval);
    for (size_t i = 0; i < good.size(); ++i) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string bad = good;
        bad[i] = static_cast<char>(byte);
        const auto block = Parse(bad);
        if (block.ok()) {
          CheckWalks(**block);
        } else {
          ASSERT_TRUE(absl::IsDataLoss(block.status()));
        }
      }
    }
  }
}

TEST(BlockTest, AnyTruncationIsRefusedOrWalksInOrder) {
  const std::string good = BuildBlock(ExampleEntries(), 2);
  for (size_t n = 0; n < good.size(); ++n) {
    for (const size_t begin : {size_t{0}, good.size() - n}) {
      const auto block = Parse(std::string_view(good).substr(begin, n));
      if (block.ok()) CheckWalks(**block);
    }
  }
}

RC_GTEST_PROP(BlockTest, ScrambledBlocksAreRefusedOrWalkInOrder,
              (uint64_t seed)) {
  // Pieces of good blocks in a wrong order, and some wrong bytes.
  Random random(seed);
  std::string bytes = BuildBlock(ExampleEntries(), 2);
  for (uint64_t n = random.Uniform(6); n > 0; --n) {
    const size_t from = random.Uniform(bytes.size());
    const size_t to = random.Uniform(bytes.size());
    const std::string piece = bytes.substr(from, random.Uniform(20));
    if (random.OneIn(2)) {
      bytes.insert(to, piece);
    } else {
      bytes[to] = static_cast<char>(random.Uniform(12));
    }
  }
  const auto block = Parse(bytes);
  if (block.ok()) CheckWalks(**block);
}

RC_GTEST_PROP(BlockTest, AnyBytesAreRefusedOrWalkInOrder,
              (const std::string& bytes)) {
  const auto block = Parse(bytes);
  if (block.ok()) CheckWalks(**block);
}

TEST(BlockBuilderTest, ResetBeginsAnew) {
  BlockBuilder builder(2);
  builder.Add(Value("x", 1), std::string(9 << 20, 'v'));
  builder.Finish();
  builder.Reset();
  EXPECT_TRUE(builder.empty());
  EXPECT_EQ(builder.last_key(), Value("x", 1));  // But no entry shares it.
  for (const auto& [key, value] : ExampleEntries()) {
    const size_t limit = builder.BytesWith(key, value);
    builder.Add(key, value);
    EXPECT_LE(builder.bytes(), limit);
    EXPECT_EQ(builder.last_key(), key);
  }
  EXPECT_EQ(builder.Finish(), BuildBlock(ExampleEntries(), 2));
}

}  // namespace
}  // namespace holdfast
