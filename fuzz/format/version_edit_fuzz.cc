// Version edits, the records of the manifest (engine/format/version_edit.h).
// Property: an edit that is accepted is encoded anew to the same bytes, but for
// the fields that a reader skips, and is one that a writer may make; an error
// says where; memory is bounded by the input.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "base/check.h"
#include "base/coding.h"
#include "engine/format/internal_key.h"
#include "engine/format/version_edit.h"
#include "fuzz/support/allocation_meter.h"

namespace {

using namespace holdfast;

// A table takes 35 bytes of an edit at least, and 136 of memory; three times
// that while a vector grows. A removal takes 4 bytes, and 16 of memory.
constexpr size_t kMemoryPerByte = 16;
constexpr size_t kMessageBytes = 4096;

// The offset that the message of an error begins with.
size_t OffsetOf(const absl::Status& status) {
  std::string_view text = status.message();
  HF_CHECK(absl::ConsumePrefix(&text, "offset "));
  size_t offset = 0;
  HF_CHECK(absl::SimpleAtoi(text.substr(0, text.find(':')), &offset));
  return offset;
}

// `bytes` without the fields that a reader skips: those of an even tag.
std::string WithoutSkipped(std::string_view bytes) {
  Decoder in(bytes);
  std::string kept;
  while (!in.done()) {
    uint32_t tag = 0;
    std::string_view payload;
    HF_CHECK(in.ReadVarint32(&tag));
    HF_CHECK(in.ReadLengthPrefixed(&payload));
    if (tag % 2 == 0) continue;
    PutVarint32(&kept, tag);
    PutLengthPrefixed(&kept, payload);
  }
  return kept;
}

void CheckTable(const TableRecord& table) {
  HF_CHECK(table.level >= 0);
  HF_CHECK(table.level < kNumLevels);
  HF_CHECK(table.number > 0);
  HF_CHECK(table.bytes > 0);
  HF_CHECK(table.entries > 0);
  HF_CHECK(table.tombstones <= table.entries);
  HF_CHECK(table.largest_sequence <= kMaxSequenceNumber);
  HF_CHECK(CompareInternalKeys(table.smallest, table.largest) <= 0);
  for (const std::string& key : {table.smallest, table.largest}) {
    ParsedInternalKey parsed;
    HF_CHECK(ParseInternalKey(key, &parsed));
    HF_CHECK(parsed.sequence >= table.smallest_sequence);
    HF_CHECK(parsed.sequence <= table.largest_sequence);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  AllocationMeter meter;
  const absl::StatusOr<VersionEdit> edit = DecodeVersionEdit(bytes);
  HF_CHECK(meter.peak_bytes() <= kMemoryPerByte * size + kMessageBytes);
  if (!edit.ok()) {
    HF_CHECK(absl::IsInvalidArgument(edit.status()));
    HF_CHECK(OffsetOf(edit.status()) <= size);
    return 0;
  }
  HF_CHECK(EncodeVersionEdit(*edit) == WithoutSkipped(bytes));
  for (const TableRecord& table : edit->added) CheckTable(table);
  for (const auto& [level, number] : edit->removed) {
    HF_CHECK(level >= 0);
    HF_CHECK(level < kNumLevels);
  }
  HF_CHECK(edit->last_sequence.value_or(0) <= kMaxSequenceNumber);
  HF_CHECK(edit->sealed_log.value_or(SealedLog()).last_sequence <=
           kMaxSequenceNumber);
  return 0;
}
