// DecodeTableFooter and CheckTableIdentity. Properties: an accepted footer,
// encoded anew, gives the same bytes, and its handles tile the end of the file;
// an error is kDataLoss at the place of the footer, or kUnimplemented; the
// identity is accepted just when number and identity are the ones looked for.
//
// Input: bytes before the tail (8), expected number and identity, each as a
// difference to the footer's (8 and 8), the tail of the file.
//
// The custom mutator mends what chance would not: magic, version, handles that
// tile, checksum; each but one time in eight.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "base/random.h"
#include "engine/format/table_layout.h"
#include "fuzz/support/fuzz_input.h"
#include "fuzz/support/mutator.h"
#include "fuzz/table/table_fuzzing.h"

namespace {

using namespace holdfast;

constexpr size_t kHeadBytes = 24;

// The size of a file whose last bytes are the tail.
uint64_t FileBytes(uint64_t before, size_t tail) {
  return std::min(before, UINT64_MAX - tail) + tail;
}

// That [handle.offset, `end`) is just the block and its trailer.
void CheckEndsAt(const BlockHandle& handle, uint64_t end) {
  HF_CHECK(handle.offset <= end);
  const uint64_t room = end - handle.offset;
  HF_CHECK(room >= kBlockTrailerBytes);
  HF_CHECK(room - kBlockTrailerBytes == handle.size);
}

void CheckIdentity(const TableFooter& footer, uint64_t file_bytes,
                   uint64_t number_difference, uint64_t identity_difference) {
  const absl::Status status = CheckTableIdentity(
      kFuzzPath, file_bytes, footer, footer.number + number_difference,
      footer.identity + identity_difference);
  const bool same = number_difference == 0 && identity_difference == 0;
  HF_CHECK(status.ok() == same);
  if (!same) HF_CHECK(DamagedOffset(status) == file_bytes - kFooterBytes);
}

// Makes handles that tile the end of the file out of what is there: sizes are
// kept as far as there is room.
void TileHandles(char* footer, uint64_t offset) {
  constexpr size_t kProperties = 32;
  constexpr size_t kIndex = 0;
  constexpr size_t kFilter = 16;
  uint64_t end = offset;
  for (const size_t at : {kProperties, kIndex, kFilter}) {
    if (end < kBlockTrailerBytes) return;
    if (at == kFilter && DecodeFixed64(footer + at) == 0) return;
    const uint64_t size =
        std::min(DecodeFixed64(footer + at + 8), end - kBlockTrailerBytes);
    end -= size + kBlockTrailerBytes;
    EncodeFixed64(footer + at, end);
    EncodeFixed64(footer + at + 8, size);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  const uint64_t before = input.Long();
  const uint64_t number_difference = input.Long();
  const uint64_t identity_difference = input.Long();
  const std::string_view tail = input.Rest();
  const uint64_t file_bytes = FileBytes(before, tail.size());
  const auto footer = DecodeTableFooter(kFuzzPath, file_bytes, tail);
  if (!footer.ok()) {
    if (absl::IsUnimplemented(footer.status())) {
      HF_CHECK(footer.status().message().starts_with(kFuzzPath));
    } else {
      HF_CHECK(DamagedOffset(footer.status()) ==
               (tail.size() < kFooterBytes ? 0 : file_bytes - kFooterBytes));
    }
    return 0;
  }
  const uint64_t offset = file_bytes - kFooterBytes;
  HF_CHECK(EncodeTableFooter(*footer, offset) ==
           tail.substr(tail.size() - kFooterBytes));
  CheckEndsAt(footer->properties, offset);
  CheckEndsAt(footer->index, footer->properties.offset);
  if (footer->has_filter()) CheckEndsAt(footer->filter, footer->index.offset);
  HF_CHECK(footer->data_end() <= footer->index.offset);
  CheckIdentity(*footer, file_bytes, number_difference, identity_difference);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size,
                                          size_t max_size, unsigned seed) {
  constexpr size_t kIdentity = 56;
  constexpr size_t kVersion = 64;
  constexpr size_t kReserved = 68;
  constexpr size_t kMagic = 72;
  constexpr size_t kChecksum = 80;
  size = Mutate(data, size, max_size, seed);
  if (size < kHeadBytes + kFooterBytes) return size;
  Random random(seed);
  char* const head = reinterpret_cast<char*>(data);
  char* const footer = head + size - kFooterBytes;
  const uint64_t offset =
      FileBytes(DecodeFixed64(head), size - kHeadBytes) - kFooterBytes;
  if (random.Uniform(8) > 0) TileHandles(footer, offset);
  if (random.Uniform(8) > 0) EncodeFixed32(footer + kVersion, 1);
  if (random.Uniform(8) > 0) EncodeFixed32(footer + kReserved, 0);
  if (random.Uniform(8) > 0) {
    std::copy(kTableMagic.begin(), kTableMagic.end(), footer + kMagic);
  }
  if (random.Uniform(8) > 0) {
    const uint64_t identity = DecodeFixed64(footer + kIdentity);
    EncodeFixed64(footer + kChecksum,
                  Checksum64(std::string_view(footer, kChecksum),
                             MixContext(identity, offset)));
  }
  return size;
}
