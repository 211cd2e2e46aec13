#include "fuzz/table/table_fuzzing.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/coding.h"
#include "engine/format/internal_key.h"

namespace holdfast {
namespace {

class StringFile final : public WritableFile {
 public:
  explicit StringFile(std::string* bytes) : bytes_(bytes) {}

  absl::Status Write(uint64_t offset, std::string_view data) override {
    HF_CHECK(offset == bytes_->size());
    bytes_->append(data);
    return absl::OkStatus();
  }
  absl::Status Sync() override { return absl::OkStatus(); }
  absl::Status PrepareSpace(uint64_t, uint64_t) override {
    return absl::OkStatus();
  }
  absl::Status Truncate(uint64_t size) override {
    bytes_->resize(size);
    return absl::OkStatus();
  }
  absl::Status Close() override { return absl::OkStatus(); }

 private:
  std::string* const bytes_;
};

std::string WithTrailer(std::string_view user_key, uint64_t trailer) {
  std::string key(user_key);
  PutFixed64(&key, trailer);
  return key;
}

}  // namespace

size_t LowerBound(const TableEntries& entries, std::string_view target) {
  const auto it =
      std::lower_bound(entries.begin(), entries.end(), target,
                       [](const TableEntry& entry, std::string_view key) {
                         return CompareInternalKeys(entry.key, key) < 0;
                       });
  return static_cast<size_t>(it - entries.begin());
}

std::string KeyBelow(std::string_view key) {
  const uint64_t trailer = ExtractTrailer(key);
  if (trailer == UINT64_MAX) return std::string();
  return WithTrailer(ExtractUserKey(key), trailer + 1);
}

std::string KeyAbove(std::string_view key) {
  const uint64_t trailer = ExtractTrailer(key);
  if (trailer > 0) return WithTrailer(ExtractUserKey(key), trailer - 1);
  std::string user(ExtractUserKey(key));
  user.push_back('\0');
  return WithTrailer(user, UINT64_MAX);
}

uint64_t DamagedOffset(const absl::Status& status) {
  constexpr std::string_view kMark = " at offset ";
  HF_CHECK(absl::IsDataLoss(status));
  std::string_view rest = status.message();
  HF_CHECK(rest.starts_with(kFuzzPath));
  rest.remove_prefix(kFuzzPath.size());
  HF_CHECK(rest.starts_with(kMark));
  rest.remove_prefix(kMark.size());
  uint64_t offset = 0;
  size_t digits = 0;
  while (digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9') {
    offset = offset * 10 + static_cast<uint64_t>(rest[digits] - '0');
    ++digits;
  }
  HF_CHECK(digits > 0);
  HF_CHECK(rest.substr(digits).starts_with(": "));
  return offset;
}

void CheckRefusal(const absl::Status& status, uint64_t file_bytes) {
  if (absl::IsUnimplemented(status)) {
    HF_CHECK(status.message().starts_with(kFuzzPath));
    return;
  }
  HF_CHECK(DamagedOffset(status) <= file_bytes);
}

absl::Status MeasuredFile::Read(uint64_t offset, size_t n, char* scratch,
                                std::string_view* result) const {
  ++counts_->reads;
  counts_->bytes += n;
  const size_t begin = std::min<uint64_t>(offset, bytes_.size());
  const size_t length = std::min(n, bytes_.size() - begin);
  if (length > 0) std::memcpy(scratch, bytes_.data() + begin, length);
  *result = std::string_view(scratch, length);
  return absl::OkStatus();
}

FuzzTable BuildFuzzTable(const TableOptions& options,
                         const TableEntries& entries, uint64_t number,
                         uint64_t identity) {
  FuzzTable table;
  TableBuilder builder(options, std::make_unique<StringFile>(&table.bytes),
                       std::string(kFuzzPath), number, identity);
  for (const TableEntry& entry : entries) {
    HF_CHECK(builder.Add(entry.key, entry.value).ok());
  }
  const uint64_t estimate = builder.bytes();
  absl::StatusOr<TableSummary> summary = builder.Finish();
  HF_CHECK(summary.ok());
  HF_CHECK(summary->bytes == table.bytes.size());
  // Said to be too large rather than too small.
  HF_CHECK(summary->bytes <= estimate);
  table.summary = *std::move(summary);
  return table;
}

}  // namespace holdfast
