// The frames that a log is made of. The write-ahead log and the manifest share
// them. Format: docs/formats/log.md.
//
// A record is one full frame, or a first frame, middle frames and a last frame
// when it is larger than kMaxFragmentBytes. The first frame of a log is a
// header frame (LogHeader); a log that is finished ends with a seal frame
// (LogSeal). A frame is a header of 24 bytes and its payload.
//
// Invariants of a log that was written by our writer:
// (1) A frame is valid at its own place only: both its checksums take the
//     identity of the log and the frame's offset as context.
// (2) A frame is valid after its own predecessor only: the payload checksum
//     takes the payload checksum of the frame before it as context (0 for the
//     header frame). So frames of a write that failed, which lie at the same
//     offsets as those that replaced them, never combine with those.
// (3) The header checksum stands alone: what a frame header says about how far
//     the log had been synced can be believed without what precedes it.
// (4) synced_bytes <= the frame's offset.

#ifndef HOLDFAST_ENGINE_FORMAT_LOG_FRAME_H_
#define HOLDFAST_ENGINE_FORMAT_LOG_FRAME_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "engine/format/internal_key.h"

namespace holdfast {

enum class LogKind : uint8_t { kWal = 1, kManifest = 2 };

// "wal" or "manifest".
std::string_view LogKindName(LogKind kind);

// Which log of which database.
struct LogIdentity {
  uint64_t db_id = 0;
  LogKind kind = LogKind::kWal;
  uint64_t number = 0;

  // The checksum context of the log's bytes, together with their offset.
  uint64_t context() const;
};

// On disk. 0 is no frame: it is what space that was never written reads as.
enum class FrameType : uint8_t {
  kFull = 1,
  kFirst = 2,
  kMiddle = 3,
  kLast = 4,
  kHeader = 5,
  kSeal = 6,
};

// "full", "first" and so on.
std::string_view FrameTypeName(FrameType type);

inline constexpr size_t kFrameHeaderBytes = 24;
// The largest payload of a frame. Large enough that headers cost nothing (one
// part in 10,000), small enough that a reader needs little memory to check one.
inline constexpr size_t kMaxFragmentBytes = size_t{256} << 10;
static_assert(kMaxFragmentBytes < (size_t{1} << 24), "the field has 24 bits");
// Where synced_bytes are in a frame header: what a search for frames that know
// of more synced bytes looks at first.
inline constexpr size_t kFrameSyncedAt = 8;

struct FrameHeader {
  FrameType type = FrameType::kFull;
  uint32_t payload_bytes = 0;
  // How much of this log was known to be durable when the frame was made.
  uint64_t synced_bytes = 0;
  uint64_t payload_checksum = 0;
};

// The context of a payload's checksum.
uint64_t PayloadContext(uint64_t log_context, uint64_t offset,
                        uint64_t previous_checksum);

// Appends the frame that belongs at `offset` of the log. RETURNS its payload
// checksum: the `previous_checksum` of the next frame.
// REQUIRES: payload.size() <= kMaxFragmentBytes, synced_bytes <= offset.
uint64_t AppendFrame(std::string* dst, uint64_t log_context, uint64_t offset,
                     uint64_t previous_checksum, FrameType type,
                     uint64_t synced_bytes, std::string_view payload);

// The same with a payload in two pieces.
uint64_t AppendFrame(std::string* dst, uint64_t log_context, uint64_t offset,
                     uint64_t previous_checksum, FrameType type,
                     uint64_t synced_bytes, std::string_view payload_head,
                     std::string_view payload_tail);

// Decodes the kFrameHeaderBytes at `src`, found at `offset` of the log.
// RETURNS false when they are not the header of a frame of this log at this
// place: wrong checksum, unknown type, a payload over kMaxFragmentBytes, or
// Invariant (4) broken.
bool DecodeFrameHeader(const char* src, uint64_t log_context, uint64_t offset,
                       FrameHeader* header);

// RETURNS whether the payload is the one that `header` was made for, after a
// frame with checksum `previous_checksum`.
bool PayloadMatches(const FrameHeader& header, uint64_t log_context,
                    uint64_t offset, uint64_t previous_checksum,
                    std::string_view payload);

// The payload of the header frame.
struct LogHeader {
  uint32_t version = 0;
  LogKind kind = LogKind::kWal;
  uint64_t db_id = 0;
  uint64_t number = 0;
  // The log that this one follows, and how many bytes of it were known to be
  // durable when this header was made; 0 for none.
  uint64_t previous_number = 0;
  uint64_t previous_bytes = 0;
  // Records of this log have at least this sequence number.
  SequenceNumber first_sequence = 0;

  LogIdentity identity() const { return {db_id, kind, number}; }
};
inline constexpr size_t kLogHeaderBytes = 48;
// Where the first record of a log begins; a log whose creation was made durable
// has at least this many durable bytes.
inline constexpr size_t kLogHeaderFrameBytes =
    kFrameHeaderBytes + kLogHeaderBytes;

std::string EncodeLogHeader(const LogHeader& header);
// Reads the identity out of a log header of any version: version, kind, db_id
// and number are at the same place in all of them. RETURNS false when the
// payload is too short for them.
bool DecodeClaimedIdentity(std::string_view payload, LogIdentity* identity);
// `path` is for messages. RETURNS kUnimplemented for a version that is not
// ours, kDataLoss for everything that EncodeLogHeader does not give.
absl::StatusOr<LogHeader> DecodeLogHeader(std::string_view path,
                                          std::string_view payload);

// The payload of the seal frame.
struct LogSeal {
  // The log that goes on where this one ends; 0 when there is none, since the
  // database was closed.
  uint64_t successor = 0;
};
inline constexpr size_t kLogSealBytes = 8;
inline constexpr size_t kLogSealFrameBytes = kFrameHeaderBytes + kLogSealBytes;

std::string EncodeLogSeal(const LogSeal& seal);
// `path` and `offset`, that of the frame, are for messages.
absl::StatusOr<LogSeal> DecodeLogSeal(std::string_view path, uint64_t offset,
                                      std::string_view payload);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_FORMAT_LOG_FRAME_H_
