// The one number that says which formats the files of a database have. It is
// in CURRENT, in the header of each log and in the footer of each table, so
// that a build meeting a file of a later format refuses it by name instead of
// calling it damaged.

#ifndef HOLDFAST_ENGINE_FORMAT_FORMAT_VERSION_H_
#define HOLDFAST_ENGINE_FORMAT_FORMAT_VERSION_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"

namespace holdfast {

inline constexpr uint32_t kFormatVersion = 1;

// OK, or kUnimplemented naming the file, the version that it has and the one
// this build supports. Call it only with a number whose checksum was right.
absl::Status CheckFormatVersion(std::string_view file, uint32_t found);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_FORMAT_FORMAT_VERSION_H_
