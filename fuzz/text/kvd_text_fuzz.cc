// Bytes as text (kvd/text.h), in the notation that the length of the input
// chooses. Properties: any bytes survive, as one printable line; any text is
// read or refused with a position, as a printable message; what is read prints
// in canonical form, and reads as the same; UTF-8 is what an independent
// decoder says; memory is linear in the text.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/check.h"
#include "fuzz/support/allocation_meter.h"
#include "kvd/text.h"

namespace {

using namespace holdfast;
using namespace holdfast::kvd;

constexpr Notation kNotations[] = {Notation::kEscaped, Notation::kEscapedAscii,
                                   Notation::kHex};

// The ranges of the standard's table 3-7.
bool IsUtf8ByTable(std::string_view bytes) {
  struct Row {
    uint8_t first_low, first_high, second_low, second_high;
    size_t bytes;
  };
  constexpr Row kTable[] = {
      {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2},
      {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
      {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
      {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
      {0xf4, 0xf4, 0x80, 0x8f, 4}};
  const auto in = [](char c, uint8_t low, uint8_t high) {
    return static_cast<uint8_t>(c) >= low && static_cast<uint8_t>(c) <= high;
  };
  while (!bytes.empty()) {
    const Row* const row = std::find_if(
        std::begin(kTable), std::end(kTable),
        [&](const Row& r) { return in(bytes[0], r.first_low, r.first_high); });
    if (row == std::end(kTable) || bytes.size() < row->bytes) return false;
    if (row->bytes > 1 && !in(bytes[1], row->second_low, row->second_high)) {
      return false;
    }
    for (size_t i = 2; i < row->bytes; ++i) {
      if (!in(bytes[i], 0x80, 0xbf)) return false;
    }
    bytes.remove_prefix(row->bytes);
  }
  return true;
}

void CheckEncoding(Notation notation, std::string_view bytes) {
  const std::string text = EncodeText(notation, bytes);
  HF_CHECK(IsPrintableText(text));
  HF_CHECK(text.find_first_of("\t\n") == std::string::npos);
  HF_CHECK(text.size() <= 4 * bytes.size());
  const absl::StatusOr<std::string> again = DecodeText(notation, text);
  HF_CHECK(again.ok());
  HF_CHECK(*again == bytes);
  if (notation == Notation::kEscaped) return;
  HF_CHECK(std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<uint8_t>(c) < 0x80; }));
}

void CheckDecoding(Notation notation, std::string_view text) {
  absl::StatusOr<std::string> bytes = std::string();
  size_t peak_bytes;
  {
    AllocationMeter meter;
    bytes = DecodeText(notation, text);
    peak_bytes = meter.peak_bytes();
  }
  HF_CHECK(peak_bytes <= 4 * text.size() + 2048);
  if (!bytes.ok()) {
    HF_CHECK(absl::IsInvalidArgument(bytes.status()));
    HF_CHECK(IsPrintableText(bytes.status().message()));
    return;
  }
  HF_CHECK(bytes->size() <= text.size());
  if (notation == Notation::kHex) HF_CHECK(2 * bytes->size() == text.size());
  CheckEncoding(notation, *bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Notation notation = kNotations[size % std::size(kNotations)];
  CheckEncoding(notation, bytes);
  CheckDecoding(notation, bytes);
  const bool utf8 = IsValidUtf8(bytes);
  HF_CHECK(utf8 == IsUtf8ByTable(bytes));
  HF_CHECK(utf8 || !IsPrintableText(bytes));
  return 0;
}
