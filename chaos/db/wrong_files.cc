#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "chaos/db/db_program.h"
#include "engine/format/file_names.h"
#include "engine/version/manifest.h"

namespace holdfast {
namespace {

// What the manifest on disk needs, and what there is.
std::string Explain(FileSystem& file_system, const std::string& dir,
                    const std::vector<std::string>& names) {
  const absl::StatusOr<CurrentFile> current = ReadCurrent(&file_system, dir);
  if (!current.ok()) return current.status().ToString();
  const absl::StatusOr<ManifestState> state =
      ReadManifest(&file_system, dir, *current);
  if (!state.ok()) return state.status().ToString();
  std::set<std::string> needed = {
      CurrentFileName(dir), LockFileName(dir),
      ManifestFileName(dir, current->manifest_number),
      WalFileName(dir, state->log_number)};
  for (int level = 0; level < kNumLevels; ++level) {
    for (const FilePtr& file : state->version->files(level)) {
      needed.insert(TableFileName(dir, file->number));
    }
  }
  std::set<std::string> found;
  for (const std::string& name : names) found.insert(JoinPath(dir, name));
  if (found == needed) return "";
  return absl::StrCat("D12 is broken: there are ", absl::StrJoin(found, " "),
                      "; needed are ", absl::StrJoin(needed, " "));
}

}  // namespace

// Counting is enough as long as the counts are right: whatever is needed and
// not there cannot be read, which the caller finds out.
std::string WrongFiles(FileSystem& file_system, const std::string& dir,
                       DB& db) {
  const absl::StatusOr<std::vector<std::string>> names =
      file_system.ListDirectory(dir);
  if (!names.ok()) return names.status().ToString();
  const DbStats stats = db.Stats();
  uint64_t needed = stats.wal_files + 3;  // CURRENT, LOCK and a manifest.
  for (const LevelStats& level : stats.levels) needed += level.tables;
  if (names->size() == needed) return "";
  return Explain(file_system, dir, *names);
}

}  // namespace holdfast
