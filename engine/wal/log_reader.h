// Reads a log that LogWriter wrote, and tells where it ends from where it is
// damaged.
//
//   LogReader log(file.get(), path, identity, required_bytes);
//   HF_ASSIGN_OR_RETURN(const LogHeader header, log.ReadHeader());
//   std::string record;
//   while (true) {
//     HF_ASSIGN_OR_RETURN(const bool more, log.ReadRecord(&record));
//     if (!more) break;
//     ...
//   }
//   log.end();
//
// A crash leaves of the bytes that were never synced, sector by sector, old
// ones, new ones, zeros or garbage, and any size. So the first place X that
// holds no valid frame is, as a rule, where a crash tore the log: its end. Good
// frames may lie after it. It is *damage*, kDataLoss, when something proves
// that X had been durable:
//
//  - a frame header after X that says that the log was synced beyond X. Headers
//    are looked for at every byte, since the lengths that would lead to them
//    are lost. The header checksum, bound to log and place, is all that is
//    asked for: the header's payload may be torn or, after a hole, cannot be
//    checked (Invariant (2) of log_frame.h), and neither makes what the header
//    says less true. That 24 bytes which are none pass takes a number between X
//    and their own offset at the right place and a chance of 2^-32 on top;
//    wrong then is a report of damage, not data.
//  - required_bytes: how much of this log the caller knows to be durable (the
//    manifest, the log before it). That catches what no frame can: a file cut
//    off, and damage after the last frame that was written after a sync.
//
// Nothing after the end is ever returned, however good it looks: the log is
// what precedes the first hole.
//
// A record whose first frames are there and whose last are not is torn like any
// other; the log then ends where the record begins. A good frame in the wrong
// order (a middle without a first, a second header) is kDataLoss: as each
// frame is bound to the one before it, no crash and no failed write makes that.
//
// A seal is the end. What lies after it is not read; it may be the rest of a
// failed write. But a frame there that knows the log as synced beyond the seal
// proves that the seal is a stale sector: kDataLoss.
//
// Zeros up to the end of the file are space that was never used: a clean end.
// Errors of the file are returned as they are; they are never an end.
//
// Memory: one chunk of the file (at most 1 MiB), and the record.
//
// Thread-compatible. The file must outlive the reader and keep its size.

#ifndef HOLDFAST_ENGINE_WAL_LOG_READER_H_
#define HOLDFAST_ENGINE_WAL_LOG_READER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/format/log_frame.h"
#include "holdfast/env/file_system.h"

namespace holdfast {

// How a log ended.
struct LogEnd {
  // The length of the log: whole records and the seal.
  uint64_t bytes = 0;
  // It ends with a seal, which names the log that goes on (0: none).
  bool sealed = false;
  uint64_t successor = 0;
  // Not sealed, and other bytes than zeros follow.
  bool torn = false;
  std::string torn_why;
  // How many bytes follow a torn log, up to the end of the file.
  uint64_t dropped_bytes = 0;
};

// One frame, for tools that show a log.
struct FrameInfo {
  uint64_t offset = 0;
  FrameHeader header;
};

class LogReader {
 public:
  LogReader(const RandomAccessFile* file, std::string path,
            const LogIdentity& identity, uint64_t required_bytes = 0);
  LogReader(const LogReader&) = delete;
  LogReader& operator=(const LogReader&) = delete;

  // Has `visit` called for each valid frame, in order, as it is read.
  void VisitFrames(std::function<void(const FrameInfo&)> visit) {
    visit_ = std::move(visit);
  }

  // Reads the header frame. Call it once, first. RETURNS, besides errors of the
  // file:
  //  - kOutOfRange when there is no header and nothing proves that there was
  //    one: a crash during the log's creation. It may be that a block of some
  //    other log is there. Whoever knows that this log was complete (its
  //    predecessor's seal names it) gives a required_bytes of at least
  //    kLogHeaderFrameBytes and gets kDataLoss instead.
  //  - kDataLoss when there was one, or it is the header of another log.
  //  - kUnimplemented when it is of a format version that is not ours.
  absl::StatusOr<LogHeader> ReadHeader();

  // Reads the next record. RETURNS false at the end of the log, leaving
  // *record empty. After an error, every later call returns the same.
  // REQUIRES: ReadHeader returned OK.
  absl::StatusOr<bool> ReadRecord(std::string* record);
  // The same without a copy: the record is valid until the next call.
  absl::StatusOr<bool> ReadRecord(std::string_view* record);

  // Where the first frame of the last record read begins.
  uint64_t record_offset() const { return record_offset_; }

  // REQUIRES: ReadRecord returned false.
  const LogEnd& end() const;

 private:
  enum class State { kNew, kRecords, kEnd, kFailed };

  // What lies after the end of a log.
  struct Tail {
    bool zeros = true;
    // A frame that knows of more synced bytes than the log has.
    std::optional<FrameInfo> witness;
  };

  // Reads the frame at next_. RETURNS false, with the reason in why_, when
  // there is no valid one.
  absl::StatusOr<bool> ReadFrame(FrameHeader* header,
                                 std::string_view* payload);
  // The rest of ReadRecord and ReadHeader, which keep state_.
  absl::StatusOr<bool> ReadFragments(std::string_view* record);
  absl::StatusOr<LogHeader> ReadHeaderFrame();
  absl::Status FinishSeal(uint64_t offset, std::string_view payload);
  // Decides whether the log may end with its first `bytes`, given that there is
  // no valid frame at next_ >= bytes, and fills end_.
  absl::Status FinishTorn(uint64_t bytes);
  // kDataLoss, at offset `at`, when anything proves that the log had more than
  // `bytes`.
  absl::StatusOr<Tail> CheckNothingLost(uint64_t bytes, uint64_t at);
  // Looks through the file from next_ on for a frame that knows of more than
  // `bytes` synced bytes.
  absl::StatusOr<Tail> SearchTail(uint64_t bytes);
  // Bytes [offset, offset + n) of the file, valid until the next call.
  // REQUIRES: n <= kChunkBytes, offset + n <= size_.
  absl::StatusOr<std::string_view> Fetch(uint64_t offset, size_t n);

  // Constant.
  const RandomAccessFile* const file_;
  const std::string path_;
  const LogIdentity identity_;
  const uint64_t context_;
  const uint64_t required_bytes_;
  std::function<void(const FrameInfo&)> visit_;

  State state_ = State::kNew;
  absl::Status error_;  // In kFailed.
  LogEnd end_;          // In kEnd.
  uint64_t size_ = 0;   // Of the file.
  uint64_t next_ = 0;   // Where the next frame should begin.
  uint64_t previous_checksum_ = 0;
  uint64_t record_offset_ = 0;
  std::string why_;
  std::string joined_;  // The fragments of a record.

  // The part of the file in memory.
  std::unique_ptr<char[]> buffer_;
  uint64_t window_offset_ = 0;
  std::string_view window_;
};

// Reads which log a file claims to be, without knowing the identity that it
// should have: for tools and repair. The header frame must be whole and right
// for what it claims. RETURNS kOutOfRange when the file is too short for one,
// kDataLoss when there is none.
absl::StatusOr<LogHeader> PeekLogHeader(const RandomAccessFile& file,
                                        std::string_view path);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_WAL_LOG_READER_H_
