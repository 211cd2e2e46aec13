// The current version and the manifest that makes it durable: the one writer of
// manifests.
//
//   VersionSet versions(options);
//   absl::Status s = versions.Recover();            // or CreateNew(db_id)
//   ...
//   VersionEdit edit = ...;                         // tables are synced, and
//   s = versions.LogAndApply(std::move(edit));      // their directory too
//
// Invariants: (1) The manifest that the durable CURRENT names holds the current
// version, or that and one edit more while manifest_state_unknown(). (2) File
// numbers are given once, also across crashes. (3) After a failed append or
// sync nothing more is written to that manifest. (4) A new manifest and its
// name are durable before CURRENT names it; the old one counts until the
// directory is synced after that.
//
// Thread safety: LogAndApply, Recover, CreateNew and Close by one caller at a
// time (checked); everything else thread-safe, also beside them.
//
// Crash safety: LogAndApply is atomic: recovery finds the state before it or
// after it; once it returned OK, after it.

#ifndef HOLDFAST_ENGINE_VERSION_VERSION_SET_H_
#define HOLDFAST_ENGINE_VERSION_VERSION_SET_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/format/version_edit.h"
#include "engine/version/manifest.h"
#include "engine/version/obsolete_files.h"
#include "engine/version/version.h"
#include "engine/wal/log_writer.h"
#include "holdfast/env/file_system.h"
#include "holdfast/env/sync.h"

namespace holdfast {

class VersionSet {
 public:
  struct Options {
    FileSystem* file_system = nullptr;
    std::string dir;
    uint64_t manifest_roll_bytes = uint64_t{4} << 20;
  };

  explicit VersionSet(Options options);
  VersionSet(const VersionSet&) = delete;
  VersionSet& operator=(const VersionSet&) = delete;

  // --- Opening ---------------------------------------------------------------

  // Reads CURRENT and its manifest, and checks that every table it names is
  // there with its exact size. Writes nothing. kNotFound when there is no
  // CURRENT; kDataLoss, with file and offset, for anything damaged or missing.
  absl::Status Recover();

  // Sets the state of a database that does not exist yet. Writes nothing: the
  // first LogAndApply does.
  void CreateNew(uint64_t db_id);

  // --- State -----------------------------------------------------------------

  std::shared_ptr<const Version> current() const ABSL_LOCKS_EXCLUDED(mu_);
  uint64_t db_id() const ABSL_LOCKS_EXCLUDED(mu_);
  uint64_t log_number() const ABSL_LOCKS_EXCLUDED(mu_);
  SequenceNumber last_sequence() const ABSL_LOCKS_EXCLUDED(mu_);
  std::optional<SealedLog> sealed_log() const ABSL_LOCKS_EXCLUDED(mu_);
  // Of the manifest that CURRENT is known to name; 0 before the first.
  uint64_t manifest_number() const ABSL_LOCKS_EXCLUDED(mu_);
  // Bytes of that manifest so far; 0 when it was not written by this object.
  uint64_t manifest_bytes() const ABSL_LOCKS_EXCLUDED(mu_);

  // True from a write of unknown outcome until a new manifest is durable. The
  // edit that failed may or may not be on disk: no file may be removed.
  bool manifest_state_unknown() const ABSL_LOCKS_EXCLUDED(mu_);

  // --- File numbers ----------------------------------------------------------

  uint64_t NewFileNumber() { return next_file_number_.fetch_add(1); }
  uint64_t next_file_number() const { return next_file_number_.load(); }
  // Makes sure that `number`, found on disk, is not given again.
  void MarkFileNumberUsed(uint64_t number);

  // --- Change ----------------------------------------------------------------

  // Builds the version after `edit`, makes the edit durable and installs the
  // version. Sets the edit's next_file_number, and raises its last_sequence to
  // that of its tables. On an error the current version stays as it is:
  //   kInvalidArgument  the edit does not fit; nothing was written
  //   others            manifest_state_unknown() says whether the edit may be
  //                     on disk nevertheless
  // A later call, also with an empty edit, begins a new manifest when the state
  // is unknown: that is how it becomes known again (without the failed edit).
  // REQUIRES: the tables added, and their names, are durable.
  absl::Status LogAndApply(VersionEdit edit) ABSL_LOCKS_EXCLUDED(mu_);

  // Seals the manifest, so that damage to its last edit can be told from a torn
  // tail, and closes it. The next LogAndApply would begin a new one. Does
  // nothing when no manifest is open.
  absl::Status Close() ABSL_LOCKS_EXCLUDED(mu_);

  // --- Files in use ----------------------------------------------------------

  // Everything of FilesInUse but `pending`. Call it under the mutex named
  // there. Says that the state is unknown also until the first LogAndApply:
  // what Recover read, another crash could still take back.
  FilesInUse InUse() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  class OneCaller;

  absl::Status CheckTables(const Version& version) const;
  absl::StatusOr<ManifestState> Next(VersionEdit* edit) const;
  absl::Status AppendToManifest(const VersionEdit& edit)
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status BeginManifest(uint64_t number, const ManifestState& next)
      ABSL_LOCKS_EXCLUDED(mu_);
  bool NeedsNewManifest() const ABSL_LOCKS_EXCLUDED(mu_);
  void SetUnknown(bool unknown) ABSL_LOCKS_EXCLUDED(mu_);
  void Install(ManifestState next) ABSL_LOCKS_EXCLUDED(mu_);

  const Options options_;

  std::atomic<uint64_t> next_file_number_{1};
  std::atomic<bool> busy_{false};  // Some caller is in LogAndApply or the like.

  // Only touched by that caller. Null when there is no manifest to append to.
  std::unique_ptr<LogWriter> manifest_;
  uint64_t snapshot_bytes_ = 0;  // Its length when it was begun.

  mutable Mutex mu_;  // A leaf: nothing is locked under it; no I/O.
  ManifestState state_ ABSL_GUARDED_BY(mu_);
  uint64_t manifest_number_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t manifest_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  // Whether this object made the manifest, so that the state is surely durable.
  // What recovery read may be in the system's cache only.
  bool manifest_durable_ ABSL_GUARDED_BY(mu_) = false;
  bool unknown_ ABSL_GUARDED_BY(mu_) = false;
  // Every version installed that may still be alive.
  mutable std::vector<std::weak_ptr<const Version>> versions_
      ABSL_GUARDED_BY(mu_);
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_VERSION_VERSION_SET_H_
