#include "env/file_util.h"

#include <cstdint>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/mutant.h"
#include "base/status_util.h"

namespace holdfast {
namespace {

absl::Status WriteAndClose(WritableFile& file, std::string_view contents) {
  HF_RETURN_IF_ERROR(file.Write(0, contents));
  HF_RETURN_IF_ERROR(HF_STEP("file_util.temp_sync", file.Sync()));
  HF_RETURN_IF_ERROR(file.Close());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadFileToString(FileSystem& file_system,
                                             std::string_view path,
                                             size_t max_bytes) {
  HF_ASSIGN_OR_RETURN(const auto file, file_system.OpenFile(path));
  HF_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  if (size > max_bytes) {
    return DataLoss(path, max_bytes,
                    absl::StrCat("the file has ", size, " bytes, at most ",
                                 max_bytes, " belong there"));
  }
  std::string contents(static_cast<size_t>(size), '\0');
  std::string_view read;
  HF_RETURN_IF_ERROR(file->Read(0, contents.size(), contents.data(), &read));
  // The file may own the bytes, and it may have become shorter.
  if (read.data() != contents.data()) return std::string(read);
  contents.resize(read.size());
  return contents;
}

absl::Status WriteTempFile(FileSystem& file_system, std::string_view temp_path,
                           std::string_view contents) {
  HF_ASSIGN_OR_RETURN(auto file, file_system.CreateFile(temp_path));
  const absl::Status status = WriteAndClose(*file, contents);
  if (!status.ok() && !HF_MUTANT("file_util.failed_temp_removed")) {
    file.reset();  // Closes it.
    file_system.RemoveFile(temp_path).IgnoreError();
  }
  return status;
}

absl::Status ReplaceFile(FileSystem& file_system, std::string_view directory,
                         std::string_view temp_path,
                         std::string_view final_path) {
  const absl::Status status = file_system.RenameFile(temp_path, final_path);
  if (!status.ok()) {
    if (!HF_MUTANT("file_util.unrenamed_temp_removed")) {
      file_system.RemoveFile(temp_path).IgnoreError();
    }
    return status;
  }
  HF_RETURN_IF_ERROR(
      HF_STEP("file_util.rename_sync", file_system.SyncDirectory(directory)));
  return absl::OkStatus();
}

}  // namespace holdfast
