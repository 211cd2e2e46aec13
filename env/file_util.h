// Whole small files: read one with a limit, replace one in one step.

#ifndef HOLDFAST_ENV_FILE_UTIL_H_
#define HOLDFAST_ENV_FILE_UTIL_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "holdfast/env/file_system.h"

namespace holdfast {

// RETURNS the content of a file. A file of more than `max_bytes` is kDataLoss
// and nothing is allocated for it: a damaged size must not cost memory.
absl::StatusOr<std::string> ReadFileToString(FileSystem& file_system,
                                             std::string_view path,
                                             size_t max_bytes);

// Replacing a file in one step takes two calls, so that the caller knows on
// which side of the step an error came:
//
//   HF_RETURN_IF_ERROR(WriteTempFile(fs, temp_path, contents));
//   // Until here nothing has changed, whatever failed.
//   HF_RETURN_IF_ERROR(ReplaceFile(fs, directory, temp_path, final_path));
//
// Whoever looks at `final_path` finds the old file or the new one, whole.

// Makes a new file with durable content. REQUIRES: no file of that name.
// On an error the file is removed, as far as that works; but one that was there
// is left alone.
// Crash: once it returned OK the content survives, if the name does.
absl::Status WriteTempFile(FileSystem& file_system, std::string_view temp_path,
                           std::string_view contents);

// Gives `temp_path` the name `final_path`, durably. REQUIRES: both are in
// `directory`.
// Crash: once it returned OK, the new file survives under its name.
// After an error:
//   rename          `final_path` names the old file or the new one, whole;
//   which
//                   of them, only a look tells. `temp_path` was removed as far
//                   as that worked.
//   directory sync  `final_path` names the new file now; after a crash it names
//                   the old or the new one. To do it all again under a fresh
//                   `temp_path` is safe; to sync again is no proof.
absl::Status ReplaceFile(FileSystem& file_system, std::string_view directory,
                         std::string_view temp_path,
                         std::string_view final_path);

}  // namespace holdfast

#endif  // HOLDFAST_ENV_FILE_UTIL_H_
