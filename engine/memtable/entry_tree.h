// A sorted set of entries (internal key, value) that only grows: a B+-tree for
// one writer and any number of readers, who never wait.
//
//   Arena arena;
//   EntryTree tree(&arena);
//   tree.Insert("key", PackTrailer(7, ValueType::kValue), "value");
//   EntryTree::Iterator it(&tree);
//   for (it.SeekToFirst(); it.Valid(); it.Next()) Use(it.internal_key());
//
// Entries lie in the arena; nodes, which lie there too, point to them, and keep
// eight bytes of each key beside the pointer (tree_node.h).
//
// Invariants:
//   (1) Inner nodes never change, but for their pointers to children. Leaves
//       only grow: an entry goes into the next free slot; then a new order of
//       the slots, written to the one of two places that is not in use, comes
//       into force by one store of the leaf's state. All else (a split, a
//       larger leaf, a shorter prefix) makes new nodes, which take the place of
//       the old ones by one store, of a pointer in their parent or of the root.
//   (2) A node that has been replaced is *retired*: its state changes. After
//       that its memory serves for another node of its kind (a leaf of the same
//       capacity, an inner node of the same level).
//   (3) A state never comes again. While it stands, so do the node's entries,
//       their order, and the range of keys that are looked for in it.
//   (4) In a leaf's slots and an inner node's places are, once they were used,
//       always pointers to entries or nodes of this tree, whatever the state.
//
// Reading. A reader takes a node's state before anything else in it, and uses
// nothing of it before it has found the state unchanged afterwards. On the way
// down it takes the pointer to a child, the child's state, and then sees that
// the parent's state and pointer are what they were: so at that moment the
// child was in the tree, for the range of keys that the parent says. Where it
// finds a change it starts again from the root. It never waits: each change
// that makes it start again is an insertion finished or all but finished, and a
// writer that stands still in the midst of one stops nobody.
//
// Memory orders. All that a node holds is atomic; everything is stored with
// release and loaded, by readers, with acquire. So who sees one value of a
// change sees all that the writer did before:
//   - from a pointer to an entry or a node, its bytes;
//   - from a leaf's state, the slots and the order that it speaks of;
//   - from any value that a node got after it was retired, its new state, and
//     that of every node above it that was retired with it, as those come
//     first: a reader that mixes two lives of a node finds out;
//   - from a value of an order that is not in force yet, that the state which
//     was in force with that place before has gone.
// An insertion that happened before a search has changed everything by then,
// and the search cannot see what was before. Capacity and level belong to the
// memory, not to the node in it: they are constant and not atomic.
//
// Thread safety: one thread at a time inserts (each after the one before, by
// means of the caller). Readers are lock-free beside it.

#ifndef HOLDFAST_ENGINE_MEMTABLE_ENTRY_TREE_H_
#define HOLDFAST_ENGINE_MEMTABLE_ENTRY_TREE_H_

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "engine/format/key_head.h"
#include "engine/memtable/arena.h"
#include "engine/memtable/entry.h"
#include "engine/memtable/tree_node.h"

namespace holdfast {

// kLeafSlots entries in a leaf and kInnerSlots separators in an inner node:
// EntryTree below, and tiny ones in tests.
template <unsigned kLeafSlots, unsigned kInnerSlots>
class BasicEntryTree {
  using Node = tree::Node;
  using Leaf = tree::Leaf;
  using Inner = tree::Inner<kInnerSlots>;
  using Rank = tree::Rank;
  using Count = tree::Count;
  using Run = tree::Run;
  using Word = tree::Word;

  static constexpr auto kAcquire = tree::kAcquire;
  static constexpr auto kRelease = tree::kRelease;
  static constexpr auto kRelaxed = tree::kRelaxed;

 public:
  // The arena must outlive the tree.
  explicit BasicEntryTree(Arena* arena) : arena_(arena) {}
  BasicEntryTree(const BasicEntryTree&) = delete;
  BasicEntryTree& operator=(const BasicEntryTree&) = delete;

  // Adds a copy of the entry. REQUIRES: no entry has this key and trailer;
  // dies otherwise, as two changes got one sequence number. Sizes within the
  // limits of an entry.
  void Insert(std::string_view user_key, uint64_t trailer,
              std::string_view value);

  // RETURNS the first entry of the user key at or after the trailer in
  // internal-key order, or null when there is none.
  Entry Find(std::string_view user_key, uint64_t trailer) const;

  // Thread-compatible. The tree must outlive it. Sees all that was there when
  // it was positioned by a Seek, and may see what came later.
  class Iterator {
   public:
    explicit Iterator(const BasicEntryTree* tree) : tree_(tree) {}

    bool Valid() const { return place_.entry != nullptr; }
    void SeekToFirst() { MoveTo(tree_->First()); }
    void SeekToLast() { MoveTo(tree_->Last()); }
    // Stands on the first entry at or after (user_key, trailer) in
    // internal-key order.
    void Seek(std::string_view user_key, uint64_t trailer) {
      MoveTo(tree_->AtOrAfter({user_key, trailer}));
    }
    // REQUIRES for those below: Valid().
    void Next();
    void Prev();
    Entry entry() const {
      HF_DCHECK(Valid());
      return place_.entry;
    }
    // Views that live as long as the arena.
    std::string_view internal_key() const { return InternalKeyOf(entry()); }
    std::string_view value() const { return ValueOf(entry()); }

   private:
    friend class BasicEntryTree;

    // The entry was that of `index` in the order of `state`. `next` is the
    // first entry after the leaf, `next_of_parent` that after its parent. No
    // parent: the leaf was the root.
    struct Place {
      const Leaf* leaf = nullptr;
      uint64_t state = 0;
      unsigned index = 0;
      unsigned child = 0;  // Which one of the parent's the leaf was.
      Entry entry = nullptr;
      Entry next = nullptr;
      const Inner* parent = nullptr;
      uint64_t parent_state = 0;
      Entry next_of_parent = nullptr;
    };

    // Steps ahead of which an entry is fetched into the cache.
    static constexpr unsigned kAhead = 3;

    void MoveTo(const Place& place);
    Entry EntryAt(unsigned index) const;
    void PrefetchAt(unsigned index) const;

    const BasicEntryTree* tree_;
    Place place_;
    // Of the leaf, as its state says.
    const Word* order_ = nullptr;
    const Leaf::Slot* entries_ = nullptr;
  };

 private:
  using Place = typename Iterator::Place;

  static_assert(kLeafSlots >= 4 && kLeafSlots <= 248);
  static_assert(kInnerSlots >= 3 && kInnerSlots <= 255);

  // A new tree, and after a split half a leaf, should not cost a whole one.
  static constexpr unsigned kSmallLeaf = std::max(2u, kLeafSlots / 8);
  static constexpr unsigned kMiddleLeaf = kLeafSlots / 4 * 3;
  static constexpr unsigned kLeafSizes[] = {kSmallLeaf, kMiddleLeaf,
                                            kLeafSlots};
  // Inner nodes have at least two children.
  static constexpr unsigned kMaxLevels = 40;
  // What a full node and one more come to.
  static constexpr unsigned kMaxRun = std::max(kLeafSlots, kInnerSlots) + 1;

  // --- Reading ---

  // Goes to the child that parent, parent_state and child of the place say.
  // RETURNS it, and puts its state and what follows it into the place; null
  // when the tree has changed there.
  static const Node* TakeChild(Place* place);
  // Goes down to the leaf that child_of(inner, state) leads to.
  // RETURNS a place without index and entry; no leaf when the tree is empty.
  template <typename ChildOf>
  Place Descend(ChildOf child_of) const;
  Place First() const;
  Place Last() const;
  Place AtOrAfter(const EntryKey& key) const {
    return Search(key, Count::kBefore);
  }
  Place After(const EntryKey& key) const {
    return Search(key, Count::kBeforeOrEqual);
  }
  Place Search(EntryKey key, Count what) const;
  Place Before(const EntryKey& key) const;
  // RETURN the first entry of the leaf after that of the place, and the last
  // one of the leaf before. REQUIRES: its state stood after all that was read
  // of it.
  Place NextLeaf(const Place& from) const;
  Place PreviousLeaf(const Place& from) const;

  // --- Writing ---

  struct Step {
    Inner* node;
    unsigned child;
  };

  Leaf* LeafFor(const EntryKey& key, bool is_newest);
  static void AddToLeaf(Leaf* leaf, unsigned index, uint64_t head, Entry entry);
  // The leaf of path_ has no room, or the key has not its prefix.
  void Restructure(Leaf* leaf, unsigned index, Entry entry, bool has_prefix);
  Leaf* MakeLeaf(const Run& run, bool will_grow);
  Inner* MakeInner(unsigned level, const Run& run, Node* const* children);
  // Puts `node` in the place of path_'s node at `level`.
  void Replace(unsigned level, Node* node);
  // The same, for two nodes, of which the right one begins at `key`.
  void ReplaceByTwo(unsigned level, Node* left, Entry key, Node* right);
  void Retire(Node* node);

  Arena* const arena_;
  std::atomic<Node*> root_{nullptr};

  // The writer's own.
  bool same_length_ = true;  // All user keys have one length.
  uint64_t largest_trailer_ = 0;
  Entry last_ = nullptr;        // The last in order.
  Leaf* rightmost_ = nullptr;   // Where it is.
  unsigned height_ = 0;         // The level of the root.
  Step path_[kMaxLevels] = {};  // By level, from 1: how LeafFor went.
  std::vector<Leaf*> free_leaves_[std::size(kLeafSizes)];
  std::vector<Inner*> free_inners_[kMaxLevels];
};

// Sizes by measurement: docs/performance.md.
using EntryTree = BasicEntryTree<64, 128>;

// ----- Reading ---------------------------------------------------------------

template <unsigned L, unsigned I>
inline const tree::Node* BasicEntryTree<L, I>::TakeChild(Place* place) {
  const Inner* const parent = place->parent;
  const unsigned index = place->child;
  const Node* const child = parent->children[index].load(kAcquire);
  if (parent->level == 1) static_cast<const Leaf*>(child)->Prefetch();
  place->next = index < tree::CountOf(place->parent_state)
                    ? parent->keys[index].load(kAcquire)
                    : place->next_of_parent;
  place->state = child->state.load(kAcquire);
  const bool stands = parent->children[index].load(kAcquire) == child &&
                      parent->state.load(kAcquire) == place->parent_state;
  return stands ? child : nullptr;
}

template <unsigned L, unsigned I>
template <typename ChildOf>
inline typename BasicEntryTree<L, I>::Place BasicEntryTree<L, I>::Descend(
    ChildOf child_of) const {
  for (;;) {
    const Node* node = root_.load(kAcquire);
    if (node == nullptr) return {};
    uint64_t state = node->state.load(kAcquire);
    if (root_.load(kAcquire) != node) continue;
    Place place;
    while (node->level > 0) {
      const Inner* const inner = static_cast<const Inner*>(node);
      place.parent = inner;
      place.parent_state = state;
      place.next_of_parent = place.next;
      place.child = child_of(inner, state);
      node = TakeChild(&place);
      if (node == nullptr) [[unlikely]]
        break;
      state = place.state;
    }
    if (node == nullptr) [[unlikely]]
      continue;
    place.leaf = static_cast<const Leaf*>(node);
    place.state = state;
    return place;
  }
}

template <unsigned L, unsigned I>
typename BasicEntryTree<L, I>::Place BasicEntryTree<L, I>::First() const {
  for (;;) {
    Place place = Descend([](const Inner*, uint64_t) { return 0u; });
    if (place.leaf == nullptr) return place;
    place.entry = place.leaf->EntryAt(place.state, 0);
    if (place.leaf->state.load(kAcquire) == place.state) return place;
  }
}

template <unsigned L, unsigned I>
typename BasicEntryTree<L, I>::Place BasicEntryTree<L, I>::Last() const {
  for (;;) {
    Place place = Descend(
        [](const Inner*, uint64_t state) { return tree::CountOf(state); });
    if (place.leaf == nullptr) return place;
    place.index = tree::CountOf(place.state) - 1;
    place.entry = place.leaf->EntryAt(place.state, place.index);
    if (place.leaf->state.load(kAcquire) == place.state) return place;
  }
}

template <unsigned L, unsigned I>
typename BasicEntryTree<L, I>::Place BasicEntryTree<L, I>::Search(
    EntryKey key, Count what) const {
  for (;;) {
    Place place = Descend([&key](const Inner* inner, uint64_t state) {
      return tree::RankIn(inner, state, key, Count::kBeforeOrEqual).index;
    });
    if (place.leaf == nullptr) return place;
    place.index = tree::RankIn(place.leaf, place.state, key, what).index;
    const bool inside = place.index < tree::CountOf(place.state);
    if (inside) place.entry = place.leaf->EntryAt(place.state, place.index);
    if (place.leaf->state.load(kAcquire) != place.state) continue;
    if (inside || place.next == nullptr) return place;
    // The first of the leaf that follows.
    key = KeyOf(place.next);
    what = Count::kBefore;
  }
}

template <unsigned L, unsigned I>
typename BasicEntryTree<L, I>::Place BasicEntryTree<L, I>::Before(
    const EntryKey& key) const {
  for (;;) {
    // A separator is an entry, the first of its leaf: where there is a leaf to
    // the left, the one chosen here begins before the key.
    Place place = Descend([&key](const Inner* inner, uint64_t state) {
      return tree::RankIn(inner, state, key, Count::kBefore).index;
    });
    if (place.leaf == nullptr) return place;
    const unsigned before =
        tree::RankIn(place.leaf, place.state, key, Count::kBefore).index;
    if (before > 0) {
      place.index = before - 1;
      place.entry = place.leaf->EntryAt(place.state, place.index);
    }
    if (place.leaf->state.load(kAcquire) == place.state) return place;
  }
}

template <unsigned L, unsigned I>
typename BasicEntryTree<L, I>::Place BasicEntryTree<L, I>::NextLeaf(
    const Place& from) const {
  if (from.next == nullptr) return {};
  if (from.parent != nullptr && from.child < tree::CountOf(from.parent_state)) {
    Place place = from;
    ++place.child;
    place.leaf = static_cast<const Leaf*>(TakeChild(&place));
    if (place.leaf != nullptr) {
      place.index = 0;
      place.entry = place.leaf->EntryAt(place.state, 0);
      if (place.child < tree::CountOf(place.parent_state)) {
        static_cast<const Leaf*>(
            place.parent->children[place.child + 1].load(kAcquire))
            ->PrefetchEntries();
      }
      if (place.leaf->state.load(kAcquire) == place.state) return place;
    }
  }
  return AtOrAfter(KeyOf(from.next));
}

template <unsigned L, unsigned I>
typename BasicEntryTree<L, I>::Place BasicEntryTree<L, I>::PreviousLeaf(
    const Place& from) const {
  if (from.parent != nullptr && from.child > 0) {
    Place place = from;
    --place.child;
    place.leaf = static_cast<const Leaf*>(TakeChild(&place));
    if (place.leaf != nullptr) {
      place.index = tree::CountOf(place.state) - 1;
      place.entry = place.leaf->EntryAt(place.state, place.index);
      if (place.child > 0) {
        static_cast<const Leaf*>(
            place.parent->children[place.child - 1].load(kAcquire))
            ->PrefetchEntries();
      }
      if (place.leaf->state.load(kAcquire) == place.state) return place;
    }
  }
  return Before(KeyOf(from.entry));
}

template <unsigned L, unsigned I>
Entry BasicEntryTree<L, I>::Find(std::string_view user_key,
                                 uint64_t trailer) const {
  const EntryKey key{user_key, trailer};
  for (;;) {
    const Place place = Descend([&key](const Inner* inner, uint64_t state) {
      return tree::RankIn(inner, state, key, Count::kBeforeOrEqual).index;
    });
    if (place.leaf == nullptr) return nullptr;
    const Rank rank =
        tree::RankIn(place.leaf, place.state, key, Count::kBefore);
    Entry entry = nullptr;
    if (rank.index == tree::CountOf(place.state)) {
      entry = place.next;
    } else if (rank.near) {
      entry = place.leaf->EntryAt(place.state, rank.index);
    }
    if (place.leaf->state.load(kAcquire) != place.state) continue;
    return entry != nullptr && UserKeyOf(entry) == user_key ? entry : nullptr;
  }
}

template <unsigned L, unsigned I>
inline void BasicEntryTree<L, I>::Iterator::MoveTo(const Place& place) {
  place_ = place;
  if (place.leaf == nullptr) return;
  order_ = place.leaf->order(tree::OrderOf(place.state));
  entries_ = place.leaf->entries();
}

template <unsigned L, unsigned I>
inline Entry BasicEntryTree<L, I>::Iterator::EntryAt(unsigned index) const {
  const uint64_t word = order_[index / 8].load(kAcquire);
  return entries_[(word >> (index % 8 * 8)) & 0xff].load(kAcquire);
}

template <unsigned L, unsigned I>
inline void BasicEntryTree<L, I>::Iterator::PrefetchAt(unsigned index) const {
  const Entry entry = EntryAt(index);
  __builtin_prefetch(entry);
  __builtin_prefetch(entry + Arena::kNodeAlignment);
}

template <unsigned L, unsigned I>
inline void BasicEntryTree<L, I>::Iterator::Next() {
  HF_DCHECK(Valid());
  const unsigned count = tree::CountOf(place_.state);
  const unsigned index = place_.index + 1;
  Entry entry = nullptr;
  if (index < count) [[likely]] {
    entry = EntryAt(index);
    if (index + kAhead < count) PrefetchAt(index + kAhead);
  }
  if (place_.leaf->state.load(kAcquire) != place_.state) [[unlikely]] {
    MoveTo(tree_->After(KeyOf(place_.entry)));
  } else if (index < count) [[likely]] {
    place_.index = index;
    place_.entry = entry;
  } else {
    MoveTo(tree_->NextLeaf(place_));
  }
}

template <unsigned L, unsigned I>
inline void BasicEntryTree<L, I>::Iterator::Prev() {
  HF_DCHECK(Valid());
  if (place_.index > 0) [[likely]] {
    const unsigned index = place_.index - 1;
    const Entry entry = EntryAt(index);
    if (index >= kAhead) PrefetchAt(index - kAhead);
    if (place_.leaf->state.load(kAcquire) == place_.state) [[likely]] {
      place_.index = index;
      place_.entry = entry;
      return;
    }
  } else if (place_.leaf->state.load(kAcquire) == place_.state) {
    MoveTo(tree_->PreviousLeaf(place_));
    return;
  }
  MoveTo(tree_->Before(KeyOf(place_.entry)));
}

// ----- Writing ---------------------------------------------------------------

template <unsigned L, unsigned I>
void BasicEntryTree<L, I>::Insert(std::string_view user_key, uint64_t trailer,
                                  std::string_view value) {
  const EntryKey key{user_key, trailer};
  const Entry entry = NewEntry(arena_, key, value);
  if (last_ == nullptr) {
    uint64_t head = HeadAt(UserKeyOf(entry), 0);
    Entry own = entry;
    rightmost_ = MakeLeaf({&head, &own, 1, {}}, false);
    last_ = entry;
    largest_trailer_ = trailer;
    root_.store(rightmost_, kRelease);
    return;
  }
  if (user_key.size() != UserKeyOf(last_).size()) same_length_ = false;
  bool is_newest = trailer > largest_trailer_;
  if (is_newest) largest_trailer_ = trailer;
  const bool is_last = CompareEntry(last_, key) < 0;
  if (is_last) {
    last_ = entry;
    const uint64_t state = rightmost_->state.load(kRelaxed);
    uint32_t prefix_bytes;
    if (tree::CountOf(state) < rightmost_->capacity &&
        rightmost_->OrderToPrefix(state, user_key, &prefix_bytes) == 0) {
      AddToLeaf(rightmost_, tree::CountOf(state),
                HeadAt(user_key, prefix_bytes), entry);
      return;
    }
  }
  is_newest = is_newest && same_length_;
  Leaf* const leaf = LeafFor(key, is_newest);
  const Count what = is_newest ? Count::kNewest : Count::kBefore;
  const uint64_t state = leaf->state.load(kRelaxed);
  const Rank rank = tree::RankIn(leaf, state, key, what);
  HF_CHECK(!rank.found);  // The entry is there already.
  uint32_t prefix_bytes;
  const bool has_prefix =
      leaf->OrderToPrefix(state, user_key, &prefix_bytes) == 0;
  if (has_prefix && tree::CountOf(state) < leaf->capacity) [[likely]] {
    AddToLeaf(leaf, rank.index, HeadAt(user_key, prefix_bytes), entry);
  } else {
    Restructure(leaf, rank.index, entry, has_prefix);
  }
}

template <unsigned L, unsigned I>
typename BasicEntryTree<L, I>::Leaf* BasicEntryTree<L, I>::LeafFor(
    const EntryKey& key, bool is_newest) {
  const Count what = is_newest ? Count::kNewest : Count::kBeforeOrEqual;
  Node* node = root_.load(kRelaxed);
  while (node->level > 0) {
    Inner* const inner = static_cast<Inner*>(node);
    const unsigned child =
        tree::RankIn(inner, inner->state.load(kRelaxed), key, what).index;
    path_[inner->level] = {inner, child};
    node = inner->children[child].load(kRelaxed);
    if (inner->level == 1) static_cast<Leaf*>(node)->Prefetch();
  }
  return static_cast<Leaf*>(node);
}

template <unsigned L, unsigned I>
inline void BasicEntryTree<L, I>::AddToLeaf(Leaf* leaf, unsigned index,
                                            uint64_t head, Entry entry) {
  const uint64_t state = leaf->state.load(kRelaxed);
  const unsigned slot = tree::CountOf(state);
  leaf->heads()[slot].store(head, kRelease);
  leaf->entries()[slot].store(entry, kRelease);
  // The order, with the new slot at `index` and what follows moved by a byte.
  const Word* const from = leaf->order(tree::OrderOf(state));
  Word* const to = leaf->order(tree::OrderOf(state + tree::kOneVersion));
  for (unsigned i = 0; i < index / 8; ++i) {
    to[i].store(from[i].load(kRelaxed), kRelease);
  }
  uint64_t carry = slot;
  for (unsigned i = index / 8; i <= slot / 8; ++i) {
    const uint64_t word = from[i].load(kRelaxed);
    if (i == index / 8) {
      const uint64_t before = (uint64_t{1} << (index % 8 * 8)) - 1;
      const uint64_t moved = word & ~before;
      to[i].store((word & before) | (carry << (index % 8 * 8)) | (moved << 8),
                  kRelease);
    } else {
      to[i].store((word << 8) | carry, kRelease);
    }
    carry = word >> 56;
  }
  leaf->state.store(state + tree::kOneVersion + 1, kRelease);
}

template <unsigned L, unsigned I>
void BasicEntryTree<L, I>::Restructure(Leaf* leaf, unsigned index, Entry entry,
                                       bool has_prefix) {
  const uint64_t state = leaf->state.load(kRelaxed);
  const unsigned count = tree::CountOf(state);
  const unsigned total = count + 1;
  uint64_t heads[kMaxRun];
  Entry entries[kMaxRun];
  Run run{heads, entries, total, leaf->GetPrefix()};
  for (unsigned i = 0; i < count; ++i) {
    const unsigned slot = leaf->SlotAt(state, i);
    const unsigned to = i < index ? i : i + 1;
    heads[to] = leaf->heads()[slot].load(kRelaxed);
    entries[to] = leaf->entries()[slot].load(kRelaxed);
  }
  heads[index] = HeadAt(UserKeyOf(entry), run.prefix.bytes);
  entries[index] = entry;

  if (total <= L) {
    Leaf* const made = MakeLeaf(tree::Cut(run, 0, total, has_prefix), false);
    Replace(0, made);
    if (leaf == rightmost_) rightmost_ = made;
    Retire(leaf);
    return;
  }
  // Keys that come in order, one way or the other, find the last one before
  // them in the newest slot. Then the leaf is split there, so that the one they
  // leave behind is full.
  const unsigned newest = count - 1;
  const bool rising = index > 0 && leaf->SlotAt(state, index - 1) == newest;
  const bool falling = index < count && leaf->SlotAt(state, index) == newest;
  unsigned split = total / 2;
  if (rising) {
    split = index > total / 2 ? index : index + 1;
  } else if (falling) {
    split = index < total / 2 ? index + 1 : index;
  }
  const bool in_order = rising || falling;
  Leaf* const left =
      split == count && index == count
          ? leaf
          : MakeLeaf(tree::Cut(run, 0, split, has_prefix || index >= split),
                     in_order);
  Leaf* const right =
      split == 1 && index == 0
          ? leaf
          : MakeLeaf(tree::Cut(run, split, total, has_prefix || index < split),
                     in_order);
  ReplaceByTwo(0, left, entries[split], right);
  if (leaf == rightmost_) rightmost_ = right;
  if (left == leaf || right == leaf) {
    // Its range has changed. Two versions on, the same order is in force.
    leaf->state.store(state + 2 * tree::kOneVersion, kRelease);
  } else {
    Retire(leaf);
  }
}

template <unsigned L, unsigned I>
typename BasicEntryTree<L, I>::Leaf* BasicEntryTree<L, I>::MakeLeaf(
    const Run& run, bool will_grow) {
  unsigned size = will_grow ? std::size(kLeafSizes) - 1 : 0;
  while (kLeafSizes[size] < run.count) ++size;
  Leaf* leaf;
  if (free_leaves_[size].empty()) {
    const unsigned capacity = kLeafSizes[size];
    leaf = new (arena_->AllocateNode(Leaf::SizeOf(capacity))) Leaf(capacity);
  } else {
    leaf = free_leaves_[size].back();
    free_leaves_[size].pop_back();
  }
  const uint64_t version = leaf->state.load(kRelaxed) / tree::kOneVersion + 1;
  const uint64_t state = version * tree::kOneVersion + run.count;
  leaf->SetPrefix(run.prefix);
  for (unsigned i = 0; i < run.count; ++i) {
    leaf->heads()[i].store(run.heads[i], kRelease);
    leaf->entries()[i].store(run.keys[i], kRelease);
  }
  Word* const order = leaf->order(tree::OrderOf(state));
  for (unsigned i = 0; i * 8 < run.count; ++i) {
    uint64_t slots = 0x0706050403020100u + i * 0x0808080808080808u;
    const unsigned left = run.count - i * 8;
    // Invariant (4): no slot that was never used.
    if (left < 8) slots &= (uint64_t{1} << (left * 8)) - 1;
    order[i].store(slots, kRelease);
  }
  leaf->state.store(state, kRelease);
  return leaf;
}

template <unsigned L, unsigned I>
typename BasicEntryTree<L, I>::Inner* BasicEntryTree<L, I>::MakeInner(
    unsigned level, const Run& run, Node* const* children) {
  Inner* inner;
  if (free_inners_[level].empty()) {
    inner = new (arena_->AllocateNode(sizeof(Inner))) Inner(level);
  } else {
    inner = free_inners_[level].back();
    free_inners_[level].pop_back();
  }
  const uint64_t version = inner->state.load(kRelaxed) / tree::kOneVersion + 1;
  inner->SetPrefix(run.prefix);
  for (unsigned i = 0; i < run.count; ++i) {
    inner->heads[i].store(run.heads[i], kRelease);
    inner->keys[i].store(run.keys[i], kRelease);
    inner->children[i].store(children[i], kRelease);
  }
  inner->children[run.count].store(children[run.count], kRelease);
  inner->state.store(version * tree::kOneVersion + run.count, kRelease);
  return inner;
}

template <unsigned L, unsigned I>
void BasicEntryTree<L, I>::Replace(unsigned level, Node* node) {
  if (level == height_) {
    root_.store(node, kRelease);
  } else {
    const Step& step = path_[level + 1];
    step.node->children[step.child].store(node, kRelease);
  }
}

template <unsigned L, unsigned I>
void BasicEntryTree<L, I>::ReplaceByTwo(unsigned level, Node* left, Entry key,
                                        Node* right) {
  uint64_t heads[kMaxRun];
  Entry keys[kMaxRun];
  Node* children[kMaxRun + 1];
  if (level == height_) {
    HF_CHECK(height_ + 1 < kMaxLevels);
    keys[0] = key;
    heads[0] = HeadAt(UserKeyOf(key), 0);
    children[0] = left;
    children[1] = right;
    Inner* const root = MakeInner(level + 1, {heads, keys, 1, {}}, children);
    root_.store(root, kRelease);
    ++height_;
    return;
  }
  const auto [parent, child] = path_[level + 1];
  const uint64_t state = parent->state.load(kRelaxed);
  const unsigned count = tree::CountOf(state);
  const unsigned total = count + 1;
  Run run{heads, keys, total, parent->GetPrefix()};
  for (unsigned i = 0; i < count; ++i) {
    const unsigned to = i < child ? i : i + 1;
    heads[to] = parent->heads[i].load(kRelaxed);
    keys[to] = parent->keys[i].load(kRelaxed);
    children[to + 1] = parent->children[i + 1].load(kRelaxed);
  }
  children[0] = parent->children[0].load(kRelaxed);
  children[child] = left;
  children[child + 1] = right;
  keys[child] = key;
  heads[child] = HeadAt(UserKeyOf(key), run.prefix.bytes);
  uint32_t prefix_bytes;
  const bool has_prefix =
      parent->OrderToPrefix(state, UserKeyOf(key), &prefix_bytes) == 0;
  if (total <= I) {
    Replace(
        level + 1,
        MakeInner(level + 1, tree::Cut(run, 0, total, has_prefix), children));
  } else {
    // In order: all but what the right one needs stays on the left.
    const unsigned split = child == count ? total - 2 : total / 2;
    Inner* const left_half =
        MakeInner(level + 1, tree::Cut(run, 0, split, has_prefix), children);
    Inner* const right_half =
        MakeInner(level + 1, tree::Cut(run, split + 1, total, has_prefix),
                  children + split + 1);
    ReplaceByTwo(level + 1, left_half, keys[split], right_half);
  }
  Retire(parent);
}

template <unsigned L, unsigned I>
void BasicEntryTree<L, I>::Retire(Node* node) {
  node->state.store(node->state.load(kRelaxed) + tree::kOneVersion, kRelease);
  if (node->level > 0) {
    free_inners_[node->level].push_back(static_cast<Inner*>(node));
    return;
  }
  const auto* const size =
      std::find(std::begin(kLeafSizes), std::end(kLeafSizes), node->capacity);
  free_leaves_[size - std::begin(kLeafSizes)].push_back(
      static_cast<Leaf*>(node));
}

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_MEMTABLE_ENTRY_TREE_H_
