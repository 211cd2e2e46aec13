// Opening a database: from the bytes that a crash left to a state that is
// durable and may be shown. The steps, each a function of its own:
//
//   1. List the directory; no number found there is ever given out again.
//   2. Find: is there a database here? Create one, or refuse. The name of a new
//      one's directory is made durable first.
//   3. Load the manifest that CURRENT names: version, log number, numbers.
//      Every table it names must be there, with its size.
//   4. Replay the logs from the manifest's log number on, along their seals,
//      up to the torn end of the last; as much as a memtable takes becomes a
//      table.
//   5. Refuse records in logs that the chain does not reach: they would be a
//      hole.
//   6. Begin a new log.
//   7. Record tables and log in a new manifest; CURRENT names it. Until its
//      directory sync returns nothing is shown, and nothing was removed, so a
//      crash at any step before leaves what there was; after it, recovery is
//      done, and a crash finds the same state again.
//   8. (By the caller) remove obsolete files.
//
// Nothing is changed in a file that was found: recovery only adds files.

#ifndef HOLDFAST_ENGINE_DB_RECOVERY_H_
#define HOLDFAST_ENGINE_DB_RECOVERY_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/db/core.h"
#include "engine/db/replay_buffer.h"
#include "engine/db/wal_chain.h"
#include "engine/format/version_edit.h"
#include "engine/wal/log_reader.h"

namespace holdfast {

class Recovery {
 public:
  // Both outlive the recovery; nobody else uses *core meanwhile.
  explicit Recovery(DbCore* core) : core_(*core), replayed_(&core->pages) {}

  // Runs all steps but the last. On success core->versions is durable,
  // core->active is an empty memtable, core->visible_sequence is set, and the
  // result writes to the new log. On failure, what was made is removed again
  // unless a manifest may name it.
  absl::StatusOr<std::unique_ptr<WalChain>> Run();

 private:
  struct DirectoryListing {
    std::map<uint64_t, std::string> logs;  // By number.
    bool has_current = false;
    bool has_tables = false;
    uint64_t largest_number = 0;
    std::string largest_name;  // Of the file that has it.
  };

  absl::StatusOr<std::unique_ptr<WalChain>> RunSteps();
  // After a failure before step 7: no manifest can name them.
  void RemoveOwnFiles();

  absl::StatusOr<DirectoryListing> ListFiles();  // Step 1.
  absl::Status CheckLargestNumber(const DirectoryListing& files) const;
  absl::Status FindOrCreate(const DirectoryListing& files);  // Steps 2 and 3.
  absl::Status CheckNothingIsLost(const DirectoryListing& files);
  absl::Status ReplayLogs(const DirectoryListing& files);  // Step 4.
  absl::Status CollectRequiredBytes(const DirectoryListing& files);
  absl::Status CheckReachedClose(const LogEnd& end);
  // Replays one log; sets *end to how it ended.
  absl::Status ReplayLog(uint64_t number, LogEnd* end);
  absl::Status ReplayRecord(const std::string& path, uint64_t offset,
                            std::string_view record);
  absl::Status FlushReplayed();
  absl::Status CheckUnreachedLogs(const DirectoryListing& files);  // Step 5.
  // RETURNS whether a log holds any record.
  absl::StatusOr<bool> HasRecords(uint64_t number);

  uint64_t RequiredBytesOf(uint64_t number) const;

  DbCore& core_;
  bool created_ = false;
  ReplayBuffer replayed_;
  SequenceNumber last_sequence_ = 0;
  uint64_t last_log_read_ = 0;
  uint64_t last_log_end_ = 0;                    // Where that one ended.
  std::map<uint64_t, uint64_t> required_bytes_;  // By log number.
  VersionEdit edit_;
  std::vector<std::string> own_files_;  // Paths of the tables and the log made.
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_RECOVERY_H_
