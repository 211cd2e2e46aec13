// For custom mutators: libFuzzer's own mutation of one part of an input.

#ifndef HOLDFAST_FUZZ_TABLE_MUTATE_H_
#define HOLDFAST_FUZZ_TABLE_MUTATE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

// Of libFuzzer. Weak, as a replay is linked without it and mutates nothing.
extern "C" [[gnu::weak]] size_t LLVMFuzzerMutate(uint8_t* data, size_t size,
                                                 size_t max_size);

namespace holdfast {

// Changes *bytes in one random way; not longer than `max_bytes` afterwards.
inline void MutateBytes(std::string* bytes, size_t max_bytes) {
  size_t n = std::min(bytes->size(), max_bytes);
  bytes->resize(max_bytes);
  if (max_bytes == 0) return;
  n = LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(bytes->data()), n, max_bytes);
  bytes->resize(n);
}

// Puts `bytes`, cut at `max_size`, into a fuzzer's buffer. RETURNS the size.
inline size_t StoreInput(const std::string& bytes, uint8_t* data,
                         size_t max_size) {
  const size_t n = std::min(bytes.size(), max_size);
  if (n > 0) std::memcpy(data, bytes.data(), n);
  return n;
}

// Chance for a mutator, from the seed that it is given.
class MutatorRandom {
 public:
  explicit MutatorRandom(unsigned seed) : state_(seed) {}
  // In [0, n). REQUIRES: n > 0.
  size_t Below(size_t n) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<size_t>((state_ >> 33) % n);
  }

 private:
  uint64_t state_;
};

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_TABLE_MUTATE_H_
