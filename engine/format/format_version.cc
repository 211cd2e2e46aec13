#include "engine/format/format_version.h"

#include "absl/strings/str_cat.h"

namespace holdfast {

absl::Status CheckFormatVersion(std::string_view file, uint32_t found) {
  if (found == kFormatVersion) return absl::OkStatus();
  return absl::UnimplementedError(
      absl::StrCat(file, ": has format version ", found,
                   "; this build supports version ", kFormatVersion));
}

}  // namespace holdfast
