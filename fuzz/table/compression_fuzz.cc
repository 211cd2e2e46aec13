// Compressed blocks. Properties: any bytes as one give at most `max_bytes`, or
// kDataLoss at their offset, and take no more memory than the library needs and
// a block of so many bytes can hold; what was compressed is smaller by an
// eighth at least, gives the same bytes back, and is refused when these are
// over the limit. With Compression::kNone nothing is compressed.
//
// Input: 0 to 2: compress the rest so; 3 and 4: decompress the rest as LZ4, as
// zstd, with a limit (4) before it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/check.h"
#include "engine/format/table_layout.h"
#include "engine/table/compression.h"
#include "fuzz/support/allocation_meter.h"
#include "fuzz/support/fuzz_input.h"
#include "fuzz/table/table_fuzzing.h"
#include "holdfast/options.h"

namespace {

using namespace holdfast;

constexpr uint64_t kOffset = 4096;
// The state of a decompression by zstd.
constexpr uint64_t kZstdBytes = 256 << 10;

// What n compressed bytes can hold: a zstd block is four bytes at least, and
// 128 KiB at most when decompressed.
uint64_t MostBytes(Compression compression, uint64_t n) {
  return compression == Compression::kLz4 ? n * 255 + 64 : n * (32 << 10);
}

absl::StatusOr<RawBlock> DecompressMeasured(Compression compression,
                                            std::string_view compressed,
                                            uint64_t max_bytes) {
  const uint64_t most =
      std::min(max_bytes, MostBytes(compression, compressed.size()));
  AllocationMeter meter;
  auto raw =
      DecompressBlock(compression, compressed, max_bytes, kFuzzPath, kOffset);
  HF_CHECK(meter.peak_bytes() <=
           most + 2048 + (compression == Compression::kZstd ? kZstdBytes : 0));
  if (raw.ok()) {
    HF_CHECK(raw->size <= most);
    HF_CHECK(raw->view().size() == raw->size);
  } else {
    HF_CHECK(DamagedOffset(raw.status()) == kOffset);
  }
  return raw;
}

void CheckRoundTrip(Compression compression, std::string_view bytes) {
  BlockCompressor compressor(compression);
  std::string compressed;
  if (!compressor.Compress(bytes, &compressed)) return;
  HF_CHECK(compression != Compression::kNone);
  HF_CHECK(compressed.size() <= bytes.size() - bytes.size() / 8);
  const auto raw = DecompressMeasured(compression, compressed, kMaxBlockBytes);
  HF_CHECK(raw.ok());
  HF_CHECK(raw->view() == bytes);
  HF_CHECK(DecompressMeasured(compression, compressed, bytes.size()).ok());
  HF_CHECK(!DecompressMeasured(compression, compressed, bytes.size() - 1).ok());
  // Cut anywhere, nobody takes it for something else.
  compressed.resize(compressed.size() - 1 - bytes.size() % compressed.size());
  const auto cut = DecompressMeasured(compression, compressed, kMaxBlockBytes);
  HF_CHECK(!cut.ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  const uint8_t what = input.Byte() % 5;
  if (what < 3) {
    CheckRoundTrip(static_cast<Compression>(what), input.Rest());
    return 0;
  }
  const uint64_t max_bytes = std::min<uint64_t>(input.Word(), INT32_MAX);
  const auto compression = static_cast<Compression>(what - 2);
  const auto raw = DecompressMeasured(compression, input.Rest(), max_bytes);
  if (raw.ok()) CheckRoundTrip(compression, raw->view());
  return 0;
}
