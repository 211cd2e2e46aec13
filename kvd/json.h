// JSON with the limits that untrusted text needs: the depth is capped before
// anything is parsed (writing and destroying a value recurse), and nothing
// throws.
//
// Thread safety: pure functions.

#ifndef HOLDFAST_KVD_JSON_H_
#define HOLDFAST_KVD_JSON_H_

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace holdfast::kvd {

// Keys keep the order in which they were set.
using Json = nlohmann::ordered_json;

// Arrays and objects inside each other.
inline constexpr int kMaxJsonDepth = 100;

// The value that `text` holds; kInvalidArgument saying what is wrong and where.
// Of duplicate keys in an object the last one wins.
absl::StatusOr<Json> ParseJson(std::string_view text);

// One line. REQUIRES: strings in `value` are valid UTF-8 (others come out with
// replacement characters), its depth is at most kMaxJsonDepth.
std::string WriteJson(const Json& value);

// Sets object[name] to `bytes` when they are UTF-8 and `hex` is false, else
// object[name + "_hex"] to their hex digits.
void SetBytes(std::string_view name, std::string_view bytes, bool hex,
              Json* object);

// What SetBytes(name, ...) stored; kInvalidArgument when neither or both names
// are there, or a value is not a string.
absl::StatusOr<std::string> GetBytes(std::string_view name, const Json& object);

}  // namespace holdfast::kvd

#endif  // HOLDFAST_KVD_JSON_H_
