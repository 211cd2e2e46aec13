// Bytes for seeds, written down in few characters.

#ifndef HOLDFAST_FUZZ_SEEDS_SEED_BYTES_H_
#define HOLDFAST_FUZZ_SEEDS_SEED_BYTES_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/coding.h"

namespace holdfast {

// Each below 256.
inline std::string Bytes(std::initializer_list<int> bytes) {
  std::string text;
  for (const int byte : bytes) text.push_back(static_cast<char>(byte));
  return text;
}

// A tagged field, as version edits and table properties have them.
inline std::string Field(uint32_t tag, std::string_view payload) {
  std::string bytes;
  PutVarint32(&bytes, tag);
  PutLengthPrefixed(&bytes, payload);
  return bytes;
}

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_SEEDS_SEED_BYTES_H_
