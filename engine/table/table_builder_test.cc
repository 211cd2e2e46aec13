#include "engine/table/table_builder.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "engine/format/golden_page.h"
#include "engine/format/internal_key.h"
#include "engine/table/block_cache.h"
#include "engine/table/memory_files.h"
#include "engine/table/table_testing.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

std::string Value(std::string_view user, SequenceNumber sequence) {
  return MakeInternalKey(user, sequence, ValueType::kValue);
}

// Writes 2,000 entries of a kilobyte: several writes.
absl::Status WriteLargeTable(WrittenFile* file) {
  TableOptions options;
  options.compression = Compression::kNone;
  TableBuilder builder(options, std::make_unique<MemoryWritableFile>(file),
                       kTestPath, kTestNumber, kTestIdentity);
  for (int i = 0; i < 2000; ++i) {
    const absl::Status added =
        builder.Add(Value(absl::StrCat(10'000 + i), 1), std::string(1000, 'v'));
    if (added.ok()) continue;
    // The error stays, and the file is left alone.
    const int calls = file->faults.calls;
    EXPECT_EQ(builder.Add(Value("z", 1), ""), added);
    EXPECT_EQ(builder.Finish().status(), added);
    builder.Abandon();
    EXPECT_EQ(file->faults.calls, calls);
    return added;
  }
  const absl::StatusOr<TableSummary> summary = builder.Finish();
  if (summary.ok()) {
    EXPECT_EQ(summary->bytes, file->bytes.size());
  } else {
    const int calls = file->faults.calls;
    EXPECT_EQ(builder.Finish().status(), summary.status());
    EXPECT_EQ(file->faults.calls, calls);
  }
  return summary.status();
}

TEST(TableBuilderTest, WritesWhatTheFormatPageShows) {
  TableOptions options;
  options.compression = Compression::kNone;
  options.block_bytes = 64;
  const BuiltTable built =
      BuildTable(options,
                 {{Value("apple", 7), "red"},
                  {Value("apple", 5), "green"},
                  {MakeInternalKey("apricot", 9, ValueType::kDeletion), ""},
                  {Value("banana", 2), "yellow"}},
                 /*number=*/12, /*identity=*/0x1122334455667788);
  EXPECT_TRUE(MatchesGolden("docs/formats/table.md", "table", built.bytes));
}

TEST(TableBuilderTest, FinishSyncsAndCloses) {
  WrittenFile file;
  ASSERT_TRUE(WriteLargeTable(&file).ok());
  EXPECT_EQ(file.synced, file.bytes);
  EXPECT_TRUE(file.closed);
  EXPECT_GT(file.writes, 2);
  EXPECT_LT(file.writes, 10);
}

TEST(TableBuilderTest, EachFailingCallIsReported) {
  WrittenFile good;
  ASSERT_TRUE(WriteLargeTable(&good).ok());
  const int calls = good.faults.calls;
  for (int n = 0; n < calls; ++n) {
    WrittenFile file;
    file.faults.fail_at = n;
    EXPECT_TRUE(absl::IsInternal(WriteLargeTable(&file))) << n;
  }
}

TEST(TableBuilderTest, BytesEstimateCoversTheTable) {
  for (const Compression compression :
       {Compression::kNone, Compression::kLz4}) {
    WrittenFile file;
    TableOptions options;
    options.compression = compression;
    TableBuilder builder(options, std::make_unique<MemoryWritableFile>(&file),
                         kTestPath, kTestNumber, kTestIdentity);
    uint64_t before = builder.bytes();
    for (int i = 0; i < 1000; ++i) {
      ASSERT_TRUE(builder.Add(Value(absl::StrCat(1000 + i), 1), "value").ok());
      EXPECT_EQ(builder.entries(), static_cast<uint64_t>(i) + 1);
      EXPECT_EQ(builder.last_key(), Value(absl::StrCat(1000 + i), 1));
    }
    EXPECT_GT(builder.bytes(), before);
    const uint64_t estimate = builder.bytes();
    ASSERT_TRUE(builder.Finish().ok());
    EXPECT_GE(estimate, file.bytes.size());
    EXPECT_LT(estimate, file.bytes.size() + 5000);
  }
}

TEST(TableBuilderTest, BytesEstimateCoversLongKeys) {
  // Which cannot be shortened: each is in the index and in the properties.
  WrittenFile file;
  TableBuilder builder({}, std::make_unique<MemoryWritableFile>(&file),
                       kTestPath, kTestNumber, kTestIdentity);
  for (size_t n = 5000; n < 5003; ++n) {
    ASSERT_TRUE(builder.Add(Value(std::string(n, '\xff'), 1), "").ok());
  }
  const uint64_t estimate = builder.bytes();
  ASSERT_TRUE(builder.Finish().ok());
  EXPECT_GE(estimate, file.bytes.size());
}

TEST(TableBuilderTest, AbandonLeavesAFileWithoutAFooter) {
  WrittenFile file;
  TableBuilder builder({}, std::make_unique<MemoryWritableFile>(&file),
                       kTestPath, kTestNumber, kTestIdentity);
  ASSERT_TRUE(builder.Add(Value("a", 1), "v").ok());
  builder.Abandon();
  EXPECT_EQ(file.bytes, "");
}

TableModel SixtyEntries() {
  TableModel model;
  for (int i = 0; i < 60; ++i) {
    model[Value(absl::StrCat(1000 + i), 1)] = absl::StrCat("value ", i);
  }
  return model;
}

TEST(TableBuilderTest, LeavesItsBlocksInTheCache) {
  const TableModel model = SixtyEntries();
  TableOptions options;
  options.block_bytes = 256;
  BlockCache cache(size_t{1} << 20);
  const BuiltTable built =
      BuildTable(options, model, kTestNumber, kTestIdentity, &cache);
  FaultCounter reads;
  const auto table = OpenTable(built.bytes, built.bytes.size(), &cache, &reads);
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_GT((*table)->properties().data_blocks, 2u);
  EXPECT_EQ(cache.entries(), (*table)->properties().data_blocks);
  const int calls = reads.calls;
  for (const auto& [key, value] : model) {
    const std::string_view user_key = ExtractUserKey(key);
    const auto found = TableGet(**table, user_key, 9);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(*found, ModelGet(model, user_key, 9));
  }
  EXPECT_EQ(reads.calls, calls);  // None was read.
  EXPECT_EQ(cache.misses(), 0u);
  (*table)->ForgetBlocks();
  EXPECT_EQ(cache.entries(), 0u);
}

TEST(TableBuilderTest, PushesNothingOutOfTheCache) {
  BlockCache cache(size_t{64} << 10);
  uint64_t identity = 1;
  size_t entries = 0;
  const auto build = [&] {
    entries = cache.entries();
    BuildTable({}, SixtyEntries(), kTestNumber, identity++, &cache);
  };
  for (build(); cache.entries() > entries; build()) {
  }
  EXPECT_GT(entries, 2u);
  for (uint64_t i = 1; i <= entries; ++i) {
    EXPECT_NE(cache.Lookup(BlockCacheKey(i, 0)), nullptr) << i;
  }
}

TEST(TableBuilderDeathTest, RefusesKeysOutOfOrder) {
  WrittenFile file;
  TableBuilder builder({}, std::make_unique<MemoryWritableFile>(&file),
                       kTestPath, kTestNumber, kTestIdentity);
  ASSERT_TRUE(builder.Add(Value("b", 5), "v").ok());
  EXPECT_DEATH(static_cast<void>(builder.Add(Value("a", 1), "v")), "CHECK");
  EXPECT_DEATH(static_cast<void>(builder.Add(Value("b", 5), "v")), "CHECK");
  EXPECT_DEATH(static_cast<void>(builder.Add(Value("b", 6), "v")), "CHECK");
  EXPECT_DEATH(static_cast<void>(builder.Add("short", "v")), "CHECK");
}

}  // namespace
}  // namespace holdfast
