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
//       The current entry is that of winner_; each other child stands on its
//       first entry after it (forward) or its last before it (backward), or has
//       ended with an OK status.
//   (2) Loser is a tournament: child i plays from leaf n + i upwards, node
//       k > 0 keeps the one that lost there, and winner_ lost nowhere. A child
//       that has ended loses to all that have not.
//   (3) runner_up_, when known, is the best child but for winner_.
// When status_ is an error, the iterator is not Valid.
//
// A loser tree plays a move of the winner with one comparison a level, where a
// heap needs two. Entries of one child often come in a row, so a child that
// wins twice is from then on compared with the runner-up alone. Heads of keys
// are not kept beside the children: neighbours in a merge share their first
// bytes, and the keys were just touched by the moves.
class MergingIterator final : public InternalIterator {
 public:
  explicit MergingIterator(
      std::vector<std::unique_ptr<InternalIterator>> children) {
    children_.reserve(children.size());
    for (std::unique_ptr<InternalIterator>& child : children) {
      children_.push_back({std::move(child), {}, 0});
    }
  }

  bool SeekToFirst() override {
    return Restart<kForward>(
        [](InternalIterator& child) { return child.SeekToFirst(); });
  }
  bool SeekToLast() override {
    return Restart<kBackward>(
        [](InternalIterator& child) { return child.SeekToLast(); });
  }
  bool Seek(std::string_view target) override {
    return Restart<kForward>(
        [target](InternalIterator& child) { return child.Seek(target); });
  }

  bool Next() override {
    HF_CHECK(Valid());
    if (direction_ != kForward && !Turn<kForward>()) return StandNowhere();
    return Look(winner_, winner().iter->Next()) ? Settle<kForward>()
                                                : StandNowhere();
  }

  bool Prev() override {
    HF_CHECK(Valid());
    if (direction_ != kBackward && !Turn<kBackward>()) return StandNowhere();
    return Look(winner_, winner().iter->Prev()) ? Settle<kBackward>()
                                                : StandNowhere();
  }

  absl::Status status() const override { return status_; }

  BlockIterator* BeginRun(SequenceNumber as_of,
                          std::string_view* before) override {
    HF_DCHECK(direction_ == kForward);
    BlockIterator* const run = winner().iter->BeginRun(as_of, before);
    if (run == nullptr) return nullptr;
    if (runner_up_ == kUnknown) FindRunnerUp<kForward>();
    *before = children_[runner_up_].key;
    return run;
  }
  void EndRun() override {
    winner().iter->EndRun();
    winner().key = winner().iter->key();
    StandWhere(*winner().iter);
  }

 private:
  enum Direction { kForward, kBackward };

  static constexpr size_t kUnknown = static_cast<size_t>(-1);

  struct Child {
    std::unique_ptr<InternalIterator> iter;
    std::string_view key;  // iter->key(), or null when it has ended.
    // Of the node of this number, from 1, and nothing else of this child: its
    // place is here so that an iterator is made with one allocation less.
    size_t loser;
  };

  Child& winner() { return children_[winner_]; }
  size_t& Loser(size_t node) { return children_[node].loser; }

  // Looks where the child stands after a move that returned `valid`. RETURNS
  // false when it stopped for an error.
  bool Look(size_t index, bool valid) {
    Child& child = children_[index];
    if (valid) [[likely]] {
      child.key = child.iter->key();
      return true;
    }
    child.key = std::string_view();
    absl::Status status = child.iter->status();
    if (status.ok() || HF_MUTANT("merging_iterator.failed_child_ends_it")) {
      return true;
    }
    status_ = std::move(status);
    return false;
  }

  template <Direction direction, class SeekChild>
  bool Restart(const SeekChild& seek) {
    status_ = absl::OkStatus();
    direction_ = direction;
    for (size_t i = 0; i < children_.size(); ++i) {
      if (!Look(i, seek(*children_[i].iter))) return StandNowhere();
    }
    PlayAll<direction>();
    return StandOnWinner();
  }

  bool StandOnWinner() {
    if (winner().key.data() != nullptr) [[likely]] {
      return StandWhere(*winner().iter);
    }
    // The end. Asks children that ended long ago as well.
    for (const Child& child : children_) {
      status_ = child.iter->status();
      if (!status_.ok()) break;
    }
    return StandNowhere();
  }

  // True when child a comes before child b in the direction.
  template <Direction direction>
  bool Before(size_t a, size_t b) const {
    const std::string_view a_key = children_[a].key;
    const std::string_view b_key = children_[b].key;
    if (a_key.data() == nullptr) return false;
    if (b_key.data() == nullptr) return true;
    const int order = CompareInternalKeys(a_key, b_key);
    if (order == 0) return direction == kForward ? a < b : a > b;
    return direction == kForward ? order < 0 : order > 0;
  }

  // Plays the whole tournament.
  template <Direction direction>
  void PlayAll() {
    const size_t n = children_.size();
    runner_up_ = kUnknown;
    winner_ = PlayNode<direction>(1, n);
  }

  // RETURNS the winner of the games below a node. As deep as the tree is.
  template <Direction direction>
  size_t PlayNode(size_t node, size_t n) {
    if (node >= n) return node - n;
    const size_t left = PlayNode<direction>(2 * node, n);
    const size_t right = PlayNode<direction>(2 * node + 1, n);
    const bool left_wins = Before<direction>(left, right);
    Loser(node) = left_wins ? right : left;
    return left_wins ? left : right;
  }

  // winner_ has moved: finds the new one.
  template <Direction direction>
  bool Settle() {
    const size_t moved = winner_;
    if (runner_up_ != kUnknown && Before<direction>(moved, runner_up_)) {
      return StandOnWinner();
    }
    runner_up_ = kUnknown;
    const size_t n = children_.size();
    size_t best = moved;
    for (size_t node = (n + moved) / 2; node > 0; node /= 2) {
      if (Before<direction>(Loser(node), best)) {
        std::swap(Loser(node), best);
      }
    }
    winner_ = best;
    if (best == moved) FindRunnerUp<direction>();
    return StandOnWinner();
  }

  // The best of those that lost to the winner.
  template <Direction direction>
  void FindRunnerUp() {
    size_t node = (children_.size() + winner_) / 2;
    size_t best = Loser(node);
    for (node /= 2; node > 0; node /= 2) {
      if (Before<direction>(Loser(node), best)) best = Loser(node);
    }
    runner_up_ = best;
  }

  // Puts the children other than the current one on their first entry after it
  // (forward), or their last before it (backward): that is one step from where
  // they stand. RETURNS false after an error.
  template <Direction direction>
  bool Turn() {
    const size_t current = winner_;
    for (size_t i = 0; i < children_.size(); ++i) {
      if (i != current && !TurnChild<direction>(i, current)) return false;
    }
    direction_ = direction;
    PlayAll<direction>();
    if (winner_ == current) return true;
    // A source that gives a wrong place for a key (from bytes that nobody
    // verified) is the world's fault and not ours: no check, but an error.
    status_ = absl::InternalError("a source of the merge is out of order");
    return false;
  }

  template <Direction direction>
  bool TurnChild(size_t i, size_t current) {
    InternalIterator& child = *children_[i].iter;
    const bool had_ended = children_[i].key.data() == nullptr;
    bool valid;
    if constexpr (direction == kForward) {
      valid = had_ended ? child.SeekToFirst() : child.Next();
    } else {
      valid = had_ended ? child.SeekToLast() : child.Prev();
    }
    if (!Look(i, valid)) return false;
    if (!valid || Before<direction>(current, i)) [[likely]]
      return true;
    // Entries were added in between since (to a memtable).
    const std::string_view key = children_[current].key;
    if (!Look(i, child.Seek(key))) return false;
    if constexpr (direction == kForward) {
      // Of an equal key, an earlier child's entry is before the current one.
      if (!child.Valid() || Before<kForward>(current, i)) return true;
      return Look(i, child.Next());
    } else {
      if (!child.Valid() && !Look(i, child.SeekToLast())) return false;
      // One step as a rule; more when entries are added while we look.
      while (child.Valid() && !Before<kBackward>(current, i)) {
        if (!Look(i, child.Prev())) return false;
      }
      return true;
    }
  }

  std::vector<Child> children_;  // At least two.
  size_t winner_ = 0;
  size_t runner_up_ = kUnknown;
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
