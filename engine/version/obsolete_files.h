// Which files of a database directory nothing needs any more: a pure decision.
//
// Invariants: (1) A file that the durable manifest, a live version, recovery or
// a running job needs is never named. (2) A name that this engine would not
// give is never named. (3) While it is unknown which manifest state is on disk,
// nothing is named: either state may be the one that recovery finds.

#ifndef HOLDFAST_ENGINE_VERSION_OBSOLETE_FILES_H_
#define HOLDFAST_ENGINE_VERSION_OBSOLETE_FILES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"

namespace holdfast {

// What is needed. All of it but `names` is taken at one moment, under the
// mutex under which jobs get file numbers and enter them in `pending`; `names`
// may be read before or after, without it.
struct FilesInUse {
  // VersionSet::manifest_state_unknown().
  bool manifest_state_unknown = false;
  // Of the manifest that the durable CURRENT names; 0 when there is none.
  uint64_t manifest_number = 0;
  // VersionSet::log_number(): logs before it are in tables.
  uint64_t log_number = 0;
  // VersionSet::next_file_number(): files from here on are newer than all this.
  uint64_t next_file_number = 0;
  // Tables of all live versions.
  absl::flat_hash_set<uint64_t> live_tables;
  // Keeps those versions alive, so that the last reference to one is not let go
  // where the mutex is held: that closes files.
  std::vector<std::shared_ptr<const void>> alive;
  // Numbers that running jobs write, of any kind of file.
  absl::flat_hash_set<uint64_t> pending;
};

// RETURNS those of `names` (file names without directory) to remove, in the
// order given.
//   tables     neither live nor pending
//   logs       before log_number
//   manifests  older than the current one (a newer one may be in the making;
//              what a crash left of one is older once the next is current)
//   temporary  older than the current manifest and not pending
std::vector<std::string> ObsoleteFiles(const FilesInUse& in_use,
                                       const std::vector<std::string>& names);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_VERSION_OBSOLETE_FILES_H_
