#include "engine/version/obsolete_files.h"

#include "base/check.h"
#include "engine/format/file_names.h"

namespace holdfast {
namespace {

bool IsObsolete(const FilesInUse& in_use, FileKind kind, uint64_t number) {
  switch (kind) {
    case FileKind::kCurrent:
    case FileKind::kLock:
      return false;
    case FileKind::kTable:
      return !in_use.live_tables.contains(number);
    case FileKind::kWal:
      return number < in_use.log_number;
    case FileKind::kManifest:
    case FileKind::kTemp:
      return number < in_use.manifest_number;
  }
  HF_CHECK(false);
  return false;
}

}  // namespace

std::vector<std::string> ObsoleteFiles(const FilesInUse& in_use,
                                       const std::vector<std::string>& names) {
  std::vector<std::string> obsolete;
  if (in_use.manifest_state_unknown) return obsolete;  // Invariant (3).
  for (const std::string& name : names) {
    FileKind kind;
    uint64_t number = 0;
    if (!ParseFileName(name, &kind, &number)) continue;  // Invariant (2).
    if (number >= in_use.next_file_number) continue;
    if (in_use.pending.contains(number)) continue;
    if (IsObsolete(in_use, kind, number)) obsolete.push_back(name);
  }
  return obsolete;
}

}  // namespace holdfast
