// Records as lines of text: what RecordReader reads back, byte for byte.
//
// Thread safety: pure functions.

#ifndef HOLDFAST_KVD_RECORD_WRITER_H_
#define HOLDFAST_KVD_RECORD_WRITER_H_

#include <string>
#include <string_view>

#include "kvd/text.h"

namespace holdfast::kvd {

// Appends {"key":…,"value":…} and a line end. What is not UTF-8, or all when
// `hex`, goes into "key_hex" and "value_hex".
void AppendJsonLine(std::string_view key, std::string_view value, bool hex,
                    std::string* dst);

// Appends key, tab, value and a line end.
void AppendTsvLine(std::string_view key, std::string_view value,
                   Notation notation, std::string* dst);

// Appends {"key":…} or the key alone, and a line end.
void AppendJsonKeyLine(std::string_view key, bool hex, std::string* dst);
void AppendTextKeyLine(std::string_view key, Notation notation,
                       std::string* dst);

}  // namespace holdfast::kvd

#endif  // HOLDFAST_KVD_RECORD_WRITER_H_
