#include "fuzz/log/reference_log.h"

#include <utility>

#include "base/checksum.h"

namespace holdfast {
namespace {

// The tables of docs/formats/log.md, again, so that a constant that changes in
// the engine alone is noticed.
constexpr uint64_t kHeaderSize = 24;
constexpr uint64_t kMostPayload = 262'144;
constexpr uint64_t kLogHeaderSize = 48;
constexpr uint64_t kSealSize = 8;
constexpr uint64_t kVersion = 1;
constexpr uint64_t kLargestSequence = (uint64_t{1} << 56) - 1;

enum Type { kFull = 1, kFirst, kMiddle, kLast, kLogHeader, kSeal };

// A little-endian number of n bytes.
uint64_t Number(std::string_view file, uint64_t at, int n) {
  uint64_t value = 0;
  for (int i = n; i-- > 0;) {
    value = (value << 8) | static_cast<unsigned char>(file[at + i]);
  }
  return value;
}

struct Frame {
  uint64_t length = 0;
  uint64_t type = 0;
  uint64_t synced = 0;
  uint64_t checksum = 0;
  std::string_view payload;
};

class Book {
 public:
  Book(std::string_view file, const ReferenceIdentity& identity,
       uint64_t required_bytes)
      : file_(file),
        identity_(identity),
        log_(MixContext(identity.db_id,
                        MixContext(identity.kind, identity.number))),
        required_(required_bytes) {}

  ReferenceLog Read() && {
    Frame frame;
    if (!Whole(&frame)) {
      Broken(/*log_bytes=*/0);
      return std::move(result_);
    }
    if (!Header(frame)) return std::move(result_);
    while (Record()) {
    }
    return std::move(result_);
  }

 private:
  using End = ReferenceLog::End;

  // Whether there is a frame header at `at`, believed alone.
  bool HeaderAt(uint64_t at, Frame* frame) const {
    if (file_.size() < kHeaderSize || at > file_.size() - kHeaderSize) {
      return false;
    }
    frame->type = Number(file_, at + 7, 1);
    if (frame->type < kFull || frame->type > kSeal) return false;
    frame->length = Number(file_, at + 4, 3);
    frame->synced = Number(file_, at + 8, 8);
    frame->checksum = Number(file_, at + 16, 8);
    return frame->length <= kMostPayload && frame->synced <= at &&
           Number(file_, at, 4) ==
               (Checksum64(file_.substr(at + 4, 20), MixContext(log_, at)) &
                0xffffffff);
  }

  // Whether a whole frame is next, and follows the one before; goes behind it.
  bool Whole(Frame* frame) {
    if (!HeaderAt(at_, frame)) return false;
    if (file_.size() - at_ - kHeaderSize < frame->length) return false;
    frame->payload = file_.substr(at_ + kHeaderSize, frame->length);
    if (Checksum64(frame->payload, MixContext(MixContext(log_, at_), chain_)) !=
        frame->checksum) {
      return false;
    }
    ++result_.frames;
    chain_ = frame->checksum;
    at_ += kHeaderSize + frame->length;
    return true;
  }

  bool Damage(uint64_t at) {
    result_.end = End::kDamage;
    result_.damage_at = at;
    return false;
  }

  // Whether something proves that more than `log_bytes` had been durable.
  bool MoreWasDurable(uint64_t log_bytes) const {
    if (log_bytes < required_) return true;
    Frame frame;
    for (uint64_t i = at_; i < file_.size(); ++i) {
      if (HeaderAt(i, &frame) && frame.synced > log_bytes) return true;
    }
    return false;
  }

  // No frame is next. The whole records before end with byte `log_bytes`.
  bool Broken(uint64_t log_bytes) {
    if (MoreWasDurable(log_bytes)) return Damage(at_);
    result_.end = at_ == 0 ? End::kNoHeader : End::kTorn;
    result_.bytes = log_bytes;
    result_.torn =
        log_bytes != at_ || file_.find_first_not_of('\0', at_) != file_.npos;
    return false;
  }

  bool Header(const Frame& frame) {
    const std::string_view payload = frame.payload;
    if (frame.type != kLogHeader || payload.size() < 4) return Damage(0);
    if (Number(payload, 0, 4) != kVersion) {
      result_.end = End::kOtherVersion;
      return false;
    }
    if (payload.size() != kLogHeaderSize) return Damage(0);
    result_.previous_number = Number(payload, 24, 8);
    result_.previous_bytes = Number(payload, 32, 8);
    result_.first_sequence = Number(payload, 40, 8);
    const uint64_t kind = Number(payload, 4, 4);
    if ((kind != 1 && kind != 2) || kind != identity_.kind ||
        Number(payload, 8, 8) != identity_.db_id ||
        Number(payload, 16, 8) != identity_.number ||
        result_.first_sequence > kLargestSequence) {
      return Damage(0);
    }
    return true;
  }

  bool Seal(const Frame& frame, uint64_t start) {
    if (frame.length != kSealSize) return Damage(start);
    if (MoreWasDurable(at_)) return Damage(start);
    result_.end = End::kSealed;
    result_.bytes = at_;
    result_.successor = Number(frame.payload, 0, 8);
    return false;
  }

  // Whether there was one more record.
  bool Record() {
    ReferenceRecord record;
    record.offset = at_;
    for (bool inside = false;; inside = true) {
      const uint64_t start = at_;
      Frame frame;
      if (!Whole(&frame)) return Broken(record.offset);
      if (!inside && frame.type == kSeal) return Seal(frame, start);
      const bool fits = inside ? frame.type == kMiddle || frame.type == kLast
                               : frame.type == kFull || frame.type == kFirst;
      if (!fits) return Damage(start);
      record.bytes += frame.payload;
      if (frame.type == kFull || frame.type == kLast) break;
    }
    result_.records.push_back(std::move(record));
    return true;
  }

  const std::string_view file_;
  const ReferenceIdentity identity_;
  const uint64_t log_;
  const uint64_t required_;
  ReferenceLog result_;
  uint64_t at_ = 0;     // Where the next frame should begin.
  uint64_t chain_ = 0;  // The payload checksum of the frame before.
};

}  // namespace

ReferenceLog ReadByTheBook(std::string_view file,
                           const ReferenceIdentity& identity,
                           uint64_t required_bytes) {
  return Book(file, identity, required_bytes).Read();
}

}  // namespace holdfast
