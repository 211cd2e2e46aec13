#include "fuzz/table/table_checks.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "engine/format/internal_key.h"
#include "engine/format/table_layout.h"
#include "engine/iter/internal_iterator.h"
#include "fuzz/support/allocation_meter.h"
#include "fuzz/table/table_parts.h"

namespace holdfast {
namespace {

// Keys that are looked for one by one: all of a small table, some of a large
// one.
constexpr size_t kMaxSeeks = 8;
// A table that unpacks to more is not walked to its end.
constexpr size_t kMaxScanBytes = size_t{4} << 20;
constexpr size_t kMaxScanEntries = 20'000;

class Reading {
 public:
  Reading(const TableReader& table, const TableEntries& entries,
          const TableTrust& trust)
      : table_(table),
        entries_(entries),
        trust_(trust),
        it_(table.NewIterator({})) {}

  std::vector<uint64_t> Everything() {
    Forward();
    Backward();
    const size_t step = (entries_.size() + kMaxSeeks - 1) / kMaxSeeks;
    for (size_t i = 0; i < entries_.size(); i += step) Around(i);
    Get(std::string(), kMaxSequenceNumber);
    Get(std::string(3, '\xff'), kMaxSequenceNumber);
    return std::move(offsets_);
  }

 private:
  // That the iterator stands on entry i (entries_.size(): on nothing), or says
  // why not. RETURNS false then.
  bool StandsOn(size_t i) {
    if (!it_->status().ok()) {
      HF_CHECK(!it_->Valid());
      offsets_.push_back(DamagedOffset(it_->status()));
      return false;
    }
    if (i == entries_.size()) {
      HF_CHECK(!it_->Valid());
      return true;
    }
    HF_CHECK(it_->Valid());
    HF_CHECK(it_->key() == entries_[i].key);
    HF_CHECK(it_->value() == entries_[i].value);
    return true;
  }

  void Forward() {
    it_->SeekToFirst();
    for (size_t i = 0; StandsOn(i) && i < entries_.size(); ++i) it_->Next();
  }

  void Backward() {
    it_->SeekToLast();
    size_t i = entries_.size();
    while (i > 0 && StandsOn(i - 1)) {
      it_->Prev();
      --i;
    }
    if (i == 0) StandsOn(entries_.size());
  }

  // Everything near entry i.
  void Around(size_t i) {
    const std::string& key = entries_[i].key;
    it_->Seek(KeyAbove(key));
    StandsOn(i + 1);
    const std::string below = KeyBelow(key);
    if (!below.empty()) {
      it_->Seek(below);
      StandsOn(i > 0 && entries_[i - 1].key == below ? i - 1 : i);
    }
    it_->Seek(key);
    if (StandsOn(i)) {
      if (i > 0) {
        it_->Prev();
        if (StandsOn(i - 1)) {
          it_->Next();
          StandsOn(i);
        }
      } else {
        it_->Next();
        StandsOn(1);
      }
    }
    const std::string user(ExtractUserKey(key));
    const SequenceNumber sequence = ExtractSequence(key);
    Get(user, sequence);
    Get(user, kMaxSequenceNumber);
    if (sequence > 0) Get(user, sequence - 1);
    Get(user + '\0', sequence);
    if (!user.empty()) Get(user.substr(0, user.size() - 1), sequence);
  }

  void Get(const std::string& user, SequenceNumber sequence) {
    const LookupKey lookup(user, sequence);
    const size_t at = LowerBound(entries_, lookup.internal_key());
    const bool there =
        at < entries_.size() && ExtractUserKey(entries_[at].key) == user;
    const uint64_t hash = HashKey(user);
    table_.PrefetchFilter(hash);
    TableLookup found;
    const absl::Status status = table_.Get({}, lookup, hash, &found);
    if (!status.ok()) {
      HF_CHECK(found.kind == TableLookup::kAbsent);
      offsets_.push_back(DamagedOffset(status));
      return;
    }
    if (found.filter_skipped) {
      HF_CHECK(found.kind == TableLookup::kAbsent);
      HF_CHECK(!there || trust_.filter_may_lie);
      return;
    }
    if (!there) {
      HF_CHECK(found.kind == TableLookup::kAbsent);
      return;
    }
    ParsedInternalKey parsed;
    HF_CHECK(ParseInternalKey(entries_[at].key, &parsed));
    HF_CHECK(found.kind == (parsed.type == ValueType::kValue
                                ? TableLookup::kValue
                                : TableLookup::kDeletion));
    HF_CHECK(found.sequence == parsed.sequence);
    HF_CHECK(found.value == entries_[at].value);
    HF_CHECK(found.pin != nullptr);
  }

  const TableReader& table_;
  const TableEntries& entries_;
  const TableTrust trust_;
  const std::unique_ptr<InternalIterator> it_;
  std::vector<uint64_t> offsets_;
};

// The memory that reading one block of the table may take: the largest claim
// that the format lets pass.
uint64_t LargestBlock(std::string_view bytes) {
  uint64_t largest = 0;
  TableFooter footer;
  if (!ReadAnyFooter(bytes, &footer)) return 0;
  for (const BlockHandle& handle : DataHandles(bytes, footer)) {
    const char type = bytes[handle.offset + handle.size];
    uint64_t most = handle.size;
    if (type != 0) {
      uint64_t claim = 0;
      Decoder in(bytes.substr(handle.offset, handle.size));
      in.ReadVarint64(&claim);
      most = type == 1 ? handle.size * 255 + 64 : handle.size * (32 << 10);
      most = std::min({most, claim, kMaxBlockBytes});
    }
    largest = std::max(largest, most);
  }
  return largest;
}

// Walks the table as far as it goes. RETURNS false when that is not to its end;
// *status says why, or is OK when there is more than a test wants.
bool Scan(const TableReader& table, TableEntries* entries,
          absl::Status* status) {
  const auto it = table.NewIterator({});
  size_t bytes = 0;
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    ParsedInternalKey parsed;
    HF_CHECK(ParseInternalKey(it->key(), &parsed));
    if (!entries->empty()) {
      HF_CHECK(CompareInternalKeys(entries->back().key, it->key()) < 0);
    }
    bytes += it->key().size() + it->value().size();
    if (bytes > kMaxScanBytes || entries->size() == kMaxScanEntries) {
      return false;
    }
    entries->push_back({std::string(it->key()), std::string(it->value())});
  }
  *status = it->status();
  return status->ok();
}

// What is left to be asked of a table of which some block cannot be read: each
// answer is an error, or an entry at or after the one looked for.
void CheckDamaged(const TableReader& table, const TableEntries& entries,
                  uint64_t file_bytes) {
  const auto it = table.NewIterator({});
  size_t steps = 0;
  std::string above;
  for (it->SeekToLast(); it->Valid() && steps < 1000; it->Prev()) {
    if (!above.empty()) HF_CHECK(CompareInternalKeys(it->key(), above) < 0);
    above = it->key();
    ++steps;
  }
  if (!it->status().ok()) CheckRefusal(it->status(), file_bytes);
  for (size_t i = 0; i < entries.size() && i < kMaxSeeks; ++i) {
    it->Seek(KeyAbove(entries[i].key));
    if (it->Valid()) {
      HF_CHECK(CompareInternalKeys(entries[i].key, it->key()) < 0);
    } else if (!it->status().ok()) {
      CheckRefusal(it->status(), file_bytes);
    }
    TableLookup found;
    const LookupKey key(ExtractUserKey(entries[i].key), kMaxSequenceNumber);
    const absl::Status status =
        table.Get({}, key, HashKey(key.user_key()), &found);
    if (!status.ok()) CheckRefusal(status, file_bytes);
  }
}

}  // namespace

std::vector<uint64_t> ReadEveryWay(const TableReader& table,
                                   const TableEntries& entries,
                                   const TableTrust& trust) {
  return Reading(table, entries, trust).Everything();
}

void CheckPropertiesOf(const TableReader& table, const TableEntries& entries) {
  TableProperties found;
  found.smallest_sequence = kMaxSequenceNumber;
  for (const TableEntry& entry : entries) {
    ParsedInternalKey parsed;
    HF_CHECK(ParseInternalKey(entry.key, &parsed));
    ++found.entries;
    found.tombstones += parsed.type == ValueType::kDeletion;
    found.smallest_sequence =
        std::min(found.smallest_sequence, parsed.sequence);
    found.largest_sequence = std::max(found.largest_sequence, parsed.sequence);
    found.raw_key_bytes += entry.key.size();
    found.raw_value_bytes += entry.value.size();
  }
  const TableProperties& said = table.properties();
  HF_CHECK(said.entries == found.entries);
  HF_CHECK(said.tombstones == found.tombstones);
  HF_CHECK(said.smallest == entries.front().key);
  HF_CHECK(said.largest == entries.back().key);
  HF_CHECK(said.smallest_sequence == found.smallest_sequence);
  HF_CHECK(said.largest_sequence == found.largest_sequence);
  HF_CHECK(said.raw_key_bytes == found.raw_key_bytes);
  HF_CHECK(said.raw_value_bytes == found.raw_value_bytes);
}

void CheckAnyTable(std::string_view bytes, size_t tail_bytes) {
  // Buffers of the engine and the state of a decompression by zstd.
  constexpr uint64_t kFixedBytes = 512 << 10;
  TableFooter footer;
  ReadAnyFooter(bytes, &footer);
  MeasuredFile::Counts counts;
  std::shared_ptr<const TableReader> table;
  {
    AllocationMeter meter;
    auto opened = TableReader::Open(
        {.tail_bytes = tail_bytes},
        std::make_unique<MeasuredFile>(bytes, &counts), std::string(kFuzzPath),
        footer.number, bytes.size(), footer.identity, nullptr);
    HF_CHECK(counts.reads <= 2);
    HF_CHECK(counts.bytes <= bytes.size());
    HF_CHECK(meter.peak_bytes() <= 8 * bytes.size() + 4096);
    if (!opened.ok()) return CheckRefusal(opened.status(), bytes.size());
    table = *std::move(opened);
  }
  HF_CHECK(table->number() == footer.number);
  HF_CHECK(table->path() == kFuzzPath);
  HF_CHECK(table->memory_bytes() <= 2 * bytes.size() + 1024);

  const uint64_t blocks = table->properties().data_blocks;
  const uint64_t largest = LargestBlock(bytes);
  absl::Status verified;
  {
    AllocationMeter meter;
    counts = {};
    verified = table->Verify();
    HF_CHECK(counts.reads <= blocks + 2);
    HF_CHECK(counts.bytes <= 2 * bytes.size());
    // A block as it is stored and as it is; the longest key, while the buffers
    // of it grow.
    HF_CHECK(meter.peak_bytes() <=
             16 * bytes.size() + 12 * largest + kFixedBytes);
  }
  if (!verified.ok()) CheckRefusal(verified, bytes.size());

  TableEntries entries;
  absl::Status status;
  counts = {};
  const bool whole = Scan(*table, &entries, &status);
  HF_CHECK(counts.reads <= blocks);
  if (whole) {
    ReadEveryWay(*table, entries, {.filter_may_lie = !verified.ok()});
    if (verified.ok()) CheckPropertiesOf(*table, entries);
    return;
  }
  if (!status.ok()) {
    HF_CHECK(!verified.ok());
    CheckRefusal(status, bytes.size());
  }
  CheckDamaged(*table, entries, bytes.size());
}

}  // namespace holdfast
