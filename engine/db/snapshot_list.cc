#include "engine/db/snapshot_list.h"

#include <utility>

#include "base/check.h"
#include "base/mutant.h"

namespace holdfast {

class SnapshotList::SnapshotImpl final : public Snapshot {
 public:
  SnapshotImpl(std::shared_ptr<Shared> shared, SequenceNumber sequence)
      : shared_(std::move(shared)), sequence_(sequence) {}

  ~SnapshotImpl() override {
    MutexLock lock(&shared_->mu);
    const auto it = shared_->held.find(sequence_);
    HF_CHECK(it != shared_->held.end());
    if (--it->second == 0) shared_->held.erase(it);
  }

  uint64_t sequence() const override { return sequence_; }
  const Shared* list() const { return shared_.get(); }

 private:
  const std::shared_ptr<Shared> shared_;
  const SequenceNumber sequence_;
};

SnapshotList::SnapshotList() : shared_(std::make_shared<Shared>()) {}

std::shared_ptr<const Snapshot> SnapshotList::Acquire(
    const std::atomic<SequenceNumber>& visible) {
  SequenceNumber sequence;
  {
    MutexLock lock(&shared_->mu);
    sequence = visible.load(std::memory_order_acquire);
    ++shared_->held[sequence];
  }
  return std::make_shared<SnapshotImpl>(shared_, sequence);
}

std::vector<SequenceNumber> SnapshotList::Sequences(
    const std::atomic<SequenceNumber>& visible) const {
  MutexLock lock(&shared_->mu);
  std::vector<SequenceNumber> sequences;
  sequences.reserve(shared_->held.size() + 1);
  for (const auto& [sequence, count] : shared_->held) {
    if (HF_MUTANT("snapshot_list.jobs_keep_for_snapshots")) break;
    sequences.push_back(sequence);
  }
  const SequenceNumber now = visible.load(std::memory_order_acquire);
  if (sequences.empty() || sequences.back() != now) sequences.push_back(now);
  return sequences;
}

bool SnapshotList::Owns(const Snapshot& snapshot) const {
  const auto* impl = dynamic_cast<const SnapshotImpl*>(&snapshot);
  return impl != nullptr && impl->list() == shared_.get();
}

size_t SnapshotList::size() const {
  MutexLock lock(&shared_->mu);
  size_t total = 0;
  for (const auto& [sequence, count] : shared_->held) total += count;
  return total;
}

}  // namespace holdfast
