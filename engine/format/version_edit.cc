#include "engine/format/version_edit.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/coding.h"

namespace holdfast {
namespace {

// On disk. Odd tags: a reader must understand them.
enum Tag : uint32_t {
  kDbId = 1,            // fixed64
  kLogNumber = 3,       // varint64
  kNextFileNumber = 5,  // varint64
  kLastSequence = 7,    // varint64
  kSealedLog = 9,       // varint64 number, bytes, last sequence
  kRemoved = 11,        // varint32 level, varint64 number; repeats
  kAdded = 13,          // See EncodeTable; repeats.
};

// A field that is skipped may repeat, for all we know.
bool Repeats(uint32_t tag) {
  return tag == kRemoved || tag == kAdded || tag % 2 == 0;
}

void PutField(std::string* dst, Tag tag, std::string_view payload) {
  PutVarint32(dst, tag);
  PutLengthPrefixed(dst, payload);
}

void PutNumberField(std::string* dst, Tag tag,
                    const std::optional<uint64_t>& value) {
  if (!value.has_value()) return;
  std::string payload;
  PutVarint64(&payload, *value);
  PutField(dst, tag, payload);
}

std::string EncodeSealedLog(const SealedLog& log) {
  std::string payload;
  PutVarint64(&payload, log.number);
  PutVarint64(&payload, log.bytes);
  PutVarint64(&payload, log.last_sequence);
  return payload;
}

std::string EncodeRemoved(int level, uint64_t number) {
  std::string payload;
  PutVarint32(&payload, static_cast<uint32_t>(level));
  PutVarint64(&payload, number);
  return payload;
}

std::string EncodeTable(const TableRecord& table) {
  std::string payload;
  PutVarint32(&payload, static_cast<uint32_t>(table.level));
  PutVarint64(&payload, table.number);
  PutVarint64(&payload, table.bytes);
  PutFixed64(&payload, table.identity);
  PutVarint64(&payload, table.entries);
  PutVarint64(&payload, table.tombstones);
  PutVarint64(&payload, table.smallest_sequence);
  PutVarint64(&payload, table.largest_sequence);
  PutLengthPrefixed(&payload, table.smallest);
  PutLengthPrefixed(&payload, table.largest);
  return payload;
}

// Each Decode function RETURNS what is wrong with the payload, or nothing.

std::string_view DecodeNumber(std::string_view payload,
                              std::optional<uint64_t>* value) {
  Decoder in(payload);
  uint64_t number;
  if (!in.ReadVarint64(&number) || !in.done()) return "bad number";
  *value = number;
  return {};
}

std::string_view DecodeDbId(std::string_view payload, VersionEdit* edit) {
  Decoder in(payload);
  uint64_t id;
  if (!in.ReadFixed64(&id) || !in.done()) return "bad database id";
  edit->db_id = id;
  return {};
}

std::string_view DecodeLastSequence(std::string_view payload,
                                    VersionEdit* edit) {
  const std::string_view why = DecodeNumber(payload, &edit->last_sequence);
  if (!why.empty()) return why;
  if (*edit->last_sequence > kMaxSequenceNumber) {
    return "sequence number out of range";
  }
  return {};
}

std::string_view DecodeSealedLog(std::string_view payload, VersionEdit* edit) {
  Decoder in(payload);
  SealedLog log;
  if (!in.ReadVarint64(&log.number) || !in.ReadVarint64(&log.bytes) ||
      !in.ReadVarint64(&log.last_sequence) || !in.done()) {
    return "bad sealed log";
  }
  if (log.last_sequence > kMaxSequenceNumber) {
    return "sequence number out of range";
  }
  edit->sealed_log = log;
  return {};
}

std::string_view DecodeRemoved(std::string_view payload, VersionEdit* edit) {
  Decoder in(payload);
  uint32_t level;
  uint64_t number;
  if (!in.ReadVarint32(&level) || !in.ReadVarint64(&number) || !in.done()) {
    return "bad removed table";
  }
  if (level >= static_cast<uint32_t>(kNumLevels)) return "level out of range";
  edit->removed.emplace_back(static_cast<int>(level), number);
  return {};
}

std::string_view DecodeAdded(std::string_view payload, VersionEdit* edit) {
  Decoder in(payload);
  TableRecord table;
  uint32_t level;
  std::string_view smallest;
  std::string_view largest;
  if (!in.ReadVarint32(&level) || !in.ReadVarint64(&table.number) ||
      !in.ReadVarint64(&table.bytes) || !in.ReadFixed64(&table.identity) ||
      !in.ReadVarint64(&table.entries) || !in.ReadVarint64(&table.tombstones) ||
      !in.ReadVarint64(&table.smallest_sequence) ||
      !in.ReadVarint64(&table.largest_sequence) ||
      !in.ReadLengthPrefixed(&smallest) || !in.ReadLengthPrefixed(&largest) ||
      !in.done()) {
    return "bad added table";
  }
  if (level >= static_cast<uint32_t>(kNumLevels)) return "level out of range";
  table.level = static_cast<int>(level);
  table.smallest.assign(smallest);
  table.largest.assign(largest);
  const std::string_view why = WhyNotATable(table);
  if (!why.empty()) return why;
  edit->added.push_back(std::move(table));
  return {};
}

std::string_view DecodeField(uint32_t tag, std::string_view payload,
                             VersionEdit* edit) {
  switch (tag) {
    case kDbId:
      return DecodeDbId(payload, edit);
    case kLogNumber:
      return DecodeNumber(payload, &edit->log_number);
    case kNextFileNumber:
      return DecodeNumber(payload, &edit->next_file_number);
    case kLastSequence:
      return DecodeLastSequence(payload, edit);
    case kSealedLog:
      return DecodeSealedLog(payload, edit);
    case kRemoved:
      return DecodeRemoved(payload, edit);
    case kAdded:
      return DecodeAdded(payload, edit);
    default:
      if (tag % 2 == 0) return {};
      return "unknown field that a reader must understand";
  }
}

absl::Status Bad(size_t offset, std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("offset ", offset, ": ", why));
}

}  // namespace

std::string_view WhyNotATable(const TableRecord& table) {
  if (table.level < 0 || table.level >= kNumLevels) return "level out of range";
  if (table.number == 0) return "table number 0";
  if (table.bytes == 0) return "table of no bytes";
  if (table.entries == 0) return "table of no entries";
  if (table.tombstones > table.entries) return "more tombstones than entries";
  if (table.largest_sequence > kMaxSequenceNumber) {
    return "sequence number out of range";
  }
  if (table.smallest_sequence > table.largest_sequence) {
    return "sequence numbers in the wrong order";
  }
  ParsedInternalKey smallest;
  ParsedInternalKey largest;
  if (!ParseInternalKey(table.smallest, &smallest) ||
      !ParseInternalKey(table.largest, &largest)) {
    return "bad internal key";
  }
  if (CompareInternalKeys(table.smallest, table.largest) > 0) {
    return "smallest key is after the largest";
  }
  for (const SequenceNumber s : {smallest.sequence, largest.sequence}) {
    if (s < table.smallest_sequence || s > table.largest_sequence) {
      return "key outside the table's sequence numbers";
    }
  }
  return {};
}

std::string EncodeVersionEdit(const VersionEdit& edit) {
  std::string bytes;
  if (edit.db_id.has_value()) {
    std::string payload;
    PutFixed64(&payload, *edit.db_id);
    PutField(&bytes, kDbId, payload);
  }
  PutNumberField(&bytes, kLogNumber, edit.log_number);
  PutNumberField(&bytes, kNextFileNumber, edit.next_file_number);
  PutNumberField(&bytes, kLastSequence, edit.last_sequence);
  if (edit.sealed_log.has_value()) {
    PutField(&bytes, kSealedLog, EncodeSealedLog(*edit.sealed_log));
  }
  for (const auto& [level, number] : edit.removed) {
    HF_CHECK(level >= 0 && level < kNumLevels);
    PutField(&bytes, kRemoved, EncodeRemoved(level, number));
  }
  for (const TableRecord& table : edit.added) {
    HF_CHECK(WhyNotATable(table).empty());
    PutField(&bytes, kAdded, EncodeTable(table));
  }
  return bytes;
}

absl::StatusOr<VersionEdit> DecodeVersionEdit(std::string_view bytes) {
  Decoder in(bytes);
  VersionEdit edit;
  uint32_t previous = 0;
  while (!in.done()) {
    const size_t offset = in.offset();
    uint32_t tag;
    std::string_view payload;
    if (!in.ReadVarint32(&tag) || !in.ReadLengthPrefixed(&payload)) {
      return Bad(in.offset(), "field cut off");
    }
    if (tag < previous || (tag == previous && !Repeats(tag))) {
      return Bad(offset, "fields out of order");
    }
    previous = tag;
    const std::string_view why = DecodeField(tag, payload, &edit);
    if (!why.empty()) {
      return Bad(offset, absl::StrCat("field ", tag, ": ", why));
    }
  }
  return edit;
}

}  // namespace holdfast
