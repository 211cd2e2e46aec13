#include "kvd/text.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast::kvd {
namespace {

using std::string_literals::operator""s;

std::string Escaped(std::string_view bytes) {
  return EncodeText(Notation::kEscaped, bytes);
}

TEST(TextTest, KeepsPrintableUtf8) {
  EXPECT_EQ(Escaped("city/CH/Zürich 東京 🏔"),
            "city/CH/Zürich 東京 🏔");
}

TEST(TextTest, EscapesTheRest) {
  EXPECT_EQ(Escaped("a\tb\nc\0d"s), R"(a\x09b\x0ac\x00d)");
  EXPECT_EQ(Escaped(R"(C:\dir)"), R"(C:\\dir)");
  EXPECT_EQ(Escaped("\x7f\xff"), R"(\x7f\xff)");
  // C1 control, right-to-left override, byte order mark.
  EXPECT_EQ(Escaped("\xc2\x85\xe2\x80\xae\xef\xbb\xbf"),
            R"(\xc2\x85\xe2\x80\xae\xef\xbb\xbf)");
  // A sequence that is cut off, an overlong one, a surrogate, one too large.
  EXPECT_EQ(Escaped("\xe6\x9d"), R"(\xe6\x9d)");
  EXPECT_EQ(Escaped("\xc0\xaf"), R"(\xc0\xaf)");
  EXPECT_EQ(Escaped("\xed\xa0\x80"), R"(\xed\xa0\x80)");
  EXPECT_EQ(Escaped("\xf4\x90\x80\x80"), R"(\xf4\x90\x80\x80)");
}

TEST(TextTest, AsciiFormEscapesUtf8Too) {
  EXPECT_EQ(EncodeText(Notation::kEscapedAscii, "Zürich"), R"(Z\xc3\xbcrich)");
}

TEST(TextTest, DecodesHandWrittenEscapes) {
  EXPECT_EQ(*DecodeText(Notation::kEscaped, R"(a\tb\n\r\\\x00\xFf)"),
            "a\tb\n\r\\\0\xff"s);
  EXPECT_EQ(*DecodeText(Notation::kEscaped, "ü\xff"), "ü\xff");
}

TEST(TextTest, RefusesUnknownEscapesWithTheirPosition) {
  for (const char* text : {"ab\\", "ab\\q", "ab\\x", "ab\\x1", "ab\\xg0"}) {
    const absl::Status status = DecodeText(Notation::kEscaped, text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(status.message().find("at position 3"), std::string::npos)
        << status;
  }
}

TEST(TextTest, HexGoesBothWays) {
  EXPECT_EQ(EncodeText(Notation::kHex, "\x00\x7f\xff"s), "007fff");
  EXPECT_EQ(*DecodeText(Notation::kHex, "007fFF"), "\x00\x7f\xff"s);
  EXPECT_EQ(*DecodeText(Notation::kHex, ""), "");
  EXPECT_FALSE(DecodeText(Notation::kHex, "0").ok());
  EXPECT_FALSE(DecodeText(Notation::kHex, "0x").ok());
}

RC_GTEST_PROP(TextProperty, EncodingIsReversibleAndShowable,
              (const std::string& bytes)) {
  for (Notation notation :
       {Notation::kEscaped, Notation::kEscapedAscii, Notation::kHex}) {
    const std::string text = EncodeText(notation, bytes);
    RC_ASSERT(*DecodeText(notation, text) == bytes);
    RC_ASSERT(IsPrintableText(text));
    RC_ASSERT(text.find_first_of("\n\t") == std::string::npos);
  }
}

RC_GTEST_PROP(TextProperty, DecodingNeverFailsInAnotherWay,
              (const std::string& text)) {
  for (Notation notation : {Notation::kEscaped, Notation::kHex}) {
    const auto bytes = DecodeText(notation, text);
    RC_ASSERT(bytes.ok() || absl::IsInvalidArgument(bytes.status()));
  }
}

TEST(TextTest, PrintableTextIsWhatATerminalShows) {
  EXPECT_TRUE(IsPrintableText("{\n\t\"a\": \"ü\"\n}\n"));
  EXPECT_FALSE(IsPrintableText("\x1b[31m"));
  EXPECT_FALSE(IsPrintableText("\xff"));
}

TEST(TextTest, FormatsCounts) {
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(171075), "171,075");
  EXPECT_EQ(FormatCount(UINT64_MAX), "18,446,744,073,709,551,615");
}

TEST(TextTest, FormatsBytes) {
  EXPECT_EQ(FormatBytes(0), "0 B");
  EXPECT_EQ(FormatBytes(1023), "1023 B");
  EXPECT_EQ(FormatBytes(1536), "1.5 KiB");
  EXPECT_EQ(FormatBytes(uint64_t{64} << 20), "64.0 MiB");
  EXPECT_EQ(FormatBytes((uint64_t{1} << 20) - 1), "1.0 MiB");
  EXPECT_EQ(FormatBytes(UINT64_MAX), "16.0 EiB");
}

TEST(TextTest, FormatsDurations) {
  EXPECT_EQ(FormatDuration(0), "0.0 s");
  EXPECT_EQ(FormatDuration(9'940'000), "9.9 s");
  EXPECT_EQ(FormatDuration(9'960'000), "10 s");
  EXPECT_EQ(FormatDuration(185'000'000), "3 min 05 s");
  EXPECT_EQ(FormatDuration(uint64_t{7620} * 1'000'000), "2 h 07 min");
}

}  // namespace
}  // namespace holdfast::kvd
