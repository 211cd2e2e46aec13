#include "kvd/json.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_util.h"
#include "kvd/text.h"

namespace holdfast::kvd {
namespace {

// The deepest nesting of brackets outside strings; right for valid JSON, an
// upper bound for what a parser can reach in other text.
int BracketDepth(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return deepest;
}

// Receives events and keeps only the first error.
class ErrorFinder : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    position_ = position;
    return false;
  }

  size_t position() const { return position_; }

 private:
  size_t position_ = 0;
};

absl::Status ParseError(std::string_view text) {
  ErrorFinder finder;
  Json::sax_parse(text.begin(), text.end(), &finder);
  if (finder.position() > text.size()) {
    return absl::InvalidArgumentError("not valid JSON: it ends too early");
  }
  return absl::InvalidArgumentError(
      absl::StrCat("not valid JSON: wrong at position ", finder.position()));
}

}  // namespace

absl::StatusOr<Json> ParseJson(std::string_view text) {
  if (BracketDepth(text) > kMaxJsonDepth) {
    return absl::InvalidArgumentError(
        absl::StrCat("JSON nested deeper than ", kMaxJsonDepth, " levels"));
  }
  Json value = Json::parse(text.begin(), text.end(), nullptr,
                           /*allow_exceptions=*/false);
  if (value.is_discarded()) return ParseError(text);
  return value;
}

std::string WriteJson(const Json& value) {
  return value.dump(/*indent=*/-1, ' ', /*ensure_ascii=*/false,
                    Json::error_handler_t::replace);
}

void SetBytes(std::string_view name, std::string_view bytes, bool hex,
              Json* object) {
  if (!hex && IsValidUtf8(bytes)) {
    (*object)[std::string(name)] = std::string(bytes);
  } else {
    (*object)[absl::StrCat(name, "_hex")] = EncodeText(Notation::kHex, bytes);
  }
}

absl::StatusOr<std::string> GetBytes(std::string_view name,
                                     const Json& object) {
  const std::string hex_name = absl::StrCat(name, "_hex");
  const auto plain = object.find(std::string(name));
  const auto hex = object.find(hex_name);
  if ((plain == object.end()) == (hex == object.end())) {
    return absl::InvalidArgumentError(absl::StrCat(
        plain == object.end() ? "neither" : "both", " \"", name, "\" ",
        plain == object.end() ? "nor" : "and", " \"", hex_name, "\""));
  }
  const bool is_hex = hex != object.end();
  const Json& value = is_hex ? *hex : *plain;
  if (!value.is_string()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", is_hex ? hex_name : name, "\" is not a string"));
  }
  const auto& text = value.get_ref<const std::string&>();
  if (!is_hex) return text;
  absl::StatusOr<std::string> bytes = DecodeText(Notation::kHex, text);
  if (!bytes.ok()) {
    return Annotate(bytes.status(), absl::StrCat("\"", hex_name, "\""));
  }
  return bytes;
}

}  // namespace holdfast::kvd
