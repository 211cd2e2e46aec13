// Workloads (chaos/db/workload.h) as text. Properties: what is accepted prints
// as a text that parses to the same and prints as itself; a refusal quotes the
// step; the steps before it are fine without it; a key is never longer than the
// engine takes unless its word is; memory is linear in the text.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "chaos/db/workload.h"
#include "fuzz/support/allocation_meter.h"
#include "holdfast/write_batch.h"

namespace {

using namespace holdfast;

// Two bytes can be a word ("a b c ..."), which is a std::string, in vectors
// that double.
constexpr size_t kBytesPerByte = 128;
constexpr size_t kErrorBytes = 4096;

void CheckRefusal(std::string_view text, const absl::Status& status) {
  HF_CHECK(absl::IsInvalidArgument(status));
  std::string before;
  for (std::string_view part : absl::StrSplit(text, ';')) {
    const std::string step = absl::StrJoin(
        absl::StrSplit(part, absl::ByAnyChar(" \n\t"), absl::SkipEmpty()), " ");
    if (!status.message().starts_with(absl::StrCat("\"", step, "\": ")) ||
        Workload::Parse(part).ok()) {
      absl::StrAppend(&before, part, ";");
      continue;
    }
    HF_CHECK(Workload::Parse(before).ok());
    return;
  }
  HF_CHECK(false);  // No step is quoted.
}

void CheckKey(std::string_view word) {
  const std::string key = KeyOf(word);
  if (key == word) return;
  HF_CHECK(key.size() <= kMaxKeyBytes);
  const std::string_view stem = word.substr(0, word.rfind('^'));
  const size_t common = std::min(stem.size(), key.size());
  HF_CHECK(std::string_view(key).substr(0, common) == stem.substr(0, common));
  HF_CHECK(key.find_first_not_of('.', common) == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  absl::StatusOr<Workload> workload = Workload();
  size_t peak_bytes;
  {
    AllocationMeter meter;
    workload = Workload::Parse(text);
    peak_bytes = meter.peak_bytes();
  }
  HF_CHECK(peak_bytes <= kBytesPerByte * size + kErrorBytes);
  if (!workload.ok()) {
    CheckRefusal(text, workload.status());
    return 0;
  }
  const std::string canonical = workload->Text();
  const absl::StatusOr<Workload> again = Workload::Parse(canonical);
  HF_CHECK(again.ok());
  HF_CHECK(*again == *workload);
  HF_CHECK(again->Text() == canonical);
  for (const WorkloadStep& step : workload->steps) {
    if (step.verb == "put" || step.verb == "del") CheckKey(step.words[0]);
  }
  return 0;
}
