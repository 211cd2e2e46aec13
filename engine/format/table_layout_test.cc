#include "engine/format/table_layout.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "base/coding.h"
#include "engine/format/format_version.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

constexpr uint64_t kIdentity = 0x1122334455667788;

// A footer for a file whose parts lie at these offsets.
constexpr uint64_t kFooterOffset = 300;
constexpr uint64_t kFileBytes = kFooterOffset + kFooterBytes;

TableFooter ExampleFooter() {
  TableFooter footer;
  footer.filter = {.offset = 40, .size = 69};
  footer.index = {.offset = 118, .size = 41};
  footer.properties = {.offset = 168, .size = 123};
  footer.number = 12;
  footer.identity = kIdentity;
  footer.version = kFormatVersion;
  return footer;
}

TableProperties ExampleProperties() {
  TableProperties p;
  p.entries = 3;
  p.tombstones = 1;
  p.smallest = MakeInternalKey("apple", 7, ValueType::kValue);
  p.largest = MakeInternalKey("apricot", 9, ValueType::kDeletion);
  p.smallest_sequence = 7;
  p.largest_sequence = 300;
  p.data_blocks = 2;
  p.raw_key_bytes = 41;
  p.raw_value_bytes = 1000;
  p.compression = Compression::kLz4;
  p.bloom_bits_per_key = 10;
  return p;
}

absl::Status DecodeFooter(std::string_view bytes) {
  return DecodeTableFooter("t.sst", kFileBytes, bytes).status();
}

TEST(TableLayoutTest, BlockTrailerBindsBytesToTheirPlace) {
  std::string block = "payload";
  AppendBlockTrailer(&block, Compression::kLz4, kIdentity, 64);
  ASSERT_EQ(block.size(), 7 + kBlockTrailerBytes);
  Compression type;
  EXPECT_TRUE(
      CheckBlockTrailer("t.sst", kIdentity, 64, block, true, &type).ok());
  EXPECT_EQ(type, Compression::kLz4);

  const absl::Status other_place =
      CheckBlockTrailer("t.sst", kIdentity, 65, block, true, &type);
  EXPECT_TRUE(absl::IsDataLoss(other_place));
  EXPECT_NE(other_place.message().find("t.sst"), std::string::npos);
  EXPECT_NE(other_place.message().find("65"), std::string::npos);
  EXPECT_TRUE(absl::IsDataLoss(
      CheckBlockTrailer("t.sst", kIdentity + 1, 64, block, true, &type)));
}

TEST(TableLayoutTest, BlockTrailerFindsEveryBitFlip) {
  std::string block = "payload";
  AppendBlockTrailer(&block, Compression::kNone, kIdentity, 64);
  for (size_t bit = 0; bit < block.size() * 8; ++bit) {
    std::string bad = block;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    Compression type;
    EXPECT_TRUE(absl::IsDataLoss(
        CheckBlockTrailer("t.sst", kIdentity, 64, bad, true, &type)))
        << bit;
  }
}

TEST(TableLayoutTest, UncheckedBlockOfUnknownCompressionIsRefused) {
  std::string block = "payload";
  AppendBlockTrailer(&block, static_cast<Compression>(3), kIdentity, 64);
  Compression type;
  for (const bool verify : {false, true}) {
    EXPECT_TRUE(absl::IsDataLoss(
        CheckBlockTrailer("t.sst", kIdentity, 64, block, verify, &type)));
  }
}

TEST(TableLayoutTest, FooterRoundTrips) {
  const TableFooter footer = ExampleFooter();
  const std::string bytes = EncodeTableFooter(footer, kFooterOffset);
  ASSERT_EQ(bytes.size(), kFooterBytes);
  // What stands before the footer does not matter.
  const auto decoded = DecodeTableFooter("t.sst", kFileBytes, "before" + bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->index, footer.index);
  EXPECT_EQ(decoded->filter, footer.filter);
  EXPECT_EQ(decoded->properties, footer.properties);
  EXPECT_EQ(decoded->number, footer.number);
  EXPECT_EQ(decoded->identity, footer.identity);
  EXPECT_EQ(decoded->version, footer.version);
  EXPECT_EQ(decoded->data_end(), 40u);
}

TEST(TableLayoutTest, FooterWithoutFilterEndsDataAtTheIndex) {
  TableFooter footer = ExampleFooter();
  footer.filter = BlockHandle();
  const auto decoded = DecodeTableFooter(
      "t.sst", kFileBytes, EncodeTableFooter(footer, kFooterOffset));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_FALSE(decoded->has_filter());
  EXPECT_EQ(decoded->data_end(), 118u);
}

TEST(TableLayoutTest, FooterFindsEveryBitFlip) {
  const std::string bytes = EncodeTableFooter(ExampleFooter(), kFooterOffset);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string bad = bytes;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_TRUE(absl::IsDataLoss(DecodeFooter(bad))) << bit;
  }
}

TEST(TableLayoutTest, FooterElsewhereIsRefused) {
  const std::string bytes =
      EncodeTableFooter(ExampleFooter(), kFooterOffset + 1);
  EXPECT_TRUE(absl::IsDataLoss(DecodeFooter(bytes)));
  EXPECT_TRUE(absl::IsDataLoss(
      DecodeTableFooter("t.sst", 87, bytes.substr(1)).status()));
}

TEST(TableLayoutTest, FooterOfLaterVersionIsRefusedByName) {
  TableFooter footer = ExampleFooter();
  footer.version = kFormatVersion + 1;
  const absl::Status status =
      DecodeFooter(EncodeTableFooter(footer, kFooterOffset));
  EXPECT_TRUE(absl::IsUnimplemented(status)) << status;
  EXPECT_NE(status.message().find("t.sst"), std::string::npos);
}

TEST(TableLayoutTest, FooterWhosePartsDoNotTileTheFileIsRefused) {
  // Method: move each number by one, and to extremes that would overflow.
  for (uint64_t delta : {uint64_t{1}, ~uint64_t{0}, uint64_t{1} << 63}) {
    for (int field = 0; field < 6; ++field) {
      TableFooter footer = ExampleFooter();
      uint64_t* const fields[] = {
          &footer.filter.offset,     &footer.filter.size,
          &footer.index.offset,      &footer.index.size,
          &footer.properties.offset, &footer.properties.size};
      *fields[field] += delta;
      const absl::Status status =
          DecodeFooter(EncodeTableFooter(footer, kFooterOffset));
      EXPECT_TRUE(absl::IsDataLoss(status)) << field << " " << status;
    }
  }
}

TEST(TableLayoutTest, IdentityTellsAnotherTable) {
  const TableFooter footer = ExampleFooter();
  EXPECT_TRUE(
      CheckTableIdentity("t.sst", kFileBytes, footer, 12, kIdentity).ok());
  EXPECT_TRUE(absl::IsDataLoss(
      CheckTableIdentity("t.sst", kFileBytes, footer, 13, kIdentity)));
  EXPECT_TRUE(absl::IsDataLoss(
      CheckTableIdentity("t.sst", kFileBytes, footer, 12, kIdentity + 1)));
}

void ExpectEqual(const TableProperties& a, const TableProperties& b) {
  EXPECT_EQ(a.entries, b.entries);
  EXPECT_EQ(a.tombstones, b.tombstones);
  EXPECT_EQ(a.smallest, b.smallest);
  EXPECT_EQ(a.largest, b.largest);
  EXPECT_EQ(a.smallest_sequence, b.smallest_sequence);
  EXPECT_EQ(a.largest_sequence, b.largest_sequence);
  EXPECT_EQ(a.data_blocks, b.data_blocks);
  EXPECT_EQ(a.raw_key_bytes, b.raw_key_bytes);
  EXPECT_EQ(a.raw_value_bytes, b.raw_value_bytes);
  EXPECT_EQ(a.compression, b.compression);
  EXPECT_EQ(a.bloom_bits_per_key, b.bloom_bits_per_key);
}

TEST(TablePropertiesTest, RoundTrip) {
  const TableProperties p = ExampleProperties();
  const auto decoded =
      DecodeTableProperties("t.sst", 0, EncodeTableProperties(p));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  ExpectEqual(*decoded, p);
}

TEST(TablePropertiesTest, UnknownEvenTagIsSkippedAndOddTagRefused) {
  const std::string bytes = EncodeTableProperties(ExampleProperties());
  std::string even = bytes;
  PutVarint32(&even, 1000);
  PutLengthPrefixed(&even, "whatever");
  const auto decoded = DecodeTableProperties("t.sst", 0, even);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  ExpectEqual(*decoded, ExampleProperties());

  std::string odd = bytes;
  PutVarint32(&odd, 1001);
  PutLengthPrefixed(&odd, "whatever");
  const absl::Status status = DecodeTableProperties("t.sst", 0, odd).status();
  EXPECT_TRUE(absl::IsUnimplemented(status)) << status;
  EXPECT_NE(status.message().find("1001"), std::string::npos);
}

TEST(TablePropertiesTest, TruncationIsRefused) {
  // Every prefix lacks the number of data blocks, which stands last.
  const std::string bytes = EncodeTableProperties(ExampleProperties());
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_TRUE(absl::IsDataLoss(
        DecodeTableProperties("t.sst", 0, bytes.substr(0, n)).status()))
        << n;
  }
}

TEST(TablePropertiesTest, RepeatedTagIsRefused) {
  std::string bytes = EncodeTableProperties(ExampleProperties());
  PutVarint32(&bytes, 13);
  PutLengthPrefixed(&bytes, std::string(1, 2));
  EXPECT_TRUE(
      absl::IsDataLoss(DecodeTableProperties("t.sst", 0, bytes).status()));
}

TEST(TablePropertiesTest, ContradictionsAreRefused) {
  const auto refused = [](void (*change)(TableProperties*)) {
    TableProperties p = ExampleProperties();
    change(&p);
    return absl::IsDataLoss(
        DecodeTableProperties("t.sst", 0, EncodeTableProperties(p)).status());
  };
  EXPECT_TRUE(refused([](TableProperties* p) { p->entries = 0; }));
  EXPECT_TRUE(refused([](TableProperties* p) { p->tombstones = 4; }));
  EXPECT_TRUE(refused([](TableProperties* p) { p->data_blocks = 0; }));
  EXPECT_TRUE(refused([](TableProperties* p) { p->data_blocks = 4; }));
  EXPECT_TRUE(refused([](TableProperties* p) { p->smallest = "short"; }));
  EXPECT_TRUE(refused([](TableProperties* p) { p->largest = "short"; }));
  EXPECT_TRUE(
      refused([](TableProperties* p) { p->smallest.swap(p->largest); }));
  EXPECT_TRUE(refused([](TableProperties* p) { p->smallest_sequence = 301; }));
  EXPECT_TRUE(refused(
      [](TableProperties* p) { p->largest_sequence = uint64_t{1} << 56; }));
}

RC_GTEST_PROP(TableLayoutTest, DecodersTakeAnyBytes, (const std::string& s)) {
  const auto properties = DecodeTableProperties("t.sst", 0, s);
  RC_ASSERT(properties.ok() || absl::IsDataLoss(properties.status()) ||
            absl::IsUnimplemented(properties.status()));
  RC_ASSERT(absl::IsDataLoss(DecodeTableFooter("t.sst", s.size(), s).status()));
}

}  // namespace
}  // namespace holdfast
