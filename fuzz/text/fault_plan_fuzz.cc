// Fault plans (holdfast/testing/fault_plan.h). Properties: what is accepted
// prints as a text that parses to the same plan and prints as itself; what is
// refused is refused for a rule and a word in it, which the error quotes, and
// not for the rules before it; a rule made of fields that the grammar has
// survives Text and Parse; globs match what a plain definition of them says;
// the memory taken is linear in the text.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "fuzz/support/allocation_meter.h"
#include "fuzz/support/fuzz_input.h"
#include "holdfast/testing/fault_plan.h"
#include "holdfast/testing/file_call.h"

namespace {

using namespace holdfast;

// An input that begins with this is not text but the fields of a rule.
constexpr uint8_t kFields = 1;

// A rule of 11 bytes ("* * @1 eio;") is a Fault, in a vector that doubles; an
// error lists every effect.
constexpr size_t kBytesPerByte = 64;
constexpr size_t kErrorBytes = 8192;

void CheckRefusal(std::string_view text, const absl::Status& status) {
  HF_CHECK(absl::IsInvalidArgument(status));
  size_t number = 0;
  std::string before;
  for (std::string_view part : absl::StrSplit(text, ';')) {
    ++number;
    const std::string_view rule = absl::StripAsciiWhitespace(part);
    const std::string head =
        absl::StrCat("fault plan: rule ", number, " \"", rule, "\": \"");
    if (!status.message().starts_with(head)) {
      absl::StrAppend(&before, part, ";");
      continue;
    }
    const std::string_view rest = status.message().substr(head.size());
    for (std::string_view word :
         absl::StrSplit(rule, absl::ByAnyChar(" \t\r\n\v\f"))) {
      if (word.empty() || !rest.starts_with(word)) continue;
      const std::string_view why = rest.substr(word.size());
      if (!why.starts_with("\": ") || why.size() < 8) continue;
      HF_CHECK(FaultPlan::Parse(before).ok());
      return;
    }
  }
  HF_CHECK(false);  // No rule is named, or no word of it.
}

// As the grammar says it: "*" is nothing, or any one character and "*".
bool MatchesPlainly(std::string_view glob, std::string_view text) {
  std::vector<bool> matches(text.size() + 1);  // glob's rest: text.substr(i).
  matches[text.size()] = true;
  for (size_t g = glob.size(); g-- > 0;) {
    bool after = matches[text.size()];  // Of the rest of glob, at t + 1.
    if (glob[g] != '*') matches[text.size()] = false;
    for (size_t t = text.size(); t-- > 0;) {
      const bool here = matches[t];
      matches[t] = glob[g] == '*'
                       ? here || matches[t + 1]
                       : after && (glob[g] == '?' || glob[g] == text[t]);
      after = here;
    }
  }
  return matches[0];
}

void CheckGlob(std::string_view glob, std::string_view text) {
  glob = glob.substr(0, 40);
  text = text.substr(0, 40);
  HF_CHECK(GlobMatches(glob, text) == MatchesPlainly(glob, text));
}

void CheckText(std::string_view text) {
  size_t peak_bytes;
  absl::StatusOr<FaultPlan> plan = FaultPlan();
  {
    AllocationMeter meter;
    plan = FaultPlan::Parse(text);
    peak_bytes = meter.peak_bytes();
  }
  HF_CHECK(peak_bytes <= kBytesPerByte * text.size() + kErrorBytes);
  if (!plan.ok()) {
    CheckRefusal(text, plan.status());
    return;
  }
  const std::string canonical = plan->Text();
  const absl::StatusOr<FaultPlan> again = FaultPlan::Parse(canonical);
  HF_CHECK(again.ok());
  HF_CHECK(*again == *plan);
  HF_CHECK(again->Text() == canonical);
  for (const Fault& fault : plan->faults) {
    CheckGlob(fault.path, plan->faults.front().path);
    CheckGlob(fault.path, fault.file);
    FileCall call;
    call.op = fault.op.value_or(FileOp::kWrite);
    call.path = absl::StrCat("/db/", fault.file);
    const bool whole = fault.path.find('/') != std::string::npos;
    if (fault.op.has_value() && fault.file.find('/') == std::string::npos) {
      HF_CHECK(fault.Matches(call) ==
               GlobMatches(fault.path, whole ? call.path : fault.file));
    }
  }
}

// A word of the grammar: no space and no ";".
std::string Word(std::string_view bytes) {
  std::string word;
  for (const char c : bytes) {
    if (!absl::ascii_isspace(static_cast<uint8_t>(c)) && c != ';') {
      word.push_back(c);
    }
  }
  return word.empty() ? "*" : word;
}

bool TakesNumber(Fault::Effect effect) {
  using Effect = Fault::Effect;
  return effect == Effect::kShort || effect == Effect::kTorn ||
         effect == Effect::kTornThenKill || effect == Effect::kFlip ||
         effect == Effect::kZeroSector || effect == Effect::kStaleSector ||
         effect == Effect::kWrongOffset || effect == Effect::kDelay;
}

void CheckFields(FuzzInput input) {
  FaultPlan plan;
  do {
    Fault fault;
    const auto op = static_cast<uint8_t>(input.Below(kFileOps + 1));
    if (op < kFileOps) fault.op = static_cast<FileOp>(op);
    constexpr auto kLast = static_cast<uint8_t>(Fault::Effect::kTornThenKill);
    fault.effect = static_cast<Fault::Effect>(input.Below(kLast + 1));
    if (input.Bool()) {
      fault.one_in = input.Long() | 1;
    } else {
      fault.first = input.Long() | 1;
      fault.times = input.Long() | 1;
    }
    fault.path = Word(input.Bytes(input.Below(20)));
    if (TakesNumber(fault.effect)) {
      fault.argument = static_cast<int64_t>(input.Long() >> 1);
    }
    if (fault.effect == Fault::Effect::kWrongOffset && input.Bool()) {
      fault.argument = -fault.argument;
    }
    if (fault.effect == Fault::Effect::kWrongFile) {
      fault.file = Word(input.Bytes(input.Below(20)));
    }
    plan.faults.push_back(fault);
  } while (!input.empty());
  if (plan.faults[0].first % 4 == 3) plan.space_bytes = plan.faults[0].times;
  const std::string text = plan.Text();
  const absl::StatusOr<FaultPlan> parsed = FaultPlan::Parse(text);
  if (!parsed.ok()) {
    // Only because the operation cannot have the effect.
    HF_CHECK(parsed.status().message().find(" can have ") !=
             std::string_view::npos);
    CheckRefusal(text, parsed.status());
    return;
  }
  HF_CHECK(*parsed == plan);
  HF_CHECK(parsed->Text() == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 0 && data[0] == kFields) {
    CheckFields(FuzzInput(data + 1, size - 1));
  } else {
    CheckText(std::string_view(reinterpret_cast<const char*>(data), size));
  }
  return 0;
}
