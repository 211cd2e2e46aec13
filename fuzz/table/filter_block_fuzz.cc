// Filters. Properties: Parse of any bytes takes no more memory than these and
// says where the damage is; an accepted filter answers as the page of the
// format says, computed here anew; a filter that was built is accepted, has the
// size that was told before, and never says no to a key that was added.
//
// Input: 0 and a filter block; or bits per key (1..32) and hashes of keys (8
// each).

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/coding.h"
#include "engine/table/filter.h"
#include "fuzz/support/allocation_meter.h"
#include "fuzz/support/fuzz_input.h"
#include "fuzz/table/table_fuzzing.h"

namespace {

using namespace holdfast;

constexpr size_t kLineBytes = 64;
constexpr size_t kParameterBytes = 5;

// docs/formats/table.md, word by word. REQUIRES: an accepted filter.
bool MayContain(std::string_view payload, uint64_t hash) {
  const uint64_t lines =
      DecodeFixed32(payload.data() + payload.size() - kParameterBytes);
  const int probes = static_cast<unsigned char>(payload.back());
  const std::string_view line =
      payload.substr((((hash >> 32) * lines) >> 32) * kLineBytes, kLineBytes);
  uint32_t g = static_cast<uint32_t>(hash);
  for (int i = 0; i < probes; ++i) {
    g *= 0x9e3779b9u;
    const uint32_t bit = g >> 23;
    const auto byte = static_cast<unsigned char>(line[bit / 8]);
    if ((byte >> (bit % 8) & 1) == 0) return false;
  }
  return true;
}

absl::StatusOr<Filter> ParseMeasured(std::string_view payload) {
  constexpr uint64_t kOffset = 8192;
  AllocationMeter meter;
  auto filter = Filter::Parse(payload, kFuzzPath, kOffset);
  HF_CHECK(meter.peak_bytes() <= payload.size() + 2048);
  if (filter.ok()) {
    HF_CHECK(filter->memory_bytes() == payload.size() - kParameterBytes);
  } else {
    HF_CHECK(DamagedOffset(filter.status()) == kOffset);
  }
  return filter;
}

void CheckAny(std::string_view payload) {
  const auto filter = ParseMeasured(payload);
  if (!filter.ok()) return;
  // Hashes from the filter itself, whose bits then are not all chance, and
  // spread over all of its lines.
  uint64_t hash = 0;
  for (size_t i = 0; i + sizeof(hash) <= payload.size() && i < 256; i += 8) {
    hash = hash * 0x9e3779b97f4a7c15u + DecodeFixed64(payload.data() + i);
    HF_CHECK(filter->MayContain(hash) == MayContain(payload, hash));
    filter->Prefetch(~hash);
    HF_CHECK(filter->MayContain(~hash) == MayContain(payload, ~hash));
  }
}

void CheckBuilt(int bits_per_key, FuzzInput* input) {
  FilterBuilder builder(bits_per_key);
  std::vector<uint64_t> hashes;
  while (!input->empty()) {
    hashes.push_back(input->Long());
    builder.AddHash(hashes.back());
  }
  const size_t bytes = builder.bytes();
  const std::string payload = builder.Finish();
  HF_CHECK(payload.size() == bytes);
  const auto filter = ParseMeasured(payload);
  HF_CHECK(filter.ok());
  for (const uint64_t hash : hashes) {
    HF_CHECK(filter->MayContain(hash));
    HF_CHECK(MayContain(payload, hash));
    const uint64_t other = hash ^ 0x100000001;
    HF_CHECK(filter->MayContain(other) == MayContain(payload, other));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  const int bits_per_key = input.Byte() % 33;
  if (bits_per_key == 0) {
    CheckAny(input.Rest());
  } else {
    CheckBuilt(bits_per_key, &input);
  }
  return 0;
}
