#include "engine/format/log_frame.h"

#include <cstring>

#include "base/check.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "base/mutant.h"
#include "base/status_util.h"
#include "engine/format/format_version.h"

namespace holdfast {
namespace {

// Places in the frame header.
constexpr size_t kChecksumAt = 0;
constexpr size_t kLengthTypeAt = 4;
constexpr size_t kPayloadChecksumAt = 16;
constexpr unsigned kTypeShift = 24;
constexpr uint32_t kLengthMask = (uint32_t{1} << kTypeShift) - 1;

uint32_t HeaderChecksum(const char* src, uint64_t log_context,
                        uint64_t offset) {
  return Checksum32(
      std::string_view(src + kLengthTypeAt, kFrameHeaderBytes - kLengthTypeAt),
      HF_MUTANT("log_frame.header_context") ? 0
                                            : MixContext(log_context, offset));
}

}  // namespace

std::string_view LogKindName(LogKind kind) {
  return kind == LogKind::kWal ? "wal" : "manifest";
}

uint64_t LogIdentity::context() const {
  return MixContext(db_id, MixContext(static_cast<uint64_t>(kind), number));
}

std::string_view FrameTypeName(FrameType type) {
  switch (type) {
    case FrameType::kFull:
      return "full";
    case FrameType::kFirst:
      return "first";
    case FrameType::kMiddle:
      return "middle";
    case FrameType::kLast:
      return "last";
    case FrameType::kHeader:
      return "header";
    case FrameType::kSeal:
      return "seal";
  }
  return "unknown";
}

uint64_t PayloadContext(uint64_t log_context, uint64_t offset,
                        uint64_t previous_checksum) {
  if (HF_MUTANT("log_frame.payload_context")) return previous_checksum;
  if (HF_MUTANT("log_frame.chain")) previous_checksum = 0;
  return MixContext(MixContext(log_context, offset), previous_checksum);
}

uint64_t AppendFrame(std::string* dst, uint64_t log_context, uint64_t offset,
                     uint64_t previous_checksum, FrameType type,
                     uint64_t synced_bytes, std::string_view payload) {
  return AppendFrame(dst, log_context, offset, previous_checksum, type,
                     synced_bytes, payload, {});
}

uint64_t AppendFrame(std::string* dst, uint64_t log_context, uint64_t offset,
                     uint64_t previous_checksum, FrameType type,
                     uint64_t synced_bytes, std::string_view payload_head,
                     std::string_view payload_tail) {
  const size_t payload_bytes = payload_head.size() + payload_tail.size();
  HF_CHECK(payload_bytes <= kMaxFragmentBytes);
  HF_CHECK(synced_bytes <= offset);  // Invariant (4).
  const size_t start = dst->size();
  char header[kFrameHeaderBytes] = {};
  dst->append(header, sizeof(header));
  dst->append(payload_head);
  dst->append(payload_tail);
  // Over the copy, as the pieces may be apart.
  const uint64_t payload_checksum =
      Checksum64(std::string_view(*dst).substr(start + kFrameHeaderBytes),
                 PayloadContext(log_context, offset, previous_checksum));
  EncodeFixed32(header + kLengthTypeAt, static_cast<uint32_t>(payload_bytes) |
                                            static_cast<uint32_t>(type)
                                                << kTypeShift);
  EncodeFixed64(header + kFrameSyncedAt, synced_bytes);
  EncodeFixed64(header + kPayloadChecksumAt, payload_checksum);
  EncodeFixed32(header + kChecksumAt,
                HeaderChecksum(header, log_context, offset));
  std::memcpy(dst->data() + start, header, sizeof(header));
  return payload_checksum;
}

bool DecodeFrameHeader(const char* src, uint64_t log_context, uint64_t offset,
                       FrameHeader* header) {
  const uint32_t length_type = DecodeFixed32(src + kLengthTypeAt);
  const uint32_t type = length_type >> kTypeShift;
  const uint32_t payload_bytes = length_type & kLengthMask;
  const uint64_t synced_bytes = DecodeFixed64(src + kFrameSyncedAt);
  // The cheap tests first: a search for frames comes here for every byte.
  if (type < static_cast<uint32_t>(FrameType::kFull) ||
      type > static_cast<uint32_t>(FrameType::kSeal) ||
      payload_bytes > kMaxFragmentBytes || synced_bytes > offset) {
    return false;
  }
  if (DecodeFixed32(src + kChecksumAt) !=
          HeaderChecksum(src, log_context, offset) &&
      !HF_MUTANT("log_frame.header_checksum")) {
    return false;
  }
  header->type = static_cast<FrameType>(type);
  header->payload_bytes = payload_bytes;
  header->synced_bytes = synced_bytes;
  header->payload_checksum = DecodeFixed64(src + kPayloadChecksumAt);
  return true;
}

bool PayloadMatches(const FrameHeader& header, uint64_t log_context,
                    uint64_t offset, uint64_t previous_checksum,
                    std::string_view payload) {
  return header.payload_checksum ==
             Checksum64(payload, PayloadContext(log_context, offset,
                                                previous_checksum)) ||
         HF_MUTANT("log_frame.payload_checksum");
}

std::string EncodeLogHeader(const LogHeader& header) {
  std::string payload;
  payload.reserve(kLogHeaderBytes);
  PutFixed32(&payload, header.version);
  PutFixed32(&payload, static_cast<uint32_t>(header.kind));
  PutFixed64(&payload, header.db_id);
  PutFixed64(&payload, header.number);
  PutFixed64(&payload, header.previous_number);
  PutFixed64(&payload, header.previous_bytes);
  PutFixed64(&payload, header.first_sequence);
  HF_CHECK(payload.size() == kLogHeaderBytes);
  return payload;
}

bool DecodeClaimedIdentity(std::string_view payload, LogIdentity* identity) {
  Decoder in(payload);
  uint32_t version = 0;
  uint32_t kind = 0;
  in.ReadFixed32(&version);
  in.ReadFixed32(&kind);
  in.ReadFixed64(&identity->db_id);
  in.ReadFixed64(&identity->number);
  identity->kind = static_cast<LogKind>(kind);
  return in.ok() && kind <= UINT8_MAX;
}

absl::StatusOr<LogHeader> DecodeLogHeader(std::string_view path,
                                          std::string_view payload) {
  Decoder in(payload);
  LogHeader header;
  // The version comes first in every version: what follows may differ.
  if (!in.ReadFixed32(&header.version)) {
    return DataLoss(path, 0, "log header too short");
  }
  HF_RETURN_IF_ERROR(CheckFormatVersion(path, header.version));
  uint32_t kind = 0;
  in.ReadFixed32(&kind);
  in.ReadFixed64(&header.db_id);
  in.ReadFixed64(&header.number);
  in.ReadFixed64(&header.previous_number);
  in.ReadFixed64(&header.previous_bytes);
  in.ReadFixed64(&header.first_sequence);
  if (!in.done()) return DataLoss(path, 0, "log header of a wrong length");
  if (kind != static_cast<uint32_t>(LogKind::kWal) &&
      kind != static_cast<uint32_t>(LogKind::kManifest)) {
    return DataLoss(path, 0, "log header of an unknown kind of log");
  }
  if (header.first_sequence > kMaxSequenceNumber) {
    return DataLoss(path, 0, "log header with a sequence number out of range");
  }
  header.kind = static_cast<LogKind>(kind);
  return header;
}

std::string EncodeLogSeal(const LogSeal& seal) {
  std::string payload;
  PutFixed64(&payload, seal.successor);
  return payload;
}

absl::StatusOr<LogSeal> DecodeLogSeal(std::string_view path, uint64_t offset,
                                      std::string_view payload) {
  Decoder in(payload);
  LogSeal seal;
  in.ReadFixed64(&seal.successor);
  if (!in.done()) return DataLoss(path, offset, "log seal of a wrong length");
  return seal;
}

}  // namespace holdfast
