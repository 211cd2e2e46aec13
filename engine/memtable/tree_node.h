// The nodes of an EntryTree and the search in one of them.
//
// Beside each pointer to an entry a node keeps the *head* of its key: eight
// bytes, as a number, from where the prefix that the node's keys share ends.
// Equal heads alone make a search look at the entry itself, which is likely a
// miss of every cache. So the prefix should be long; but when a key comes that
// has not it, the node must be made anew.
//
// What may change, and when a reader may use what it read: entry_tree.h.

#ifndef HOLDFAST_ENGINE_MEMTABLE_TREE_NODE_H_
#define HOLDFAST_ENGINE_MEMTABLE_TREE_NODE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/format/key_head.h"
#include "engine/memtable/arena.h"
#include "engine/memtable/entry.h"

namespace holdfast::tree {

using Word = std::atomic<uint64_t>;
inline constexpr auto kAcquire = std::memory_order_acquire;
inline constexpr auto kRelease = std::memory_order_release;
inline constexpr auto kRelaxed = std::memory_order_relaxed;

// A state is a version and, in its lowest byte, the number of entries or
// separators. A leaf's version also says which order is in force.
inline constexpr uint64_t kOneVersion = 1 << 8;
inline unsigned CountOf(uint64_t state) { return state & 0xff; }
inline unsigned OrderOf(uint64_t state) { return (state / kOneVersion) & 1; }

inline constexpr unsigned kPrefixWords = 5;
// As much as fits is kept in the node, as heads; else only `far` is used,
// which points to some key that has it.
struct Prefix {
  uint32_t bytes = 0;
  const char* far = nullptr;
  uint64_t words[kPrefixWords] = {};
};

// A sorted run of keys of which nodes are to be made.
struct Run {
  uint64_t* heads;
  Entry* keys;
  unsigned count;
  Prefix prefix;
};

// RETURNS the run [begin, end) of a longer one, with a better prefix, and heads
// to it, when that is worth it. Without `has_prefix`, not all its keys have the
// prefix and heads of `from`.
Run Cut(const Run& from, unsigned begin, unsigned end, bool has_prefix);

// What leaves and inner nodes begin with: a cache line.
struct Node {
  Node(unsigned node_level, unsigned node_capacity)
      : level(static_cast<uint16_t>(node_level)),
        capacity(static_cast<uint16_t>(node_capacity)) {}

  void SetPrefix(const Prefix& prefix);
  // REQUIRES: the writer, or a state that is checked afterwards.
  Prefix GetPrefix() const;
  // RETURNS negative, 0 or positive as the key is before, among or after
  // the keys with the prefix, of which *bytes is the length.
  int OrderToPrefix(uint64_t seen_state, std::string_view key,
                    uint32_t* bytes) const;

  Word state{0};
  std::atomic<uint32_t> prefix_bytes{0};
  const uint16_t level;  // 0: a leaf.
  const uint16_t capacity;
  std::atomic<const char*> far_prefix{nullptr};
  Word prefix[kPrefixWords] = {};
};
static_assert(sizeof(Node) == 64);

inline int Node::OrderToPrefix(uint64_t seen_state, std::string_view key,
                               uint32_t* bytes) const {
  const uint32_t n = prefix_bytes.load(kAcquire);
  *bytes = n;
  if (n > sizeof(prefix)) [[unlikely]] {
    const char* const far = far_prefix.load(kAcquire);
    // Whether length and bytes belong together.
    if (state.load(kAcquire) != seen_state) return 1;
    return key.substr(0, n).compare(std::string_view(far, n));
  }
  for (unsigned i = 0; i * 8 < n; ++i) {
    const uint64_t word = prefix[i].load(kAcquire);
    uint64_t own = HeadAt(key, i * 8);
    if (n < i * 8 + 8) own &= ~uint64_t{0} << (64 - (n - i * 8) * 8);
    if (own != word) return own < word ? -1 : 1;
  }
  return key.size() < n ? -1 : 0;  // What it lacks counted as zeros.
}

// order[2][capacity / 8] | heads[capacity] | entries[capacity] follow; an
// order has a byte for each slot.
struct Leaf : Node {
  using Slot = std::atomic<Entry>;

  static size_t SizeOf(unsigned capacity) {
    return sizeof(Leaf) + 2 * OrderWords(capacity) * sizeof(Word) +
           capacity * (sizeof(Word) + sizeof(Slot));
  }
  static unsigned OrderWords(unsigned capacity) { return (capacity + 7) / 8; }

  explicit Leaf(unsigned capacity);

  Word* order(unsigned which) const {
    return words() + which * OrderWords(capacity);
  }
  Word* heads() const { return words() + 2 * OrderWords(capacity); }
  Slot* entries() const { return reinterpret_cast<Slot*>(heads() + capacity); }
  unsigned SlotAt(uint64_t seen_state, unsigned index) const {
    const uint64_t word = order(OrderOf(seen_state))[index / 8].load(kAcquire);
    return (word >> (index % 8 * 8)) & 0xff;
  }
  Entry EntryAt(uint64_t seen_state, unsigned index) const {
    return entries()[SlotAt(seen_state, index)].load(kAcquire);
  }
  // The lines that a search needs, and those that a walk needs. (The capacity
  // is in one of them: as if it were 64.)
  void Prefetch() const { PrefetchLines(0, 11); }
  void PrefetchEntries() const {
    PrefetchLines(0, 3);
    PrefetchLines(8, 19);
  }

 private:
  void PrefetchLines(unsigned begin, unsigned end) const {
    const char* const p = reinterpret_cast<const char*>(this);
    for (unsigned i = begin; i < end; ++i) __builtin_prefetch(p + i * 64);
  }
  Word* words() const {
    return reinterpret_cast<Word*>(const_cast<Leaf*>(this) + 1);
  }
};
static_assert(sizeof(Leaf) == sizeof(Node));

// Child i holds what is before key i and not before key i-1.
template <unsigned kSlots>
struct Inner : Node {
  explicit Inner(unsigned level) : Node(level, kSlots) {}

  Word heads[kSlots] = {};
  std::atomic<Entry> keys[kSlots] = {};
  std::atomic<Node*> children[kSlots + 1] = {};
};

// Where a key is among those of a node.
struct Rank {
  unsigned index = 0;  // The number of those before it.
  // Whether the head of the one at `index`, if there is one, may be the
  // key's.
  bool near = false;
  bool found = false;  // The very key, when looked for: only with `near`.
};

// How keys are counted by a search. kNewest: the writer knows that the key's
// trailer is above all, so that it comes before its other versions, and that
// all keys have one length: equal heads that reach to the end of the key are
// equal keys, and the entries need not be looked at.
enum class Count { kBefore, kBeforeOrEqual, kNewest };

template <typename KeyAt>
Rank RankAmongEqual(unsigned begin, unsigned end, const EntryKey& key,
                    Count what, KeyAt key_at) {
  Rank rank;
  while (begin < end) {
    const unsigned middle = begin + (end - begin) / 2;
    const int order = CompareEntry(key_at(middle), key);
    if (order == 0) rank.found = true;
    if (order < 0 || (order == 0 && what == Count::kBeforeOrEqual)) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  rank.index = begin;
  rank.near = true;
  return rank;
}

// RETURN where the key is in a node whose state the caller has read.
template <unsigned kSlots>
inline Rank RankIn(const Inner<kSlots>* inner, uint64_t state,
                   const EntryKey& key, Count what) {
  const unsigned count = CountOf(state);
  uint32_t prefix_bytes;
  const int order = inner->OrderToPrefix(state, key.user_key, &prefix_bytes);
  if (order != 0) [[unlikely]]
    return {order < 0 ? 0 : count};
  const uint64_t head = HeadAt(key.user_key, prefix_bytes);
  const Word* base = inner->heads;
  for (unsigned n = count; n > 1;) {
    const unsigned half = n / 2;
    base = base[half - 1].load(kAcquire) < head ? base + half : base;
    n -= half;
  }
  unsigned index = static_cast<unsigned>(base - inner->heads);
  if (count > 0 && base->load(kAcquire) < head) ++index;
  if (index == count || inner->heads[index].load(kAcquire) != head) [[likely]]
    return {index};
  if (what == Count::kNewest && key.user_key.size() <= prefix_bytes + 8) {
    return {index};
  }
  unsigned end = index + 1;
  if (end < count && inner->heads[end].load(kAcquire) == head) {
    unsigned high = count;
    while (end < high) {
      const unsigned middle = end + (high - end) / 2;
      if (inner->heads[middle].load(kAcquire) <= head) {
        end = middle + 1;
      } else {
        high = middle;
      }
    }
  }
  return RankAmongEqual(index, end, key, what, [&](unsigned i) {
    return inner->keys[i].load(kAcquire);
  });
}

inline Rank RankIn(const Leaf* leaf, uint64_t state, const EntryKey& key,
                   Count what) {
  const unsigned count = CountOf(state);
  uint32_t prefix_bytes;
  const int order = leaf->OrderToPrefix(state, key.user_key, &prefix_bytes);
  if (order != 0) [[unlikely]]
    return {order < 0 ? 0 : count};
  const uint64_t head = HeadAt(key.user_key, prefix_bytes);
  const Word* const heads = leaf->heads();
  unsigned index = 0;
  for (unsigned n = count; n > 0;) {
    const unsigned half = (n + 1) / 2;
    const uint64_t probe =
        heads[leaf->SlotAt(state, index + half - 1)].load(kAcquire);
    index = probe < head ? index + half : index;
    n = n - half;
  }
  const auto head_at = [&](unsigned i) {
    return heads[leaf->SlotAt(state, i)].load(kAcquire);
  };
  if (index == count || head_at(index) != head) [[likely]]
    return {index};
  if (what == Count::kNewest && key.user_key.size() <= prefix_bytes + 8) {
    return {index};
  }
  unsigned end = index + 1;
  if (end < count && head_at(end) == head) {
    unsigned high = count;
    while (end < high) {
      const unsigned middle = end + (high - end) / 2;
      if (head_at(middle) <= head) {
        end = middle + 1;
      } else {
        high = middle;
      }
    }
  }
  return RankAmongEqual(index, end, key, what,
                        [&](unsigned i) { return leaf->EntryAt(state, i); });
}

}  // namespace holdfast::tree

#endif  // HOLDFAST_ENGINE_MEMTABLE_TREE_NODE_H_
