// Keys and values of the benchmark: the same for every engine.

#ifndef HOLDFAST_BENCH_KEYS_H_
#define HOLDFAST_BENCH_KEYS_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"

namespace holdfast::bench {

enum class KeyShape {
  kDecimal,    // Digits, as the LevelDB benchmark makes them.
  kBigEndian,  // The number in 8 bytes, zeros before it.
};

struct DataShape {
  KeyShape key_shape = KeyShape::kDecimal;
  size_t key_bytes = 16;  // At least 16.
  size_t value_bytes = 100;
};

// The key of a number; reuses its memory.
class KeyMaker {
 public:
  explicit KeyMaker(const DataShape& shape)
      : shape_(shape.key_shape),
        key_(shape.key_bytes,
             shape.key_shape == KeyShape::kDecimal ? '0' : '\0') {}

  // Lives until the next call.
  std::string_view Of(uint64_t number) {
    if (shape_ == KeyShape::kBigEndian) {
      for (size_t i = 0; i < 8; ++i, number >>= 8) {
        key_[key_.size() - 1 - i] = static_cast<char>(number & 0xff);
      }
      return key_;
    }
    for (size_t i = 0; i < 16; ++i, number /= 10) {
      key_[key_.size() - 1 - i] = static_cast<char>('0' + number % 10);
    }
    return key_;
  }

 private:
  const KeyShape shape_;
  std::string key_;
};

// Values of which half is random and half repeats: LZ4 halves them.
class ValueMaker {
 public:
  ValueMaker(const DataShape& shape, uint64_t seed)
      : random_(seed), value_bytes_(shape.value_bytes) {
    const size_t slots = std::max<size_t>(1, (size_t{1} << 20) / value_bytes_);
    bytes_.resize(slots * value_bytes_);
    const size_t half = std::max<size_t>(1, value_bytes_ / 2);
    for (size_t i = 0; i < bytes_.size(); ++i) {
      bytes_[i] = i % value_bytes_ < half
                      ? static_cast<char>(' ' + random_.Uniform(95))
                      : bytes_[i - half];
    }
  }

  std::string_view Next() {
    const uint64_t slot = random_.Uniform(bytes_.size() / value_bytes_);
    return std::string_view(bytes_).substr(slot * value_bytes_, value_bytes_);
  }

 private:
  Random random_;
  const size_t value_bytes_;
  std::string bytes_;
};

// Numbers below n of which few are frequent: YCSB's scrambled Zipfian choice
// with exponent 0.99. (Gray et al., "Quickly generating billion-record
// synthetic databases", SIGMOD 1994.)
class Zipfian {
 public:
  Zipfian(uint64_t n, uint64_t seed)
      : n_(n), random_(seed), zeta_(Zeta(n)), zeta2_(Zeta(2)) {}

  // The rank: 0 is the most frequent.
  uint64_t NextRank() {
    const double u = static_cast<double>(random_.Next64() >> 11) * 0x1.0p-53;
    const double uz = u * zeta_;
    if (uz < 1) return 0;
    if (uz < 1 + std::pow(0.5, kTheta)) return 1;
    const double alpha = 1 / (1 - kTheta);
    const double eta =
        (1 - std::pow(2.0 / static_cast<double>(n_), 1 - kTheta)) /
        (1 - zeta2_ / zeta_);
    const auto rank = static_cast<uint64_t>(static_cast<double>(n_) *
                                            std::pow(eta * u - eta + 1, alpha));
    return std::min(rank, n_ - 1);
  }

  // The frequent ones spread over all numbers.
  uint64_t Next() { return Random(NextRank()).Next64() % n_; }

 private:
  static constexpr double kTheta = 0.99;
  static double Zeta(uint64_t n) {
    double sum = 0;
    for (uint64_t i = 1; i <= n; ++i) {
      sum += 1 / std::pow(static_cast<double>(i), kTheta);
    }
    return sum;
  }

  const uint64_t n_;
  Random random_;
  const double zeta_;
  const double zeta2_;
};

}  // namespace holdfast::bench

#endif  // HOLDFAST_BENCH_KEYS_H_
