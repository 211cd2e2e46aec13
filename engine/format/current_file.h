// The content of the file CURRENT: one line that names the manifest in force.
// Format: docs/formats/current.md.

#ifndef HOLDFAST_ENGINE_FORMAT_CURRENT_FILE_H_
#define HOLDFAST_ENGINE_FORMAT_CURRENT_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace holdfast {

struct CurrentFile {
  uint32_t version = 0;
  uint64_t manifest_number = 0;
  uint64_t db_id = 0;
  // How much of that manifest was durable when CURRENT was made to name it:
  // a shorter one is damaged, not torn.
  uint64_t manifest_bytes = 0;
};

std::string EncodeCurrent(const CurrentFile& current);

// RETURNS kDataLoss naming `path` when `contents` is anything but what
// EncodeCurrent gives; kUnimplemented when the line is whole but of a format
// version that is not ours.
absl::StatusOr<CurrentFile> DecodeCurrent(std::string_view path,
                                          std::string_view contents);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_FORMAT_CURRENT_FILE_H_
