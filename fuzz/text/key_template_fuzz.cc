// Key templates (kvd/key_template.h). An input that begins with kParts makes
// the parts of a template, the others are a template, a line end and a record.
// Properties: a template made of parts expands to what the parts say; any text
// is a template or refused with a position in it; an expansion is a key or an
// error that names a field; messages can be shown on a terminal; memory is
// linear in the text.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/check.h"
#include "fuzz/support/allocation_meter.h"
#include "fuzz/support/fuzz_input.h"
#include "kvd/json.h"
#include "kvd/key_template.h"
#include "kvd/text.h"

namespace {

using namespace holdfast;
using namespace holdfast::kvd;

constexpr uint8_t kParts = 1;

// "{a}" is a part: two strings and a vector, in a vector that doubles.
constexpr size_t kBytesPerByte = 192;
constexpr size_t kErrorBytes = 4096;

void CheckText(std::string_view text, std::string_view record) {
  absl::StatusOr<KeyTemplate> keys = absl::UnknownError("");
  size_t peak_bytes;
  {
    AllocationMeter meter;
    keys = KeyTemplate::Parse(text);
    peak_bytes = meter.peak_bytes();
  }
  HF_CHECK(peak_bytes <= kBytesPerByte * text.size() + kErrorBytes);
  if (!keys.ok()) {
    HF_CHECK(absl::IsInvalidArgument(keys.status()));
    std::string_view message = keys.status().message();
    HF_CHECK(IsPrintableText(message));
    HF_CHECK(absl::ConsumePrefix(&message, "key template, at position "));
    size_t position = 0;
    HF_CHECK(absl::SimpleAtoi(message.substr(0, message.find(':')), &position));
    HF_CHECK(position >= 1);
    HF_CHECK(position <= text.size());
    return;
  }
  const absl::StatusOr<Json> json = ParseJson(record);
  if (!json.ok()) return;
  const absl::StatusOr<std::string> key = keys->Expand(*json, record.size());
  if (key.ok()) return;
  HF_CHECK(absl::IsInvalidArgument(key.status()));
  HF_CHECK(IsPrintableText(key.status().message()));
  HF_CHECK(key.status().message().find("field \"") != std::string_view::npos);
}

// Text that stands for itself in a template.
std::string Literal(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    text.push_back(c);
    if (c == '{' || c == '}') text.push_back(c);
  }
  return text;
}

// A name that no other part has.
std::string Name(std::string_view bytes, int part) {
  std::string name = absl::StrCat(part);
  for (const char c : bytes) {
    if (c != '.' && c != ':' && c != '{' && c != '}') name.push_back(c);
  }
  return name;
}

// A value, and the text that stands for it in a key.
Json Value(FuzzInput* input, std::string* text) {
  switch (input->Below(4)) {
    case 0: {
      const uint64_t number = input->Long();
      *text = absl::StrCat(number);
      return number;
    }
    case 1: {
      const auto number = -static_cast<int64_t>(input->Word());
      *text = absl::StrCat(number);
      return number;
    }
    case 2: {
      const bool yes = input->Bool();
      *text = yes ? "true" : "false";
      return yes;
    }
    default:
      *text = std::string(input->Bytes(input->Below(20)));
      return *text;
  }
}

void CheckParts(FuzzInput input) {
  const uint64_t line = input.Long();
  Json record = Json::object();
  std::string text;
  std::string want;
  for (int part = 0; part < 8 && !input.empty(); ++part) {
    switch (input.Below(5)) {
      case 0: {
        const std::string_view literal = input.Bytes(input.Below(8));
        text.append(Literal(literal));
        want.append(literal);
        break;
      }
      case 1:
        text.append("{line}");
        absl::StrAppend(&want, line);
        break;
      case 2: {
        const size_t width = 1 + input.Below(20);
        absl::StrAppend(&text, "{line:0", width, "}");
        const std::string digits = absl::StrCat(line);
        if (digits.size() < width) want.append(width - digits.size(), '0');
        want.append(digits);
        break;
      }
      default: {
        const std::string outer = Name(input.Bytes(input.Below(8)), part);
        const std::string inner = Name(input.Bytes(input.Below(4)), part);
        const bool nested = input.Bool();
        const bool dot = input.Bool();
        std::string value_text;
        Json value = Value(&input, &value_text);
        absl::StrAppend(&text, "{", dot ? "." : "", outer, nested ? "." : "",
                        nested ? inner : "", "}");
        if (nested) {
          record[outer][inner] = std::move(value);
        } else {
          record[outer] = std::move(value);
        }
        want.append(value_text);
      }
    }
  }
  const absl::StatusOr<KeyTemplate> keys = KeyTemplate::Parse(text);
  HF_CHECK(keys.ok());
  const absl::StatusOr<std::string> key = keys->Expand(record, line);
  HF_CHECK(key.ok());
  HF_CHECK(*key == want);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 0 && data[0] == kParts) {
    CheckParts(FuzzInput(data + 1, size - 1));
    return 0;
  }
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(text.find('\n'), size);
  CheckText(text.substr(0, end), text.substr(std::min(end + 1, size)));
  return 0;
}
