#include "fuzz/support/mutator.h"

#include <algorithm>
#include <cstring>

// Of libFuzzer, and of the engines that stand in for it. Weak: a replay has
// none of them, and is the same source.
extern "C" [[gnu::weak]] size_t LLVMFuzzerMutate(uint8_t* data, size_t size,
                                                 size_t max_size);

namespace holdfast {

size_t Mutate(uint8_t* data, size_t size, size_t max_size, unsigned int seed) {
  if (LLVMFuzzerMutate != nullptr) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  if (size > 0) data[seed % size] ^= static_cast<uint8_t>(1 + seed % 255);
  return size;
}

void MutateBytes(std::string* bytes, size_t max_bytes, unsigned int seed) {
  const size_t size = std::min(bytes->size(), max_bytes);
  bytes->resize(max_bytes);
  if (max_bytes == 0) return;
  bytes->resize(
      Mutate(reinterpret_cast<uint8_t*>(bytes->data()), size, max_bytes, seed));
}

size_t StoreInput(const std::string& bytes, uint8_t* data, size_t max_size) {
  const size_t size = std::min(bytes.size(), max_size);
  if (size > 0) std::memcpy(data, bytes.data(), size);
  return size;
}

size_t MutateAndMend(uint8_t* data, size_t size, size_t max_size,
                     unsigned int seed, void (*mend)(std::string* bytes)) {
  size = Mutate(data, size, max_size, seed);
  if (seed % kUnmendedOneIn == 0) return size;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  mend(&bytes);
  if (bytes.size() > max_size) return size;
  return StoreInput(bytes, data, max_size);
}

}  // namespace holdfast
