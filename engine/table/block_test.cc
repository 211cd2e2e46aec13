#include "engine/table/block.h"

#include <cstdint>
#include <iterator>
#include <map>
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

struct InternalLess {
  bool operator()(const std::string& a, const std::string& b) const {
    return CompareInternalKeys(a, b) < 0;
  }
};

std::string BuildBlock(const Entries& entries, int restart_interval) {
  BlockBuilder builder(restart_interval);
  for (const auto& [key, value] : entries) builder.Add(key, value);
  const size_t bytes = builder.bytes();
  std::string payload = builder.Finish();
  EXPECT_EQ(payload.size(), bytes);
  return payload;
}

// That a search in the payload as it is stored refuses what Parse refuses, with
// the same words, and else answers as the block does.
void CheckFindIn(std::string_view payload, std::string_view target,
                 const absl::StatusOr<std::shared_ptr<const Block>>& block) {
  BlockKeyBuffer buffer;
  Block::Found found;
  ASSERT_EQ(Block::FindIn(payload, target, "t.sst", 4096, &buffer, &found),
            block.status());
  if (!block.ok()) return;
  uint64_t trailer = 0;
  std::string_view value;
  ASSERT_EQ(found.answer, (*block)->Find(target, &trailer, &value));
  if (found.answer == Block::Answer::kFound) {
    ASSERT_EQ(found.trailer, trailer);
    ASSERT_EQ(found.value, value);
    ASSERT_GE(found.value.data(), payload.data());
    ASSERT_LE(found.value.data() + found.value.size(),
              payload.data() + payload.size());
  }
  Block::Iterator it(block->get());
  it.SeekToFirst();
  ASSERT_EQ(found.smallest, it.key());
  it.SeekToLast();
  ASSERT_EQ(found.largest, it.key());
}

absl::StatusOr<std::shared_ptr<const Block>> Parse(std::string_view payload) {
  auto block = Block::Parse(payload, "t.sst", 4096);
  CheckFindIn(payload, Value("apricot", 9), block);
  return block;
}

Entries ReadForward(const Block& block) {
  Entries entries;
  Block::Iterator it(&block);
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    entries.emplace_back(it.key(), it.value());
  }
  return entries;
}

std::shared_ptr<const Block> BlockOf(
    const std::vector<std::string>& internal_keys) {
  Entries entries;
  for (const std::string& key : internal_keys) entries.emplace_back(key, "v");
  return *Parse(BuildBlock(entries, 16));
}

TEST(BlockTest, ShowsAllToWhomNothingIsHidden) {
  const auto plain =
      BlockOf({Value("a", 3), Value("b", 9), Value("bb", 7), Value("c", 1)});
  EXPECT_TRUE(plain->ShowsAll(9));
  EXPECT_TRUE(plain->ShowsAll(kMaxSequenceNumber));
  EXPECT_FALSE(plain->ShowsAll(8)) << "b is newer";
  EXPECT_FALSE(BlockOf({Value("a", 3), Value("b", 9), Value("b", 7)})
                   ->ShowsAll(kMaxSequenceNumber))
      << "an older version";
  EXPECT_FALSE(
      BlockOf({Value("a", 3), MakeInternalKey("b", 9, ValueType::kDeletion)})
          ->ShowsAll(kMaxSequenceNumber))
      << "a tombstone";
  EXPECT_FALSE(
      BlockOf({MakeInternalKey("a", 3, ValueType::kDeletion), Value("b", 9)})
          ->ShowsAll(kMaxSequenceNumber))
      << "a tombstone first";
  EXPECT_TRUE(BlockOf({Value("", 5)})->ShowsAll(5));
}

TEST(BlockTest, StepsUpToAnEntry) {
  const auto block =
      BlockOf({Value("a", 3), Value("b", 9), Value("c", 7), Value("d", 1)});
  EXPECT_EQ(block->LowerBound(Value("c", 8)), 2u);
  EXPECT_EQ(block->LowerBound(Value("c", 6)), 3u);
  EXPECT_EQ(block->LowerBound(Value("e", 1)), 4u);
  BlockIterator it(block.get());
  it.SeekToFirst();
  std::string_view key;
  std::string_view value;
  for (const uint32_t i : {1, 2}) {
    EXPECT_TRUE(it.StepBefore(3, &key, &value));
    EXPECT_EQ(it.current(), i);
    EXPECT_EQ(key.data(), it.key().data());
    EXPECT_EQ(key.size(), it.key().size());
    EXPECT_EQ(value.data(), it.value().data());
    EXPECT_EQ(value.size(), it.value().size());
  }
  EXPECT_FALSE(it.StepBefore(3, &key, &value));
  EXPECT_EQ(it.key(), Value("c", 7)) << "it stays";
  it.Next();
  EXPECT_EQ(it.key(), Value("d", 1));
  EXPECT_FALSE(it.StepBefore(4, &key, &value));
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

// User keys that search structures get wrong: of few different bytes, the
// smallest and the largest among them, of all lengths from none on, with parts
// in common that are short and long.
std::string AwkwardUserKey(Random& random) {
  static constexpr std::string_view kParts[] = {
      "",
      "",
      std::string_view("\0", 1),
      "a",
      "\xff",
      "b",
      std::string_view("\0\0\0\0\0", 5),
      "a part longer than any head"};
  std::string key;
  for (uint64_t n = random.Uniform(4); n > 0; --n) {
    key += kParts[random.Uniform(std::size(kParts))];
  }
  return key;
}

Entries AwkwardEntries(Random& random) {
  std::map<std::string, std::string, InternalLess> sorted;
  const std::string prefix = random.OneIn(2) ? AwkwardUserKey(random) : "";
  const bool many_versions = random.OneIn(4);
  for (uint64_t n = 1 + random.Uniform(uint64_t{1} << random.Uniform(10));
       n > 0; --n) {
    const std::string user =
        prefix + (many_versions ? "" : AwkwardUserKey(random));
    const auto type =
        random.OneIn(3) ? ValueType::kDeletion : ValueType::kValue;
    const SequenceNumber sequence =
        random.OneIn(8) ? kMaxSequenceNumber : 1 + random.Uniform(1000);
    const size_t bytes =
        random.OneIn(10) ? random.Uniform(300) : random.Uniform(10);
    sorted[MakeInternalKey(user, sequence, type)] =
        std::string(bytes, static_cast<char>('a' + random.Uniform(26)));
  }
  return Entries(sorted.begin(), sorted.end());
}

void CheckSeekAndFind(const Block& block, const Entries& entries,
                      const std::string& target, Block::Iterator* it) {
  size_t i = 0;
  while (i < entries.size() &&
         CompareInternalKeys(entries[i].first, target) < 0) {
    ++i;
  }
  it->Seek(target);
  uint64_t trailer = 0;
  std::string_view value;
  const Block::Answer answer = block.Find(target, &trailer, &value);
  if (i == entries.size()) {
    ASSERT_FALSE(it->Valid());
    ASSERT_EQ(answer, Block::Answer::kBeyond);
    return;
  }
  ASSERT_TRUE(it->Valid());
  ASSERT_EQ(it->key(), entries[i].first);
  ASSERT_EQ(it->value(), entries[i].second);
  if (ExtractUserKey(entries[i].first) != ExtractUserKey(target)) {
    ASSERT_EQ(answer, Block::Answer::kAbsent);
    return;
  }
  ASSERT_EQ(answer, Block::Answer::kFound);
  ASSERT_EQ(trailer, ExtractTrailer(entries[i].first));
  ASSERT_EQ(value, entries[i].second);
}

// Goal: any entry is reached from any other, by every kind of step.
void CheckSteps(const Block& block, const Entries& entries, Random& random) {
  Block::Iterator it(&block);
  size_t at = random.Uniform(entries.size());
  it.SeekToEntry(at);
  for (int step = 0; step < 100; ++step) {
    ASSERT_TRUE(it.Valid());
    ASSERT_EQ(it.key(), entries[at].first);
    ASSERT_EQ(it.value(), entries[at].second);
    if (random.OneIn(5)) {
      at = random.Uniform(entries.size());
      it.SeekToEntry(at);
    } else if (random.OneIn(2) && at + 1 < entries.size()) {
      it.Next();
      ++at;
    } else if (at > 0) {
      it.Prev();
      --at;
    }
  }
}

RC_GTEST_PROP(BlockTest, FindsAwkwardKeys, (uint64_t seed)) {
  Random random(seed);
  const Entries entries = AwkwardEntries(random);
  const int interval = static_cast<int>(1 + random.Uniform(40));
  const std::string payload = BuildBlock(entries, interval);
  const auto block = Parse(payload);
  RC_ASSERT(block.ok());
  RC_ASSERT(ReadForward(**block) == entries);
  CheckWalks(**block);
  CheckSteps(**block, entries, random);
  Block::Iterator it(block->get());
  for (int i = 0; i < 50; ++i) {
    const auto& near = entries[random.Uniform(entries.size())].first;
    std::string user(ExtractUserKey(near));
    switch (random.Uniform(4)) {
      case 0:
        user = AwkwardUserKey(random);
        break;
      case 1:
        user.push_back('\0');
        break;
      case 2:
        user.resize(random.Uniform(user.size() + 1));
        break;
      default:
        break;
    }
    const SequenceNumber sequence =
        random.OneIn(4) ? ExtractSequence(near) : 1 + random.Uniform(1001);
    const std::string target =
        MakeInternalKey(user, sequence, ValueType::kValue);
    CheckSeekAndFind(**block, entries, target, &it);
    CheckFindIn(payload, target, block);
  }
}

TEST(BlockTest, FindsEveryKeyOfABlockOfAnySize) {
  // Heads are searched in another way when there are many of them, they are
  // made in another way when there are more than 512, and offsets are wider in
  // a large block.
  std::vector<int> sizes = {512, 513, 1093, 2046, 2999};
  for (int n = 1; n <= 140; ++n) sizes.push_back(n);
  for (const int n : sizes) {
    Entries entries;
    for (int i = 0; i < n; ++i) {
      entries.emplace_back(Value(absl::StrCat("key", 10000 + 2 * i), 9),
                           std::string(static_cast<size_t>(i % 50), 'v'));
    }
    const auto block = Parse(BuildBlock(entries, 16));
    ASSERT_TRUE(block.ok()) << block.status();
    Block::Iterator it(block->get());
    for (int i = -1; i < 2 * n; ++i) {
      CheckSeekAndFind(**block, entries,
                       Value(absl::StrCat("key", 10000 + i), 9), &it);
    }
  }
}

TEST(BlockTest, HoldsLittleMoreThanItsPayload) {
  // Goal: heads and offsets cost less than a seventh, and keys that share much
  // of each other cost no more than they do on disk.
  Entries entries;
  for (int i = 0; i < 33; ++i) {
    entries.emplace_back(Value(absl::StrCat("00000000000", 12345 + i), 1),
                         std::string(100, 'v'));
  }
  const std::string usual = BuildBlock(entries, 16);
  EXPECT_LE((*Parse(usual))->memory_bytes(), usual.size() * 115 / 100);
  entries.clear();
  for (int i = 0; i < 1000; ++i) {
    entries.emplace_back(Value(std::string(10000, 'k'), 2000 - i), "");
  }
  const std::string shared = BuildBlock(entries, 1024);
  EXPECT_LE((*Parse(shared))->memory_bytes(), 2 * shared.size() + 1024);
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
