// A seeded generator of pseudo-random numbers (SplitMix64: Steele, Lea, Flood,
// "Fast splittable pseudorandom number generators", OOPSLA 2014). The only
// source of chance in the tree besides FileSystem-provided entropy at database
// creation; the same seed gives the same numbers on every machine.
//
// Thread-compatible.

#ifndef HOLDFAST_BASE_RANDOM_H_
#define HOLDFAST_BASE_RANDOM_H_

#include <cstdint>

#include "base/check.h"

namespace holdfast {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next64() {
    state_ += 0x9e3779b97f4a7c15u;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  // Uniform in [0, n), up to a bias of n / 2^64. REQUIRES: n > 0.
  uint64_t Uniform(uint64_t n) {
    HF_DCHECK(n > 0);
    return Next64() % n;
  }

  // True once in n on average. REQUIRES: n > 0.
  bool OneIn(uint64_t n) { return Uniform(n) == 0; }

 private:
  uint64_t state_;
};

}  // namespace holdfast

#endif  // HOLDFAST_BASE_RANDOM_H_
