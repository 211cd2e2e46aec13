#include "fuzz/support/mutator.h"

#include <cstring>

// Of libFuzzer, and of the engines that stand in for it. Weak: a replay has
// none of them, and is the same source.
extern "C" [[gnu::weak]] size_t LLVMFuzzerMutate(uint8_t* data, size_t size,
                                                 size_t max_size);

namespace holdfast {
namespace {

size_t Mutate(uint8_t* data, size_t size, size_t max_size, unsigned int seed) {
  if (LLVMFuzzerMutate != nullptr) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  if (size > 0) data[seed % size] ^= static_cast<uint8_t>(1 + seed % 255);
  return size;
}

}  // namespace

size_t MutateAndMend(uint8_t* data, size_t size, size_t max_size,
                     unsigned int seed, void (*mend)(std::string* bytes)) {
  size = Mutate(data, size, max_size, seed);
  if (seed % kUnmendedOneIn == 0) return size;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  mend(&bytes);
  if (bytes.size() > max_size) return size;
  if (!bytes.empty()) std::memcpy(data, bytes.data(), bytes.size());
  return bytes.size();
}

}  // namespace holdfast
