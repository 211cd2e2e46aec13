// Logs made of valid frames, whole and in odd orders (engine/wal). Property, in
// full in log_program.h: the reader gives the records before the first harm, in
// order, and tells damage from a torn tail; it agrees with a reader by the book
// and invents nothing.

#include <cstddef>
#include <cstdint>

#include "fuzz/log/log_program.h"
#include "fuzz/support/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  holdfast::RunLogProgram(holdfast::FuzzInput(data, size), /*large=*/false);
  return 0;
}
