// Internal keys: how the versions of a user key are told apart and ordered.
//
//   internal key = user key ++ fixed64(sequence << 8 | type)
//
// The last eight bytes are the *trailer*. Order: user keys ascending as
// unsigned bytes, then trailers descending, so that of one user key the newest
// version comes first. Format: docs/formats/internal_key.md.

#ifndef HOLDFAST_ENGINE_FORMAT_INTERNAL_KEY_H_
#define HOLDFAST_ENGINE_FORMAT_INTERNAL_KEY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/coding.h"

namespace holdfast {

// The number of a change in commit order, from 1; 0 is before the first.
using SequenceNumber = uint64_t;
inline constexpr SequenceNumber kMaxSequenceNumber =
    (SequenceNumber{1} << 56) - 1;

// On disk, in the trailer and in write batches.
enum class ValueType : uint8_t {
  kDeletion = 0,  // A tombstone: the key is not there as of this number.
  kValue = 1,
};
// The largest type: with it, a seek finds every version at its number.
inline constexpr ValueType kValueTypeForSeek = ValueType::kValue;

inline constexpr size_t kTrailerBytes = 8;

inline uint64_t PackTrailer(SequenceNumber sequence, ValueType type) {
  HF_DCHECK(sequence <= kMaxSequenceNumber);
  return (sequence << 8) | static_cast<uint64_t>(type);
}

// REQUIRES for all four: internal_key.size() >= kTrailerBytes.
inline std::string_view ExtractUserKey(std::string_view internal_key) {
  HF_DCHECK(internal_key.size() >= kTrailerBytes);
  return internal_key.substr(0, internal_key.size() - kTrailerBytes);
}
inline uint64_t ExtractTrailer(std::string_view internal_key) {
  HF_DCHECK(internal_key.size() >= kTrailerBytes);
  return DecodeFixed64(internal_key.data() + internal_key.size() -
                       kTrailerBytes);
}
inline SequenceNumber ExtractSequence(std::string_view internal_key) {
  return ExtractTrailer(internal_key) >> 8;
}

struct ParsedInternalKey {
  std::string_view user_key;
  SequenceNumber sequence = 0;
  ValueType type = ValueType::kDeletion;
};

// RETURNS false when the bytes are too short or the type is unknown: damage, as
// the engine writes no such key.
bool ParseInternalKey(std::string_view internal_key, ParsedInternalKey* parsed);

void AppendInternalKey(std::string* dst, std::string_view user_key,
                       SequenceNumber sequence, ValueType type);
std::string MakeInternalKey(std::string_view user_key, SequenceNumber sequence,
                            ValueType type);

// Negative, 0 or positive, in the order of user keys: as unsigned bytes. Eight
// bytes at a time and inline: keys are short, and a call of memcmp takes longer
// than comparing them.
inline int CompareUserKeys(std::string_view a, std::string_view b) {
  const auto word = [](std::string_view key, size_t at) {
    return DecodeFixed64(key.data() + at);
  };
  // The first byte in memory that differs decides.
  const auto order = [](uint64_t x, uint64_t y) {
    return __builtin_bswap64(x) < __builtin_bswap64(y) ? -1 : 1;
  };
  const size_t n = a.size() < b.size() ? a.size() : b.size();
  size_t i = 0;
  for (; n - i >= 8; i += 8) {
    const uint64_t x = word(a, i);
    const uint64_t y = word(b, i);
    if (x != y) return order(x, y);
  }
  if (n >= 8) {
    // The rest, with bytes before it that are equal.
    const uint64_t x = word(a, n - 8);
    const uint64_t y = word(b, n - 8);
    if (x != y) return order(x, y);
  } else {
    for (; i < n; ++i) {
      const auto x = static_cast<unsigned char>(a[i]);
      const auto y = static_cast<unsigned char>(b[i]);
      if (x != y) return x < y ? -1 : 1;
    }
  }
  return a.size() < b.size() ? -1 : (a.size() > b.size() ? 1 : 0);
}

// Negative, 0 or positive, in internal-key order.
// REQUIRES: both at least kTrailerBytes long.
inline int CompareInternalKeys(std::string_view a, std::string_view b) {
  const int order = CompareUserKeys(ExtractUserKey(a), ExtractUserKey(b));
  if (order != 0) return order;
  const uint64_t a_trailer = ExtractTrailer(a);
  const uint64_t b_trailer = ExtractTrailer(b);
  return a_trailer > b_trailer ? -1 : (a_trailer < b_trailer ? 1 : 0);
}

// An internal key k with a <= k < b, as short as can be found: what an index
// stores for the end of a block that ends with `a` before one that begins with
// `b`. REQUIRES: a < b.
std::string ShortestSeparator(std::string_view a, std::string_view b);

// A short internal key k with k >= a.
std::string ShortSuccessor(std::string_view a);

// The internal key at which to look for a user key as of a sequence number.
// Thread-compatible; not copyable.
class LookupKey {
 public:
  LookupKey(std::string_view user_key, SequenceNumber sequence);
  LookupKey(const LookupKey&) = delete;
  LookupKey& operator=(const LookupKey&) = delete;

  std::string_view internal_key() const {
    return std::string_view(data_, size_);
  }
  std::string_view user_key() const {
    return std::string_view(data_, size_ - kTrailerBytes);
  }
  SequenceNumber sequence() const { return ExtractSequence(internal_key()); }

 private:
  static constexpr size_t kInlineBytes = 192;

  char inline_[kInlineBytes];
  std::string heap_;  // For keys that do not fit inline_.
  const char* data_;
  size_t size_;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_FORMAT_INTERNAL_KEY_H_
