// As log_frames_fuzz, with payloads and gaps about as large as a frame or a
// chunk of the reader: what lies across the borders. Slow, hence by itself.

#include <cstddef>
#include <cstdint>

#include "fuzz/log/log_program.h"
#include "fuzz/support/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  holdfast::RunLogProgram(holdfast::FuzzInput(data, size), /*large=*/true);
  return 0;
}
