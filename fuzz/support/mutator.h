// Mutation behind a checksum. Blind changes would nearly always end at the
// check in front of what is to be fuzzed, so the target puts right, after each
// change, what stands in the way:
//
//   extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size,
//                                             size_t max_size,
//                                             unsigned int seed) {
//     return MutateAndMend(data, size, max_size, seed, MendChecksum);
//   }
//
// libFuzzer finds that function by its name; nothing calls it in a replay.
//
// Thread-compatible.

#ifndef HOLDFAST_FUZZ_SUPPORT_MUTATOR_H_
#define HOLDFAST_FUZZ_SUPPORT_MUTATOR_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace holdfast {

// One input in so many is not mended, as the checks are to be met, too.
inline constexpr unsigned int kUnmendedOneIn = 8;

// Changes data[0, size) as libFuzzer does by itself. RETURNS the new size, at
// most max_size. Where there is no libFuzzer, in a test, the change is one byte
// that depends on `seed`.
size_t Mutate(uint8_t* data, size_t size, size_t max_size, unsigned int seed);

// The same for a string: at most `max_bytes` long afterwards.
void MutateBytes(std::string* bytes, size_t max_bytes, unsigned int seed);

// Puts `bytes`, cut at `max_size`, into a fuzzer's buffer. RETURNS the size.
size_t StoreInput(const std::string& bytes, uint8_t* data, size_t max_size);

// Mutates data[0, size), then calls `mend`, which
// may change anything, the size as well. RETURNS the new size, at most
// max_size; what `mend` made too large is left as it was before it.
size_t MutateAndMend(uint8_t* data, size_t size, size_t max_size,
                     unsigned int seed, void (*mend)(std::string* bytes));

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_SUPPORT_MUTATOR_H_
