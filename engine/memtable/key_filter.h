// Which user keys a memtable may hold: a read of a key that it does not hold
// ends at one word, mostly, and not in a search through the tree. (As RocksDB's
// memtable_whole_key_filtering.)
//
// A Bloom filter whose bits of a key are all in one word, chosen by the upper
// half of its hash. It has a fixed size, as it cannot grow under its readers;
// one that is too small says more often than it should that a key may be there.
//
// Thread safety: one thread at a time adds; MayContain from any thread beside
// it. Whoever was told by other means (with acquire) that a key was added finds
// it. So a word needs no order of its own.

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
        bits_(words_ == 0 ? nullptr
                          : std::make_unique<std::atomic<uint64_t>[]>(words_)) {
  }

  // REQUIRES for both: `key_hash` is HashKey of the user key.
  void Add(uint64_t key_hash) {
    if (words_ == 0) return;
    std::atomic<uint64_t>& word = bits_[WordOf(key_hash)];
    const uint64_t old = word.load(std::memory_order_relaxed);
    const uint64_t bits = old | BitsOf(key_hash);
    if (bits != old) word.store(bits, std::memory_order_relaxed);
  }
  bool MayContain(uint64_t key_hash) const {
    if (words_ == 0) return true;
    const uint64_t bits = BitsOf(key_hash);
    return (bits_[WordOf(key_hash)].load(std::memory_order_relaxed) & bits) ==
           bits;
  }

  size_t memory_bytes() const { return words_ * sizeof(uint64_t); }

 private:
  static constexpr int kProbes = 4;
  static constexpr int kProbeBits = 6;  // Of 64.

  size_t WordOf(uint64_t key_hash) const {
    return static_cast<size_t>(((key_hash >> 32) * uint64_t{words_}) >> 32);
  }
  static uint64_t BitsOf(uint64_t key_hash) {
    uint64_t bits = 0;
    for (int i = 0; i < kProbes; ++i) {
      bits |= uint64_t{1} << ((key_hash >> (i * kProbeBits)) & 63);
    }
    return bits;
  }

  const size_t words_;
  const std::unique_ptr<std::atomic<uint64_t>[]> bits_;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_MEMTABLE_KEY_FILTER_H_
