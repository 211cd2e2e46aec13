// How `kvd load --key-template` makes a key out of a JSON record.
//
//   auto keys = KeyTemplate::Parse("city/{country}/{name}/{line:08}");
//   keys->Expand(record, 7)   →   "city/AD/Vila/00000007"
//
// A template is text with parts in braces:
//   {name}      the field of that name: a string, number or boolean
//   {a.b}       the field b of the object in field a
//   {line}      the number of the line, from 1; {line:08} with zeros to 8
//   digits
//   {.line}     the field that is named "line"
//   {{ and }}   a brace
//
// Thread safety: immutable after Parse.

#ifndef HOLDFAST_KVD_KEY_TEMPLATE_H_
#define HOLDFAST_KVD_KEY_TEMPLATE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "kvd/json.h"

namespace holdfast::kvd {

class KeyTemplate {
 public:
  // kInvalidArgument, with the position, when `text` is no template.
  static absl::StatusOr<KeyTemplate> Parse(std::string_view text);

  // The key of `record`, found in line `line`; kInvalidArgument naming the
  // field that is missing or has no text.
  absl::StatusOr<std::string> Expand(const Json& record, uint64_t line) const;

 private:
  // Text, then what is put after it.
  struct Part {
    enum class Kind { kNothing, kField, kLine };

    std::string text;
    Kind kind = Kind::kNothing;
    std::vector<std::string> path;  // kField: names from the outside in.
    int width = 0;                  // kLine: the least number of digits.
  };

  explicit KeyTemplate(std::vector<Part> parts) : parts_(std::move(parts)) {}

  static absl::StatusOr<Part> ParsePlaceholder(std::string_view content);

  std::vector<Part> parts_;
};

}  // namespace holdfast::kvd

#endif  // HOLDFAST_KVD_KEY_TEMPLATE_H_
