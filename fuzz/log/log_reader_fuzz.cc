// Any bytes as a log (engine/wal/log_reader.h). Property: the reader says what
// a reader by the book says (check_reader.h): the same records, the same end,
// the same error at the same offset. It reads the file a bounded number of
// times, holds no more than the file justifies, and passes errors of the file
// on. What PeekLogHeader accepts, it reads.
//
// The input is five bytes of choices and the file. The file is read as the log
// that it claims to be, so that a log of any database is a seed.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/coding.h"
#include "engine/format/log_frame.h"
#include "fuzz/log/check_reader.h"
#include "fuzz/support/fuzz_input.h"

namespace {

using namespace holdfast;

// Where the payload of the header frame has kind, db_id and number.
LogIdentity Claimed(std::string_view file) {
  if (file.size() < kLogHeaderFrameBytes) return {.db_id = 1, .number = 7};
  const char* const payload = file.data() + kFrameHeaderBytes;
  return {.db_id = DecodeFixed64(payload + 8),
          .kind = static_cast<LogKind>(payload[4]),
          .number = DecodeFixed64(payload + 16)};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput in(data, size);
  const uint8_t how = in.Byte();
  const uint16_t place = in.Short();
  const uint16_t required = in.Short();
  const std::string_view file = in.Rest();
  ReaderKnobs knobs;
  if (how & 1) knobs.required_bytes = required;
  if (how & 2) knobs.most_at_once = 1 + place % 64;
  if (how & 4) knobs.unreadable_offset = place;
  CheckLogReader(file, Claimed(file), knobs);
  return 0;
}
