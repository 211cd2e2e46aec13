// What a record of the write-ahead log holds: the changes of one commit group,
// whole. Format: docs/formats/write_batch.md.
//
//   payload = fixed64 first_sequence, varint32 count, changes
//   change  = type byte, length-prefixed key, and for kValue a length-prefixed
//             value
//
// The changes have the numbers first_sequence, first_sequence + 1, ...

#ifndef HOLDFAST_ENGINE_FORMAT_WAL_RECORD_H_
#define HOLDFAST_ENGINE_FORMAT_WAL_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/format/internal_key.h"

namespace holdfast {

struct WalRecord {
  SequenceNumber first_sequence = 0;
  uint32_t count = 0;
  // Points into the payload. Not looked at by DecodeWalRecord.
  std::string_view changes;
};

// Appends what comes before the changes; the record is that and then the
// changes of each batch of the group. REQUIRES: the numbers of all changes are
// in 1..kMaxSequenceNumber.
void AppendWalRecordPrefix(std::string* dst, SequenceNumber first_sequence,
                           uint32_t count);

// RETURNS kInvalidArgument, saying at which byte of the payload, when it does
// not begin as a record does or its sequence numbers are out of range. The
// caller knows the file and makes a DataLoss of it.
absl::StatusOr<WalRecord> DecodeWalRecord(std::string_view payload);

// Appends one change.
void AppendPut(std::string* changes, std::string_view key,
               std::string_view value);
void AppendDelete(std::string* changes, std::string_view key);

struct Change {
  ValueType type = ValueType::kDeletion;
  std::string_view key;
  std::string_view value;  // Empty for a deletion.
};

// Reads encoded changes one by one. Checks that the bytes are well formed, not
// that keys and values are within their limits.
// Thread-compatible.
class ChangeReader {
 public:
  explicit ChangeReader(std::string_view changes) : rest_(changes) {}

  // RETURNS true and the next change, which points into the bytes; false at the
  // end or at bytes that are no change.
  bool Next(Change* change);

  // After Next returned false: whether that was at the end.
  bool done() const { return rest_.empty(); }
  // Bytes read: where the next change begins, or the one that is malformed.
  size_t offset() const { return offset_; }

 private:
  std::string_view rest_;
  size_t offset_ = 0;
};

// Calls `visit` for each change, in order. RETURNS kInvalidArgument, saying at
// which byte of `changes`, when they are malformed, a key or a value is over
// its limit, or there are not exactly `count`; `visit` may have been called for
// those before.
absl::Status ForEachChange(
    std::string_view changes, uint32_t count,
    absl::FunctionRef<void(ValueType type, std::string_view key,
                           std::string_view value)>
        visit);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_FORMAT_WAL_RECORD_H_
