#include "base/coding.h"

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

constexpr uint32_t kMax32 = std::numeric_limits<uint32_t>::max();
constexpr uint64_t kMax64 = std::numeric_limits<uint64_t>::max();

// Numbers of every length, not only of the longest.
rc::Gen<uint64_t> AnyLength() {
  return rc::gen::map(
      rc::gen::pair(rc::gen::arbitrary<uint64_t>(), rc::gen::inRange(0, 64)),
      [](const std::pair<uint64_t, int>& p) {
        // Arbitrary numbers are small in small cases: mix before cutting.
        return ((p.first + 1) * 0x9e3779b97f4a7c15u) >> p.second;
      });
}

// The numbers at which a varint gets one byte longer, and their neighbours.
std::vector<uint64_t> Edges() {
  std::vector<uint64_t> edges = {0, 1, kMax32, uint64_t{kMax32} + 1, kMax64};
  for (int shift = 7; shift < 64; shift += 7) {
    const uint64_t edge = uint64_t{1} << shift;
    for (uint64_t value : {edge - 1, edge, edge + 1}) edges.push_back(value);
  }
  return edges;
}

std::string Varint(uint64_t value) {
  std::string bytes;
  PutVarint64(&bytes, value);
  return bytes;
}

// A copy in a heap block of exactly its size, so that AddressSanitizer sees a
// read past either end.
class ExactCopy {
 public:
  explicit ExactCopy(std::string_view bytes)
      : bytes_(new char[bytes.size()]), size_(bytes.size()) {
    bytes.copy(bytes_.get(), size_);
  }
  std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  size_t size_;
};

// --- Encoding ----------------------------------------------------------------

TEST(CodingTest, FixedIsLittleEndian) {
  std::string bytes;
  PutFixed32(&bytes, 0x04030201u);
  PutFixed64(&bytes, 0x0c0b0a0908070605u);
  EXPECT_EQ(bytes, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c");
}

TEST(CodingTest, VarintIsLeb128) {
  EXPECT_EQ(Varint(0), std::string("\0", 1));
  EXPECT_EQ(Varint(127), "\x7f");
  EXPECT_EQ(Varint(128), "\x80\x01");
  EXPECT_EQ(Varint(300), "\xac\x02");
  EXPECT_EQ(Varint(kMax64), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
}

TEST(CodingTest, LengthPrefixedIsVarintThenBytes) {
  std::string bytes = "before";
  PutLengthPrefixed(&bytes, "abc");
  PutLengthPrefixed(&bytes, "");
  EXPECT_EQ(bytes, std::string("before\3abc\0", 11));
}

TEST(CodingTest, VarintLengthIsTheNumberOfBytes) {
  for (uint64_t value : Edges()) {
    EXPECT_EQ(VarintLength(value), Varint(value).size()) << value;
    EXPECT_LE(VarintLength(value), kMaxVarint64Bytes);
  }
  EXPECT_EQ(VarintLength(kMax32), kMaxVarint32Bytes);
  EXPECT_EQ(VarintLength(kMax64), kMaxVarint64Bytes);
}

// --- Decoding ----------------------------------------------------------------

TEST(CodingTest, VarintsAtEachEdgeComeBack) {
  for (uint64_t value : Edges()) {
    const ExactCopy bytes(Varint(value));
    const char* const limit = bytes.view().data() + bytes.view().size();
    uint64_t wide = 0;
    EXPECT_EQ(DecodeVarint64(bytes.view().data(), limit, &wide), limit);
    EXPECT_EQ(wide, value);
    uint32_t narrow = 77;
    const char* const end = DecodeVarint32(bytes.view().data(), limit, &narrow);
    EXPECT_EQ(end, value <= kMax32 ? limit : nullptr) << value;
    EXPECT_EQ(narrow, value <= kMax32 ? value : 77) << value;
  }
}

TEST(CodingTest, RefusesVarintsThatAreCutOff) {
  for (uint64_t value : Edges()) {
    const std::string whole = Varint(value);
    for (size_t size = 0; size < whole.size(); ++size) {
      const ExactCopy bytes(std::string_view(whole).substr(0, size));
      const char* const limit = bytes.view().data() + size;
      uint64_t wide;
      uint32_t narrow;
      EXPECT_EQ(DecodeVarint64(bytes.view().data(), limit, &wide), nullptr);
      EXPECT_EQ(DecodeVarint32(bytes.view().data(), limit, &narrow), nullptr);
    }
  }
}

TEST(CodingTest, RefusesVarintsLongerThanNeeded) {
  for (uint64_t value : Edges()) {
    std::string padded = Varint(value);
    padded.back() = static_cast<char>(padded.back() | 0x80);
    padded.push_back('\0');
    uint64_t wide;
    uint32_t narrow;
    const char* const limit = padded.data() + padded.size();
    EXPECT_EQ(DecodeVarint64(padded.data(), limit, &wide), nullptr) << value;
    EXPECT_EQ(DecodeVarint32(padded.data(), limit, &narrow), nullptr) << value;
  }
}

TEST(CodingTest, RefusesVarintsOver64Bits) {
  const std::string nine(9, '\xff');
  for (const std::string& bytes :
       {nine + "\x02", nine + "\x7f", nine + "\x81\x01", nine + "\xff\x01",
        std::string(20, '\xff'), std::string(20, '\x80')}) {
    uint64_t value;
    EXPECT_EQ(DecodeVarint64(bytes.data(), bytes.data() + bytes.size(), &value),
              nullptr);
  }
}

TEST(DecoderTest, ReadsItemsInTurn) {
  std::string bytes = "b";
  PutFixed32(&bytes, 32);
  PutFixed64(&bytes, 64);
  PutVarint32(&bytes, 3200);
  PutVarint64(&bytes, 6400);
  PutLengthPrefixed(&bytes, "name");
  bytes += "raw";
  bytes += "rest";

  Decoder in(bytes);
  uint8_t byte;
  uint32_t fixed32, varint32;
  uint64_t fixed64, varint64;
  std::string_view name, raw;
  EXPECT_TRUE(in.ReadByte(&byte));
  EXPECT_TRUE(in.ReadFixed32(&fixed32));
  EXPECT_TRUE(in.ReadFixed64(&fixed64));
  EXPECT_EQ(in.offset(), 13u);
  EXPECT_TRUE(in.ReadVarint32(&varint32));
  EXPECT_TRUE(in.ReadVarint64(&varint64));
  EXPECT_TRUE(in.ReadLengthPrefixed(&name));
  EXPECT_TRUE(in.ReadBytes(3, &raw));
  EXPECT_EQ(byte, 'b');
  EXPECT_EQ(fixed32, 32u);
  EXPECT_EQ(fixed64, 64u);
  EXPECT_EQ(varint32, 3200u);
  EXPECT_EQ(varint64, 6400u);
  EXPECT_EQ(name, "name");
  EXPECT_EQ(raw, "raw");
  EXPECT_EQ(in.rest(), "rest");
  EXPECT_FALSE(in.done());
  EXPECT_TRUE(in.ReadBytes(4, &raw));
  EXPECT_TRUE(in.done());
  EXPECT_EQ(in.offset(), bytes.size());
}

TEST(DecoderTest, EmptyInputIsDone) {
  Decoder in("");
  std::string_view bytes;
  EXPECT_TRUE(in.done());
  EXPECT_TRUE(in.ReadBytes(0, &bytes));
  EXPECT_TRUE(in.done());
  uint8_t byte;
  EXPECT_FALSE(in.ReadByte(&byte));
  EXPECT_FALSE(in.done());
}

TEST(DecoderTest, DefaultViewIsAnEmptyInput) {
  Decoder in{std::string_view()};
  EXPECT_TRUE(in.done());
  EXPECT_EQ(in.offset(), 0u);
  uint64_t value;
  EXPECT_FALSE(in.ReadVarint64(&value));
}

TEST(DecoderTest, AfterAFailureAllReadsFailAndTheOffsetStays) {
  Decoder in("\x01\x02\x03");
  uint8_t byte = 0;
  EXPECT_TRUE(in.ReadByte(&byte));
  uint32_t fixed32 = 7;
  EXPECT_FALSE(in.ReadFixed32(&fixed32));
  EXPECT_EQ(fixed32, 7u);
  EXPECT_EQ(in.offset(), 1u);
  EXPECT_FALSE(in.ok());
  EXPECT_FALSE(in.done());
  EXPECT_EQ(in.rest(), "");

  uint64_t wide = 7;
  std::string_view bytes = "old";
  EXPECT_FALSE(in.ReadByte(&byte));
  EXPECT_FALSE(in.ReadFixed64(&wide));
  EXPECT_FALSE(in.ReadVarint32(&fixed32));
  EXPECT_FALSE(in.ReadVarint64(&wide));
  EXPECT_FALSE(in.ReadBytes(0, &bytes));
  EXPECT_FALSE(in.ReadLengthPrefixed(&bytes));
  EXPECT_EQ(byte, 1);
  EXPECT_EQ(fixed32, 7u);
  EXPECT_EQ(wide, 7u);
  EXPECT_EQ(bytes, "old");
  EXPECT_EQ(in.offset(), 1u);
}

TEST(DecoderTest, RefusesLengthsThatTheInputDoesNotHold) {
  for (uint64_t length : {uint64_t{4}, uint64_t{kMax32}, kMax64}) {
    std::string bytes = "x";
    PutVarint64(&bytes, length);
    bytes += "abc";
    Decoder in(bytes);
    uint8_t byte;
    std::string_view value = "old";
    EXPECT_TRUE(in.ReadByte(&byte));
    EXPECT_FALSE(in.ReadLengthPrefixed(&value));
    EXPECT_EQ(value, "old");
    EXPECT_EQ(in.offset(), 1u) << "the offset of the item, not of its bytes";
  }
  Decoder in("abc");
  std::string_view value;
  EXPECT_FALSE(in.ReadBytes(std::numeric_limits<size_t>::max(), &value));
}

// --- Properties --------------------------------------------------------------

RC_GTEST_PROP(CodingProperty, DecodingUndoesEncoding,
              (uint32_t fixed32, uint64_t fixed64, const std::string& text)) {
  const uint64_t varint64 = *AnyLength();
  const auto varint32 = static_cast<uint32_t>(*AnyLength());
  std::string bytes;
  PutFixed32(&bytes, fixed32);
  PutVarint64(&bytes, varint64);
  PutLengthPrefixed(&bytes, text);
  PutVarint32(&bytes, varint32);
  PutFixed64(&bytes, fixed64);

  const ExactCopy copy(bytes);
  Decoder in(copy.view());
  uint32_t fixed32_read, varint32_read;
  uint64_t fixed64_read, varint64_read;
  std::string_view text_read;
  RC_ASSERT(in.ReadFixed32(&fixed32_read));
  RC_ASSERT(in.ReadVarint64(&varint64_read));
  RC_ASSERT(in.ReadLengthPrefixed(&text_read));
  RC_ASSERT(in.ReadVarint32(&varint32_read));
  RC_ASSERT(in.ReadFixed64(&fixed64_read));
  RC_ASSERT(in.done());
  RC_ASSERT(fixed32_read == fixed32);
  RC_ASSERT(fixed64_read == fixed64);
  RC_ASSERT(varint32_read == varint32);
  RC_ASSERT(varint64_read == varint64);
  RC_ASSERT(text_read == text);
}

// Bytes from which varints are often decoded: mostly with the top bit set.
rc::Gen<std::string> VarintLikeBytes() {
  return rc::gen::container<std::string>(rc::gen::weightedOneOf<char>(
      {{3, rc::gen::map(rc::gen::inRange(0x80, 0x100),
                        [](int b) { return static_cast<char>(b); })},
       {1, rc::gen::element('\x00', '\x01', '\x02', '\x7f')}}));
}

RC_GTEST_PROP(CodingProperty, EachValueHasOneEncoding, ()) {
  // Whatever a decoder takes is what the encoder writes.
  const ExactCopy bytes(*VarintLikeBytes());
  const char* const begin = bytes.view().data();
  const char* const limit = begin + bytes.view().size();
  uint64_t wide;
  const char* const end = DecodeVarint64(begin, limit, &wide);
  if (end != nullptr) {
    RC_ASSERT(end <= limit);
    RC_ASSERT(std::string(begin, end) == Varint(wide));
  }
  // Both widths agree.
  uint32_t narrow;
  const char* const end32 = DecodeVarint32(begin, limit, &narrow);
  RC_ASSERT(end32 == (end != nullptr && wide <= kMax32 ? end : nullptr));
  if (end32 != nullptr) RC_ASSERT(narrow == wide);
}

RC_GTEST_PROP(CodingProperty, DecoderNeverOverruns, ()) {
  // Any reads in any order on any bytes: the offset never passes the end or
  // goes back, views lie inside, and a failure is for ever.
  const ExactCopy copy(
      *rc::gen::oneOf(rc::gen::arbitrary<std::string>(), VarintLikeBytes()));
  const std::string_view bytes = copy.view();
  Decoder in(bytes);
  for (int read :
       *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 7))) {
    const size_t before = in.offset();
    const bool was_ok = in.ok();
    uint8_t byte;
    uint32_t narrow;
    uint64_t wide;
    std::string_view view = bytes.substr(before, 0);
    bool ok = false;
    switch (read) {
      case 0:
        ok = in.ReadByte(&byte);
        break;
      case 1:
        ok = in.ReadFixed32(&narrow);
        break;
      case 2:
        ok = in.ReadFixed64(&wide);
        break;
      case 3:
        ok = in.ReadVarint32(&narrow);
        break;
      case 4:
        ok = in.ReadVarint64(&wide);
        break;
      case 5:
        ok = in.ReadBytes(*rc::gen::arbitrary<size_t>(), &view);
        break;
      default:
        ok = in.ReadLengthPrefixed(&view);
        break;
    }
    RC_ASSERT(ok == in.ok());
    RC_ASSERT(was_ok || !ok);
    RC_ASSERT(in.offset() <= bytes.size());
    if (!ok) {
      RC_ASSERT(in.offset() == before);
      RC_ASSERT(in.rest().empty());
      continue;
    }
    RC_ASSERT(in.offset() >= before);
    RC_ASSERT(in.rest() == bytes.substr(in.offset()));
    RC_ASSERT(view.data() >= bytes.data());
    RC_ASSERT(view.data() + view.size() <= bytes.data() + bytes.size());
  }
}

}  // namespace
}  // namespace holdfast
