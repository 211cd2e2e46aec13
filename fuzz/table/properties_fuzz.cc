// Properties of a table. Properties of their decoder: what is accepted is not
// contradictory, and encoded anew gives the bytes it came from, but for fields
// that were skipped (unknown even tags) and fields that were missing; so each
// table has one encoding. Errors say where; memory is bounded by the input.
//
// Input: a properties block.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/check.h"
#include "base/coding.h"
#include "engine/format/internal_key.h"
#include "engine/format/table_layout.h"
#include "fuzz/support/allocation_meter.h"
#include "fuzz/table/table_fuzzing.h"

namespace {

using namespace holdfast;

// `payload` with what the encoder always writes, and without what it never
// does. REQUIRES: accepted.
std::string Canonical(std::string_view payload) {
  constexpr uint32_t kKnown[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13};
  std::string fields;
  Decoder in(payload);
  uint32_t tag = 0;
  std::string_view value;
  const auto next = [&] {
    if (in.rest().empty()) {
      tag = UINT32_MAX;
      return;
    }
    HF_CHECK(in.ReadVarint32(&tag));
    HF_CHECK(in.ReadLengthPrefixed(&value));
  };
  next();
  for (const uint32_t known : kKnown) {
    while (tag < known) {
      HF_CHECK(tag % 2 == 0);
      next();
    }
    PutVarint32(&fields, known);
    if (tag == known) {
      PutLengthPrefixed(&fields, value);
      next();
    } else {
      PutLengthPrefixed(&fields, std::string_view("\0", 1));
    }
  }
  return fields;
}

void CheckTrue(const TableProperties& p) {
  ParsedInternalKey key;
  HF_CHECK(p.entries > 0);
  HF_CHECK(p.tombstones <= p.entries);
  HF_CHECK(p.data_blocks > 0);
  HF_CHECK(p.data_blocks <= p.entries);
  HF_CHECK(ParseInternalKey(p.smallest, &key));
  HF_CHECK(ParseInternalKey(p.largest, &key));
  HF_CHECK(CompareInternalKeys(p.smallest, p.largest) <= 0);
  HF_CHECK(p.smallest_sequence <= p.largest_sequence);
  HF_CHECK(p.largest_sequence <= kMaxSequenceNumber);
  HF_CHECK(p.compression <= Compression::kZstd);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr uint64_t kOffset = 1 << 20;
  const std::string_view payload(reinterpret_cast<const char*>(data), size);
  absl::StatusOr<TableProperties> properties = absl::UnknownError("");
  {
    AllocationMeter meter;
    properties = DecodeTableProperties(kFuzzPath, kOffset, payload);
    HF_CHECK(meter.peak_bytes() <= 2 * size + 2048);
  }
  if (!properties.ok()) {
    if (absl::IsUnimplemented(properties.status())) {
      HF_CHECK(properties.status().message().starts_with(kFuzzPath));
    } else {
      const uint64_t offset = DamagedOffset(properties.status());
      HF_CHECK(offset >= kOffset);
      HF_CHECK(offset <= kOffset + size);
    }
    return 0;
  }
  CheckTrue(*properties);
  HF_CHECK(EncodeTableProperties(*properties) == Canonical(payload));
  return 0;
}
