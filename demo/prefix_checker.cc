#include "demo/prefix_checker.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "kvd/text.h"

namespace holdfast::demo {
namespace {

std::string Show(std::string_view bytes) {
  return kvd::EncodeText(kvd::Notation::kEscaped, bytes);
}

}  // namespace

PrefixChecker::PrefixChecker(const std::vector<kvd::Record>& records)
    : records_(records), seen_(records.size()) {
  index_of_key_.reserve(records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    HF_CHECK(index_of_key_.emplace(records[i].key, i).second);
  }
}

void PrefixChecker::Begin() {
  std::fill(seen_.begin(), seen_.end(), false);
  seen_count_ = 0;
}

absl::Status PrefixChecker::See(std::string_view key, std::string_view value) {
  const auto found = index_of_key_.find(key);
  if (found == index_of_key_.end()) {
    return absl::DataLossError(
        absl::StrCat("invented: nobody ever wrote the key ", Show(key),
                     ", value ", Show(value)));
  }
  const size_t i = found->second;
  if (value != records_[i].value) {
    return absl::DataLossError(absl::StrCat(
        "wrong: record ", i + 1, ", key ", Show(key), ", has the value\n  ",
        Show(value), "\ninstead of\n  ", Show(records_[i].value)));
  }
  if (seen_[i]) {
    return absl::DataLossError(absl::StrCat("twice: record ", i + 1, ", key ",
                                            Show(key), ", comes two times"));
  }
  seen_[i] = true;
  ++seen_count_;
  return absl::OkStatus();
}

absl::StatusOr<size_t> PrefixChecker::Finish(size_t acknowledged) const {
  const auto missing = std::find(seen_.begin(), seen_.end(), false);
  const size_t prefix = static_cast<size_t>(missing - seen_.begin());
  if (prefix < acknowledged) {
    return absl::DataLossError(absl::StrCat(
        "lost: record ", prefix + 1, ", key ", Show(records_[prefix].key),
        ", is gone; the first ", acknowledged, " were acknowledged"));
  }
  if (seen_count_ > prefix) {
    return absl::DataLossError(absl::StrCat(
        "hole: record ", prefix + 1, ", key ", Show(records_[prefix].key),
        ", is not there, but ", seen_count_ - prefix,
        " records that were written after it are"));
  }
  return prefix;
}

}  // namespace holdfast::demo
