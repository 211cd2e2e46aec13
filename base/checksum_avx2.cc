#include "base/checksum_avx2.h"

#if HF_HAS_CHECKSUM_AVX2

// All that xxhash.h includes comes first: what stands below the pragma, and
// nothing else, is compiled for AVX2, and is this file's own (XXH_INLINE_ALL
// makes it static), so that no other file links to it.
#include <immintrin.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

#define XXH_INLINE_ALL
#define XXH_VECTOR 2  // XXH_AVX2
#include "xxhash.h"

namespace holdfast {

uint64_t Xxh3Avx2(const void* data, size_t bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(data, bytes, seed);
}

}  // namespace holdfast

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif  // HF_HAS_CHECKSUM_AVX2
