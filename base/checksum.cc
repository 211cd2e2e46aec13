#include "base/checksum.h"

#include "base/checksum_avx2.h"
#include "base/coding.h"

#define XXH_INLINE_ALL
#include "xxhash.h"

namespace holdfast {

uint64_t Checksum64(std::string_view data, uint64_t context) {
#if HF_HAS_CHECKSUM_AVX2
  // What is shorter gains nothing.
  constexpr size_t kLeastBytes = 512;
  if (data.size() >= kLeastBytes && __builtin_cpu_supports("avx2")) {
    return Xxh3Avx2(data.data(), data.size(), context);
  }
#endif
  return XXH3_64bits_withSeed(data.data(), data.size(), context);
}

uint32_t Checksum32(std::string_view data, uint64_t context) {
  return static_cast<uint32_t>(Checksum64(data, context));
}

uint64_t MixContext(uint64_t a, uint64_t b) {
  char bytes[16];
  EncodeFixed64(bytes, a);
  EncodeFixed64(bytes + 8, b);
  return XXH3_64bits(bytes, sizeof(bytes));
}

uint64_t HashKey(std::string_view key) {
  return XXH3_64bits(key.data(), key.size());
}

}  // namespace holdfast
