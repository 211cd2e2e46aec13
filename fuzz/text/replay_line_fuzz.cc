// The line that leads back to a state (chaos/db/replay_line.h), the path of
// crashes in it (chaos/explorer/crash_path.h) and the name of its profile.
// Properties: what is accepted prints as a text that parses to the same and
// prints as itself; the command is one word for a shell; a refusal says why;
// memory is linear in the text.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/check.h"
#include "chaos/db/replay_line.h"
#include "chaos/explorer/crash_path.h"
#include "fuzz/support/allocation_meter.h"
#include "holdfast/testing/persistence.h"

namespace {

using namespace holdfast;

// A step of a path is two bytes ("1:") and more, and a CrashStep.
constexpr size_t kBytesPerByte = 64;
constexpr size_t kErrorBytes = 4096;

void CheckPath(std::string_view text) {
  const absl::StatusOr<CrashPath> path = ParsePath(text);
  if (!path.ok()) {
    HF_CHECK(absl::IsInvalidArgument(path.status()));
    HF_CHECK(!path.status().message().empty());
    return;
  }
  HF_CHECK(!path->empty());
  const std::string canonical = PathText(*path);
  const absl::StatusOr<CrashPath> again = ParsePath(canonical);
  HF_CHECK(again.ok());
  HF_CHECK(*again == *path);
  HF_CHECK(PathText(*again) == canonical);
}

// What a shell makes of `command` when it takes words apart: the last one.
std::string LastWord(std::string_view command) {
  std::string word;
  bool quoted = false;
  for (size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    if (c == '\'') {
      quoted = !quoted;
    } else if (quoted) {
      word.push_back(c);
    } else if (c == '\\') {
      HF_CHECK(++i < command.size());
      word.push_back(command[i]);
    } else if (c == ' ') {
      word.clear();
    } else {
      word.push_back(c);
    }
  }
  HF_CHECK(!quoted);
  return word;
}

void CheckLine(std::string_view text) {
  const absl::StatusOr<ReplayLine> line = ReplayLine::Parse(text);
  if (!line.ok()) {
    HF_CHECK(absl::IsInvalidArgument(line.status()));
    HF_CHECK(!line.status().message().empty());
    return;
  }
  HF_CHECK(!line->path.empty());
  const std::string canonical = line->Text();
  const absl::StatusOr<ReplayLine> again = ReplayLine::Parse(canonical);
  HF_CHECK(again.ok());
  HF_CHECK(*again == *line);
  HF_CHECK(again->Text() == canonical);
  HF_CHECK(LastWord(line->Command()) == canonical);
  const PersistenceProfile* profile = FindProfile(line->profile);
  HF_CHECK(profile == nullptr || profile->name == line->profile);
  CheckPath(line->path);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  size_t peak_bytes;
  {
    AllocationMeter meter;
    (void)ReplayLine::Parse(text);
    (void)ParsePath(text);
    peak_bytes = meter.peak_bytes();
  }
  HF_CHECK(peak_bytes <= kBytesPerByte * size + kErrorBytes);
  CheckLine(text);
  CheckPath(text);
  return 0;
}
