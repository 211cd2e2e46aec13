#include "engine/format/version_edit.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "base/coding.h"
#include "engine/format/golden_page.h"
#include "engine/format/internal_key.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

TableRecord ATable() {
  return TableRecord{.level = 1,
                     .number = 12,
                     .bytes = 4096,
                     .identity = 0x1122334455667788,
                     .entries = 100,
                     .tombstones = 7,
                     .smallest = MakeInternalKey("ant", 5, ValueType::kValue),
                     .largest = MakeInternalKey("bee", 9, ValueType::kDeletion),
                     .smallest_sequence = 3,
                     .largest_sequence = 200};
}

VersionEdit FullEdit() {
  VersionEdit edit;
  edit.db_id = 0xfedcba9876543210;
  edit.log_number = 11;
  edit.next_file_number = 14;
  edit.last_sequence = 200;
  edit.sealed_log = SealedLog{10, 65536, 199};
  edit.removed = {{0, 7}, {0, 9}};
  edit.added = {ATable()};
  return edit;
}

void ExpectRefused(std::string_view bytes, std::string_view why) {
  const absl::StatusOr<VersionEdit> edit = DecodeVersionEdit(bytes);
  ASSERT_FALSE(edit.ok()) << why;
  EXPECT_EQ(edit.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(edit.status().message(), why)) << edit.status();
  EXPECT_TRUE(absl::StartsWith(edit.status().message(), "offset "));
}

std::string Field(uint32_t tag, std::string_view payload) {
  std::string bytes;
  PutVarint32(&bytes, tag);
  PutLengthPrefixed(&bytes, payload);
  return bytes;
}

TEST(VersionEditTest, MatchesGoldenBytes) {
  EXPECT_TRUE(MatchesGolden("docs/formats/manifest.md", "version_edit",
                            EncodeVersionEdit(FullEdit())));
  const std::string golden =
      GoldenBytes("docs/formats/manifest.md", "version_edit");
  const absl::StatusOr<VersionEdit> decoded = DecodeVersionEdit(golden);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, FullEdit());
}

TEST(VersionEditTest, EmptyEditIsNoBytes) {
  EXPECT_EQ(EncodeVersionEdit(VersionEdit()), "");
  const absl::StatusOr<VersionEdit> decoded = DecodeVersionEdit("");
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(*decoded, VersionEdit());
}

TEST(VersionEditTest, RefusesEveryTruncationThatCutsAField) {
  const std::string bytes = EncodeVersionEdit(FullEdit());
  for (size_t n = 0; n < bytes.size(); ++n) {
    const absl::StatusOr<VersionEdit> decoded =
        DecodeVersionEdit(std::string_view(bytes).substr(0, n));
    // What is left of whole fields is an edit again, and only that.
    if (decoded.ok()) EXPECT_EQ(EncodeVersionEdit(*decoded).size(), n);
  }
}

TEST(VersionEditTest, SkipsUnknownEvenTagsAndRefusesOddOnes) {
  VersionEdit edit;
  edit.log_number = 3;
  const std::string known = EncodeVersionEdit(edit);
  const std::string with_even = known + Field(100, "later") + Field(100, "");
  const absl::StatusOr<VersionEdit> decoded = DecodeVersionEdit(with_even);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, edit);
  ExpectRefused(known + Field(101, "later"), "field 101: unknown field");
}

TEST(VersionEditTest, RefusesFieldsOutOfOrder) {
  VersionEdit log;
  log.log_number = 3;
  VersionEdit next;
  next.next_file_number = 4;
  ExpectRefused(EncodeVersionEdit(next) + EncodeVersionEdit(log),
                "out of order");
  ExpectRefused(EncodeVersionEdit(log) + EncodeVersionEdit(log),
                "out of order");
}

TEST(VersionEditTest, RefusesPayloadsThatAreTooLongOrShort) {
  for (const uint32_t tag : {1, 3, 5, 7, 9, 11, 13}) {
    ExpectRefused(Field(tag, ""), "bad");
    ExpectRefused(Field(tag, std::string(200, '\1')), "bad");
  }
}

TEST(VersionEditTest, RefusesLevelsAndSequencesOutOfRange) {
  std::string removed;
  PutVarint32(&removed, kNumLevels);
  PutVarint64(&removed, 5);
  ExpectRefused(Field(11, removed), "level out of range");
  std::string sequence;
  PutVarint64(&sequence, kMaxSequenceNumber + 1);
  ExpectRefused(Field(7, sequence), "sequence number out of range");
  std::string sealed;
  PutVarint64(&sealed, 1);
  PutVarint64(&sealed, 2);
  PutVarint64(&sealed, kMaxSequenceNumber + 1);
  ExpectRefused(Field(9, sealed), "sequence number out of range");
}

TEST(VersionEditTest, SaysWhyARecordIsNoTable) {
  EXPECT_EQ(WhyNotATable(ATable()), "");
  const auto why = [](auto change) {
    TableRecord table = ATable();
    change(&table);
    return std::string(WhyNotATable(table));
  };
  EXPECT_EQ(why([](TableRecord* t) { t->level = -1; }), "level out of range");
  EXPECT_EQ(why([](TableRecord* t) { t->level = kNumLevels; }),
            "level out of range");
  EXPECT_EQ(why([](TableRecord* t) { t->number = 0; }), "table number 0");
  EXPECT_EQ(why([](TableRecord* t) { t->bytes = 0; }), "table of no bytes");
  EXPECT_EQ(why([](TableRecord* t) { t->entries = 0; }), "table of no entries");
  EXPECT_EQ(why([](TableRecord* t) { t->tombstones = 101; }),
            "more tombstones than entries");
  EXPECT_EQ(why([](TableRecord* t) { t->smallest_sequence = 201; }),
            "sequence numbers in the wrong order");
  EXPECT_EQ(
      why([](TableRecord* t) { t->largest_sequence = kMaxSequenceNumber + 1; }),
      "sequence number out of range");
  EXPECT_EQ(why([](TableRecord* t) { t->smallest = "short"; }),
            "bad internal key");
  EXPECT_EQ(why([](TableRecord* t) { t->largest.back() = t->largest[0]; }),
            "key outside the table's sequence numbers");
  EXPECT_EQ(why([](TableRecord* t) { std::swap(t->smallest, t->largest); }),
            "smallest key is after the largest");
  EXPECT_EQ(why([](TableRecord* t) { t->smallest_sequence = 6; }),
            "key outside the table's sequence numbers");
}

TEST(VersionEditTest, RefusesATableThatIsNone) {
  // The level of the last field's payload is its first byte after two bytes of
  // tag and length; its entries and tombstones come from ATable().
  VersionEdit edit;
  edit.added = {ATable()};
  std::string bytes = EncodeVersionEdit(edit);
  bytes[2] = static_cast<char>(kNumLevels);
  ExpectRefused(bytes, "field 13: level out of range");
}

// Any bytes: refused, or the same bytes again (without unknown fields there is
// one encoding for an edit).
RC_GTEST_PROP(VersionEditProperty, DecodesOneEncodingOnly,
              (std::vector<std::pair<uint16_t, uint8_t>> changes)) {
  std::string bytes = EncodeVersionEdit(FullEdit());
  for (const auto& [at, to] : changes) {
    bytes[at % bytes.size()] = static_cast<char>(to);
  }
  const absl::StatusOr<VersionEdit> decoded = DecodeVersionEdit(bytes);
  if (!decoded.ok()) return;
  const std::string again = EncodeVersionEdit(*decoded);
  if (again.size() == bytes.size()) RC_ASSERT(again == bytes);
  // Fewer bytes: fields with unknown tags were skipped.
  RC_ASSERT(again.size() <= bytes.size());
  const absl::StatusOr<VersionEdit> twice = DecodeVersionEdit(again);
  RC_ASSERT(twice.ok());
  RC_ASSERT(*twice == *decoded);
}

RC_GTEST_PROP(VersionEditProperty, RoundTrips, ()) {
  VersionEdit edit;
  const auto number = [] { return *rc::gen::arbitrary<uint64_t>(); };
  const auto flip = [] { return *rc::gen::arbitrary<bool>(); };
  if (flip()) edit.db_id = number();
  if (flip()) edit.log_number = number();
  if (flip()) edit.next_file_number = number();
  if (flip()) edit.last_sequence = number() >> 8;
  if (flip()) edit.sealed_log = SealedLog{number(), number(), number() >> 8};
  for (int i = *rc::gen::inRange(0, 5); i > 0; --i) {
    edit.removed.emplace_back(*rc::gen::inRange(0, kNumLevels), number());
  }
  for (int i = *rc::gen::inRange(0, 5); i > 0; --i) {
    TableRecord table;
    table.level = *rc::gen::inRange(0, kNumLevels);
    table.number = number() | 1;
    table.bytes = number() | 1;
    table.identity = number();
    table.entries = number() | 1;
    table.tombstones = table.entries / 2;
    table.smallest_sequence = 0;
    table.largest_sequence = kMaxSequenceNumber;
    const auto user_key = *rc::gen::arbitrary<std::string>();
    table.smallest =
        MakeInternalKey(user_key, number() >> 8, ValueType::kValue);
    table.largest =
        MakeInternalKey(user_key + "z", number() >> 8, ValueType::kDeletion);
    edit.added.push_back(table);
  }
  const absl::StatusOr<VersionEdit> decoded =
      DecodeVersionEdit(EncodeVersionEdit(edit));
  RC_ASSERT(decoded.ok());
  RC_ASSERT(*decoded == edit);
}

}  // namespace
}  // namespace holdfast
