#include "engine/db/destroy.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/mutant.h"
#include "base/status_util.h"
#include "engine/format/file_names.h"

namespace holdfast {
namespace {

struct OwnFile {
  FileKind kind;
  std::string name;
};

absl::StatusOr<std::vector<OwnFile>> OwnFiles(FileSystem& file_system,
                                              const std::string& dir) {
  HF_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                      file_system.ListDirectory(dir));
  std::vector<OwnFile> files;
  for (const std::string& name : names) {
    FileKind kind;
    uint64_t number;
    if (ParseFileName(name, &kind, &number)) files.push_back({kind, name});
  }
  return files;
}

}  // namespace

absl::Status DestroyDatabase(FileSystem& file_system, const std::string& dir) {
  absl::StatusOr<std::vector<OwnFile>> files = OwnFiles(file_system, dir);
  if (absl::IsNotFound(files.status())) return absl::OkStatus();
  HF_RETURN_IF_ERROR(files.status());
  if (files->empty()) return absl::OkStatus();
  std::unique_ptr<FileLock> lock;
  if (!HF_MUTANT("destroy.lock")) {
    HF_ASSIGN_OR_RETURN(lock, file_system.LockFile(LockFileName(dir)));
  }
  files = OwnFiles(file_system, dir);  // Nobody else changes them now.
  HF_RETURN_IF_ERROR(files.status());
  const std::string current = CurrentFileName(dir);
  HF_ASSIGN_OR_RETURN(const bool exists, file_system.FileExists(current));
  if (exists) {
    HF_RETURN_IF_ERROR(file_system.RemoveFile(current));
  }
  // Also when it was gone: an earlier attempt may have ended before this. Had
  // its sync failed, this one may not mend that: then a crash brings CURRENT
  // back without its tables, Open says so, and Destroy works again.
  HF_RETURN_IF_ERROR(
      HF_STEP("destroy.current_goes_first", file_system.SyncDirectory(dir)));
  for (const OwnFile& file : *files) {
    if (file.kind == FileKind::kCurrent || file.kind == FileKind::kLock) {
      continue;
    }
    HF_RETURN_IF_ERROR(file_system.RemoveFile(JoinPath(dir, file.name)));
  }
  HF_RETURN_IF_ERROR(
      HF_STEP("destroy.lock_goes_last", file_system.SyncDirectory(dir)));
  // Last, so that nobody opens what is half gone.
  HF_RETURN_IF_ERROR(file_system.RemoveFile(LockFileName(dir)));
  lock.reset();
  // Stays when something else is in it.
  file_system.RemoveDirectory(dir).IgnoreError();
  return absl::OkStatus();
}

}  // namespace holdfast
