#include "engine/memtable/tree_node.h"

#include <algorithm>
#include <bit>
#include <new>

namespace holdfast::tree {
namespace {

// So much less than its keys share is a prefix, so that a key a little
// outside of their range is likely to have it too.
constexpr unsigned kSpareBytes = 2;
// A prefix becomes longer when so many bytes of the heads are all alike, in a
// node with this many keys at least.
constexpr unsigned kAlikeBytes = 4;
constexpr unsigned kFewKeys = 8;

unsigned CommonBytes(std::string_view a, std::string_view b) {
  const size_t limit = std::min(a.size(), b.size());
  return static_cast<unsigned>(
      std::mismatch(a.begin(), a.begin() + limit, b.begin()).first - a.begin());
}

Prefix PrefixOf(std::string_view key, size_t bytes) {
  Prefix prefix;
  prefix.bytes = static_cast<uint32_t>(bytes);
  prefix.far = key.data();
  if (bytes <= sizeof(prefix.words)) {
    for (unsigned i = 0; i * 8 < bytes; ++i) {
      prefix.words[i] = HeadAt(key.substr(0, bytes), i * 8);
    }
  }
  return prefix;
}

// Gives the run a better prefix, and heads to it, when that is worth it.
// `among` is the run, or a longer one that it is cut from, which says more of
// the keys to come.
void ChoosePrefix(Run* run, const Run& among, bool has_prefix) {
  if (has_prefix) {
    if (among.count < kFewKeys) return;
    const uint64_t differ = among.heads[0] ^ among.heads[among.count - 1];
    if (std::countl_zero(differ) < static_cast<int>(kAlikeBytes) * 8) return;
  }
  const std::string_view first = UserKeyOf(among.keys[0]);
  const std::string_view last = UserKeyOf(among.keys[among.count - 1]);
  const unsigned common = CommonBytes(first, last);
  const unsigned bytes = common - std::min(common, kSpareBytes);
  if (has_prefix) {
    const size_t covered = run->prefix.bytes + sizeof(uint64_t);
    // Neither longer nor would the heads tell more.
    if (bytes <= run->prefix.bytes ||
        (first.size() <= covered && last.size() <= covered)) {
      return;
    }
  }
  run->prefix = PrefixOf(first, bytes);
  constexpr unsigned kAhead = 8;
  for (unsigned i = 0; i < run->count; ++i) {
    if (i + kAhead < run->count) __builtin_prefetch(run->keys[i + kAhead]);
    run->heads[i] = HeadAt(UserKeyOf(run->keys[i]), bytes);
  }
}

}  // namespace

Run Cut(const Run& from, unsigned begin, unsigned end, bool has_prefix) {
  Run run{from.heads + begin, from.keys + begin, end - begin, from.prefix};
  const Run whole = run;
  ChoosePrefix(&run, run.count < kFewKeys ? from : whole, has_prefix);
  return run;
}

void Node::SetPrefix(const Prefix& from) {
  prefix_bytes.store(from.bytes, kRelease);
  far_prefix.store(from.far, kRelease);
  for (unsigned i = 0; i < kPrefixWords; ++i) {
    prefix[i].store(from.words[i], kRelease);
  }
}

Prefix Node::GetPrefix() const {
  Prefix to;
  to.bytes = prefix_bytes.load(kAcquire);
  to.far = far_prefix.load(kAcquire);
  for (unsigned i = 0; i < kPrefixWords; ++i) {
    to.words[i] = prefix[i].load(kAcquire);
  }
  return to;
}

Leaf::Leaf(unsigned node_capacity) : Node(0, node_capacity) {
  const unsigned all_words = 2 * OrderWords(node_capacity) + node_capacity;
  for (unsigned i = 0; i < all_words; ++i) new (words() + i) Word(0);
  for (unsigned i = 0; i < node_capacity; ++i) {
    new (entries() + i) Slot(nullptr);
  }
}

}  // namespace holdfast::tree
