#include "chaos/db/replay_line.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace holdfast {
namespace {

// Cuts the first word off *text; what begins with a brace ends with one.
std::string_view NextWord(std::string_view* text) {
  *text = absl::StripLeadingAsciiWhitespace(*text);
  const bool braced = absl::StartsWith(*text, "{") ||
                      absl::StartsWith(*text, "faults={") ||
                      absl::StartsWith(*text, "recovery={");
  size_t end = text->find(braced ? '}' : ' ');
  if (end == std::string_view::npos) {
    end = text->size();
  } else if (braced) {
    ++end;
  }
  const std::string_view word = text->substr(0, end);
  text->remove_prefix(end);
  return word;
}

}  // namespace

std::string ReplayLine::Text() const {
  std::string text = absl::StrCat(workload, " ", profile);
  if (!faults.empty()) absl::StrAppend(&text, " faults={", faults, "}");
  if (!recovery_faults.empty()) {
    absl::StrAppend(&text, " recovery={", recovery_faults, "}");
  }
  if (executor_seed != 0) absl::StrAppend(&text, " seed=", executor_seed);
  return absl::StrCat(text, " ", path);
}

std::string ReplayLine::Command() const {
  return absl::StrCat("bazel run //chaos:replay -- '",
                      absl::StrReplaceAll(Text(), {{"'", "'\\''"}}), "'");
}

absl::StatusOr<ReplayLine> ReplayLine::Parse(std::string_view text) {
  ReplayLine line;
  line.workload = std::string(NextWord(&text));
  line.profile = std::string(NextWord(&text));
  for (;;) {
    std::string_view rest = text;
    std::string_view word = NextWord(&rest);
    if (absl::ConsumePrefix(&word, "faults={")) {
      if (!absl::ConsumeSuffix(&word, "}")) {
        return absl::InvalidArgumentError("faults={ has no }");
      }
      line.faults = std::string(word);
    } else if (absl::ConsumePrefix(&word, "recovery={")) {
      if (!absl::ConsumeSuffix(&word, "}")) {
        return absl::InvalidArgumentError("recovery={ has no }");
      }
      line.recovery_faults = std::string(word);
    } else if (absl::ConsumePrefix(&word, "seed=")) {
      if (!absl::SimpleAtoi(word, &line.executor_seed)) {
        return absl::InvalidArgumentError(
            absl::StrCat("seed=", word, " is no number"));
      }
    } else {
      break;
    }
    text = rest;
  }
  line.path = std::string(absl::StripAsciiWhitespace(text));
  if (line.path.empty()) {
    return absl::InvalidArgumentError(
        "a replay line is WORKLOAD PROFILE [faults={PLAN}] [recovery={PLAN}] "
        "[seed=N] PATH");
  }
  return line;
}

}  // namespace holdfast
