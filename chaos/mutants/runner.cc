#include "chaos/mutants/runner.h"

#include <unistd.h>

#include <cctype>
#include <cstdio>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "chaos/mutants/child.h"

namespace holdfast {
namespace {

constexpr size_t kMostWhatBytes = 160;

// One line for people.
std::string Shortened(std::string_view text) {
  std::string line;
  for (const char c : text) line.push_back(c == '\n' || c == '\t' ? ' ' : c);
  if (line.size() > kMostWhatBytes) {
    line.resize(kMostWhatBytes);
    line += "...";
  }
  return line;
}

// The number before " states" in what a harness printed; 0 when there is none.
uint64_t StatesIn(std::string_view output) {
  const size_t at = output.rfind(" states");
  if (at == std::string_view::npos) return 0;
  size_t begin = at;
  while (begin > 0 &&
         (std::isdigit(static_cast<unsigned char>(output[begin - 1])) != 0 ||
          output[begin - 1] == ',')) {
    --begin;
  }
  std::string digits;
  for (const char c : output.substr(begin, at - begin)) {
    if (c != ',') digits.push_back(c);
  }
  uint64_t states = 0;
  return absl::SimpleAtoi(digits, &states) ? states : 0;
}

// The line that says what is wrong.
std::string WhatIn(std::string_view output) {
  std::string_view last;
  for (const std::string_view line : absl::StrSplit(output, '\n')) {
    constexpr std::string_view kFailed = "[  FAILED  ] ";
    if (absl::StartsWith(line, kFailed)) {
      std::string_view name = line.substr(kFailed.size());
      return std::string(name.substr(0, name.find_first_of(", (")));
    }
    if (absl::StrContains(line, "CHECK failed") ||
        absl::StartsWith(line, "FAILURE")) {
      return Shortened(line);
    }
    if (!line.empty()) last = line;
  }
  return Shortened(last);
}

std::string FiredPath(const RunOptions& options) {
  return absl::StrCat(options.scratch, "/fired.", getpid());
}

// The sum of the lines of the file; nullopt when it is not there.
std::optional<uint64_t> TakeFired(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "r");
  if (file == nullptr) return std::nullopt;
  uint64_t total = 0;
  unsigned long long one = 0;
  while (std::fscanf(file, "%llu", &one) == 1) total += one;
  std::fclose(file);
  std::remove(path.c_str());
  return total;
}

absl::StatusOr<ChildEnd> RunHarness(const Harness& harness,
                                    std::string_view mutant,
                                    std::string_view filter,
                                    const RunOptions& options) {
  std::vector<std::string> words = {
      absl::StrCat(options.root, "/", harness.path)};
  words.insert(words.end(), harness.words.begin(), harness.words.end());
  if (!filter.empty()) {
    words.push_back(harness.is_test ? absl::StrCat("--gtest_filter=", filter)
                                    : std::string(filter));
  }
  ChildOptions child;
  child.max_seconds = options.max_seconds;
  child.environment = {
      {"HOLDFAST_MUTANT", std::string(mutant)},
      {"HOLDFAST_MUTANT_FIRED", FiredPath(options)},
      {"TEST_TMPDIR", options.scratch},
      {"HOLDFAST_PROBES", ""},  // What a mutant reaches does not count.
      // This process may be a shard of a test; the harness is not.
      {"GTEST_TOTAL_SHARDS", "1"},
      {"GTEST_SHARD_INDEX", "0"},
      {"GTEST_OUTPUT", ""},
      {"TEST_PREMATURE_EXIT_FILE", ""},
      {"XML_OUTPUT_FILE", ""},
      {"TESTBRIDGE_TEST_ONLY", ""},
      {"GTEST_FILTER", "*"},
  };
  return RunChild(words, child);
}

std::string_view HowName(ChildEnd::How how) {
  switch (how) {
    case ChildEnd::How::kExited:
      return "failed";
    case ChildEnd::How::kSignalled:
      return "died";
    case ChildEnd::How::kHung:
      return "hung";
  }
  return "?";
}

// Tries one harness. RETURNS whether it noticed.
bool Notices(const Harness& harness, const Mutant& mutant,
             std::string_view filter, const RunOptions& options,
             MutantResult* result) {
  TakeFired(FiredPath(options));
  const absl::StatusOr<ChildEnd> end =
      RunHarness(harness, mutant.name, filter, options);
  const std::optional<uint64_t> fired = TakeFired(FiredPath(options));
  if (!end.ok()) {
    result->what = end.status().ToString();
    return false;
  }
  result->seconds += end->seconds;
  if (fired.value_or(0) > 0) {
    result->fired = *fired;
    result->outcome = MutantResult::Outcome::kSurvived;
  }
  // What fails without the mutant having done anything proves nothing.
  if (end->ok() || fired == uint64_t{0}) return false;
  result->outcome = MutantResult::Outcome::kKilled;
  result->by = harness.name;
  result->how = HowName(end->how);
  result->what = WhatIn(end->output);
  result->states = StatesIn(end->output);
  return true;
}

}  // namespace

MutantResult RunMutant(const Mutant& mutant, const RunOptions& options) {
  MutantResult result;
  result.name = mutant.name;
  const std::string_view first =
      options.harness.empty() ? mutant.killer : options.harness;
  const Harness* const harness = FindHarness(first);
  if (harness != nullptr) {
    const std::string_view filter =
        options.harness.empty() ? mutant.filter : std::string_view();
    if (Notices(*harness, mutant, filter, options, &result)) return result;
  } else {
    result.what = absl::StrCat("no harness of the name ", first);
  }
  if (!options.all_harnesses) return result;
  for (const Harness& other : AllHarnesses()) {
    if (Notices(other, mutant, {}, options, &result)) return result;
  }
  return result;
}

absl::Status RunControl(const Harness& harness, std::string_view filter,
                        const RunOptions& options) {
  const absl::StatusOr<ChildEnd> end = RunHarness(harness, {}, filter, options);
  if (!end.ok()) return end.status();
  TakeFired(FiredPath(options));
  if (end->ok()) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(harness.name, " ", HowName(end->how),
                                          " without a mutant:\n", end->output));
}

std::string MutantResult::Text() const {
  switch (outcome) {
    case Outcome::kKilled:
      return absl::StrFormat(
          "killed       %s by %s%s (%s: %s, %.2f s)", name, by,
          states == 0 ? "" : absl::StrCat(" after ", states, " states"), how,
          what, seconds);
    case Outcome::kSurvived:
      return absl::StrFormat("SURVIVED     %s fired %d times, %.2f s %s", name,
                             fired, seconds, what);
    case Outcome::kNotReached:
      return absl::StrFormat("NOT REACHED  %s, %.2f s %s", name, seconds, what);
  }
  return "?";
}

void MutantScore::Add(const MutantResult& result) {
  ++mutants;
  killed += result.outcome == MutantResult::Outcome::kKilled;
  survived += result.outcome == MutantResult::Outcome::kSurvived;
  not_reached += result.outcome == MutantResult::Outcome::kNotReached;
  seconds += result.seconds;
}

std::string MutantScore::Text() const {
  return absl::StrFormat(
      "%d mutants: %d killed, %d survived, %d not reached (%.1f s)", mutants,
      killed, survived, not_reached, seconds);
}

}  // namespace holdfast
