// A sorted list of entries (internal key, value) that only grows: lock-free
// insertion from many threads, wait-free reading beside it.
//
//   Arena arena;
//   SkipList list(&arena);
//   list.Insert("key", PackTrailer(7, ValueType::kValue), "value");
//   SkipList::Iterator it(&list);
//   for (it.SeekToFirst(); it.Valid(); it.Next()) Use(it.internal_key());
//
// A node is one piece of the arena:
//
//   next[height-1] ... next[1] next[0] | varint32 internal key length |
//   user key | trailer | varint32 value length | value
//
// A node pointer points to next[0]: links lie before it, the entry after it,
// so that neither needs the height, and the link and the key that a search
// touches are neighbours. Key and trailer stand as one internal key, so that
// iterators hand out views and copy nothing.
//
// Invariants:
//   (1) A node is never removed or changed but for its links.
//   (2) Each level is sorted strictly by internal key; level i+1 is a part of
//       level i. A node is linked from level 0 upwards.
//   (3) A link goes from a pointer to one nearer after it: a node found before
//       a key stays before it, so an insertion that lost a race goes on from
//       where it stands.
//
// Memory orders. A node's bytes and its own link at level i are written before
// the compare-exchange that puts the node into level i. That exchange releases,
// and each reader loads each link with acquire: who reaches a node at level i
// sees its entry, its link at i and, as lower levels were linked before, those
// below. A reader uses no link above the level at which it came. The node's own
// link is written relaxed: it copies a pointer that the inserter itself loaded
// with acquire, so the release passes on what that acquire saw. max_height_ is
// relaxed: an old value starts a search lower, which is slower and as right;
// a new one finds null links in the head. The heights' counter is relaxed: it
// only has to give different numbers.
//
// Thread safety: thread-safe. Insert is lock-free, all reading wait-free in the
// sense that no other thread can make it start again. An entry whose Insert
// happened before a search is found by it.

#ifndef HOLDFAST_ENGINE_MEMTABLE_SKIPLIST_H_
#define HOLDFAST_ENGINE_MEMTABLE_SKIPLIST_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/memtable/arena.h"

namespace holdfast {

class SkipList {
  struct Node;  // Never defined: see the layout above.

 public:
  // With branching 4: enough for 4^12 = 16 million entries at best speed.
  static constexpr int kMaxHeight = 12;
  static constexpr size_t kMaxUserKeyBytes = (size_t{1} << 31) - 1;
  static constexpr size_t kMaxValueBytes = (size_t{1} << 32) - 1;

  // The same seed and the same order of insertions give the same list.
  // The arena must outlive the list.
  explicit SkipList(Arena* arena, uint64_t seed = 0x486f6c6466617374);
  SkipList(const SkipList&) = delete;
  SkipList& operator=(const SkipList&) = delete;

  // Adds a copy of the entry. REQUIRES: no entry has this key and trailer;
  // dies otherwise, as two changes got one sequence number. Sizes within the
  // limits above.
  void Insert(std::string_view user_key, uint64_t trailer,
              std::string_view value);

  // Thread-compatible. The list must outlive it. Sees insertions that happen
  // while it lives, where it has not passed yet.
  class Iterator {
   public:
    explicit Iterator(const SkipList* list) : list_(list) {}

    bool Valid() const { return node_ != nullptr; }
    void SeekToFirst();
    void SeekToLast();
    // Stands on the first entry at or after (user_key, trailer) in
    // internal-key order.
    void Seek(std::string_view user_key, uint64_t trailer);
    // REQUIRES for those below: Valid(). Prev searches from the head:
    // O(log n).
    void Next();
    void Prev();
    // Views that live as long as the arena.
    std::string_view internal_key() const;
    std::string_view value() const;

   private:
    const SkipList* list_;
    const Node* node_ = nullptr;
  };

 private:
  using Link = std::atomic<Node*>;

  struct Key {
    std::string_view user_key;
    uint64_t trailer;
  };

  static Link& LinkOf(const Node* node, int level);
  static std::string_view KeyOf(const Node* node);
  static std::string_view ValueOf(const Node* node);
  // RETURNS negative, 0 or positive as the node is before, at or after `key`.
  static int Compare(const Node* node, const Key& key);

  // The head as a node: links only.
  Node* Head() const;
  int RandomHeight();
  Node* NewNode(const Key& key, std::string_view value, int height);
  // Puts into prev[level] the last node before `key`, for every level.
  void FindPrevious(const Key& key, Node** prev) const;
  // Puts the node into one level, at or after `prev`, which is before it.
  // RETURNS the node that it now follows.
  static Node* LinkInto(Node* node, const Key& key, int level, Node* prev);

  const Node* FindAtOrAfter(const Key& key) const;
  // RETURN null when there is none.
  const Node* FindBefore(const Key& key) const;
  const Node* FindLast() const;
  // Null in place of the head.
  const Node* NotHead(const Node* node) const;

  Arena* const arena_;
  std::atomic<int> max_height_{1};
  std::atomic<uint64_t> height_state_;  // A SplitMix64 state.
  mutable Link head_[kMaxHeight] = {};

  // Where the last insertion took place, for keys that come in order: whoever
  // sets hint_busy_ may use it, the others search from the head. The exchange
  // acquires what the owner before released.
  //   hint_[0] is the last node inserted so, or the head; hint_[i] is a node in
  //   level i at or before hint_[0].
  std::atomic<bool> hint_busy_{false};
  Node* hint_[kMaxHeight];
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_MEMTABLE_SKIPLIST_H_
