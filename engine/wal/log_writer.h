// Writes a log, frame by frame (engine/format/log_frame.h). Used for the
// write-ahead log and for the manifest.
//
//   LogWriter log(std::move(file), path, identity);
//   HF_RETURN_IF_ERROR(log.AddHeader(header));
//   HF_RETURN_IF_ERROR(log.Sync());
//   HF_RETURN_IF_ERROR(log.AddRecord(payload));
//   ...
//   HF_RETURN_IF_ERROR(log.AddSeal(successor));
//   HF_RETURN_IF_ERROR(log.Sync());
//
// After a failed write the log is as it was before the call: the next frame
// goes to the same offset, over whatever the failed write left there. Those
// remains may still be found after a crash, whole (the write that failed then
// took place after all, which is allowed) or in part (a torn tail), but never
// together with a frame that was written later, as each frame is bound to the
// one before it. Rejected: cutting the file after a failed write. That can fail
// too, needs a sync of its own before the next write, and a disk may still give
// the freed block, remains and all, back to the same place.
//
// A write-ahead log keeps zeros ahead of its end (WritableFile::PrepareSpace),
// so that most records change neither size nor allocation of the file.
//
// Invariants:
// (1) The file holds bytes() bytes of whole records; what is after them is not
//     part of the log. Behind the header alone there is nothing: a log without
//     records is known by its size (Recovery::CheckNothingIsLost).
// (2) synced_bytes() <= bytes(), and both only grow.
// (3) After the first failed Sync the file is not touched again, but to close
//     it: a kernel may report a lost write only once, so that a later success
//     would prove nothing.
//
// Thread safety: thread-compatible, except that one Sync at a time may run
// beside one of the Add calls, and bytes() and synced_bytes() beside anything.
//
// Crash safety: what Sync returned OK for survives. Of what was added since,
// some prefix of the records survives.

#ifndef HOLDFAST_ENGINE_WAL_LOG_WRITER_H_
#define HOLDFAST_ENGINE_WAL_LOG_WRITER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "engine/format/log_frame.h"
#include "holdfast/env/file_system.h"

namespace holdfast {

class LogWriter {
 public:
  // `file` is new and empty; `path` is its path, for messages of the callers.
  LogWriter(std::unique_ptr<WritableFile> file, std::string path,
            const LogIdentity& identity);
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // Writes the header frame. REQUIRES: nothing was added before; header.kind,
  // db_id and number are those of the identity.
  absl::Status AddHeader(const LogHeader& header);

  // Adds one record with a single write, however many frames it takes.
  // REQUIRES: AddHeader returned OK; AddSeal did not.
  // Crash: without a Sync the record may be lost, whole, with those after it.
  absl::Status AddRecord(std::string_view payload);
  // The same for the record `prefix` ++ `body`.
  absl::Status AddRecord(std::string_view prefix, std::string_view body);

  // Ends the log. REQUIRES: as for AddRecord. `successor` is the number of the
  // log that goes on, 0 for none.
  absl::Status AddSeal(uint64_t successor);

  // Makes everything durable whose Add call returned before this call began.
  // No call to the file when that is so already.
  absl::Status Sync();

  // Closes the file, syncing nothing. RETURNS the error of a failed Sync, too.
  // REQUIRES: no other call but the accessors and the destructor follows.
  absl::Status Close();

  // The length of the log: header, records and seal.
  uint64_t bytes() const { return bytes_.load(std::memory_order_acquire); }
  // How much of that is known to be durable.
  uint64_t synced_bytes() const {
    return synced_bytes_.load(std::memory_order_acquire);
  }
  const std::string& path() const { return path_; }

 private:
  // Appends the frame that comes after what is in buffer_.
  void Stage(FrameType type, std::string_view head, std::string_view tail);
  // Writes buffer_ at the end of the log.
  absl::Status WriteStaged();
  // Asks for space for the records to come, when the last one, from `offset`
  // on, has used up what there was.
  void PrepareAhead(uint64_t offset);
  // The error of the failed Sync, if there was one.
  absl::Status SyncError() const;

  // Constant.
  const std::string path_;
  const LogIdentity identity_;
  const uint64_t context_;
  // Self-synchronised. Null after Close.
  std::unique_ptr<WritableFile> file_;

  // Only in the Add calls.
  std::string buffer_;
  uint64_t previous_checksum_ = 0;  // Of the last frame of the log.
  uint64_t staged_checksum_ = 0;    // Of the last frame of buffer_.
  uint64_t prepared_bytes_ = 0;     // The space asked for ends here.
  bool sealed_ = false;

  // Stored (release) by the Add calls after their write; loaded (acquire) by
  // Sync, so that the sync covers the bytes it answers for.
  std::atomic<uint64_t> bytes_{0};
  // Stored (release) by Sync after the file's; loaded (acquire) by the Add
  // calls for the frames that say so.
  std::atomic<uint64_t> synced_bytes_{0};
  // Written once, before sync_failed_ is stored (release); read only after that
  // was loaded (acquire) as true.
  absl::Status sync_error_;
  std::atomic<bool> sync_failed_{false};
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_WAL_LOG_WRITER_H_
