#include "engine/iter/merging_iterator.h"

#include <cstddef>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "base/check.h"
#include "base/mutant.h"
#include "engine/format/internal_key.h"

namespace holdfast {
namespace {

// Invariants, while status_ is OK:
//   (1) All entries have one order: by internal key, then by the child's place.
//       The current entry is that of heap_[0]; each other child stands on its
//       first entry after it (forward) or its last before it (backward).
//   (2) heap_ is a binary heap of the children that are Valid, the next one in
//       the direction on top. The others have ended, with an OK status.
// When status_ is an error, heap_ is empty.
class MergingIterator final : public InternalIterator {
 public:
  explicit MergingIterator(
      std::vector<std::unique_ptr<InternalIterator>> children) {
    children_.reserve(children.size());
    for (std::unique_ptr<InternalIterator>& child : children) {
      children_.push_back({std::move(child), {}});
    }
    heap_.reserve(children_.size());
  }

  bool Valid() const override { return !heap_.empty(); }

  void SeekToFirst() override {
    Restart(kForward, [](InternalIterator& child) { child.SeekToFirst(); });
  }
  void SeekToLast() override {
    Restart(kBackward, [](InternalIterator& child) { child.SeekToLast(); });
  }
  void Seek(std::string_view target) override {
    Restart(kForward,
            [target](InternalIterator& child) { child.Seek(target); });
  }

  void Next() override {
    HF_CHECK(Valid());
    if (direction_ != kForward) {
      TurnForward();
      if (!Valid()) return;
    }
    children_[heap_[0]].iter->Next();
    SettleTop();
  }

  void Prev() override {
    HF_CHECK(Valid());
    if (direction_ != kBackward) {
      TurnBackward();
      if (!Valid()) return;
    }
    children_[heap_[0]].iter->Prev();
    SettleTop();
  }

  std::string_view key() const override {
    HF_CHECK(Valid());
    return children_[heap_[0]].key;
  }
  std::string_view value() const override {
    HF_CHECK(Valid());
    return children_[heap_[0]].iter->value();
  }
  absl::Status status() const override { return status_; }

 private:
  enum Direction { kForward, kBackward };

  struct Child {
    std::unique_ptr<InternalIterator> iter;
    std::string_view key;  // iter->key(), while it is in the heap.
  };

  void Fail(absl::Status status) {
    status_ = std::move(status);
    heap_.clear();
  }

  // Looks where the child stands after it has moved. RETURNS false and fails
  // when it stopped for an error; otherwise *valid tells whether it has an
  // entry.
  bool Look(size_t index, bool* valid) {
    Child& child = children_[index];
    *valid = child.iter->Valid();
    if (*valid) {
      child.key = child.iter->key();
      return true;
    }
    absl::Status status = child.iter->status();
    if (status.ok() || HF_MUTANT("merging_iterator.failed_child_ends_it")) {
      return true;
    }
    Fail(std::move(status));
    return false;
  }

  // Asks children that ended long ago as well.
  void CheckEnd() {
    for (const Child& child : children_) {
      absl::Status status = child.iter->status();
      if (!status.ok()) return Fail(std::move(status));
    }
  }

  template <class SeekChild>
  void Restart(Direction direction, const SeekChild& seek) {
    status_ = absl::OkStatus();
    direction_ = direction;
    heap_.clear();
    for (size_t i = 0; i < children_.size(); ++i) {
      seek(*children_[i].iter);
      bool valid;
      if (!Look(i, &valid)) return;
      if (valid) heap_.push_back(i);
    }
    BuildHeap();
  }

  // The current child has moved: restores the heap.
  void SettleTop() {
    bool valid;
    if (!Look(heap_[0], &valid)) return;
    if (!valid) {
      heap_[0] = heap_.back();
      heap_.pop_back();
      if (heap_.empty()) return CheckEnd();
    }
    SiftDown(0);
  }

  // A source that gives a wrong place for a key (from bytes that nobody
  // verified) is the world's fault and not ours: no check, but an error.
  void FinishTurn(size_t current) {
    BuildHeap();
    if (heap_[0] == current) return;
    Fail(absl::InternalError("a source of the merge is out of order"));
  }

  // Puts the children other than the current one on their first entry after
  // the current entry.
  void TurnForward() {
    direction_ = kForward;
    const size_t current = heap_[0];
    const std::string_view key = children_[current].key;
    heap_.clear();
    for (size_t i = 0; i < children_.size(); ++i) {
      bool valid = true;
      if (i != current) {
        InternalIterator& child = *children_[i].iter;
        child.Seek(key);
        if (!Look(i, &valid)) return;
        // Of an equal key, an earlier child's entry is before the current one.
        if (valid && i < current &&
            CompareInternalKeys(children_[i].key, key) == 0) {
          child.Next();
          if (!Look(i, &valid)) return;
        }
      }
      if (valid) heap_.push_back(i);
    }
    FinishTurn(current);
  }

  // Puts the children other than the current one on their last entry before
  // the current entry.
  void TurnBackward() {
    direction_ = kBackward;
    const size_t current = heap_[0];
    const std::string_view key = children_[current].key;
    heap_.clear();
    for (size_t i = 0; i < children_.size(); ++i) {
      bool valid = true;
      if (i != current) {
        InternalIterator& child = *children_[i].iter;
        child.Seek(key);
        if (!Look(i, &valid)) return;
        if (!valid) {
          child.SeekToLast();  // All its entries are before the key.
          if (!Look(i, &valid)) return;
        } else if (i > current ||
                   CompareInternalKeys(children_[i].key, key) != 0) {
          child.Prev();
          if (!Look(i, &valid)) return;
        }
      }
      if (valid) heap_.push_back(i);
    }
    FinishTurn(current);
  }

  // True when child a comes before child b in the direction.
  bool Before(size_t a, size_t b) const {
    int order = CompareInternalKeys(children_[a].key, children_[b].key);
    if (order == 0) order = a < b ? -1 : 1;
    return direction_ == kForward ? order < 0 : order > 0;
  }

  void BuildHeap() {
    for (size_t i = heap_.size() / 2; i > 0; --i) SiftDown(i - 1);
  }

  void SiftDown(size_t at) {
    const size_t moving = heap_[at];
    for (;;) {
      size_t next = 2 * at + 1;
      if (next >= heap_.size()) break;
      if (next + 1 < heap_.size() && Before(heap_[next + 1], heap_[next])) {
        ++next;
      }
      if (Before(moving, heap_[next])) break;
      heap_[at] = heap_[next];
      at = next;
    }
    heap_[at] = moving;
  }

  std::vector<Child> children_;
  std::vector<size_t> heap_;  // Places in children_.
  Direction direction_ = kForward;
  absl::Status status_;
};

}  // namespace

std::unique_ptr<InternalIterator> NewMergingIterator(
    std::vector<std::unique_ptr<InternalIterator>> children) {
  for (const auto& child : children) HF_CHECK(child != nullptr);
  if (children.empty()) return NewEmptyIterator(absl::OkStatus());
  if (children.size() == 1) return std::move(children[0]);
  return std::make_unique<MergingIterator>(std::move(children));
}

}  // namespace holdfast
