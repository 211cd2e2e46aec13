#include "chaos/db/workload.h"

#include <algorithm>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_util.h"
#include "holdfast/write_batch.h"

namespace holdfast {
namespace {

constexpr size_t kAnyNumber = std::numeric_limits<size_t>::max();

struct Verb {
  std::string_view name;
  size_t least_words;
  size_t most_words;
};

constexpr Verb kVerbs[] = {
    {"open", 0, kAnyNumber},  {"close", 0, 0},    {"kill", 0, 0},
    {"destroy", 0, 0},        {"put", 2, 3},      {"del", 1, 2},
    {"batch", 1, kAnyNumber}, {"fill", 2, 3},     {"flush", 0, 0},
    {"syncwal", 0, 0},        {"compact", 0, 2},  {"resume", 0, 0},
    {"verify", 0, 0},         {"work", 0, 0},     {"idle", 0, 0},
    {"snapshot", 1, 1},       {"iterator", 1, 1}, {"check", 1, 1},
    {"release", 1, 1},        {"read", 0, 0},     {"use", 1, 1},
    {"fault", 1, kAnyNumber}, {"heal", 0, 0},     {"sees", 2, 2},
    {"entries", 1, 1},
};

absl::Status CheckStep(const WorkloadStep& step) {
  for (const Verb& verb : kVerbs) {
    if (verb.name != step.verb) continue;
    if (step.words.size() < verb.least_words ||
        step.words.size() > verb.most_words) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", step.Text(), "\": wrong number of words"));
    }
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"", step.Text(), "\": no such step"));
}

// --- Options -----------------------------------------------------------------

using Setter = bool (*)(std::string_view value, Options* options);

template <auto Member>
bool SetNumber(std::string_view value, Options* options) {
  uint64_t factor = 1;
  if (!value.empty() && value.back() == 'k') {
    factor = 1024;
    value.remove_suffix(1);
  }
  uint64_t number;
  if (value.find_first_not_of("0123456789") != std::string_view::npos ||
      !absl::SimpleAtoi(value, &number)) {
    return false;
  }
  // What does not fit is refused here; what is out of range, by DB::Open.
  using Type = std::remove_reference_t<decltype(options->*Member)>;
  constexpr uint64_t kLargest = std::numeric_limits<Type>::max();
  if (number > kLargest / factor) return false;
  options->*Member = static_cast<Type>(number * factor);
  return true;
}

bool SetCompression(std::string_view value, Options* options) {
  const std::pair<std::string_view, Compression> names[] = {
      {"none", Compression::kNone},
      {"lz4", Compression::kLz4},
      {"zstd", Compression::kZstd}};
  for (const auto& [name, compression] : names) {
    if (name != value) continue;
    options->compression = compression;
    return true;
  }
  return false;
}

struct Option {
  std::string_view name;
  Setter set;
};

constexpr Option kOptions[] = {
    {"memtable", SetNumber<&Options::memtable_bytes>},
    {"memtables", SetNumber<&Options::max_memtables>},
    {"block", SetNumber<&Options::block_bytes>},
    {"restart", SetNumber<&Options::block_restart_interval>},
    {"cache", SetNumber<&Options::block_cache_bytes>},
    {"compression", SetCompression},
    {"bloom", SetNumber<&Options::bloom_bits_per_key>},
    {"open_tables", SetNumber<&Options::max_open_tables>},
    {"table", SetNumber<&Options::table_bytes>},
    {"l0", SetNumber<&Options::level0_compaction_trigger>},
    {"slowdown", SetNumber<&Options::level0_slowdown_trigger>},
    {"stop", SetNumber<&Options::level0_stop_trigger>},
    {"l1", SetNumber<&Options::level1_bytes>},
    {"multiplier", SetNumber<&Options::level_size_multiplier>},
    {"noauto", SetNumber<&Options::disable_auto_compaction>},
    {"roll", SetNumber<&Options::manifest_roll_bytes>},
};

}  // namespace

std::string WorkloadStep::Text() const {
  std::string text;
  if (expect == Expect::kEither) text = "?";
  if (expect == Expect::kFailure) text = "!";
  absl::StrAppend(&text, verb);
  for (const std::string& word : words) absl::StrAppend(&text, " ", word);
  return text;
}

absl::StatusOr<Workload> Workload::Parse(std::string_view text) {
  Workload workload;
  for (std::string_view part : absl::StrSplit(text, ';')) {
    const std::vector<std::string> words =
        absl::StrSplit(part, absl::ByAnyChar(" \n\t"), absl::SkipEmpty());
    if (words.empty()) continue;
    WorkloadStep step;
    step.verb = words[0];
    step.words.assign(words.begin() + 1, words.end());
    if (step.verb[0] == '?') step.expect = WorkloadStep::Expect::kEither;
    if (step.verb[0] == '!') step.expect = WorkloadStep::Expect::kFailure;
    if (step.expect != WorkloadStep::Expect::kSuccess) step.verb.erase(0, 1);
    HF_RETURN_IF_ERROR(CheckStep(step));
    workload.steps.push_back(std::move(step));
  }
  return workload;
}

std::string Workload::Text() const {
  return absl::StrJoin(steps, "; ",
                       [](std::string* out, const WorkloadStep& step) {
                         absl::StrAppend(out, step.Text());
                       });
}

std::string KeyOf(std::string_view word) {
  const size_t at = word.rfind('^');
  uint64_t bytes;
  if (at == std::string_view::npos ||
      !absl::SimpleAtoi(word.substr(at + 1), &bytes)) {
    return std::string(word);
  }
  std::string key(word.substr(0, at));
  key.resize(std::min<uint64_t>(bytes, kMaxKeyBytes), '.');
  return key;
}

Options SmallOptions() {
  Options options;
  options.memtable_bytes = size_t{64} << 10;
  options.max_memtables = 2;
  options.block_bytes = 256;
  options.block_cache_bytes = 0;
  options.table_bytes = size_t{64} << 10;
  options.max_open_tables = 16;
  options.level1_bytes = uint64_t{64} << 10;
  options.level_size_multiplier = 2;
  return options;
}

absl::Status ApplyOption(std::string_view word, Options* options) {
  const std::pair<std::string_view, std::string_view> parts =
      absl::StrSplit(word, absl::MaxSplits('=', 1));
  for (const Option& option : kOptions) {
    if (option.name != parts.first) continue;
    if (option.set(parts.second, options)) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("\"", word, "\": no such value"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"", word, "\": no such option"));
}

const std::vector<OptionRange>& OptionsWorthTrying() {
  static const auto* const kRanges = new std::vector<OptionRange>{
      {"compression", {"none", "lz4", "zstd"}},
      {"bloom", {"0", "10"}},
      {"block", {"256", "512", "4k"}},
      {"restart", {"1", "2", "16"}},
      {"cache", {"0", "1k", "64k"}},
      {"memtables", {"2", "3"}},
      {"l0", {"1", "2", "4"}},
      {"l1", {"64k", "128k"}},
      {"roll", {"4k", "64k"}},
      {"noauto", {"0", "1"}},
  };
  return *kRanges;
}

}  // namespace holdfast
