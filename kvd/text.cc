#include "kvd/text.h"

#include <array>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/mutant.h"

namespace holdfast::kvd {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

void AppendHexByte(uint8_t byte, std::string* dst) {
  dst->push_back(kHexDigits[byte >> 4]);
  dst->push_back(kHexDigits[byte & 15]);
}

// The value of a hex digit, or -1.
int HexDigitValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The value of the two hex digits at text[i], or -1.
int HexByteValue(std::string_view text, size_t i) {
  if (text.size() < 2 || i > text.size() - 2) return -1;
  const int high = HexDigitValue(text[i]);
  const int low = HexDigitValue(text[i + 1]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

struct CodePoint {
  uint32_t value = 0;
  size_t bytes = 0;  // 0: the bytes are not UTF-8.
};

// The bytes of a sequence that begins with `lead`; 0 when none does.
size_t Utf8SequenceBytes(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  if (lead >= 0xf0 && lead < 0xf5) return 4;
  return 0;
}

// The code point at the start of `bytes`, which is not empty.
CodePoint DecodeCodePoint(std::string_view bytes) {
  const auto lead = static_cast<uint8_t>(bytes[0]);
  const size_t n = Utf8SequenceBytes(lead);
  if (n == 0 || n > bytes.size()) return {};
  if (n == 1) return {lead, 1};
  uint32_t value = lead & (0xffu >> (n + 1));
  for (size_t i = 1; i < n; ++i) {
    const auto byte = static_cast<uint8_t>(bytes[i]);
    if ((byte & 0xc0) != 0x80) return {};
    value = value << 6 | (byte & 0x3f);
  }
  constexpr std::array<uint32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[n] || value > 0x10ffff) return {};
  if (value >= 0xd800 && value <= 0xdfff && !HF_MUTANT("text.no_surrogates")) {
    return {};
  }
  return {value, n};
}

// Whether a code point shows as itself. Not: controls, line and paragraph
// separators, and the invisible marks that turn or join text (a key with
// U+202E in it would rearrange the line that shows it).
bool IsPrintable(uint32_t c) {
  if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return false;
  if (c >= 0x200b && c <= 0x200f) return false;
  if (c >= 0x2028 && c <= 0x202e) return false;
  if (c >= 0x2060 && c <= 0x206f) return false;
  if (c == 0xad || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb)) return false;
  if ((c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef)) return false;
  return true;
}

void AppendEscaped(std::string_view bytes, bool ascii, std::string* dst) {
  while (!bytes.empty()) {
    const CodePoint c = DecodeCodePoint(bytes);
    if (bytes[0] == '\\') {
      dst->append("\\\\");
      bytes.remove_prefix(1);
    } else if (c.bytes > 0 && IsPrintable(c.value) &&
               (c.bytes == 1 || !ascii)) {
      dst->append(bytes.substr(0, c.bytes));
      bytes.remove_prefix(c.bytes);
    } else {
      dst->append("\\x");
      AppendHexByte(static_cast<uint8_t>(bytes[0]), dst);
      bytes.remove_prefix(1);
    }
  }
}

absl::StatusOr<std::string> DecodeHex(std::string_view text) {
  if (text.size() % 2 != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("hex text has an odd number of digits, ", text.size()));
  }
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    const int value = HexByteValue(text, i);
    if (value < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("at position ", i + 1, ": \"",
                       EncodeText(Notation::kEscapedAscii, text.substr(i, 2)),
                       "\" is not two hex digits"));
    }
    bytes.push_back(static_cast<char>(value));
  }
  return bytes;
}

absl::StatusOr<std::string> DecodeEscaped(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes.push_back(text[i]);
      continue;
    }
    const char kind = i + 1 < text.size() ? text[i + 1] : '\0';
    const int value = kind == 'x' ? HexByteValue(text, i + 2) : -1;
    if (value >= 0) {
      bytes.push_back(static_cast<char>(value));
      i += 3;
      continue;
    }
    switch (kind) {
      case '\\':
        bytes.push_back('\\');
        break;
      case 'n':
        bytes.push_back('\n');
        break;
      case 't':
        bytes.push_back('\t');
        break;
      case 'r':
        bytes.push_back('\r');
        break;
      default:
        return absl::InvalidArgumentError(absl::StrCat(
            "at position ", i + 1, ": \"\\",
            EncodeText(Notation::kEscapedAscii, text.substr(i + 1, 1)),
            "\" is not an escape; write \\\\ for a backslash and \\xNN for "
            "any byte"));
    }
    ++i;
  }
  return bytes;
}

}  // namespace

void AppendText(Notation notation, std::string_view bytes, std::string* dst) {
  switch (notation) {
    case Notation::kEscaped:
      AppendEscaped(bytes, /*ascii=*/false, dst);
      return;
    case Notation::kEscapedAscii:
      AppendEscaped(bytes, /*ascii=*/true, dst);
      return;
    case Notation::kHex:
      for (char c : bytes) AppendHexByte(static_cast<uint8_t>(c), dst);
      return;
  }
}

std::string EncodeText(Notation notation, std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  AppendText(notation, bytes, &text);
  return text;
}

absl::StatusOr<std::string> DecodeText(Notation notation,
                                       std::string_view text) {
  return notation == Notation::kHex ? DecodeHex(text) : DecodeEscaped(text);
}

bool IsValidUtf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const CodePoint c = DecodeCodePoint(bytes);
    if (c.bytes == 0) return false;
    bytes.remove_prefix(c.bytes);
  }
  return true;
}

bool IsPrintableText(std::string_view bytes) {
  while (!bytes.empty()) {
    const CodePoint c = DecodeCodePoint(bytes);
    if (c.bytes == 0) return false;
    if (!IsPrintable(c.value) && c.value != '\n' && c.value != '\t') {
      return false;
    }
    bytes.remove_prefix(c.bytes);
  }
  return true;
}

std::string FormatCount(uint64_t count) {
  std::string digits = absl::StrCat(count);
  for (size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string FormatBytes(uint64_t bytes) {
  if (bytes < 1024) return absl::StrCat(bytes, " B");
  constexpr std::array<const char*, 6> kUnits = {"KiB", "MiB", "GiB",
                                                 "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (value >= 1023.95 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return absl::StrFormat("%.1f %s", value, kUnits[unit]);
}

std::string FormatDuration(uint64_t micros) {
  const uint64_t tenths = (micros + 50'000) / 100'000;
  if (tenths < 100) return absl::StrFormat("%d.%d s", tenths / 10, tenths % 10);
  const uint64_t seconds = (micros + 500'000) / 1'000'000;
  if (seconds < 60) return absl::StrFormat("%d s", seconds);
  if (seconds < 3600) {
    return absl::StrFormat("%d min %02d s", seconds / 60, seconds % 60);
  }
  const uint64_t minutes = seconds / 60;
  return absl::StrFormat("%d h %02d min", minutes / 60, minutes % 60);
}

}  // namespace holdfast::kvd
