#include "fuzz/log/check_reader.h"

#include <algorithm>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "engine/wal/log_reader.h"
#include "fuzz/log/bytes_file.h"
#include "fuzz/support/allocation_meter.h"

namespace holdfast {
namespace {

constexpr std::string_view kPath = "/db/the.log";
// Messages and small things, whatever the log is like.
constexpr size_t kSmallChange = 8192;

bool Is(const absl::Status& status, std::string_view prefix) {
  return std::string_view(status.message()).starts_with(prefix);
}

// Whether `status` is the error that `book` ends with; OK when it ends without.
bool Agrees(const absl::Status& status, const ReferenceLog& book) {
  switch (book.end) {
    case ReferenceLog::End::kNoHeader:
      return absl::IsOutOfRange(status) && Is(status, kPath);
    case ReferenceLog::End::kOtherVersion:
      return absl::IsUnimplemented(status) && Is(status, kPath);
    case ReferenceLog::End::kDamage:
      return absl::IsDataLoss(status) &&
             Is(status,
                absl::StrCat(kPath, " at offset ", book.damage_at, ": "));
    case ReferenceLog::End::kTorn:
    case ReferenceLog::End::kSealed:
      return status.ok();
  }
  return false;
}

void CheckHeader(const LogHeader& header, const LogIdentity& identity,
                 const ReferenceLog& book) {
  HF_CHECK(header.version == 1);
  HF_CHECK(header.kind == identity.kind);
  HF_CHECK(header.db_id == identity.db_id);
  HF_CHECK(header.number == identity.number);
  HF_CHECK(header.previous_number == book.previous_number);
  HF_CHECK(header.previous_bytes == book.previous_bytes);
  HF_CHECK(header.first_sequence == book.first_sequence);
}

void CheckEnd(const LogEnd& end, const ReferenceLog& book, uint64_t size) {
  HF_CHECK(end.bytes == book.bytes);
  HF_CHECK(end.sealed == (book.end == ReferenceLog::End::kSealed));
  HF_CHECK(end.successor == book.successor);
  HF_CHECK(end.torn == book.torn);
  HF_CHECK(end.torn_why.empty() == !book.torn);
  HF_CHECK(end.dropped_bytes == (book.torn ? size - book.bytes : 0));
}

class Reading {
 public:
  Reading(std::string_view content, const LogIdentity& identity,
          const ReaderKnobs& knobs, const ReferenceLog& book)
      : size_(content.size()),
        identity_(identity),
        book_(book),
        file_(content),
        reader_(&file_, std::string(kPath), identity, knobs.required_bytes) {
    file_.most_at_once = std::max<size_t>(knobs.most_at_once, 1);
    file_.unreadable_offset = knobs.unreadable_offset;
    reader_.VisitFrames([this](const FrameInfo&) { ++frames_; });
  }

  void Check() {
    const absl::StatusOr<LogHeader> header = reader_.ReadHeader();
    if (header.ok()) CheckHeader(*header, identity_, book_);
    const absl::Status status = header.ok() ? Records() : header.status();
    // It stays so.
    std::string record = "not empty";
    const absl::StatusOr<bool> again = reader_.ReadRecord(&record);
    HF_CHECK(again.status() == status);
    HF_CHECK(record.empty());
    HF_CHECK(frames_ <= book_.frames);
    if (file_.failed()) {
      HF_CHECK(status == absl::InternalError("unreadable"));
      return;
    }
    HF_CHECK(Agrees(status, book_));
    HF_CHECK(frames_ == book_.frames);
    HF_CHECK(read_ == book_.records.size());
    if (status.ok()) CheckEnd(reader_.end(), book_, size_);
  }

  uint64_t bytes_read() const { return file_.bytes_read(); }

 private:
  absl::Status Records() {
    std::string record;
    while (true) {
      const absl::StatusOr<bool> more = reader_.ReadRecord(&record);
      if (!more.ok()) return more.status();
      if (!*more) return absl::OkStatus();
      HF_CHECK(read_ < book_.records.size());
      HF_CHECK(record == book_.records[read_].bytes);
      HF_CHECK(reader_.record_offset() == book_.records[read_].offset);
      ++read_;
    }
  }

  const uint64_t size_;
  const LogIdentity identity_;
  const ReferenceLog& book_;
  BytesReader file_;
  LogReader reader_;
  size_t read_ = 0;
  uint64_t frames_ = 0;
};

}  // namespace

ReferenceLog CheckLogReader(std::string_view content,
                            const LogIdentity& identity,
                            const ReaderKnobs& knobs) {
  ReferenceLog book = ReadByTheBook(
      content,
      {identity.db_id, static_cast<uint64_t>(identity.kind), identity.number},
      knobs.required_bytes);
  const AllocationMeter meter;
  Reading reading(content, identity, knobs, book);
  reading.Check();
  // A chunk, and a record that grew by doubling.
  HF_CHECK(meter.peak_bytes() <= 4 * content.size() + kSmallChange);
  // Once for the frames and once for a search behind their end; a frame that a
  // chunk cuts is read again.
  HF_CHECK(reading.bytes_read() <= 3 * content.size());
  return book;
}

}  // namespace holdfast
