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

// Gives the file `final_path` the content `contents` in one step: whoever looks
// finds the old file or the new one, whole.
//
// REQUIRES: both paths are in `directory`; no file `temp_path` exists.
//
// Crash: once it returned OK, the new file survives. Before, a crash leaves the
// old file or the new one, and perhaps a file `temp_path` with any content.
//
// After an error:
//   create               `final_path` is as it was. A file of the name
//                        `temp_path`, if there is one, was left alone.
//   write, sync, close   `final_path` is as it was, now and after a crash.
//   rename               `final_path` names the old file or the new one, whole;
//                        which of them, only a look tells.
//   directory sync       `final_path` names the new file now; after a crash it
//                        names the old or the new one. To do it all again under
//                        a fresh `temp_path` is safe; to sync again is no
//                        proof.
// Except after create and directory sync, `temp_path` has been removed as far
// as that worked; the status is that of the step that failed.
absl::Status WriteFileAtomically(FileSystem& file_system,
                                 std::string_view directory,
                                 std::string_view temp_path,
                                 std::string_view final_path,
                                 std::string_view contents);

}  // namespace holdfast

#endif  // HOLDFAST_ENV_FILE_UTIL_H_
