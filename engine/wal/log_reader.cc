#include "engine/wal/log_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/coding.h"
#include "base/mutant.h"
#include "base/sometimes.h"
#include "base/status_util.h"

namespace holdfast {
namespace {

constexpr size_t kChunkBytes = size_t{1} << 20;
static_assert(kChunkBytes >= kFrameHeaderBytes + kMaxFragmentBytes,
              "a frame is looked at whole");

// How much of a file PeekLogHeader looks at: more than a header frame, as that
// of a later version may be longer.
constexpr size_t kPeekBytes = 512;
static_assert(kPeekBytes >= kLogHeaderFrameBytes);

// Reads exactly [offset, offset + n) of a file that has these bytes.
absl::StatusOr<std::string_view> ReadExactly(const RandomAccessFile& file,
                                             std::string_view path,
                                             uint64_t offset, size_t n,
                                             char* scratch) {
  size_t done = 0;
  while (true) {
    std::string_view part;
    HF_RETURN_IF_ERROR(
        file.Read(offset + done, n - done, scratch + done, &part));
    if (done == 0 && part.size() == n) return part;
    if (part.empty()) {
      return absl::InternalError(absl::StrCat(path, ": read nothing at offset ",
                                              offset + done,
                                              ", which is within the file"));
    }
    if (part.data() != scratch + done) {
      std::copy(part.begin(), part.end(), scratch + done);
    }
    done += part.size();
    if (done == n) return std::string_view(scratch, n);
  }
}

// The first place in `bytes`, from `from` on, that is not zero; or its size.
size_t FindNonZero(std::string_view bytes, size_t from) {
  size_t i = from;
  while (i + sizeof(uint64_t) <= bytes.size() &&
         DecodeFixed64(bytes.data() + i) == 0) {
    i += sizeof(uint64_t);
  }
  while (i < bytes.size() && bytes[i] == 0) ++i;
  return i;
}

// Looks at each place of `chunk`, which is at `base` of the log, that has room
// for a frame header, for one with synced_bytes > `bytes`.
std::optional<FrameInfo> FindWitness(std::string_view chunk, uint64_t base,
                                     uint64_t context, uint64_t bytes) {
  size_t i = 0;
  while (i + kFrameHeaderBytes <= chunk.size()) {
    const uint64_t synced = DecodeFixed64(chunk.data() + i + kFrameSyncedAt);
    if (synced == 0) {
      // The next place whose field is not all zeros.
      constexpr size_t kFieldEnd = kFrameSyncedAt + sizeof(uint64_t);
      i = FindNonZero(chunk, i + kFieldEnd) - kFieldEnd + 1;
      continue;
    }
    // All but few places end here: the field is not between `bytes` and the
    // place itself, as it is in a frame that proves something.
    if (synced > bytes && synced <= base + i) {
      FrameInfo frame{.offset = base + i, .header = {}};
      if (DecodeFrameHeader(chunk.data() + i, context, frame.offset,
                            &frame.header)) {
        return frame;
      }
    }
    ++i;
  }
  return std::nullopt;
}

}  // namespace

LogReader::LogReader(const RandomAccessFile* file, std::string path,
                     const LogIdentity& identity, uint64_t required_bytes)
    : file_(file),
      path_(std::move(path)),
      identity_(identity),
      context_(identity.context()),
      required_bytes_(required_bytes) {
  HF_CHECK(file_ != nullptr);
}

absl::StatusOr<LogHeader> LogReader::ReadHeader() {
  HF_CHECK(state_ == State::kNew);
  absl::StatusOr<LogHeader> header = ReadHeaderFrame();
  state_ = header.ok() ? State::kRecords : State::kFailed;
  if (!header.ok()) error_ = header.status();
  return header;
}

absl::StatusOr<bool> LogReader::ReadRecord(std::string* record) {
  std::string_view view;
  absl::StatusOr<bool> more = ReadRecord(&view);
  record->assign(view);
  return more;
}

absl::StatusOr<bool> LogReader::ReadRecord(std::string_view* record) {
  HF_CHECK(state_ != State::kNew);
  *record = {};
  if (state_ == State::kFailed) return error_;
  if (state_ == State::kEnd) return false;
  absl::StatusOr<bool> more = ReadFragments(record);
  if (!more.ok() && !absl::IsDataLoss(more.status()) &&
      HF_MUTANT("log_reader.read_error_is_no_end")) {
    more = false;
  }
  if (!more.ok()) {
    state_ = State::kFailed;
    error_ = more.status();
  } else if (!*more) {
    state_ = State::kEnd;
  }
  if (state_ != State::kRecords) *record = {};
  return more;
}

const LogEnd& LogReader::end() const {
  HF_CHECK(state_ == State::kEnd);
  return end_;
}

absl::StatusOr<LogHeader> LogReader::ReadHeaderFrame() {
  HF_ASSIGN_OR_RETURN(size_, file_->Size());
  FrameHeader frame;
  std::string_view payload;
  HF_ASSIGN_OR_RETURN(const bool valid, ReadFrame(&frame, &payload));
  if (!valid) {
    HF_RETURN_IF_ERROR(HF_STEP("log_reader.nothing_lost_without_header",
                               CheckNothingLost(0, next_).status()));
    HF_SOMETIMES(true, "a log without a header");
    return absl::OutOfRangeError(
        absl::StrCat(path_, ": no header: torn creation (", why_, ")"));
  }
  if (frame.type != FrameType::kHeader &&
      !HF_MUTANT("log_reader.header_first")) {
    return DataLoss(path_, 0, "the first frame is not a header");
  }
  HF_ASSIGN_OR_RETURN(const LogHeader header, DecodeLogHeader(path_, payload));
  if ((header.db_id != identity_.db_id || header.kind != identity_.kind ||
       header.number != identity_.number) &&
      !HF_MUTANT("log_reader.header_of_this_log")) {
    return DataLoss(path_, 0, "the header of another log");
  }
  return header;
}

absl::StatusOr<bool> LogReader::ReadFragments(std::string_view* record) {
  const uint64_t start = next_;
  bool begun = false;
  while (true) {
    const uint64_t offset = next_;
    FrameHeader frame;
    std::string_view payload;
    HF_ASSIGN_OR_RETURN(const bool valid, ReadFrame(&frame, &payload));
    if (!valid) {
      HF_SOMETIMES(begun, "a log ends inside a record");
      if (begun && HF_MUTANT("log_reader.record_is_whole")) return true;
      HF_RETURN_IF_ERROR(FinishTorn(start));
      return false;
    }
    if (frame.type == FrameType::kSeal && !begun) {
      HF_RETURN_IF_ERROR(FinishSeal(offset, payload));
      return false;
    }
    const bool begins =
        frame.type == FrameType::kFull || frame.type == FrameType::kFirst;
    const bool goes_on =
        frame.type == FrameType::kMiddle || frame.type == FrameType::kLast;
    if ((begun ? !goes_on : !begins) &&
        !HF_MUTANT("log_reader.frames_in_order")) {
      return DataLoss(path_, offset,
                      absl::StrCat("a ", FrameTypeName(frame.type), " frame ",
                                   begun ? "inside" : "outside", " a record"));
    }
    const bool ends =
        frame.type == FrameType::kFull || frame.type == FrameType::kLast;
    if (begun || !ends) {
      if (!begun) joined_.clear();
      joined_.append(payload);
      payload = joined_;
    }
    begun = true;
    *record = payload;
    if (ends) {
      record_offset_ = start;
      return true;
    }
  }
}

absl::StatusOr<bool> LogReader::ReadFrame(FrameHeader* header,
                                          std::string_view* payload) {
  const uint64_t left = size_ - next_;
  if (left < kFrameHeaderBytes) {
    why_ = left == 0 ? "end of file" : "frame header cut off";
    return false;
  }
  HF_ASSIGN_OR_RETURN(std::string_view bytes, Fetch(next_, kFrameHeaderBytes));
  if (!DecodeFrameHeader(bytes.data(), context_, next_, header)) {
    why_ = "no valid frame header";
    return false;
  }
  const size_t frame_bytes = kFrameHeaderBytes + header->payload_bytes;
  if (left < frame_bytes) {
    why_ = "frame cut off";
    return false;
  }
  HF_ASSIGN_OR_RETURN(bytes, Fetch(next_, frame_bytes));
  *payload = bytes.substr(kFrameHeaderBytes);
  if (!PayloadMatches(*header, context_, next_, previous_checksum_, *payload)) {
    why_ = "payload checksum mismatch";
    HF_SOMETIMES(true, "a frame of a log has a torn payload");
    if (HF_MUTANT("log_reader.stops_at_gap")) {
      next_ += frame_bytes;
      previous_checksum_ = header->payload_checksum;
      return ReadFrame(header, payload);
    }
    return false;
  }
  if (visit_) visit_({.offset = next_, .header = *header});
  previous_checksum_ = header->payload_checksum;
  next_ += frame_bytes;
  return true;
}

absl::Status LogReader::FinishSeal(uint64_t offset, std::string_view payload) {
  HF_ASSIGN_OR_RETURN(const LogSeal seal,
                      DecodeLogSeal(path_, offset, payload));
  why_ = "sealed";
  HF_RETURN_IF_ERROR(HF_STEP("log_reader.nothing_lost_after_seal",
                             CheckNothingLost(next_, offset).status()));
  end_.bytes = next_;
  end_.sealed = true;
  end_.successor = seal.successor;
  return absl::OkStatus();
}

absl::Status LogReader::FinishTorn(uint64_t bytes) {
  HF_ASSIGN_OR_RETURN(const Tail tail, CheckNothingLost(bytes, next_));
  end_.bytes = bytes;
  end_.torn = next_ != bytes || !tail.zeros;
  HF_SOMETIMES(end_.torn, "the torn tail of a log is dropped");
  if (end_.torn) {
    end_.torn_why = absl::StrCat(why_, " at offset ", next_);
    end_.dropped_bytes = size_ - bytes;
  }
  return absl::OkStatus();
}

absl::StatusOr<LogReader::Tail> LogReader::CheckNothingLost(uint64_t bytes,
                                                            uint64_t at) {
  if (bytes < required_bytes_ && !HF_MUTANT("log_reader.required_bytes")) {
    HF_SOMETIMES(true, "a log is shorter than it is known to be");
    return DataLoss(path_, at,
                    absl::StrCat(why_, ", but the log is known to have ",
                                 required_bytes_, " durable bytes"));
  }
  HF_ASSIGN_OR_RETURN(const Tail tail, SearchTail(bytes));
  if (tail.witness.has_value() && !HF_MUTANT("log_reader.witness")) {
    HF_SOMETIMES(true, "a frame proves that synced bytes before it are gone");
    return DataLoss(
        path_, at,
        absl::StrCat(why_, ", but the frame at offset ", tail.witness->offset,
                     " says that the log was synced up to ",
                     tail.witness->header.synced_bytes));
  }
  return tail;
}

absl::StatusOr<LogReader::Tail> LogReader::SearchTail(uint64_t bytes) {
  Tail tail;
  uint64_t offset = next_;
  while (offset < size_) {
    const size_t n =
        static_cast<size_t>(std::min<uint64_t>(kChunkBytes, size_ - offset));
    HF_ASSIGN_OR_RETURN(const std::string_view chunk, Fetch(offset, n));
    if (FindNonZero(chunk, 0) != n) tail.zeros = false;
    tail.witness = FindWitness(chunk, offset, context_, bytes);
    if (tail.witness.has_value() || offset + n == size_) break;
    // Again from the first place whose header was not whole in the chunk.
    offset += n - kFrameHeaderBytes + 1;
  }
  return tail;
}

absl::StatusOr<std::string_view> LogReader::Fetch(uint64_t offset, size_t n) {
  HF_DCHECK(n <= kChunkBytes);
  HF_DCHECK(offset + n <= size_);
  if (offset < window_offset_ || offset + n > window_offset_ + window_.size()) {
    if (buffer_ == nullptr) {
      buffer_ = std::make_unique<char[]>(
          static_cast<size_t>(std::min<uint64_t>(kChunkBytes, size_)));
    }
    const size_t chunk_bytes =
        static_cast<size_t>(std::min<uint64_t>(kChunkBytes, size_ - offset));
    window_ = {};
    HF_ASSIGN_OR_RETURN(window_, ReadExactly(*file_, path_, offset, chunk_bytes,
                                             buffer_.get()));
    window_offset_ = offset;
  }
  return window_.substr(static_cast<size_t>(offset - window_offset_), n);
}

absl::StatusOr<LogHeader> PeekLogHeader(const RandomAccessFile& file,
                                        std::string_view path) {
  HF_ASSIGN_OR_RETURN(const uint64_t size, file.Size());
  char scratch[kPeekBytes];
  const size_t n = static_cast<size_t>(std::min<uint64_t>(kPeekBytes, size));
  if (n < kLogHeaderFrameBytes) {
    return absl::OutOfRangeError(
        absl::StrCat(path, ": too short for a log header"));
  }
  HF_ASSIGN_OR_RETURN(const std::string_view bytes,
                      ReadExactly(file, path, 0, n, scratch));
  std::string_view payload = bytes.substr(kFrameHeaderBytes);
  LogIdentity identity;
  const bool claimed = DecodeClaimedIdentity(payload, &identity);
  // It is what it claims to be only if it was made under that identity.
  const uint64_t context = identity.context();
  FrameHeader frame;
  if (!claimed || !DecodeFrameHeader(bytes.data(), context, 0, &frame) ||
      frame.type != FrameType::kHeader ||
      frame.payload_bytes > payload.size()) {
    return DataLoss(path, 0, "no log header");
  }
  payload = payload.substr(0, frame.payload_bytes);
  if (!PayloadMatches(frame, context, 0, 0, payload)) {
    return DataLoss(path, 0, "log header checksum mismatch");
  }
  return DecodeLogHeader(path, payload);
}

}  // namespace holdfast
