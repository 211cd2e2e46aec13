#include "engine/memtable/skiplist.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <new>

#include "base/check.h"
#include "base/coding.h"
#include "base/random.h"
#include "engine/format/internal_key.h"

namespace holdfast {
namespace {

// Our own bytes: always well-formed.
inline const char* ReadLength(const char* p, uint32_t* length) {
  const uint8_t first = static_cast<uint8_t>(*p);
  if (first < 0x80) [[likely]] {
    *length = first;
    return p + 1;
  }
  p = DecodeVarint32(p, p + kMaxVarint32Bytes, length);
  HF_DCHECK(p != nullptr);
  return p;
}

inline std::string_view ReadPrefixed(const char* p) {
  uint32_t length;
  p = ReadLength(p, &length);
  return std::string_view(p, length);
}

}  // namespace

static_assert(SkipList::kMaxUserKeyBytes + kTrailerBytes <=
              std::numeric_limits<uint32_t>::max());
static_assert(SkipList::kMaxValueBytes <= std::numeric_limits<uint32_t>::max());

inline SkipList::Link& SkipList::LinkOf(const Node* node, int level) {
  // Links are mutable in every node, as in the head.
  return *(reinterpret_cast<Link*>(const_cast<Node*>(node)) - level);
}

inline std::string_view SkipList::KeyOf(const Node* node) {
  return ReadPrefixed(reinterpret_cast<const char*>(node) + sizeof(Link));
}

inline std::string_view SkipList::ValueOf(const Node* node) {
  const std::string_view key = KeyOf(node);
  return ReadPrefixed(key.data() + key.size());
}

inline int SkipList::Compare(const Node* node, const Key& key) {
  const std::string_view node_key = KeyOf(node);
  const int order = ExtractUserKey(node_key).compare(key.user_key);
  if (order != 0) return order;
  const uint64_t trailer = ExtractTrailer(node_key);
  return trailer > key.trailer ? -1 : (trailer < key.trailer ? 1 : 0);
}

inline SkipList::Node* SkipList::Head() const {
  return reinterpret_cast<Node*>(&head_[kMaxHeight - 1]);
}

inline const SkipList::Node* SkipList::NotHead(const Node* node) const {
  return node == Head() ? nullptr : node;
}

SkipList::SkipList(Arena* arena, uint64_t seed)
    : arena_(arena), height_state_(seed) {
  std::fill_n(hint_, kMaxHeight, Head());
}

int SkipList::RandomHeight() {
  constexpr uint64_t kGamma = 0x9e3779b97f4a7c15u;  // SplitMix64's step.
  const uint64_t state =
      height_state_.fetch_add(kGamma, std::memory_order_relaxed);
  const uint64_t bits = Random(state).Next64();
  // Each pair of zero bits is one chance in four.
  return std::min(1 + std::countr_zero(bits) / 2, kMaxHeight);
}

SkipList::Node* SkipList::NewNode(const Key& key, std::string_view value,
                                  int height) {
  HF_CHECK(key.user_key.size() <= kMaxUserKeyBytes);
  HF_CHECK(value.size() <= kMaxValueBytes);
  const size_t key_bytes = key.user_key.size() + kTrailerBytes;
  const size_t links_bytes = static_cast<size_t>(height) * sizeof(Link);
  char* const start =
      arena_->Allocate(links_bytes + VarintLength(key_bytes) + key_bytes +
                       VarintLength(value.size()) + value.size());
  for (int i = 0; i < height; ++i) {
    new (start + static_cast<size_t>(i) * sizeof(Link)) Link(nullptr);
  }
  char* p = start + links_bytes;
  p = EncodeVarint32(p, static_cast<uint32_t>(key_bytes));
  // Empty views may have no address, which memcpy refuses.
  if (!key.user_key.empty()) {
    std::memcpy(p, key.user_key.data(), key.user_key.size());
    p += key.user_key.size();
  }
  EncodeFixed64(p, key.trailer);
  p = EncodeVarint32(p + kTrailerBytes, static_cast<uint32_t>(value.size()));
  if (!value.empty()) std::memcpy(p, value.data(), value.size());
  return reinterpret_cast<Node*>(start + links_bytes - sizeof(Link));
}

void SkipList::FindPrevious(const Key& key, Node** prev) const {
  Node* node = Head();
  const Node* known_after = nullptr;
  int level = max_height_.load(std::memory_order_relaxed) - 1;
  std::fill(prev + level + 1, prev + kMaxHeight, node);
  for (;;) {
    Node* const next = LinkOf(node, level).load(std::memory_order_acquire);
    if (next != nullptr && next != known_after && Compare(next, key) < 0) {
      node = next;
      continue;
    }
    known_after = next;
    prev[level] = node;
    if (level == 0) return;
    --level;
  }
}

SkipList::Node* SkipList::LinkInto(Node* node, const Key& key, int level,
                                   Node* prev) {
  for (;;) {
    Node* next = LinkOf(prev, level).load(std::memory_order_acquire);
    if (next != nullptr) {
      const int order = Compare(next, key);
      HF_CHECK(order != 0);  // The entry is there already.
      if (order < 0) {
        prev = next;
        continue;
      }
    }
    LinkOf(node, level).store(next, std::memory_order_relaxed);
    // Release: publishes the node. Partner: the acquire loads of readers.
    if (LinkOf(prev, level)
            .compare_exchange_strong(next, node, std::memory_order_release,
                                     std::memory_order_relaxed)) {
      return prev;
    }
    // Another node came between: Invariant (3), go on from prev.
  }
}

void SkipList::Insert(std::string_view user_key, uint64_t trailer,
                      std::string_view value) {
  const Key key{user_key, trailer};
  const int height = RandomHeight();
  Node* const node = NewNode(key, value, height);
  int max_height = max_height_.load(std::memory_order_relaxed);
  while (height > max_height &&
         !max_height_.compare_exchange_weak(max_height, height,
                                            std::memory_order_relaxed)) {
  }

  Node* searched[kMaxHeight];
  const bool owns_hint = !hint_busy_.exchange(true, std::memory_order_acquire);
  Node** const prev = owns_hint ? hint_ : searched;
  bool in_order = false;
  if (owns_hint && (hint_[0] == Head() || Compare(hint_[0], key) < 0)) {
    const Node* next = LinkOf(hint_[0], 0).load(std::memory_order_acquire);
    in_order = next == nullptr || Compare(next, key) > 0;
  }
  if (!in_order) FindPrevious(key, prev);

  for (int level = 0; level < height; ++level) {  // Invariant (2).
    prev[level] = LinkInto(node, key, level, prev[level]);
  }
  if (owns_hint) {
    std::fill_n(hint_, height, node);
    hint_busy_.store(false, std::memory_order_release);
  }
}

const SkipList::Node* SkipList::FindAtOrAfter(const Key& key) const {
  const Node* node = Head();
  const Node* known_after = nullptr;
  int level = max_height_.load(std::memory_order_relaxed) - 1;
  for (;;) {
    const Node* const next =
        LinkOf(node, level).load(std::memory_order_acquire);
    if (level > 0) {  // Where the search most likely goes on.
      __builtin_prefetch(
          LinkOf(node, level - 1).load(std::memory_order_relaxed));
    }
    if (next != nullptr && next != known_after && Compare(next, key) < 0) {
      node = next;
      continue;
    }
    known_after = next;
    if (level == 0) return next;
    --level;
  }
}

const SkipList::Node* SkipList::FindBefore(const Key& key) const {
  Node* prev[kMaxHeight];
  FindPrevious(key, prev);
  return NotHead(prev[0]);
}

const SkipList::Node* SkipList::FindLast() const {
  const Node* node = Head();
  int level = max_height_.load(std::memory_order_relaxed) - 1;
  for (;;) {
    const Node* const next =
        LinkOf(node, level).load(std::memory_order_acquire);
    if (next != nullptr) {
      node = next;
    } else if (level-- == 0) {
      return NotHead(node);
    }
  }
}

void SkipList::Iterator::SeekToFirst() {
  node_ = LinkOf(list_->Head(), 0).load(std::memory_order_acquire);
}

void SkipList::Iterator::SeekToLast() { node_ = list_->FindLast(); }

void SkipList::Iterator::Seek(std::string_view user_key, uint64_t trailer) {
  node_ = list_->FindAtOrAfter({user_key, trailer});
}

void SkipList::Iterator::Next() {
  HF_DCHECK(Valid());
  node_ = LinkOf(node_, 0).load(std::memory_order_acquire);
  if (node_ != nullptr) {
    __builtin_prefetch(LinkOf(node_, 0).load(std::memory_order_relaxed));
  }
}

void SkipList::Iterator::Prev() {
  HF_DCHECK(Valid());
  const std::string_view key = KeyOf(node_);
  node_ = list_->FindBefore({ExtractUserKey(key), ExtractTrailer(key)});
}

std::string_view SkipList::Iterator::internal_key() const {
  HF_DCHECK(Valid());
  return KeyOf(node_);
}

std::string_view SkipList::Iterator::value() const {
  HF_DCHECK(Valid());
  return ValueOf(node_);
}

}  // namespace holdfast
