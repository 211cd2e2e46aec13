// Trailers of blocks. Properties: what was appended is accepted, and gives the
// type back; in another place, in another table, or with any byte changed, it
// is kDataLoss at the offset of the block. Without the check of the checksum,
// only an unknown type is.
//
// Input: identity (8), offset (8), type (1), what to change: kind (1), mask
// (8), place (2); the payload.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/check.h"
#include "engine/format/table_layout.h"
#include "fuzz/support/fuzz_input.h"
#include "fuzz/table/table_fuzzing.h"
#include "holdfast/options.h"

namespace {

using namespace holdfast;

void CheckUnverified(std::string_view block, uint64_t identity,
                     uint64_t offset) {
  const auto byte =
      static_cast<unsigned char>(block[block.size() - kBlockTrailerBytes]);
  Compression type;
  const absl::Status status =
      CheckBlockTrailer(kFuzzPath, identity, offset, block, false, &type);
  HF_CHECK(status.ok() == (byte <= 2));
  if (status.ok()) {
    HF_CHECK(static_cast<unsigned char>(type) == byte);
  } else {
    HF_CHECK(DamagedOffset(status) == offset);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  uint64_t identity = input.Long();
  uint64_t offset = input.Long();
  const auto type = static_cast<Compression>(input.Byte() % 3);
  const uint8_t change = input.Byte() % 3;
  const uint64_t mask = input.Long();
  const size_t place = input.Short();
  const std::string payload(input.Rest());

  std::string block = payload;
  AppendBlockTrailer(&block, type, identity, offset);
  HF_CHECK(block.size() == payload.size() + kBlockTrailerBytes);
  HF_CHECK(block.starts_with(payload));
  Compression read;
  HF_CHECK(
      CheckBlockTrailer(kFuzzPath, identity, offset, block, true, &read).ok());
  HF_CHECK(read == type);
  CheckUnverified(block, identity, offset);

  if (mask == 0) return 0;
  if (change == 0) identity ^= mask;
  if (change == 1) offset ^= mask;
  if (change == 2) {
    char& byte = block[place % block.size()];
    byte = static_cast<char>(byte ^ (mask % 255 + 1));
  }
  const absl::Status status =
      CheckBlockTrailer(kFuzzPath, identity, offset, block, true, &read);
  HF_CHECK(DamagedOffset(status) == offset);
  CheckUnverified(block, identity, offset);
  return 0;
}
