#include "kvd/json.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
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

// Builds a value of the events that it receives, or keeps the position of the
// first error. Not the library's own builder: that compares each key with all
// that the object has, so that a line of a few megabytes may take hours.
class Builder : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return Add(nullptr); }
  bool boolean(bool value) override { return Add(value); }
  bool number_integer(number_integer_t value) override { return Add(value); }
  bool number_unsigned(number_unsigned_t value) override { return Add(value); }
  bool number_float(number_float_t value, const string_t&) override {
    return Add(value);
  }
  bool string(string_t& value) override { return Add(std::move(value)); }
  bool binary(binary_t& value) override { return Add(std::move(value)); }
  bool start_object(size_t) override { return Open(Json::object()); }
  bool key(string_t& name) override {
    slot_ = levels_.back().SlotOf(std::move(name));
    return true;
  }
  bool end_object() override { return Close(); }
  bool start_array(size_t) override { return Open(Json::array()); }
  bool end_array() override { return Close(); }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    position_ = position;
    return false;
  }

  size_t position() const { return position_; }
  Json TakeValue() { return std::move(root_); }

 private:
  // An array or object that is not closed yet.
  class Level {
   public:
    explicit Level(Json* value) : value_(value) {}

    // The value of that name, which is made when the object has none.
    Json* SlotOf(std::string name) {
      auto& object = value_->get_ref<Json::object_t&>();
      if (object.size() < kSearchedKeys) {
        for (auto& [known, value] : object) {
          if (known == name) return &value;
        }
      } else {
        if (positions_.empty()) {
          for (size_t i = 0; i < object.size(); ++i) {
            positions_[object.begin()[i].first] = i;
          }
        }
        const auto [at, is_new] = positions_.emplace(name, object.size());
        if (!is_new) return &object.begin()[at->second].second;
      }
      object.emplace_back(std::move(name), nullptr);
      return &object.back().second;
    }

    Json* value() const { return value_; }

   private:
    // Up to so many, comparing all is faster than an index.
    static constexpr size_t kSearchedKeys = 16;

    Json* value_;
    absl::flat_hash_map<std::string, size_t> positions_;
  };

  // Puts the value where one is expected. Containers around it stay where they
  // are: they grow only when what is in them is closed.
  Json* Put(Json value) {
    Json* slot = slot_;
    if (levels_.empty()) {
      slot = &root_;
    } else if (levels_.back().value()->is_array()) {
      auto& array = levels_.back().value()->get_ref<Json::array_t&>();
      slot = &array.emplace_back();
    }
    *slot = std::move(value);
    return slot;
  }

  bool Add(Json value) {
    Put(std::move(value));
    return true;
  }
  bool Open(Json container) {
    levels_.emplace_back(Put(std::move(container)));
    return true;
  }
  bool Close() {
    levels_.pop_back();
    return true;
  }

  Json root_;
  std::vector<Level> levels_;  // From the outside in.
  Json* slot_ = nullptr;       // Of the name that came last.
  size_t position_ = 0;
};

absl::Status ParseError(std::string_view text, size_t position) {
  if (position > text.size()) {
    return absl::InvalidArgumentError("not valid JSON: it ends too early");
  }
  return absl::InvalidArgumentError(
      absl::StrCat("not valid JSON: wrong at position ", position));
}

}  // namespace

absl::StatusOr<Json> ParseJson(std::string_view text) {
  if (BracketDepth(text) > kMaxJsonDepth) {
    return absl::InvalidArgumentError(
        absl::StrCat("JSON nested deeper than ", kMaxJsonDepth, " levels"));
  }
  Builder builder;
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) {
    return ParseError(text, builder.position());
  }
  return builder.TakeValue();
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
