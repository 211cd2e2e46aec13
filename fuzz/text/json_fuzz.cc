// JSON (kvd/json.h). Properties: no exception escapes; what is accepted is not
// deeper than the cap, has no name twice, and is written as one line that
// parses to the same value and is written as itself; what is refused is refused
// with a position or as too deep; any bytes go through an object; memory is
// linear in the text.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "base/check.h"
#include "fuzz/support/allocation_meter.h"
#include "kvd/json.h"
#include "kvd/text.h"

namespace {

using namespace holdfast;
using namespace holdfast::kvd;

// Two bytes ("[[", "1,") can be a value of 16 in a vector that doubles, of an
// array with a header of 24.
constexpr size_t kBytesPerByte = 128;
constexpr size_t kErrorBytes = 4096;

// How deep it is. No object may have two members of one name.
int DepthOf(const Json& value) {
  int deepest = 0;
  if (!value.is_structured()) return 0;
  if (value.is_object()) {
    std::set<std::string_view> names;
    for (const auto& member : value.items()) {
      HF_CHECK(names.insert(member.key()).second);
    }
  }
  for (const Json& part : value) deepest = std::max(deepest, DepthOf(part));
  return 1 + deepest;
}

void CheckRefusal(std::string_view text, const absl::Status& status) {
  HF_CHECK(absl::IsInvalidArgument(status));
  std::string_view message = status.message();
  if (message == "JSON nested deeper than 100 levels") {
    HF_CHECK(text.size() > static_cast<size_t>(kMaxJsonDepth));
    return;
  }
  HF_CHECK(absl::ConsumePrefix(&message, "not valid JSON: "));
  if (absl::ConsumePrefix(&message, "wrong at position ")) {
    size_t position = 0;
    HF_CHECK(absl::SimpleAtoi(message, &position));
    HF_CHECK(position >= 1);
    HF_CHECK(position <= text.size());
  } else {
    HF_CHECK(message == "it ends too early");
  }
}

void CheckText(std::string_view text) {
  absl::StatusOr<Json> value = Json();
  size_t peak_bytes;
  {
    AllocationMeter meter;
    value = ParseJson(text);
    peak_bytes = meter.peak_bytes();
  }
  HF_CHECK(peak_bytes <= kBytesPerByte * text.size() + kErrorBytes);
  if (!value.ok()) {
    CheckRefusal(text, value.status());
    return;
  }
  HF_CHECK(DepthOf(*value) <= kMaxJsonDepth);
  const std::string written = WriteJson(*value);
  HF_CHECK(IsValidUtf8(written));
  HF_CHECK(written.find('\n') == std::string::npos);
  const absl::StatusOr<Json> again = ParseJson(written);
  HF_CHECK(again.ok());
  HF_CHECK(*again == *value);
  HF_CHECK(WriteJson(*again) == written);
  const absl::StatusOr<std::string> bytes = GetBytes("key", *value);
  if (!bytes.ok()) {
    HF_CHECK(absl::IsInvalidArgument(bytes.status()));
    HF_CHECK(IsPrintableText(bytes.status().message()));
  }
}

void CheckBytes(std::string_view bytes, bool hex) {
  Json object = Json::object();
  SetBytes("key", bytes, hex, &object);
  HF_CHECK(object.size() == 1);
  HF_CHECK(object.contains("key") == (!hex && IsValidUtf8(bytes)));
  const absl::StatusOr<Json> parsed = ParseJson(WriteJson(object));
  HF_CHECK(parsed.ok());
  const absl::StatusOr<std::string> again = GetBytes("key", *parsed);
  HF_CHECK(again.ok());
  HF_CHECK(*again == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckText(text);
  CheckBytes(text, /*hex=*/false);
  CheckBytes(text, /*hex=*/true);
  return 0;
}
