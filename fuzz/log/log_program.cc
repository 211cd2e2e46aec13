#include "fuzz/log/log_program.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/check.h"
#include "engine/format/log_frame.h"
#include "engine/wal/log_writer.h"
#include "fuzz/log/bytes_file.h"
#include "fuzz/log/check_reader.h"
#include "fuzz/log/reference_log.h"
#include "fuzz/support/fuzz_input.h"

namespace holdfast {
namespace {

constexpr LogIdentity kIdentity = {
    .db_id = 0x1122334455667788, .kind = LogKind::kWal, .number = 7};
constexpr size_t kSectorBytes = 512;
constexpr size_t kMostFileBytes = size_t{3} << 20;
constexpr int kMostSteps = 64;

LogHeader HeaderFor(const LogIdentity& identity) {
  return {.version = 1,
          .kind = identity.kind,
          .db_id = identity.db_id,
          .number = identity.number,
          .previous_number = 5,
          .previous_bytes = 1000,
          .first_sequence = 42};
}

// Short, or about as long as a frame can be.
std::string Payload(FuzzInput& in, bool large) {
  const uint8_t how = in.Byte();
  size_t bytes = how % 64;
  if (large) {
    constexpr size_t kLarge[] = {kMaxFragmentBytes - 1, kMaxFragmentBytes,
                                 kMaxFragmentBytes + 1, 2 * kMaxFragmentBytes};
    bytes = kLarge[how / 64];
  }
  std::string payload(bytes, static_cast<char>(how));
  // So that no two are the same.
  payload += static_cast<char>(in.Byte());
  return payload;
}

ReaderKnobs KnobsFrom(FuzzInput& in, bool large) {
  ReaderKnobs knobs;
  const uint8_t how = in.Byte();
  // Not so few that a large file takes long.
  if (how & 1) knobs.most_at_once = 1 + how;
  // With large files, also beyond the first chunk.
  if (how & 2)
    knobs.unreadable_offset = uint64_t{in.Short()} << (large ? 6 : 0);
  return knobs;
}

// --- By the writer -----------------------------------------------------------

// The header, a record or the seal.
struct Unit {
  uint64_t begin = 0;
  uint64_t end = 0;
  uint64_t synced = 0;       // When it was written.
  std::string payload = {};  // Of a record.
};

class WrittenLog {
 public:
  explicit WrittenLog(bool large)
      : large_(large),
        log_(NewWriter(), "the.log", kIdentity),
        large_left_(large ? 2 : 0) {
    HF_CHECK(log_.AddHeader(HeaderFor(kIdentity)).ok());
    units_.push_back({.end = log_.bytes()});
  }

  void Run(FuzzInput& in) {
    for (int step = 0; step < kMostSteps && !in.empty(); ++step) {
      if (!Step(in)) return;
    }
  }

  // Harms the file in one place and looks what is read.
  void Check(FuzzInput& in) {
    if (failed_.has_value() && failed_->begin == log_.bytes() &&
        std::string_view(content_)
            .substr(failed_->begin)
            .starts_with(failed_bytes_)) {
      units_.push_back(*std::move(failed_));
    }
    const uint64_t known = in.Bool() ? log_.synced_bytes() : 0;
    const std::string whole = content_;
    Harm(in);
    ReaderKnobs knobs = KnobsFrom(in, large_);
    knobs.required_bytes = known;
    const ReferenceLog read = CheckLogReader(content_, kIdentity, knobs);
    Judge(whole, known, read);
  }

 private:
  std::unique_ptr<WritableFile> NewWriter() {
    return std::make_unique<BytesWriter>(&content_, &plan_);
  }

  // Whether there may be more.
  bool Step(FuzzInput& in) {
    const uint8_t what = in.Byte();
    switch (what % 8) {
      case 0:
      case 1:
      case 2:
        Record(in, /*large=*/what % 16 == 8);
        return true;
      case 3:
        HF_CHECK(log_.Sync().ok());
        return true;
      case 4:
        FailedRecord(in);
        return true;
      case 5:
        if (what >= 128) return FailedSync();
        HF_CHECK(log_.Sync().ok());
        Record(in, /*large=*/false);
        return true;
      case 6:
        if (what >= 128) return Seal(in.Byte());
        Record(in, /*large=*/false);
        return true;
      default:
        return what < 192;
    }
  }

  void Record(FuzzInput& in, bool large) {
    large = large && large_left_-- > 0;
    Unit unit = {.begin = log_.bytes(), .synced = log_.synced_bytes()};
    unit.payload = Payload(in, large);
    const size_t cut = in.Below(unit.payload.size() + 1);
    const std::string_view bytes = unit.payload;
    HF_CHECK(log_.AddRecord(bytes.substr(0, cut), bytes.substr(cut)).ok());
    unit.end = log_.bytes();
    units_.push_back(std::move(unit));
  }

  // What it left is overwritten by what comes; at the end, it is there when it
  // is there whole.
  void FailedRecord(FuzzInput& in) {
    Unit unit = {.begin = log_.bytes(), .synced = log_.synced_bytes()};
    unit.payload = Payload(in, /*large=*/false);
    unit.end = unit.begin + kFrameHeaderBytes + unit.payload.size();
    plan_.fail_write = true;
    plan_.failed_write_bytes = in.Byte();
    HF_CHECK(absl::IsResourceExhausted(log_.AddRecord(unit.payload)));
    HF_CHECK(log_.bytes() == unit.begin);
    if (plan_.failed_write_bytes >= unit.end - unit.begin) {
      failed_bytes_ = content_.substr(unit.begin, unit.end - unit.begin);
      failed_ = std::move(unit);
    }
  }

  bool FailedSync() {
    plan_.fail_sync = true;
    const bool needed = log_.bytes() != log_.synced_bytes();
    HF_CHECK(log_.Sync().ok() != needed);
    plan_.fail_sync = false;
    if (!needed) return true;
    HF_CHECK(!log_.AddRecord("refused").ok());
    HF_CHECK(!log_.AddSeal(1).ok());
    HF_CHECK(!log_.Sync().ok());
    return false;
  }

  bool Seal(uint64_t successor) {
    Unit unit = {.begin = log_.bytes(), .synced = log_.synced_bytes()};
    HF_CHECK(log_.AddSeal(successor).ok());
    unit.end = log_.bytes();
    units_.push_back(std::move(unit));
    sealed_ = true;
    successor_ = successor;
    return false;
  }

  void Harm(FuzzInput& in) {
    const uint8_t how = in.Byte();
    const size_t at = in.Below(content_.size());
    switch (how % 6) {
      case 0:
        content_[at] = static_cast<char>(content_[at] ^ (in.Byte() | 1));
        return;
      case 1:
        content_.resize(at);
        return;
      case 2: {
        const size_t begin = at / kSectorBytes * kSectorBytes;
        const size_t end = std::min(begin + kSectorBytes, content_.size());
        std::fill(content_.begin() + begin, content_.begin() + end, '\0');
        return;
      }
      case 3:  // Space that was never used.
        DropRemains();
        content_.resize(content_.size() + 4 * in.Byte());
        return;
      case 4:  // A block of something else behind the end.
        DropRemains();
        content_ += in.Bytes(64);
        return;
      default:
        return;
    }
  }

  // What comes behind the end could make a record whole that failed.
  void DropRemains() { content_.resize(units_.back().end); }

  // Whether bytes [begin, end) are there as they were written.
  bool Left(const std::string& whole, uint64_t begin, uint64_t end) const {
    return end <= content_.size() &&
           std::string_view(whole).substr(begin, end - begin) ==
               std::string_view(content_).substr(begin, end - begin);
  }

  // Whether a frame of the units from `from` on that is left knows of more
  // synced bytes than `bytes`.
  bool Witness(const std::string& whole, size_t from, uint64_t bytes) const {
    for (size_t i = from; i < units_.size(); ++i) {
      if (units_[i].synced <= bytes) continue;
      for (uint64_t at = units_[i].begin; at < units_[i].end;
           at += kFrameHeaderBytes + kMaxFragmentBytes) {
        if (Left(whole, at, at + kFrameHeaderBytes)) return true;
      }
    }
    return false;
  }

  void Judge(const std::string& whole, uint64_t known,
             const ReferenceLog& read) const {
    using End = ReferenceLog::End;
    size_t left = 0;
    while (left < units_.size() &&
           Left(whole, units_[left].begin, units_[left].end)) {
      ++left;
    }
    const bool all = left == units_.size();
    const bool seal_left = all && sealed_;
    // All that is whole is read, and nothing else.
    const size_t records = left == 0 ? 0 : left - 1 - (seal_left ? 1 : 0);
    HF_CHECK(read.records.size() == records);
    for (size_t i = 0; i < records; ++i) {
      HF_CHECK(read.records[i].offset == units_[i + 1].begin);
      HF_CHECK(read.records[i].bytes == units_[i + 1].payload);
    }
    const uint64_t bytes = left == 0 ? 0 : units_[left - 1].end;
    const bool lost =
        !all && (known > bytes || Witness(whole, left + 1, bytes));
    const bool was_synced = bytes < log_.synced_bytes();
    if (lost) HF_CHECK(read.end == End::kDamage);
    if (read.end == End::kDamage) {
      HF_CHECK(!all && was_synced);
      HF_CHECK(read.damage_at >= units_[left].begin);
      HF_CHECK(read.damage_at < units_[left].end);
      return;
    }
    HF_CHECK(read.bytes == bytes);
    if (left == 0) {
      HF_CHECK(read.end == End::kNoHeader);
    } else {
      HF_CHECK(read.end == (seal_left ? End::kSealed : End::kTorn));
    }
    if (seal_left) HF_CHECK(read.successor == successor_);
  }

  const bool large_;
  std::string content_;
  BytesWriter::Plan plan_;
  LogWriter log_;
  std::vector<Unit> units_;
  std::optional<Unit> failed_;  // The last that was in the file all the same.
  std::string failed_bytes_;
  int large_left_;
  bool sealed_ = false;
  uint64_t successor_ = 0;
};

// --- By hand -----------------------------------------------------------------

class HandmadeLog {
 public:
  HandmadeLog(bool large, uint8_t odd_header) : large_left_(large ? 2 : 0) {
    std::string header = EncodeLogHeader(HeaderFor(kIdentity));
    // In a right frame, the header of another log or of a wrong length.
    if (odd_header >= 192) {
      header.resize(odd_header - 192);
    } else if (odd_header >= 128) {
      header[odd_header % header.size()] ^= 3;
    }
    Put(FrameType::kHeader, header, {});
  }

  void Run(FuzzInput& in) {
    for (int step = 0; step < kMostSteps && !in.empty(); ++step) {
      if (file_.size() > kMostFileBytes) return;
      Step(in);
    }
  }

  void Check(ReaderKnobs knobs) const {
    const ReferenceLog read = CheckLogReader(file_, kIdentity, knobs);
    for (const ReferenceRecord& record : read.records) {
      HF_CHECK(IsMadeOfFrames(record.offset, record.bytes));
    }
  }

  uint64_t synced() const { return synced_; }

 private:
  // A frame that is right where it was put.
  struct Frame {
    uint64_t offset = 0;
    uint64_t previous_checksum = 0;
    uint64_t checksum = 0;
    std::string bytes = {};  // With the header.
  };
  // In what a frame differs from the one that belongs here.
  struct Odds {
    uint64_t other_log = 0;
    uint64_t other_offset = 0;
    uint64_t other_chain = 0;
    int64_t synced = -1;  // Not what is synced.
  };

  void Step(FuzzInput& in) {
    const uint8_t what = in.Byte();
    switch (what % 16) {
      default:
        Put(FrameType::kFull, Payload(in, what % 32 == 16 && MayBeLarge()), {});
        return;
      case 3:
        Put(FrameType::kFirst, Payload(in, false), {});
        for (int i = what / 64; i > 0; --i) {
          Put(FrameType::kMiddle, Payload(in, false), {});
        }
        Put(FrameType::kLast, Payload(in, false), {});
        return;
      case 4:
        synced_ = std::min<uint64_t>(at_, file_.size());
        return;
      case 5:
        Put(FrameType::kSeal, EncodeLogSeal({.successor = in.Byte()}), {});
        return;
      case 6:
        Put(AnyType(in), Payload(in, false), {});
        return;
      case 7:
        Put(FrameType::kFull, Payload(in, false),
            {.synced = static_cast<int64_t>(in.Below(at_ + 1))});
        return;
      case 8:
        PutBytes(std::string(Gap(in, what), '\0'));
        return;
      case 9:
        PutBytes(in.Bytes(what / 4));
        return;
      case 10:
        Put(AnyType(in), Payload(in, false),
            {.other_log = uint64_t{in.Byte()} + 1});
        return;
      case 11:
        Put(AnyType(in), Payload(in, false), {.other_chain = in.Byte()});
        return;
      case 12:
        Put(AnyType(in), Payload(in, false),
            {.other_offset = uint64_t{in.Byte()} + 1});
        return;
      case 13:
        PutBytes(std::string(AnyFrame(in).bytes));
        return;
      case 14:
        GoBack(AnyFrame(in), what >= 128);
        return;
      case 15:
        Harm(in);
        return;
    }
  }

  FrameType AnyType(FuzzInput& in) {
    return static_cast<FrameType>(1 + in.Below(6));
  }
  const Frame& AnyFrame(FuzzInput& in) {
    return frames_[in.Below(frames_.size())];
  }

  bool MayBeLarge() { return large_left_-- > 0; }

  // Or about a chunk of the reader.
  size_t Gap(FuzzInput& in, uint8_t what) {
    if (what < 192 || !MayBeLarge()) return in.Byte();
    return (size_t{1} << 20) - 64 + in.Byte();
  }

  // Puts a frame at at_ and goes behind it.
  void Put(FrameType type, std::string_view payload, const Odds& odds) {
    payload = payload.substr(0, kMaxFragmentBytes);
    LogIdentity identity = kIdentity;
    identity.number ^= odds.other_log;
    uint64_t chain = chain_;
    if (odds.other_chain != 0) {
      // An earlier one, or the beginning's.
      const size_t back = std::min<size_t>(odds.other_chain, frames_.size());
      chain = frames_[frames_.size() - back].previous_checksum;
    }
    const uint64_t synced =
        odds.synced >= 0 ? static_cast<uint64_t>(odds.synced) : synced_;
    const uint64_t offset = at_ + odds.other_offset;
    Frame frame = {.offset = at_, .previous_checksum = chain};
    frame.checksum =
        AppendFrame(&frame.bytes, identity.context(), offset, chain, type,
                    std::min(synced, offset), payload);
    PutBytes(frame.bytes);
    // The next one follows it, also when it is of elsewhere.
    chain_ = frame.checksum;
    if (odds.other_log == 0 && odds.other_offset == 0) {
      frames_.push_back(std::move(frame));
    }
  }

  void PutBytes(std::string_view bytes) {
    const size_t end = at_ + bytes.size();
    if (end > file_.size()) file_.resize(end);
    bytes.copy(file_.data() + at_, bytes.size());
    at_ = end;
  }

  // As after a write that failed: the next frame goes over what it left.
  void GoBack(const Frame& frame, bool behind) {
    at_ = behind ? frame.offset + frame.bytes.size() : frame.offset;
    chain_ = behind ? frame.checksum : frame.previous_checksum;
  }

  void Harm(FuzzInput& in) {
    const uint8_t how = in.Byte();
    if (file_.empty()) return;
    const size_t at = in.Below(file_.size());
    if (how % 4 == 0) {
      file_.resize(at);
    } else if (how % 4 == 1) {
      const size_t end = std::min(at + kSectorBytes, file_.size());
      std::fill(file_.begin() + at, file_.begin() + end, '\0');
    } else {
      file_[at] = static_cast<char>(file_[at] ^ (1 << (how / 4 % 8)));
    }
  }

  // Whether frames that were put at `offset`, and each behind the one before,
  // have this payload.
  bool IsMadeOfFrames(uint64_t offset, std::string_view payload) const {
    for (const Frame& frame : frames_) {
      if (frame.offset != offset) continue;
      const std::string_view part =
          std::string_view(frame.bytes).substr(kFrameHeaderBytes);
      if (!payload.starts_with(part)) continue;
      const std::string_view rest = payload.substr(part.size());
      if (rest.empty()) return true;
      if (IsMadeOfFrames(offset + frame.bytes.size(), rest)) return true;
    }
    return false;
  }

  std::string file_;
  uint64_t at_ = 0;
  uint64_t chain_ = 0;
  uint64_t synced_ = 0;
  std::vector<Frame> frames_;
  int large_left_;
};

}  // namespace

void RunLogProgram(FuzzInput in, bool large) {
  const uint8_t how = in.Byte();
  // First, so that all the rest is the program.
  FuzzInput end(in.Bytes(12));
  if (how % 2 == 0) {
    WrittenLog log(large);
    log.Run(in);
    log.Check(end);
  } else {
    ReaderKnobs knobs = KnobsFrom(end, large);
    HandmadeLog log(large, how);
    log.Run(in);
    if (how & 2) knobs.required_bytes = end.Bool() ? log.synced() : end.Short();
    log.Check(knobs);
  }
}

}  // namespace holdfast
