#include "engine/memtable/memtable.h"

#include "absl/status/status.h"
#include "base/check.h"
#include "base/checksum.h"
#include "engine/memtable/entry.h"

namespace holdfast {
namespace {

class MemTableIterator final : public InternalIterator {
 public:
  explicit MemTableIterator(const EntryTree* tree) : it_(tree) {}

  bool SeekToFirst() override {
    it_.SeekToFirst();
    return Stand();
  }
  bool SeekToLast() override {
    it_.SeekToLast();
    return Stand();
  }
  bool Seek(std::string_view target) override {
    it_.Seek(ExtractUserKey(target), ExtractTrailer(target));
    return Stand();
  }
  bool Next() override {
    it_.Next();
    return Stand();
  }
  bool Prev() override {
    it_.Prev();
    return Stand();
  }
  absl::Status status() const override { return absl::OkStatus(); }

 private:
  bool Stand() {
    return it_.Valid() ? StandOn(it_.internal_key(), it_.value())
                       : StandNowhere();
  }

  EntryTree::Iterator it_;
};

// REQUIRES: no other thread writes it.
void Set(std::atomic<uint64_t>& number, uint64_t value) {
  number.store(value, std::memory_order_relaxed);
}

}  // namespace

void MemTable::Add(SequenceNumber sequence, ValueType type,
                   std::string_view key, std::string_view value) {
  HF_CHECK(sequence <= kMaxSequenceNumber);
  const bool deletion = type == ValueType::kDeletion;
  if (filter_owner_ == nullptr) [[unlikely]] {
    filter_owner_ = std::make_unique<KeyFilter>(filter_bytes_);
    filter_.store(filter_owner_.get(), std::memory_order_release);
  }
  // Before the tree has it: who knows of the entry finds it.
  if (filter_bytes_ > 0) filter_owner_->Add(HashKey(key));
  tree_.Insert(key, PackTrailer(sequence, type),
               deletion ? std::string_view() : value);
  if (sequence < smallest_sequence_.load(std::memory_order_relaxed)) {
    Set(smallest_sequence_, sequence);
  }
  if (sequence > largest_sequence()) Set(largest_sequence_, sequence);
  Set(entries_, entries() + 1);
  if (deletion) Set(tombstones_, tombstones() + 1);
}

MemTable::Lookup MemTable::Get(const LookupKey& key) const {
  return Get(key, HashKey(key.user_key()));
}

MemTable::Lookup MemTable::Get(const LookupKey& key, uint64_t key_hash) const {
  const KeyFilter* const filter = filter_.load(std::memory_order_acquire);
  if (filter == nullptr || !filter->MayContain(key_hash)) return {};
  const Entry found =
      tree_.Find(key.user_key(), ExtractTrailer(key.internal_key()));
  if (found == nullptr) return {};
  const uint64_t trailer = KeyOf(found).trailer;
  const SequenceNumber sequence = trailer >> 8;
  switch (static_cast<ValueType>(trailer & 0xff)) {
    case ValueType::kValue:
      return {Lookup::kValue, ValueOf(found), sequence};
    case ValueType::kDeletion:
      return {Lookup::kDeletion, {}, sequence};
  }
  HF_CHECK(false);  // Add takes no other type.
  return {};
}

std::unique_ptr<InternalIterator> MemTable::NewIterator() const {
  return std::make_unique<MemTableIterator>(&tree_);
}

SequenceNumber MemTable::smallest_sequence() const {
  const SequenceNumber smallest =
      smallest_sequence_.load(std::memory_order_relaxed);
  return smallest == kNoSequence ? 0 : smallest;
}

}  // namespace holdfast
