// Reading and writing of whole manifests.
//
// A manifest is a log (docs/formats/log.md) of version edits; its first record
// is a snapshot of the whole state. CURRENT says which manifest counts.
// Format: docs/formats/manifest.md.

#ifndef HOLDFAST_ENGINE_VERSION_MANIFEST_H_
#define HOLDFAST_ENGINE_VERSION_MANIFEST_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/format/current_file.h"
#include "engine/format/internal_key.h"
#include "engine/format/version_edit.h"
#include "engine/version/version.h"
#include "engine/wal/log_writer.h"
#include "holdfast/env/file_system.h"

namespace holdfast {

// Numbers are given out one by one, so none comes near these: a manifest or a
// log that has more is damaged. Half of the sequence numbers, and a quarter of
// the file numbers, lie above, more than any process gives out: nobody who does
// asks whether any is left.
inline constexpr SequenceNumber kMaxRecoveredSequence = kMaxSequenceNumber / 2;
inline constexpr uint64_t kMaxNextFileNumber = UINT64_MAX / 4 * 3;

// What a manifest says, after its last edit.
struct ManifestState {
  uint64_t db_id = 0;
  uint64_t log_number = 0;
  uint64_t next_file_number = 1;
  SequenceNumber last_sequence = 0;
  std::optional<SealedLog> sealed_log;
  std::shared_ptr<const Version> version = std::make_shared<const Version>();
};

// The edit that makes `state` out of nothing.
VersionEdit SnapshotOf(const ManifestState& state);

// Applies the numbers of an edit (not the tables). RETURNS kInvalidArgument
// when a number goes back or a table is outside the numbers.
absl::Status ApplyNumbers(const VersionEdit& edit, ManifestState* state);

// Reads and checks CURRENT. kNotFound when there is none.
absl::StatusOr<CurrentFile> ReadCurrent(FileSystem* fs, std::string_view dir);

// Reads the manifest that CURRENT names. An incomplete last record that was
// never known durable is left out: the edit was not acknowledged. Everything
// else that is wrong is kDataLoss, naming the file and the offset.
absl::StatusOr<ManifestState> ReadManifest(FileSystem* fs, std::string_view dir,
                                           const CurrentFile& current);

// Calls `see` for each edit of a manifest, for the inspection commands: any
// manifest, current or not, with the identity its own header claims.
absl::Status ForEachEdit(
    FileSystem* fs, std::string_view path,
    absl::FunctionRef<absl::Status(uint64_t offset, const VersionEdit& edit)>
        see);

// Creates manifest `number` with `state` as its snapshot, durable under its
// name, but CURRENT does not name it yet.
// On an error the file is removed again, as well as can be.
// Crash: the old manifest counts; the new file may be there, in any state.
absl::StatusOr<std::unique_ptr<LogWriter>> CreateManifest(
    FileSystem* fs, std::string_view dir, uint64_t number,
    const ManifestState& state);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_VERSION_MANIFEST_H_
