#include "holdfast/write_batch.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "engine/format/wal_record.h"

namespace holdfast {
namespace {

absl::Status OverLimit(std::string_view what, size_t bytes, size_t limit) {
  return absl::InvalidArgumentError(
      absl::StrCat("write batch: ", what, " of ", bytes,
                   " bytes is over the limit of ", limit));
}

}  // namespace

void WriteBatch::Put(std::string_view key, std::string_view value) {
  AppendPut(&rep_, key, value);
  ++count_;
  largest_key_bytes_ = std::max(largest_key_bytes_, key.size());
  largest_value_bytes_ = std::max(largest_value_bytes_, value.size());
}

void WriteBatch::Delete(std::string_view key) {
  AppendDelete(&rep_, key);
  ++count_;
  largest_key_bytes_ = std::max(largest_key_bytes_, key.size());
}

void WriteBatch::Clear() {
  rep_.clear();
  count_ = 0;
  largest_key_bytes_ = 0;
  largest_value_bytes_ = 0;
}

void WriteBatch::Append(const WriteBatch& other) {
  rep_.append(other.rep_);  // Right for `other` == *this, too.
  count_ += other.count_;
  largest_key_bytes_ = std::max(largest_key_bytes_, other.largest_key_bytes_);
  largest_value_bytes_ =
      std::max(largest_value_bytes_, other.largest_value_bytes_);
}

void WriteBatch::Iterate(Handler& handler) const {
  // A batch may be over the limits until it is written: no limits here.
  ChangeReader reader(rep_);
  Change change;
  uint32_t found = 0;
  for (; reader.Next(&change); ++found) {
    if (change.type == ValueType::kValue) {
      handler.Put(change.key, change.value);
    } else {
      handler.Delete(change.key);
    }
  }
  HF_CHECK(reader.done());
  HF_CHECK(found == count_);
}

absl::Status WriteBatch::CheckLimits() const {
  if (largest_key_bytes_ > kMaxKeyBytes) {
    return OverLimit("a key", largest_key_bytes_, kMaxKeyBytes);
  }
  if (largest_value_bytes_ > kMaxValueBytes) {
    return OverLimit("a value", largest_value_bytes_, kMaxValueBytes);
  }
  if (rep_.size() > kMaxBatchBytes) {
    return OverLimit("the whole", rep_.size(), kMaxBatchBytes);
  }
  return absl::OkStatus();
}

}  // namespace holdfast
