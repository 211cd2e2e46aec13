#include "fuzz/table/table_parts.h"

#include <string>

#include "engine/format/internal_key.h"
#include "engine/table/table_builder.h"
#include "fuzz/table/table_fuzzing.h"
#include "gtest/gtest.h"
#include "holdfast/options.h"

namespace holdfast {
namespace {

std::string Example(Compression compression, int bloom_bits_per_key) {
  TableEntries entries;
  for (char c = 'a'; c <= 'h'; ++c) {
    entries.push_back({MakeInternalKey(std::string(3, c), 7, ValueType::kValue),
                       std::string(100, c)});
  }
  TableOptions options;
  options.block_bytes = 250;
  options.compression = compression;
  options.bloom_bits_per_key = bloom_bits_per_key;
  return BuildFuzzTable(options, entries).bytes;
}

TEST(TablePartsTest, TakingApartAndPuttingTogetherChangesNothing) {
  for (const Compression compression :
       {Compression::kNone, Compression::kLz4, Compression::kZstd}) {
    for (const int bits : {0, 10}) {
      const std::string bytes = Example(compression, bits);
      TableParts parts;
      ASSERT_TRUE(TakeApart(bytes, &parts));
      EXPECT_GT(parts.data.size(), 2u);
      EXPECT_EQ(parts.data[0].type, static_cast<uint8_t>(compression));
      EXPECT_EQ(parts.filter.has_value(), bits > 0);
      EXPECT_EQ(PutTogether(parts), bytes);
    }
  }
}

TEST(TablePartsTest, MendsEveryChecksum) {
  const std::string good = Example(Compression::kNone, 10);
  TableFooter footer;
  ASSERT_TRUE(ReadAnyFooter(good, &footer));
  std::vector<BlockHandle> handles = DataHandles(good, footer);
  EXPECT_EQ(handles.size(), 8u);
  handles.insert(handles.end(),
                 {footer.filter, footer.index, footer.properties});
  std::string bytes = good;
  for (const BlockHandle& handle : handles) {
    bytes[handle.end() - 1] = static_cast<char>(bytes[handle.end() - 1] ^ 1);
  }
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  MendChecksums(&bytes);
  EXPECT_EQ(bytes, good);
}

TEST(TablePartsTest, TakesEveryPrefixOfATable) {
  const std::string good = Example(Compression::kLz4, 10);
  for (size_t n = 0; n < good.size(); ++n) {
    std::string bytes = good.substr(0, n);
    TableParts parts;
    EXPECT_FALSE(TakeApart(bytes, &parts)) << n;
    MendChecksums(&bytes);
    EXPECT_EQ(bytes.size(), n);
  }
}

}  // namespace
}  // namespace holdfast
