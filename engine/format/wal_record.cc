#include "engine/format/wal_record.h"

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/coding.h"
#include "base/mutant.h"
#include "holdfast/write_batch.h"

namespace holdfast {
namespace {

absl::Status Malformed(size_t offset, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat(why, " at byte ", offset, " of the changes"));
}

// RETURNS whether `count` changes from `first` on have numbers in range.
bool NumbersInRange(SequenceNumber first, uint32_t count) {
  return first > 0 && first <= kMaxSequenceNumber &&
         (count == 0 || count - 1 <= kMaxSequenceNumber - first);
}

}  // namespace

void AppendWalRecordPrefix(std::string* dst, SequenceNumber first_sequence,
                           uint32_t count) {
  HF_CHECK(NumbersInRange(first_sequence, count));
  PutFixed64(dst, first_sequence);
  PutVarint32(dst, count);
}

absl::StatusOr<WalRecord> DecodeWalRecord(std::string_view payload) {
  Decoder in(payload);
  WalRecord record;
  if (!in.ReadFixed64(&record.first_sequence) ||
      !in.ReadVarint32(&record.count)) {
    return absl::InvalidArgumentError(
        absl::StrCat("malformed record at byte ", in.offset()));
  }
  if (!NumbersInRange(record.first_sequence, record.count)) {
    return absl::InvalidArgumentError(
        absl::StrCat("sequence numbers out of range: ", record.count,
                     " changes from ", record.first_sequence));
  }
  record.changes = in.rest();
  return record;
}

// With lengths of up to five bytes each.
constexpr size_t kMostChangeHeadBytes = 11;

void AppendPut(std::string* changes, std::string_view key,
               std::string_view value) {
  // One allocation for a single change; more make it grow as it does.
  if (changes->empty()) {
    changes->reserve(kMostChangeHeadBytes + key.size() + value.size());
  }
  changes->push_back(static_cast<char>(ValueType::kValue));
  PutLengthPrefixed(changes, key);
  PutLengthPrefixed(changes, value);
}

void AppendDelete(std::string* changes, std::string_view key) {
  changes->push_back(static_cast<char>(ValueType::kDeletion));
  PutLengthPrefixed(changes, key);
}

bool ChangeReader::Next(Change* change) {
  Decoder in(rest_);
  uint8_t type = 0;
  if (!in.ReadByte(&type) || !in.ReadLengthPrefixed(&change->key)) return false;
  if (type == static_cast<uint8_t>(ValueType::kValue)) {
    if (!in.ReadLengthPrefixed(&change->value)) return false;
  } else if (type == static_cast<uint8_t>(ValueType::kDeletion)) {
    change->value = {};
  } else {
    return false;
  }
  change->type = static_cast<ValueType>(type);
  rest_.remove_prefix(in.offset());
  offset_ += in.offset();
  return true;
}

absl::Status ForEachChange(
    std::string_view changes, uint32_t count,
    absl::FunctionRef<void(ValueType type, std::string_view key,
                           std::string_view value)>
        visit) {
  ChangeReader reader(changes);
  Change change;
  uint32_t found = 0;
  size_t start = 0;
  for (; reader.Next(&change); start = reader.offset()) {
    if (found == count) return Malformed(start, "more changes than counted");
    if (change.key.size() > kMaxKeyBytes) {
      return Malformed(start, "key over its limit");
    }
    if (change.value.size() > kMaxValueBytes) {
      return Malformed(start, "value over its limit");
    }
    ++found;
    visit(change.type, change.key, change.value);
  }
  if (!reader.done()) return Malformed(reader.offset(), "malformed change");
  if (found != count && !HF_MUTANT("wal_record.count")) {
    return Malformed(start, "fewer changes than counted");
  }
  return absl::OkStatus();
}

}  // namespace holdfast
