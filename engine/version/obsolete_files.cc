#include "engine/version/obsolete_files.h"

#include "base/check.h"
#include "base/mutant.h"
#include "base/sometimes.h"
#include "engine/format/file_names.h"

namespace holdfast {
namespace {

bool IsObsolete(const FilesInUse& in_use, FileKind kind, uint64_t number) {
  switch (kind) {
    case FileKind::kCurrent:
    case FileKind::kLock:
      return false;
    case FileKind::kTable:
      return !in_use.live_tables.contains(number) ||
             HF_MUTANT("obsolete_files.live_tables");
    case FileKind::kWal:
      return number < in_use.log_number ||
             HF_MUTANT("obsolete_files.needed_logs");
    case FileKind::kManifest:
    case FileKind::kTemp:
      return number < in_use.manifest_number ||
             HF_MUTANT("obsolete_files.manifest_in_force");
  }
  HF_CHECK(false);
  return false;
}

}  // namespace

std::vector<std::string> ObsoleteFiles(const FilesInUse& in_use,
                                       const std::vector<std::string>& names) {
  std::vector<std::string> obsolete;
  if (in_use.manifest_state_unknown) {  // Invariant (3).
    HF_SOMETIMES(true, "nothing is removed while the manifest is unknown");
    if (!HF_MUTANT("obsolete_files.known_manifest")) return obsolete;
  }
  for (const std::string& name : names) {
    FileKind kind;
    uint64_t number = 0;
    if (!ParseFileName(name, &kind, &number)) continue;  // Invariant (2).
    if (number >= in_use.next_file_number &&
        !HF_MUTANT("obsolete_files.newer_than_the_question")) {
      continue;
    }
    if (in_use.pending.contains(number)) {
      HF_SOMETIMES(true, "a table in the making is seen and left alone");
      if (!HF_MUTANT("obsolete_files.pending")) continue;
    }
    if (IsObsolete(in_use, kind, number)) {
      HF_SOMETIMES(kind == FileKind::kTable, "a table is removed");
      HF_SOMETIMES(kind == FileKind::kTemp, "a temporary file is removed");
      HF_SOMETIMES(kind == FileKind::kManifest, "a manifest is removed");
      obsolete.push_back(name);
    }
  }
  return obsolete;
}

}  // namespace holdfast
