// Write batches, as recovery reads them from a record of the write-ahead log
// (engine/format/wal_record.h). Property: what is accepted has as many changes
// as it claims, is encoded anew to the same bytes, and is what Put and Delete
// make of the same changes; a batch that is made is read back whole, however it
// was put together, and refused when its count is wrong or its end is missing;
// a key over its limit is refused as the writer refuses it; memory is bounded.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "base/check.h"
#include "engine/format/internal_key.h"
#include "engine/format/wal_record.h"
#include "fuzz/support/allocation_meter.h"
#include "fuzz/support/fuzz_input.h"
#include "holdfast/write_batch.h"

namespace {

using namespace holdfast;

// A decoder makes views, and an error message.
constexpr size_t kMaxDecodeBytes = 4096;

class Collector final : public WriteBatch::Handler {
 public:
  explicit Collector(const WriteBatch& batch) {
    changes_.reserve(batch.count());
    batch.Iterate(*this);
  }

  void Put(std::string_view key, std::string_view value) override {
    changes_.push_back({ValueType::kValue, key, value});
  }
  void Delete(std::string_view key) override {
    changes_.push_back({ValueType::kDeletion, key, {}});
  }
  const std::vector<Change>& changes() const { return changes_; }

 private:
  std::vector<Change> changes_;
};

bool Same(const Change& a, const Change& b) {
  return a.type == b.type && a.key == b.key && a.value == b.value;
}

bool Same(const std::vector<Change>& a, const std::vector<Change>& b) {
  return std::equal(
      a.begin(), a.end(), b.begin(), b.end(),
      [](const Change& x, const Change& y) { return Same(x, y); });
}

void Add(const Change& change, WriteBatch* batch) {
  if (change.type == ValueType::kValue) {
    batch->Put(change.key, change.value);
  } else {
    HF_CHECK(change.type == ValueType::kDeletion);
    HF_CHECK(change.value.empty());
    batch->Delete(change.key);
  }
}

// The changes, or why they are refused: as recovery does it.
absl::StatusOr<std::vector<Change>> Decode(std::string_view changes,
                                           uint32_t count) {
  std::vector<Change> found;
  // No more than the bytes can hold, whatever is claimed.
  found.reserve(std::min<size_t>(count, changes.size() / 2));
  AllocationMeter meter;
  const absl::Status status = ForEachChange(
      changes, count,
      [&](ValueType type, std::string_view key, std::string_view value) {
        found.push_back({type, key, value});
      });
  HF_CHECK(meter.peak_bytes() <= kMaxDecodeBytes);
  if (status.ok()) return found;
  HF_CHECK(absl::IsInvalidArgument(status));
  HF_CHECK(absl::StrContains(status.message(), " at byte "));
  return status;
}

void CheckRecord(std::string_view payload) {
  const absl::StatusOr<WalRecord> record = DecodeWalRecord(payload);
  if (!record.ok()) {
    HF_CHECK(absl::IsInvalidArgument(record.status()));
    return;
  }
  HF_CHECK(record->first_sequence >= 1);
  HF_CHECK(record->first_sequence <= kMaxSequenceNumber);
  HF_CHECK(record->first_sequence + record->count <= kMaxSequenceNumber + 1);
  std::string again;
  AppendWalRecordPrefix(&again, record->first_sequence, record->count);
  HF_CHECK(again + std::string(record->changes) == payload);

  const absl::StatusOr<std::vector<Change>> changes =
      Decode(record->changes, record->count);
  if (!changes.ok()) return;
  HF_CHECK(changes->size() == record->count);
  WriteBatch batch;
  for (const Change& change : *changes) Add(change, &batch);
  HF_CHECK(batch.rep() == record->changes);
  HF_CHECK(batch.count() == record->count);
  HF_CHECK(batch.CheckLimits().ok());
  HF_CHECK(Same(Collector(batch).changes(), *changes));
}

// The reader alone, at any bytes: stops where a change is malformed.
void CheckReader(std::string_view bytes) {
  ChangeReader reader(bytes);
  Change change;
  std::string again;
  while (reader.Next(&change)) {
    if (change.type == ValueType::kValue) {
      AppendPut(&again, change.key, change.value);
    } else {
      AppendDelete(&again, change.key);
    }
    HF_CHECK(reader.offset() == again.size());
  }
  HF_CHECK(bytes.starts_with(again));
  HF_CHECK(reader.done() == (again.size() == bytes.size()));
}

// Keys around their limit, for this input alone: they are slow.
constexpr std::string_view kLongKey = "long key";

void CheckLongKeys() {
  for (const size_t bytes : {kMaxKeyBytes, kMaxKeyBytes + 1}) {
    WriteBatch batch;
    batch.Delete(std::string(bytes, 'k'));
    HF_CHECK(batch.CheckLimits().ok() == (bytes <= kMaxKeyBytes));
    HF_CHECK(Decode(batch.rep(), 1).ok() == (bytes <= kMaxKeyBytes));
  }
}

Change NextChange(FuzzInput& input) {
  const uint8_t choice = input.Byte();
  Change change;
  if (choice % 2 == 1) change.type = ValueType::kValue;
  change.key = input.Bytes(choice / 2 % 8);
  if (change.type == ValueType::kValue) change.value = input.Bytes(choice / 16);
  return change;
}

constexpr size_t kMaxChanges = 32;

// Puts a batch together, and looks how it is read back.
void CheckValues(FuzzInput input) {
  const uint8_t damage = input.Byte();
  const uint16_t cut = input.Short();
  std::vector<Change> wanted;
  wanted.reserve(kMaxChanges);
  WriteBatch batch;
  WriteBatch part;
  while (!input.empty() && wanted.size() < kMaxChanges) {
    wanted.push_back(NextChange(input));
    Add(wanted.back(), &part);
    if (!input.Bool()) continue;
    batch.Append(part);
    part.Clear();
    HF_CHECK(part.empty());
  }
  batch.Append(part);

  const std::string_view bytes = batch.rep();
  const uint32_t count = batch.count();
  HF_CHECK(batch.size_bytes() == bytes.size());
  HF_CHECK(count == wanted.size());
  HF_CHECK(Same(Collector(batch).changes(), wanted));

  const absl::StatusOr<std::vector<Change>> found = Decode(bytes, count);
  HF_CHECK(batch.CheckLimits().ok());
  HF_CHECK(found.ok());
  HF_CHECK(Same(*found, wanted));

  if (count == 0 || damage % 4 == 0) {
    HF_CHECK(!Decode(bytes, count + 1).ok());
  } else if (damage % 4 == 1) {
    HF_CHECK(!Decode(bytes, count - 1).ok());
  } else {
    HF_CHECK(!Decode(bytes.substr(0, cut % bytes.size()), count).ok());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes == kLongKey) CheckLongKeys();
  CheckRecord(bytes);
  CheckReader(bytes);
  CheckValues(FuzzInput(data, size));
  return 0;
}
