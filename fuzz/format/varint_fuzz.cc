// Varints (base/coding.h). Property: what is accepted is encoded anew to the
// same bytes, so each number has one encoding; what is refused leaves the
// output as it was; nothing behind the limit is read.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/coding.h"

namespace {

using namespace holdfast;

void Check32(std::string_view bytes) {
  constexpr uint32_t kBefore = 0xa5a5a5a5;
  uint32_t value = kBefore;
  const char* const begin = bytes.data();
  const char* const end = DecodeVarint32(begin, begin + bytes.size(), &value);
  if (end == nullptr) {
    HF_CHECK(value == kBefore);
    return;
  }
  std::string again;
  PutVarint32(&again, value);
  HF_CHECK(bytes.starts_with(again));
  HF_CHECK(end == begin + again.size());
  HF_CHECK(VarintLength(value) == again.size());
}

void Check64(std::string_view bytes) {
  constexpr uint64_t kBefore = 0xa5a5a5a5a5a5a5a5;
  uint64_t value = kBefore;
  const char* const begin = bytes.data();
  const char* const end = DecodeVarint64(begin, begin + bytes.size(), &value);
  if (end == nullptr) {
    HF_CHECK(value == kBefore);
    return;
  }
  std::string again;
  PutVarint64(&again, value);
  HF_CHECK(bytes.starts_with(again));
  HF_CHECK(end == begin + again.size());
  HF_CHECK(VarintLength(value) == again.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (size_t at = 0; at <= bytes.size(); ++at) {
    Check32(bytes.substr(at, 10));
    Check64(bytes.substr(at, 11));
  }
  return 0;
}
