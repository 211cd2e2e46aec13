// Compares the engine's log reader with the reference.

#ifndef HOLDFAST_FUZZ_LOG_CHECK_READER_H_
#define HOLDFAST_FUZZ_LOG_CHECK_READER_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/format/log_frame.h"
#include "fuzz/log/reference_log.h"

namespace holdfast {

struct ReaderKnobs {
  uint64_t required_bytes = 0;
  // Of the file: see BytesReader.
  size_t most_at_once = SIZE_MAX;
  uint64_t unreadable_offset = UINT64_MAX;
};

// Reads `content` as the log `identity` with LogReader and by the book; dies
// when they differ in anything: records and their offsets, frames, where and
// how the log ends, which error, at which offset of which file. Dies, too, when
// LogReader reads more of the file than a small multiple, holds more memory
// than the content justifies, takes an error of the file for an end, or says
// something else when it is asked again. RETURNS what the book says.
ReferenceLog CheckLogReader(std::string_view content,
                            const LogIdentity& identity,
                            const ReaderKnobs& knobs = {});

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_LOG_CHECK_READER_H_
