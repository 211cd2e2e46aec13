// Which user keys a memtable may hold: a read of a key that it does not hold
// ends at one word, mostly, and not in a search through the tree. (As RocksDB's
// memtable_whole_key_filtering.)
//
// A Bloom filter whose bits of a key are all in one word, chosen by the upper
// half of its hash. It has a fixed size, as it cannot grow under its readers;
// one that is too small says more often than it should that a key may be there.
// The first keys go to a small part of it, which stays in the processor's
// nearest caches: a read of a memtable that was begun lately does not wait for
// its filter, nor does one of keys that are written again and again.
//
// Thread safety: one thread at a time adds; MayContain from any thread beside
// it. Whoever was told by other means (with acquire) that a key was added finds
// it. So a word needs no order of its own, nor whether the rest is used.

#ifndef HOLDFAST_ENGINE_MEMTABLE_KEY_FILTER_H_
#define HOLDFAST_ENGINE_MEMTABLE_KEY_FILTER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace holdfast {

class KeyFilter {
 public:
  // Of 0 bytes: every key may be there.
  explicit KeyFilter(size_t bytes)
      : words_(bytes / sizeof(uint64_t)),
        first_words_(words_ / kFirstPart),
        first_room_(first_words_ * 64 / kFirstBitsForAKey),
        bits_(words_ == 0 ? nullptr
                          : std::make_unique<std::atomic<uint64_t>[]>(words_)) {
  }

  // REQUIRES for both: `key_hash` is HashKey of the user key.
  void Add(uint64_t key_hash) {
    if (words_ == 0 || FirstHas(key_hash)) return;
    if (first_room_ > 0) {
      --first_room_;
      AddTo(FirstWordOf(key_hash), key_hash);
      return;
    }
    AddTo(RestWordOf(key_hash), key_hash);
    if (!rest_used_.load(std::memory_order_relaxed)) {
      rest_used_.store(true, std::memory_order_relaxed);
    }
  }
  bool MayContain(uint64_t key_hash) const {
    if (words_ == 0 || FirstHas(key_hash)) return true;
    return rest_used_.load(std::memory_order_relaxed) &&
           Has(RestWordOf(key_hash), key_hash);
  }

  size_t memory_bytes() const { return words_ * sizeof(uint64_t); }

 private:
  static constexpr int kProbes = 4;
  static constexpr int kProbeBits = 6;  // Of 64.

  // The part of the filter that the first keys have, and how full it gets.
  static constexpr size_t kFirstPart = 16;
  static constexpr size_t kFirstBitsForAKey = 16;

  static size_t WordOf(uint64_t key_hash, size_t words) {
    return static_cast<size_t>(((key_hash >> 32) * uint64_t{words}) >> 32);
  }
  size_t FirstWordOf(uint64_t key_hash) const {
    return WordOf(key_hash, first_words_);
  }
  size_t RestWordOf(uint64_t key_hash) const {
    return first_words_ + WordOf(key_hash, words_ - first_words_);
  }
  bool FirstHas(uint64_t key_hash) const {
    return first_words_ > 0 && Has(FirstWordOf(key_hash), key_hash);
  }
  bool Has(size_t word, uint64_t key_hash) const {
    const uint64_t bits = BitsOf(key_hash);
    return (bits_[word].load(std::memory_order_relaxed) & bits) == bits;
  }
  void AddTo(size_t word, uint64_t key_hash) {
    const uint64_t old = bits_[word].load(std::memory_order_relaxed);
    const uint64_t bits = old | BitsOf(key_hash);
    if (bits != old) bits_[word].store(bits, std::memory_order_relaxed);
  }
  static uint64_t BitsOf(uint64_t key_hash) {
    uint64_t bits = 0;
    for (int i = 0; i < kProbes; ++i) {
      bits |= uint64_t{1} << ((key_hash >> (i * kProbeBits)) & 63);
    }
    return bits;
  }

  const size_t words_;
  const size_t first_words_;  // Of all, those of the first part.
  size_t first_room_;         // Keys that it still takes; of who adds.
  std::atomic<bool> rest_used_{false};
  const std::unique_ptr<std::atomic<uint64_t>[]> bits_;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_MEMTABLE_KEY_FILTER_H_
