// The index of a table: a block whose values are handles. Properties: a table
// with such a block is opened just when the handles, each two canonical varints
// and of no block larger than any, tile the data from its beginning to its end,
// with as many of them as the properties say; Seek and Get then go to the block
// that a linear scan finds. The data is zeros, so that each read of a block
// fails, and its error tells which block it was.
//
// Input: what the properties say of the number of blocks, as a difference (1),
// where the data ends, as a difference to where the last handle ends (1),
// length of a seek target (1), the target, the index.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/check.h"
#include "base/checksum.h"
#include "engine/format/internal_key.h"
#include "engine/format/table_layout.h"
#include "engine/table/table_reader.h"
#include "fuzz/support/allocation_meter.h"
#include "fuzz/support/fuzz_input.h"
#include "fuzz/table/plain_block.h"
#include "fuzz/table/table_fuzzing.h"
#include "holdfast/env/file_system.h"

namespace {

using namespace holdfast;

// Larger ones are not read.
constexpr uint64_t kMaxReadBytes = 16384;
constexpr uint64_t kMaxDataBytes = uint64_t{1} << 62;

// Zeros, then a tail.
class SparseFile final : public RandomAccessFile {
 public:
  SparseFile(uint64_t zeros, std::string_view tail)
      : zeros_(zeros), tail_(tail) {}

  absl::Status Read(uint64_t offset, size_t n, char* scratch,
                    std::string_view* result) const override {
    size_t done = 0;
    if (offset < zeros_) {
      done = static_cast<size_t>(std::min<uint64_t>(n, zeros_ - offset));
      std::memset(scratch, 0, done);
    }
    const std::string_view rest = tail_.substr(
        std::min<uint64_t>(offset + done - zeros_, tail_.size()), n - done);
    if (!rest.empty()) std::memcpy(scratch + done, rest.data(), rest.size());
    *result = std::string_view(scratch, done + rest.size());
    return absl::OkStatus();
  }
  absl::StatusOr<uint64_t> Size() const override {
    return zeros_ + tail_.size();
  }

 private:
  const uint64_t zeros_;
  const std::string_view tail_;
};

struct Index {
  TableEntries entries;
  std::vector<BlockHandle> handles;
  bool good = true;  // Handles that tile from 0.
  uint64_t end = 0;  // Of the last block; any number if not good.
};

// What a block holds, by the page of the format.
Index ReadIndex(const std::vector<PlainEntry>& block) {
  Index index;
  for (const PlainEntry& entry : block) {
    index.entries.push_back({entry.key, std::string(entry.value)});
    const auto plain = ReadPlainHandle(entry.value);
    BlockHandle handle;
    if (plain.has_value()) {
      handle = {.offset = plain->offset, .size = plain->size};
    }
    index.good = index.good && plain.has_value() &&
                 handle.offset == index.end && handle.size <= kMaxBlockBytes;
    index.end = handle.end();
    index.handles.push_back(handle);
  }
  return index;
}

// The parts of a table behind its data, which ends at `data_end`.
std::string MakeTail(std::string_view index, uint64_t data_end,
                     uint64_t data_blocks, const std::string& key) {
  TableProperties properties;
  properties.entries = UINT64_MAX;
  properties.data_blocks = data_blocks;
  properties.smallest = properties.largest = key;
  TableFooter footer;
  footer.number = kFuzzNumber;
  footer.identity = kFuzzIdentity;
  footer.version = 1;
  footer.index = {.offset = data_end, .size = index.size()};
  std::string tail(index);
  AppendBlockTrailer(&tail, Compression::kNone, kFuzzIdentity, data_end);
  std::string payload = EncodeTableProperties(properties);
  footer.properties = {.offset = footer.index.end(), .size = payload.size()};
  AppendBlockTrailer(&payload, Compression::kNone, kFuzzIdentity,
                     footer.properties.offset);
  tail += payload;
  tail += EncodeTableFooter(footer, data_end + tail.size());
  return tail;
}

// That an attempt to read failed at block i; behind the last one: found
// nothing.
void CheckWentTo(const Index& index, size_t i, const absl::Status& status) {
  if (i == index.handles.size()) {
    HF_CHECK(status.ok());
  } else {
    HF_CHECK(DamagedOffset(status) == index.handles[i].offset);
  }
}

void CheckSeek(const TableReader& table, InternalIterator* it,
               const Index& index, std::string_view target) {
  const size_t i = LowerBound(index.entries, target);
  if (i < index.handles.size() && index.handles[i].size > kMaxReadBytes) return;
  it->Seek(target);
  HF_CHECK(!it->Valid());
  CheckWentTo(index, i, it->status());

  const LookupKey key(ExtractUserKey(target), ExtractSequence(target));
  const size_t at = LowerBound(index.entries, key.internal_key());
  if (at < index.handles.size() && index.handles[at].size > kMaxReadBytes) {
    return;
  }
  TableLookup found;
  CheckWentTo(index, at, table.Get({}, key, HashKey(key.user_key()), &found));
  HF_CHECK(found.kind == TableLookup::kAbsent);
}

void CheckReads(const TableReader& table, const Index& index,
                std::string_view target) {
  constexpr size_t kMaxSeeks = 8;
  const auto it = table.NewIterator({});
  if (index.handles.front().size <= kMaxReadBytes) {
    it->SeekToFirst();
    CheckWentTo(index, 0, it->status());
    CheckWentTo(index, 0, table.Verify());
  }
  if (index.handles.back().size <= kMaxReadBytes) {
    it->SeekToLast();
    CheckWentTo(index, index.handles.size() - 1, it->status());
  }
  CheckSeek(table, it.get(), index, target);
  const size_t step = (index.entries.size() + kMaxSeeks - 1) / kMaxSeeks;
  for (size_t i = 0; i < index.entries.size(); i += step) {
    CheckSeek(table, it.get(), index, index.entries[i].key);
    CheckSeek(table, it.get(), index, KeyAbove(index.entries[i].key));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  const auto more_blocks = static_cast<int8_t>(input.Byte());
  const auto more_bytes = static_cast<int8_t>(input.Byte());
  std::string target(input.Bytes(input.Byte() % 64));
  if (target.size() < kTrailerBytes) target.resize(kTrailerBytes);
  const std::string_view payload = input.Rest();

  // What is no block is left to data_block_fuzz and table_open_fuzz: a table is
  // not opened for it, which would take most of the time.
  const auto block = ReadPlainBlock(payload);
  if (!block.has_value()) return 0;
  const Index index = ReadIndex(*block);
  const uint64_t data_end = std::min(
      index.end + static_cast<uint64_t>(int64_t{more_bytes}), kMaxDataBytes);
  // Properties without any block are refused before the index is looked at.
  const uint64_t blocks = std::max<uint64_t>(
      index.entries.size() + static_cast<uint64_t>(int64_t{more_blocks}), 1);
  const std::string tail = MakeTail(
      payload, data_end, blocks, MakeInternalKey("key", 1, ValueType::kValue));
  const bool good =
      index.good && index.end == data_end && index.entries.size() == blocks;

  AllocationMeter meter;
  const auto table = TableReader::Open(
      {.tail_bytes = 0}, std::make_unique<SparseFile>(data_end, tail),
      std::string(kFuzzPath), kFuzzNumber, data_end + tail.size(),
      kFuzzIdentity, nullptr);
  HF_CHECK(meter.peak_bytes() <= 8 * size + 4096);
  HF_CHECK(table.ok() == good);
  if (!good) {
    HF_CHECK(DamagedOffset(table.status()) == data_end);
    return 0;
  }
  CheckReads(**table, index, target);
  return 0;
}
