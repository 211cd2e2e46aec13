// How an internal key follows another: what a walk over sorted entries asks,
// found in one pass over the bytes of both.

#ifndef HOLDFAST_ENGINE_FORMAT_KEY_STEP_H_
#define HOLDFAST_ENGINE_FORMAT_KEY_STEP_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/coding.h"
#include "engine/format/internal_key.h"

namespace holdfast {

// How many first bytes both have in common.
inline size_t SharedPrefix(std::string_view a, std::string_view b) {
  const size_t limit = std::min(a.size(), b.size());
  size_t n = 0;
  for (; n + sizeof(uint64_t) <= limit; n += sizeof(uint64_t)) {
    const uint64_t difference =
        DecodeFixed64(a.data() + n) ^ DecodeFixed64(b.data() + n);
    if (difference != 0) {  // The first byte is the lowest.
      return n + static_cast<size_t>(std::countr_zero(difference)) / 8;
    }
  }
  while (n < limit && a[n] == b[n]) ++n;
  return n;
}

struct KeyStep {
  size_t shared = 0;  // SharedPrefix of the internal keys.
  bool same_user_key = false;
  int order = 0;  // As CompareInternalKeys(before, key) has it.
};

// REQUIRES: both at least kTrailerBytes long.
inline KeyStep StepBetween(std::string_view before, std::string_view key) {
  KeyStep step;
  step.shared = SharedPrefix(before, key);
  const size_t before_user = before.size() - kTrailerBytes;
  const size_t key_user = key.size() - kTrailerBytes;
  if (step.shared < std::min(before_user, key_user)) {
    step.order = static_cast<unsigned char>(before[step.shared]) <
                         static_cast<unsigned char>(key[step.shared])
                     ? -1
                     : 1;
  } else if (before_user != key_user) {
    step.order = before_user < key_user ? -1 : 1;
  } else {
    step.same_user_key = true;
    const uint64_t before_trailer = ExtractTrailer(before);
    const uint64_t key_trailer = ExtractTrailer(key);
    step.order = before_trailer > key_trailer
                     ? -1
                     : (before_trailer < key_trailer ? 1 : 0);
  }
  return step;
}

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_FORMAT_KEY_STEP_H_
