// A part of a key as an integer: what nodes, indexes and sorts keep beside a
// pointer to the key, so that most comparisons need not follow it.

#ifndef HOLDFAST_ENGINE_FORMAT_KEY_HEAD_H_
#define HOLDFAST_ENGINE_FORMAT_KEY_HEAD_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/coding.h"

namespace holdfast {

// The bytes of the key from `offset`, as a number in which the first counts
// most. Missing bytes are 0, so that numbers are in the order of the keys but
// for equal ones.
inline uint64_t HeadAt(std::string_view key, size_t offset) {
  if (key.size() >= offset + 8) [[likely]]
    return __builtin_bswap64(DecodeFixed64(key.data() + offset));
  if (key.size() <= offset) return 0;
  const size_t left = key.size() - offset;  // 1 to 7.
  if (key.size() >= 8) [[likely]] {
    return __builtin_bswap64(DecodeFixed64(key.data() + key.size() - 8))
           << (64 - 8 * left);
  }
  uint64_t head = 0;
  for (size_t i = 0; i < left; ++i) {
    head |= uint64_t{static_cast<uint8_t>(key[offset + i])} << (56 - 8 * i);
  }
  return head;
}

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_FORMAT_KEY_HEAD_H_
