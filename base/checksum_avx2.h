// XXH3 in registers of 32 bytes, for processors that have them: half the time
// for what is longer than a kibibyte or so.

#ifndef HOLDFAST_BASE_CHECKSUM_AVX2_H_
#define HOLDFAST_BASE_CHECKSUM_AVX2_H_

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
#define HF_HAS_CHECKSUM_AVX2 1
#else
#define HF_HAS_CHECKSUM_AVX2 0
#endif

#if HF_HAS_CHECKSUM_AVX2
namespace holdfast {

// XXH3-64 of `data` with `seed`. REQUIRES: the processor has AVX2.
uint64_t Xxh3Avx2(const void* data, size_t bytes, uint64_t seed);

}  // namespace holdfast
#endif

#endif  // HOLDFAST_BASE_CHECKSUM_AVX2_H_
