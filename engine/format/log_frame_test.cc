#include "engine/format/log_frame.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "engine/format/format_version.h"
#include "engine/format/golden_page.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

constexpr std::string_view kPage = "docs/formats/log.md";
constexpr std::string_view kPath = "/db/000007.wal";
constexpr LogIdentity kIdentity = {
    .db_id = 0x1122334455667788, .kind = LogKind::kWal, .number = 7};
constexpr LogHeader kHeader = {.version = kFormatVersion,
                               .kind = LogKind::kWal,
                               .db_id = kIdentity.db_id,
                               .number = kIdentity.number,
                               .previous_number = 5,
                               .previous_bytes = 1000,
                               .first_sequence = 42};

// Goal: a payload is its own log's, place's and predecessor's, to all 64 bits
// of its checksum; the 32 of the header alone would be few.
TEST(LogFrameTest, PayloadsAreBoundToLogPlaceAndPredecessor) {
  const uint64_t context = PayloadContext(1, 2, 3);
  EXPECT_EQ(context, PayloadContext(1, 2, 3));
  EXPECT_NE(context, PayloadContext(9, 2, 3));
  EXPECT_NE(context, PayloadContext(1, 9, 3));
  EXPECT_NE(context, PayloadContext(1, 2, 9));
}

TEST(LogFrameTest, MatchesTheFormatPage) {
  // A whole log: header, a record after a sync, a seal.
  const uint64_t context = kIdentity.context();
  std::string log;
  uint64_t previous = AppendFrame(&log, context, 0, 0, FrameType::kHeader, 0,
                                  EncodeLogHeader(kHeader));
  const size_t record_at = log.size();
  previous = AppendFrame(&log, context, record_at, previous, FrameType::kFull,
                         record_at, "hello");
  const size_t seal_at = log.size();
  AppendFrame(&log, context, seal_at, previous, FrameType::kSeal, record_at,
              EncodeLogSeal({.successor = 8}));
  EXPECT_TRUE(MatchesGolden(kPage, "header_frame", log.substr(0, record_at)));
  EXPECT_TRUE(MatchesGolden(kPage, "record_frame",
                            log.substr(record_at, seal_at - record_at)));
  EXPECT_TRUE(MatchesGolden(kPage, "seal_frame", log.substr(seal_at)));
  EXPECT_EQ(record_at, kLogHeaderFrameBytes);
  EXPECT_EQ(log.size() - seal_at, kLogSealFrameBytes);
}

TEST(LogFrameTest, DecodesTheFormatPage) {
  const uint64_t context = kIdentity.context();
  const std::string header_frame = GoldenBytes(kPage, "header_frame");
  const std::string record_frame = GoldenBytes(kPage, "record_frame");
  ASSERT_EQ(header_frame.size(), kLogHeaderFrameBytes);
  ASSERT_EQ(record_frame.size(), kFrameHeaderBytes + 5);
  FrameHeader header;
  FrameHeader record;
  ASSERT_TRUE(DecodeFrameHeader(header_frame.data(), context, 0, &header));
  EXPECT_EQ(header.type, FrameType::kHeader);
  ASSERT_TRUE(DecodeFrameHeader(record_frame.data(), context,
                                kLogHeaderFrameBytes, &record));
  EXPECT_EQ(record.type, FrameType::kFull);
  EXPECT_EQ(record.payload_bytes, 5);
  EXPECT_EQ(record.synced_bytes, kLogHeaderFrameBytes);
  EXPECT_TRUE(PayloadMatches(record, context, kLogHeaderFrameBytes,
                             header.payload_checksum, "hello"));
}

TEST(LogIdentityTest, EveryPartCounts) {
  LogIdentity other = kIdentity;
  other.db_id = 1;
  EXPECT_NE(other.context(), kIdentity.context());
  other = kIdentity;
  other.kind = LogKind::kManifest;
  EXPECT_NE(other.context(), kIdentity.context());
  other = kIdentity;
  other.number = 8;
  EXPECT_NE(other.context(), kIdentity.context());
  EXPECT_EQ(kIdentity.context(),
            MixContext(kIdentity.db_id, MixContext(1, kIdentity.number)));
}

RC_GTEST_PROP(LogFrameProperty, RoundTrips,
              (uint64_t context, uint64_t offset, uint64_t previous,
               const std::string& head, const std::string& tail)) {
  const auto synced = offset - *rc::gen::inRange<uint64_t>(0, 3) % (offset + 1);
  const auto type = static_cast<FrameType>(*rc::gen::inRange(1, 7));
  std::string bytes = "before";
  const uint64_t checksum =
      AppendFrame(&bytes, context, offset, previous, type, synced, head, tail);
  std::string joined = "before";
  AppendFrame(&joined, context, offset, previous, type, synced, head + tail);
  RC_ASSERT(bytes == joined);
  FrameHeader header;
  RC_ASSERT(DecodeFrameHeader(bytes.data() + 6, context, offset, &header));
  RC_ASSERT(header.type == type);
  RC_ASSERT(header.payload_bytes == head.size() + tail.size());
  RC_ASSERT(header.synced_bytes == synced);
  RC_ASSERT(header.payload_checksum == checksum);
  RC_ASSERT(bytes.substr(6 + kFrameHeaderBytes) == head + tail);
  const std::string payload = head + tail;
  RC_ASSERT(PayloadMatches(header, context, offset, previous, payload));
  // Nowhere else, after nothing else, in no other log.
  RC_ASSERT(!PayloadMatches(header, context, offset, previous + 1, payload));
  RC_ASSERT(!PayloadMatches(header, context, offset + 1, previous, payload));
  RC_ASSERT(!PayloadMatches(header, context + 1, offset, previous, payload));
  RC_ASSERT(!PayloadMatches(header, context, offset, previous, payload + "x"));
  FrameHeader other;
  RC_ASSERT(!DecodeFrameHeader(bytes.data() + 6, context, offset + 1, &other));
  RC_ASSERT(!DecodeFrameHeader(bytes.data() + 6, context + 1, offset, &other));
}

TEST(LogFrameTest, RefusesEveryChangedBitOfTheHeader) {
  std::string bytes;
  AppendFrame(&bytes, 1, 1 << 20, 3, FrameType::kFull, 1000, "payload");
  FrameHeader header;
  for (size_t bit = 0; bit < 8 * kFrameHeaderBytes; ++bit) {
    std::string changed = bytes;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(DecodeFrameHeader(changed.data(), 1, 1 << 20, &header)) << bit;
  }
}

// A frame header with a right checksum around anything.
std::string RawHeader(uint32_t type, uint32_t payload_bytes,
                      uint64_t synced_bytes, uint64_t context,
                      uint64_t offset) {
  std::string rest;
  PutFixed32(&rest, payload_bytes | type << 24);
  PutFixed64(&rest, synced_bytes);
  PutFixed64(&rest, 0);
  std::string bytes;
  PutFixed32(&bytes, Checksum32(rest, MixContext(context, offset)));
  return bytes + rest;
}

TEST(LogFrameTest, RefusesWhatIsNeverWrittenDespiteARightChecksum) {
  FrameHeader header;
  const auto valid = [&header](uint32_t type, uint32_t bytes, uint64_t synced) {
    return DecodeFrameHeader(RawHeader(type, bytes, synced, 1, 100).data(), 1,
                             100, &header);
  };
  EXPECT_TRUE(valid(1, kMaxFragmentBytes, 100));
  EXPECT_FALSE(valid(0, 5, 100));
  EXPECT_TRUE(valid(6, 5, 100));
  EXPECT_FALSE(valid(7, 5, 100));
  EXPECT_FALSE(valid(255, 5, 100));
  EXPECT_FALSE(valid(1, kMaxFragmentBytes + 1, 100));
  EXPECT_FALSE(valid(1, 5, 101));
  EXPECT_FALSE(valid(1, 5, UINT64_MAX));
}

RC_GTEST_PROP(LogFrameProperty, DecodesAnyBytes, (uint64_t offset)) {
  const auto bytes = *rc::gen::container<std::string>(
      kFrameHeaderBytes, rc::gen::arbitrary<char>());
  FrameHeader header;
  RC_ASSERT(!DecodeFrameHeader(bytes.data(), 1, offset, &header));
}

RC_GTEST_PROP(LogHeaderProperty, RoundTrips, ()) {
  LogHeader header;
  header.version = kFormatVersion;
  header.kind = *rc::gen::element(LogKind::kWal, LogKind::kManifest);
  header.db_id = *rc::gen::arbitrary<uint64_t>();
  header.number = *rc::gen::arbitrary<uint64_t>();
  header.previous_number = *rc::gen::arbitrary<uint64_t>();
  header.previous_bytes = *rc::gen::arbitrary<uint64_t>();
  header.first_sequence =
      *rc::gen::inRange<SequenceNumber>(0, kMaxSequenceNumber + 1);
  const std::string payload = EncodeLogHeader(header);
  RC_ASSERT(payload.size() == kLogHeaderBytes);
  const absl::StatusOr<LogHeader> decoded = DecodeLogHeader(kPath, payload);
  RC_ASSERT(decoded.ok());
  RC_ASSERT(EncodeLogHeader(*decoded) == payload);
  RC_ASSERT(decoded->kind == header.kind);
  RC_ASSERT(decoded->db_id == header.db_id);
  RC_ASSERT(decoded->number == header.number);
  RC_ASSERT(decoded->previous_number == header.previous_number);
  RC_ASSERT(decoded->previous_bytes == header.previous_bytes);
  RC_ASSERT(decoded->first_sequence == header.first_sequence);
  LogIdentity claimed;
  RC_ASSERT(DecodeClaimedIdentity(payload, &claimed));
  RC_ASSERT(claimed.context() == header.identity().context());
}

TEST(LogHeaderTest, RefusesWhatIsNeverWritten) {
  const std::string payload = EncodeLogHeader(kHeader);
  LogIdentity identity;
  for (size_t size = 0; size < payload.size(); ++size) {
    const std::string cut = payload.substr(0, size);
    EXPECT_EQ(DecodeLogHeader(kPath, cut).status().code(),
              absl::StatusCode::kDataLoss);
    EXPECT_EQ(DecodeClaimedIdentity(cut, &identity), size >= 24);
  }
  EXPECT_EQ(DecodeLogHeader(kPath, payload + "x").status().code(),
            absl::StatusCode::kDataLoss);
  std::string changed = payload;
  changed[4] = 3;  // The kind.
  EXPECT_EQ(DecodeLogHeader(kPath, changed).status().code(),
            absl::StatusCode::kDataLoss);
  changed = payload;
  changed[5] = 1;
  EXPECT_EQ(DecodeLogHeader(kPath, changed).status().code(),
            absl::StatusCode::kDataLoss);
  EXPECT_FALSE(DecodeClaimedIdentity(changed, &identity));
  changed = payload;
  changed[kLogHeaderBytes - 1] = 1;  // A sequence number of 2^56.
  EXPECT_EQ(DecodeLogHeader(kPath, changed).status().code(),
            absl::StatusCode::kDataLoss);
}

TEST(LogHeaderTest, RefusesAnotherVersionByName) {
  LogHeader header = kHeader;
  header.version = 77;
  // Also when the rest is not as we know it.
  for (const std::string& payload :
       {EncodeLogHeader(header), EncodeLogHeader(header) + "more",
        EncodeLogHeader(header).substr(0, 4)}) {
    const absl::Status status = DecodeLogHeader(kPath, payload).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
    EXPECT_TRUE(absl::StrContains(status.message(), kPath));
    EXPECT_TRUE(absl::StrContains(status.message(), "77"));
  }
}

RC_GTEST_PROP(LogSealProperty, RoundTrips, (uint64_t successor)) {
  const std::string payload = EncodeLogSeal({.successor = successor});
  RC_ASSERT(payload.size() == kLogSealBytes);
  RC_ASSERT(DecodeLogSeal(kPath, 1, payload)->successor == successor);
  for (const std::string& wrong : {payload + "x", payload.substr(1)}) {
    RC_ASSERT(DecodeLogSeal(kPath, 1, wrong).status().code() ==
              absl::StatusCode::kDataLoss);
  }
}

TEST(LogFrameTest, NamesTypesAndKinds) {
  EXPECT_EQ(LogKindName(LogKind::kWal), "wal");
  EXPECT_EQ(LogKindName(LogKind::kManifest), "manifest");
  EXPECT_EQ(FrameTypeName(FrameType::kFull), "full");
  EXPECT_EQ(FrameTypeName(FrameType::kFirst), "first");
  EXPECT_EQ(FrameTypeName(FrameType::kMiddle), "middle");
  EXPECT_EQ(FrameTypeName(FrameType::kLast), "last");
  EXPECT_EQ(FrameTypeName(FrameType::kHeader), "header");
  EXPECT_EQ(FrameTypeName(FrameType::kSeal), "seal");
}

}  // namespace
}  // namespace holdfast
