// Options as words NAME=VALUE (chaos/db/workload.h), what is judged of them
// (engine/db/options.cc), and numbers on the command line (kvd/options.h).
// Properties: a word that is accepted sets its option to exactly the number it
// says, and nothing else; one that is refused is quoted and sets nothing;
// ValidateOptions accepts what is in the ranges of holdfast/options.h and no
// more, and names what is not; a count is accepted when it is digits that fit,
// and then is that number.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "chaos/db/workload.h"
#include "holdfast/options.h"
#include "kvd/options.h"

namespace {

using namespace holdfast;

// Wide enough for any number here, and a factor.
using Wide = unsigned __int128;

constexpr uint64_t kKiB = uint64_t{1} << 10;
constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kGiB = uint64_t{1} << 30;
constexpr uint64_t kTiB = uint64_t{1} << 40;

struct Row {
  std::string_view word;  // Of workloads.
  std::string_view name;
  uint64_t (*get)(const Options& options);
  uint64_t smallest;
  uint64_t largest;
};

// An int that is negative is a very large number here.
template <auto Member>
uint64_t Get(const Options& options) {
  return static_cast<uint64_t>(options.*Member);
}

constexpr Row kRows[] = {
    {"memtable", "memtable_bytes", Get<&Options::memtable_bytes>, 64 * kKiB,
     4 * kGiB},
    {"memtables", "max_memtables", Get<&Options::max_memtables>, 2, 16},
    {"block", "block_bytes", Get<&Options::block_bytes>, 256, 4 * kMiB},
    {"restart", "block_restart_interval", Get<&Options::block_restart_interval>,
     1, 1024},
    {"cache", "block_cache_bytes", Get<&Options::block_cache_bytes>, 0, kTiB},
    {"compression", "compression", Get<&Options::compression>, 0, 2},
    {"bloom", "bloom_bits_per_key", Get<&Options::bloom_bits_per_key>, 0, 32},
    {"open_tables", "max_open_tables", Get<&Options::max_open_tables>, 16,
     1'000'000},
    {"table", "table_bytes", Get<&Options::table_bytes>, 64 * kKiB, 4 * kGiB},
    {"l0", "level0_compaction_trigger",
     Get<&Options::level0_compaction_trigger>, 1, 1000},
    {"slowdown", "level0_slowdown_trigger",
     Get<&Options::level0_slowdown_trigger>, 1, 1000},
    {"stop", "level0_stop_trigger", Get<&Options::level0_stop_trigger>, 1,
     1000},
    {"l1", "level1_bytes", Get<&Options::level1_bytes>, 64 * kKiB, kTiB},
    {"multiplier", "level_size_multiplier",
     Get<&Options::level_size_multiplier>, 2, 100},
    {"noauto", "disable_auto_compaction",
     Get<&Options::disable_auto_compaction>, 0, 1},
    {"roll", "manifest_roll_bytes", Get<&Options::manifest_roll_bytes>,
     4 * kKiB, kGiB},
};
constexpr size_t kOptions = std::size(kRows);

// The number that digits say, at most 2^70; false when they are no digits.
bool Number(std::string_view digits, Wide* number) {
  *number = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return false;
    if (*number < (Wide{1} << 70)) *number = *number * 10 + Wide(c - '0');
  }
  return !digits.empty();
}

// What the value of an option should be; false when it is no value of it.
bool ValueOf(const Row& row, std::string_view text, Wide* value) {
  if (row.word == "compression") {
    const std::vector<std::string_view> names = {"none", "lz4", "zstd"};
    for (*value = 0; *value < names.size(); ++*value) {
      if (names[static_cast<size_t>(*value)] == text) return true;
    }
    return false;
  }
  const bool kilo = text.ends_with('k');
  if (kilo) text.remove_suffix(1);
  if (!Number(text, value)) return false;
  if (kilo) *value *= 1024;
  return true;
}

void CheckWord(std::string_view word, Options* options) {
  uint64_t before[kOptions];
  for (size_t i = 0; i < kOptions; ++i) before[i] = kRows[i].get(*options);
  const absl::Status status = ApplyOption(word, options);
  const std::string_view name = word.substr(0, word.find('='));
  if (!status.ok()) {
    HF_CHECK(absl::IsInvalidArgument(status));
    HF_CHECK(status.message().starts_with(absl::StrCat("\"", word, "\": ")));
  }
  bool known = false;
  for (size_t i = 0; i < kOptions; ++i) {
    const Row& row = kRows[i];
    const uint64_t now = row.get(*options);
    if (!status.ok() || row.word != name) {
      HF_CHECK(now == before[i]);
      continue;
    }
    known = true;
    Wide value;
    HF_CHECK(word.size() > name.size());
    HF_CHECK(ValueOf(row, word.substr(name.size() + 1), &value));
    HF_CHECK(now == value);
  }
  HF_CHECK(known == status.ok());
}

void CheckVerdict(const Options& options) {
  const absl::Status status = ValidateOptions(options);
  std::vector<std::string_view> wrong;
  for (const Row& row : kRows) {
    const uint64_t value = row.get(options);
    if (value < row.smallest || value > row.largest) wrong.push_back(row.name);
  }
  // "In rising order."
  if (options.level0_slowdown_trigger < options.level0_compaction_trigger) {
    wrong.push_back("level0_slowdown_trigger");
  }
  if (options.level0_stop_trigger < options.level0_slowdown_trigger) {
    wrong.push_back("level0_stop_trigger");
  }
  HF_CHECK(status.ok() == wrong.empty());
  if (status.ok()) return;
  HF_CHECK(absl::IsInvalidArgument(status));
  bool named = false;
  for (const std::string_view name : wrong) {
    named |=
        status.message().starts_with(absl::StrCat("option ", name, " is "));
  }
  HF_CHECK(named);
}

void CheckCounts(std::string_view word) {
  Wide number;
  const absl::StatusOr<uint64_t> count = kvd::ParseCount(word);
  HF_CHECK(count.ok() == (Number(word, &number) && number <= UINT64_MAX));
  if (count.ok()) HF_CHECK(*count == number);
  if (!count.ok()) HF_CHECK(absl::IsInvalidArgument(count.status()));

  const absl::StatusOr<uint64_t> bytes = kvd::ParseByteCount(word);
  Wide factor = 1;
  std::string_view digits = word;
  for (const char unit : std::string_view("KMGT")) {
    factor *= 1024;
    if (!word.ends_with(std::string{unit, 'i', 'B'})) continue;
    digits.remove_suffix(3);
    break;
  }
  if (digits.size() == word.size()) factor = 1;
  HF_CHECK(bytes.ok() == (Number(digits, &number) && number <= UINT64_MAX &&
                          number * factor <= UINT64_MAX));
  if (bytes.ok()) HF_CHECK(*bytes == number * factor);
  if (!bytes.ok()) HF_CHECK(absl::IsInvalidArgument(bytes.status()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Options options = SmallOptions();
  for (std::string_view word : absl::StrSplit(text, absl::ByAnyChar(" \n"))) {
    CheckWord(word, &options);
    CheckVerdict(options);
    CheckCounts(word.substr(word.find('=') + 1));
  }
  return 0;
}
