#include "engine/memtable/memtable.h"

#include "absl/status/status.h"
#include "base/check.h"

namespace holdfast {
namespace {

class MemTableIterator final : public InternalIterator {
 public:
  explicit MemTableIterator(const SkipList* list) : it_(list) {}

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

  SkipList::Iterator it_;
};

void RaiseTo(std::atomic<uint64_t>& number, uint64_t value) {
  uint64_t seen = number.load(std::memory_order_relaxed);
  while (seen < value && !number.compare_exchange_weak(
                             seen, value, std::memory_order_relaxed)) {
  }
}

void LowerTo(std::atomic<uint64_t>& number, uint64_t value) {
  uint64_t seen = number.load(std::memory_order_relaxed);
  while (seen > value && !number.compare_exchange_weak(
                             seen, value, std::memory_order_relaxed)) {
  }
}

}  // namespace

void MemTable::Add(SequenceNumber sequence, ValueType type,
                   std::string_view key, std::string_view value) {
  HF_CHECK(sequence <= kMaxSequenceNumber);
  const bool deletion = type == ValueType::kDeletion;
  list_.Insert(key, PackTrailer(sequence, type),
               deletion ? std::string_view() : value);
  LowerTo(smallest_sequence_, sequence);
  RaiseTo(largest_sequence_, sequence);
  entries_.fetch_add(1, std::memory_order_relaxed);
  if (deletion) tombstones_.fetch_add(1, std::memory_order_relaxed);
}

MemTable::Lookup MemTable::Get(const LookupKey& key) const {
  SkipList::Iterator it(&list_);
  it.Seek(key.user_key(), ExtractTrailer(key.internal_key()));
  if (!it.Valid()) return {};
  const std::string_view found = it.internal_key();
  if (ExtractUserKey(found) != key.user_key()) return {};
  const uint64_t trailer = ExtractTrailer(found);
  const SequenceNumber sequence = trailer >> 8;
  switch (static_cast<ValueType>(trailer & 0xff)) {
    case ValueType::kValue:
      return {Lookup::kValue, it.value(), sequence};
    case ValueType::kDeletion:
      return {Lookup::kDeletion, {}, sequence};
  }
  HF_CHECK(false);  // Add takes no other type.
  return {};
}

std::unique_ptr<InternalIterator> MemTable::NewIterator() const {
  return std::make_unique<MemTableIterator>(&list_);
}

SequenceNumber MemTable::smallest_sequence() const {
  const SequenceNumber smallest =
      smallest_sequence_.load(std::memory_order_relaxed);
  return smallest == kNoSequence ? 0 : smallest;
}

}  // namespace holdfast
