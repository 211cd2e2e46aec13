// Bytes as text and back. Keys and values are any bytes; people, terminals and
// text files want text. Two notations, both reversible:
//
//   escaped   printable UTF-8 stays as it is, a backslash is \\, any other byte
//             is \xNN. The ASCII form also writes all bytes above 7f as \xNN.
//   hex       two hex digits a byte.
//
//   EncodeText(Notation::kEscaped, "Zürich\0")  →  "Zürich\x00"
//   DecodeText(Notation::kEscaped, R"(a\x00b)") →  the bytes 61 00 62
//
// Invariants:
// (1) DecodeText(n, EncodeText(n, bytes)) == bytes, for any bytes.
// (2) EncodeText gives one line of valid UTF-8 without tabs or control
//     characters, so that it is safe on a terminal and as a TSV column.
//
// Thread safety: pure functions.

#ifndef HOLDFAST_KVD_TEXT_H_
#define HOLDFAST_KVD_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace holdfast::kvd {

enum class Notation {
  kEscaped,       // Reads both escaped forms.
  kEscapedAscii,  // Reads both escaped forms.
  kHex,
};

std::string EncodeText(Notation notation, std::string_view bytes);
void AppendText(Notation notation, std::string_view bytes, std::string* dst);

// Besides what EncodeText writes, the escaped notations take \n, \t and \r, and
// leave bytes that need no escape, printable or not, as they are.
// kInvalidArgument, with the position, for anything else after a backslash.
absl::StatusOr<std::string> DecodeText(Notation notation,
                                       std::string_view text);

// Whether `bytes` is well-formed UTF-8: no overlong form, no surrogate, nothing
// above U+10FFFF.
bool IsValidUtf8(std::string_view bytes);

// Whether `bytes` is well-formed UTF-8 made of printable characters, line ends
// and tabs: fit to be written on a terminal.
bool IsPrintableText(std::string_view bytes);

// "171,075".
std::string FormatCount(uint64_t count);
// "0 B", "1023 B", "1.5 KiB", "64.0 MiB".
std::string FormatBytes(uint64_t bytes);
// "0.4 s", "12 s", "3 min 05 s", "2 h 07 min".
std::string FormatDuration(uint64_t micros);

}  // namespace holdfast::kvd

#endif  // HOLDFAST_KVD_TEXT_H_
