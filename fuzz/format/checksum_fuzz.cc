// Checksums (base/checksum.h). Property: the same for the same bytes wherever
// they are in memory, and however they are split for the library's other way to
// hash, which shares little with the one we use; another after one bit changed,
// one byte is missing, or in another context.
//
// Of Checksum32 no difference is demanded: one in 2^32 is not enough for a
// fuzzer that runs for days.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "fuzz/support/fuzz_input.h"

#define XXH_INLINE_ALL
#include "xxhash.h"

namespace {

using namespace holdfast;

uint64_t InParts(std::string_view data, uint64_t context, FuzzInput splits) {
  XXH3_state_t state;
  XXH3_INITSTATE(&state);
  HF_CHECK(XXH3_64bits_reset_withSeed(&state, context) == XXH_OK);
  while (!data.empty()) {
    const std::string_view part = data.substr(0, 1 + splits.Byte());
    HF_CHECK(XXH3_64bits_update(&state, part.data(), part.size()) == XXH_OK);
    data.remove_prefix(part.size());
  }
  return XXH3_64bits_digest(&state);
}

void CheckSame(std::string_view data, uint64_t context, FuzzInput choices) {
  const uint64_t sum = Checksum64(data, context);
  HF_CHECK(Checksum32(data, context) == static_cast<uint32_t>(sum));
  HF_CHECK(HashKey(data) == Checksum64(data, 0));
  HF_CHECK(InParts(data, context, choices) == sum);
  // Of exactly this size at the end, so that a read behind it shows.
  const size_t offset = choices.Below(64);
  std::vector<char> moved(offset + data.size());
  if (!data.empty()) {
    std::memcpy(moved.data() + offset, data.data(), data.size());
  }
  HF_CHECK(Checksum64({moved.data() + offset, data.size()}, context) == sum);
}

void CheckOther(std::string data, uint64_t context, FuzzInput choices) {
  const uint64_t sum = Checksum64(data, context);
  const uint64_t other = context ^ (uint64_t{1} << choices.Below(64));
  HF_CHECK(Checksum64(data, other) != sum);
  HF_CHECK(MixContext(context, other) != MixContext(other, context));
  std::string both;
  PutFixed64(&both, context);
  PutFixed64(&both, other);
  HF_CHECK(MixContext(context, other) == HashKey(both));
  if (data.empty()) return;
  HF_CHECK(Checksum64({data.data(), data.size() - 1}, context) != sum);
  HF_CHECK(Checksum64({data.data() + 1, data.size() - 1}, context) != sum);
  char& byte = data[choices.Below(data.size())];
  byte = static_cast<char>(byte ^ (1 << choices.Below(8)));
  HF_CHECK(Checksum64(data, context) != sum);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  const uint64_t context = input.Long();
  const FuzzInput choices(input.Bytes(8));
  const std::string bytes(input.Rest());
  CheckSame(bytes, context, choices);
  CheckOther(bytes, context, choices);
  return 0;
}
