// Where a log ends in its file, which has zeros behind it.

#ifndef HOLDFAST_ENGINE_DB_TESTING_LOG_LENGTH_H_
#define HOLDFAST_ENGINE_DB_TESTING_LOG_LENGTH_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/coding.h"
#include "engine/format/log_frame.h"

namespace holdfast {

// The length of the frames at the beginning of a log that is not damaged.
inline size_t LengthOfLog(std::string_view content) {
  size_t length = 0;
  while (length + kFrameHeaderBytes <= content.size()) {
    // Payload length and type: docs/formats/log.md.
    const uint32_t length_type = DecodeFixed32(content.data() + length + 4);
    const uint32_t type = length_type >> 24;
    if (type == 0) break;
    length += kFrameHeaderBytes + (length_type & 0xffffff);
    if (type == static_cast<uint32_t>(FrameType::kSeal)) break;
  }
  return length;
}

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_TESTING_LOG_LENGTH_H_
