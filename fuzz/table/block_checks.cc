#include "fuzz/table/block_checks.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/coding.h"
#include "engine/format/internal_key.h"
#include "engine/format/table_layout.h"
#include "fuzz/support/allocation_meter.h"

namespace holdfast {
namespace {

// Each costs a few searches: all keys of a small block, some of a large one.
constexpr size_t kMaxSeeks = 12;

bool StandsOn(const Block::Iterator& it, const TableEntry& entry) {
  return it.Valid() && it.key() == entry.key && it.value() == entry.value;
}

// That `it` stands on entry i; behind the last one: on nothing.
void CheckAt(const Block::Iterator& it, const TableEntries& entries, size_t i) {
  if (i == entries.size()) {
    HF_CHECK(!it.Valid());
  } else {
    HF_CHECK(StandsOn(it, entries[i]));
  }
}

TableEntries ScanForward(const Block& block, const char* begin, size_t bytes) {
  TableEntries entries;
  entries.reserve(block.entries());
  Block::Iterator it(&block);
  for (it.SeekToFirst(); it.Valid(); it.Next()) {
    HF_CHECK(entries.size() < block.entries());
    ParsedInternalKey parsed;
    HF_CHECK(ParseInternalKey(it.key(), &parsed));
    // Each byte of a key was stored once at least.
    HF_CHECK(it.key().size() <= bytes);
    HF_CHECK(it.value().data() >= begin);
    HF_CHECK(it.value().data() + it.value().size() <= begin + bytes);
    if (!entries.empty()) {
      HF_CHECK(CompareInternalKeys(entries.back().key, it.key()) < 0);
    }
    entries.push_back({std::string(it.key()), std::string(it.value())});
  }
  HF_CHECK(entries.size() == block.entries());
  return entries;
}

void CheckBackward(const Block& block, const TableEntries& entries) {
  Block::Iterator it(&block);
  it.SeekToLast();
  for (size_t i = entries.size(); i > 0; --i) {
    HF_CHECK(StandsOn(it, entries[i - 1]));
    it.Prev();
  }
  HF_CHECK(!it.Valid());
}

// Seeks to entry i and its neighbours, then turns round twice.
void CheckAround(Block::Iterator* it, const TableEntries& entries, size_t i) {
  const std::string& key = entries[i].key;
  it->Seek(KeyAbove(key));
  CheckAt(*it, entries, i + 1);
  const std::string below = KeyBelow(key);
  if (!below.empty()) {
    it->Seek(below);
    CheckAt(*it, entries, i > 0 && entries[i - 1].key == below ? i - 1 : i);
  }
  it->Seek(key);
  CheckAt(*it, entries, i);
  it->Next();
  CheckAt(*it, entries, i + 1);
  if (it->Valid()) {
    it->Prev();
  } else {
    it->SeekToLast();
  }
  CheckAt(*it, entries, i);
  it->Prev();
  if (i == 0) {
    HF_CHECK(!it->Valid());
    return;
  }
  CheckAt(*it, entries, i - 1);
  it->Next();
  CheckAt(*it, entries, i);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Block>> ParseMeasured(
    std::string_view payload, uint64_t offset, const char** begin) {
  auto copy = std::make_unique_for_overwrite<char[]>(payload.size());
  if (!payload.empty()) {
    std::memcpy(copy.get(), payload.data(), payload.size());
  }
  *begin = copy.get();
  AllocationMeter meter;
  auto block = Block::Parse(std::move(copy), payload.size(), kFuzzPath, offset);
  // The longest key, while its buffer grows; the block itself or the message.
  HF_CHECK(meter.peak_bytes() <= 4 * payload.size() + 2048);
  if (!block.ok()) HF_CHECK(DamagedOffset(block.status()) == offset);
  return block;
}

TableEntries CheckBlock(const Block& block, const char* begin, size_t bytes,
                        std::string_view target) {
  TableEntries entries = ScanForward(block, begin, bytes);
  HF_CHECK(!entries.empty());
  // What bounds a step backward.
  const uint64_t restarts = DecodeFixed32(begin + bytes - sizeof(uint32_t));
  HF_CHECK(entries.size() <= restarts * kMaxRestartInterval);
  CheckBackward(block, entries);
  Block::Iterator it(&block);
  const size_t step = (entries.size() + kMaxSeeks - 1) / kMaxSeeks;
  for (size_t i = 0; i < entries.size(); i += step) {
    CheckAround(&it, entries, i);
  }
  size_t expected = 0;
  while (expected < entries.size() &&
         CompareInternalKeys(entries[expected].key, target) < 0) {
    ++expected;
  }
  it.Seek(target);
  CheckAt(it, entries, expected);
  it.Reset(nullptr);
  it.SeekToFirst();
  HF_CHECK(!it.Valid());
  return entries;
}

}  // namespace holdfast
