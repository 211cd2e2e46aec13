#include "kvd/key_template.h"

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "kvd/text.h"

namespace holdfast::kvd {
namespace {

// A uint64_t has at most 20 digits; wider lines sort no better.
constexpr int kMaxLineWidth = 20;

// A part of a template in a message: it may hold any bytes.
std::string Shown(std::string_view bytes) {
  return EncodeText(Notation::kEscaped, bytes);
}

// The text that stands for a field's value in a key.
absl::StatusOr<std::string> ScalarText(const Json& value) {
  switch (value.type()) {
    case Json::value_t::string:
      return value.get<std::string>();
    case Json::value_t::boolean:
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
    case Json::value_t::number_float:
      return WriteJson(value);
    default:
      return absl::InvalidArgumentError(absl::StrCat(
          "is ", value.type_name(), ", not a string, number or boolean"));
  }
}

}  // namespace

absl::StatusOr<KeyTemplate::Part> KeyTemplate::ParsePlaceholder(
    std::string_view content) {
  Part part;
  const size_t colon = content.find(':');
  const std::string_view name = content.substr(0, colon);
  if (name == "line") {
    part.kind = Part::Kind::kLine;
    if (colon == std::string_view::npos) return part;
    const std::string_view width = content.substr(colon + 1);
    if (width.size() < 2 || width[0] != '0' ||
        !absl::SimpleAtoi(width, &part.width) || part.width < 1 ||
        part.width > kMaxLineWidth) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the width of {line} is written like {line:08}, from 01 to ",
          kMaxLineWidth, ", not \"", Shown(width), "\""));
    }
    return part;
  }
  if (colon != std::string_view::npos) {
    return absl::InvalidArgumentError("only {line} takes a width");
  }
  part.kind = Part::Kind::kField;
  // A leading dot tells the field "line" from the line number.
  part.path = absl::StrSplit(name.substr(name.starts_with('.') ? 1 : 0), '.');
  for (const std::string& field : part.path) {
    if (field.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("{", Shown(content), "} has an empty field name"));
    }
  }
  return part;
}

absl::StatusOr<KeyTemplate> KeyTemplate::Parse(std::string_view text) {
  const auto wrong = [](size_t at, std::string_view why) {
    return absl::InvalidArgumentError(
        absl::StrCat("key template, at position ", at + 1, ": ", why));
  };
  std::vector<Part> parts(1);
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c != '{' && c != '}') {
      parts.back().text.push_back(c);
    } else if (i + 1 < text.size() && text[i + 1] == c) {
      parts.back().text.push_back(c);
      ++i;
    } else if (c == '}') {
      return wrong(i, "a } without {; write }} for a brace");
    } else {
      const size_t end = text.find('}', i);
      if (end == std::string_view::npos) {
        return wrong(i, "a { without }; write {{ for a brace");
      }
      absl::StatusOr<Part> part =
          ParsePlaceholder(text.substr(i + 1, end - i - 1));
      if (!part.ok()) return wrong(i, part.status().message());
      part->text = std::move(parts.back().text);
      parts.back() = *std::move(part);
      parts.emplace_back();
      i = end;
    }
  }
  return KeyTemplate(std::move(parts));
}

absl::StatusOr<std::string> KeyTemplate::Expand(const Json& record,
                                                uint64_t line) const {
  std::string key;
  for (const Part& part : parts_) {
    key.append(part.text);
    if (part.kind == Part::Kind::kLine) {
      absl::StrAppend(&key, absl::StrFormat("%0*d", part.width, line));
    }
    if (part.kind != Part::Kind::kField) continue;
    const Json* value = &record;
    for (const std::string& field : part.path) {
      const auto found = value->find(field);  // end() if it is no object.
      if (found == value->end()) {
        return absl::InvalidArgumentError(
            absl::StrCat("no field \"", Shown(absl::StrJoin(part.path, ".")),
                         "\", which the key template needs"));
      }
      value = &*found;
    }
    absl::StatusOr<std::string> text = ScalarText(*value);
    if (!text.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("field \"", Shown(absl::StrJoin(part.path, ".")), "\" ",
                       text.status().message()));
    }
    key.append(*text);
  }
  return key;
}

}  // namespace holdfast::kvd
