// What crash_explorer.h declares beside the exploration itself.

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "base/checksum.h"
#include "holdfast/testing/crash_explorer.h"

namespace holdfast {

void CrashRun::Mark(std::string text, uint64_t value) {
  marks_.push_back({.text = std::move(text), .value = value});
}

uint64_t CrashProgram::StateKey(absl::Span<const CrashMark> marks) const {
  uint64_t key = marks.size();
  for (const CrashMark& mark : marks) {
    key = MixContext(Checksum64(mark.text, key), mark.value);
  }
  return key;
}

std::string CrashReport::Text() const {
  if (!broken.ok()) {
    return absl::StrCat("before any crash: ", broken.ToString(), "\n",
                        timeline);
  }
  std::string text;
  for (const CrashFailure& failure : failures) {
    absl::StrAppend(&text, "FAILED: ", failure.why, "\n");
    if (!failure.site.empty()) {
      absl::StrAppend(&text, "crashed before: ", failure.site, "\n");
    }
    absl::StrAppend(&text, "replay: ", failure.replay, "\n", failure.timeline);
  }
  absl::StrAppendFormat(
      &text, "%d states in %.2f s (%.0f/s), %d duplicates left out\n", states,
      seconds, seconds > 0 ? static_cast<double>(states) / seconds : 0,
      duplicates);
  absl::StrAppendFormat(&text,
                        "%d calls change the disk; crashed %d times, at %d "
                        "call sites\n",
                        calls, crash_points, sites);
  absl::StrAppend(&text, "states after");
  for (size_t i = 0; i < states_by_depth.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? " " : ", ", i + 1,
                    i == 0 ? " crash: " : ": ", states_by_depth[i]);
  }
  absl::StrAppend(&text, "\nbound:\n", bound, "\n");
  if (!failures.empty()) {
    absl::StrAppend(&text, failing_states, " WRONG, and not all explored\n");
  } else if (complete) {
    absl::StrAppend(&text, "none is wrong; complete within the bound\n");
  } else {
    absl::StrAppend(&text, "none is wrong; ENDED EARLY by a limit\n");
  }
  return text;
}

}  // namespace holdfast
