#include "holdfast/testing/fault_plan.h"

#include <cstddef>
#include <limits>
#include <span>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/check.h"
#include "base/status_util.h"

namespace holdfast {
namespace {

using Effect = Fault::Effect;

// Of which calls an effect can be.
// kShorts: transfers, and what is like a write. kWrites: the latter without
// reads.
enum class About : uint8_t { kAll, kSyncs, kTransfers, kShorts, kWrites };
enum class Argument : uint8_t { kNone, kNatural, kSigned, kFile };

struct EffectInfo {
  Effect effect;
  std::string_view name;
  About about;
  Argument argument = Argument::kNone;
  std::string_view argument_name = "";
};

constexpr EffectInfo kEffects[] = {
    {Effect::kEio, "eio", About::kAll},
    {Effect::kEnospc, "enospc", About::kAll},
    {Effect::kEmfile, "emfile", About::kAll},
    {Effect::kEintr, "eintr", About::kAll},
    {Effect::kEacces, "eacces", About::kAll},
    {Effect::kDoneThenEio, "done-eio", About::kAll},
    {Effect::kShort, "short", About::kShorts, Argument::kNatural, "N"},
    {Effect::kTorn, "torn", About::kWrites, Argument::kNatural, "N"},
    {Effect::kSyncLies, "lies", About::kSyncs},
    {Effect::kSyncLost, "lost", About::kSyncs},
    {Effect::kSyncFailsKeepsNew, "fails-keeps-new", About::kSyncs},
    {Effect::kSyncFailsReverts, "fails-reverts", About::kSyncs},
    {Effect::kSyncFailsLate, "fails-late", About::kSyncs},
    {Effect::kFlip, "flip", About::kTransfers, Argument::kNatural, "BIT"},
    {Effect::kZeroSector, "zero", About::kTransfers, Argument::kNatural,
     "SECTOR"},
    {Effect::kStaleSector, "stale", About::kTransfers, Argument::kNatural,
     "SECTOR"},
    {Effect::kWrongOffset, "offset", About::kTransfers, Argument::kSigned,
     "DELTA"},
    {Effect::kWrongFile, "file", About::kTransfers, Argument::kFile, "PATH"},
    {Effect::kDelay, "delay", About::kAll, Argument::kNatural, "MICROS"},
    {Effect::kKill, "kill", About::kAll},
    {Effect::kDoneThenKill, "done-kill", About::kAll},
    {Effect::kTornThenKill, "torn-kill", About::kWrites, Argument::kNatural,
     "N"},
};

const EffectInfo& InfoOf(Effect effect) {
  for (const EffectInfo& info : kEffects) {
    if (info.effect == effect) return info;
  }
  HF_CHECK(false);
  return kEffects[0];
}

bool IsAbout(About about, FileOp op) {
  switch (about) {
    case About::kAll:
      return true;
    case About::kSyncs:
      return op == FileOp::kSync || op == FileOp::kSyncDirectory;
    case About::kTransfers:
      return op == FileOp::kRead || op == FileOp::kWrite;
    case About::kShorts:
      return op == FileOp::kRead || op == FileOp::kWrite ||
             op == FileOp::kPrepareSpace;
    case About::kWrites:
      return op == FileOp::kWrite || op == FileOp::kPrepareSpace;
  }
  return false;
}

// "flip:BIT".
std::string Usage(const EffectInfo& info) {
  if (info.argument == Argument::kNone) return std::string(info.name);
  return absl::StrCat(info.name, ":", info.argument_name);
}

std::string AllOps() {
  std::vector<std::string_view> names = {"*"};
  for (int i = 0; i < kFileOps; ++i) {
    names.push_back(FileOpName(static_cast<FileOp>(i)));
  }
  return absl::StrJoin(names, ", ");
}

std::string AllEffects(std::optional<FileOp> op) {
  std::vector<std::string> usages;
  for (const EffectInfo& info : kEffects) {
    if (!op.has_value() || IsAbout(info.about, *op)) {
      usages.push_back(Usage(info));
    }
  }
  return absl::StrJoin(usages, ", ");
}

std::string WithArticle(std::string_view noun) {
  const bool vowel = noun.find_first_of("aeio") == 0;
  return absl::StrCat(vowel ? "an " : "a ", noun);
}

// One rule while it is parsed: knows how to complain.
struct Rule {
  size_t number;  // From 1.
  std::string_view text;

  absl::Status Error(std::string_view word, std::string_view why) const {
    return absl::InvalidArgumentError(absl::StrCat(
        "fault plan: rule ", number, " \"", text, "\": \"", word, "\": ", why));
  }
};

// Digits alone: no sign, no space.
bool ParseNumber(std::string_view text, uint64_t* out) {
  return !text.empty() && absl::ascii_isdigit(text[0]) &&
         absl::SimpleAtoi(text, out);
}

// "@N", "@N+", "@NxK" or "~P".
absl::Status ParseWhen(const Rule& rule, std::string_view word, Fault* fault) {
  constexpr std::string_view kUsage =
      "when is @N (the N-th call, from 1), @N+ (from then on), @NxK (K calls) "
      "or ~P (one in P)";
  std::string_view rest = word;
  if (absl::ConsumePrefix(&rest, "~")) {
    if (!ParseNumber(rest, &fault->one_in) || fault->one_in == 0) {
      return rule.Error(word, kUsage);
    }
    return absl::OkStatus();
  }
  if (!absl::ConsumePrefix(&rest, "@")) return rule.Error(word, kUsage);
  if (absl::ConsumeSuffix(&rest, "+")) {
    fault->times = UINT64_MAX;
  } else if (const size_t x = rest.find('x'); x != std::string_view::npos) {
    if (!ParseNumber(rest.substr(x + 1), &fault->times) || fault->times == 0) {
      return rule.Error(word, kUsage);
    }
    rest = rest.substr(0, x);
  }
  if (!ParseNumber(rest, &fault->first) || fault->first == 0) {
    return rule.Error(word, kUsage);
  }
  return absl::OkStatus();
}

absl::Status ParseArgument(const Rule& rule, std::string_view word,
                           const EffectInfo& info,
                           std::optional<std::string_view> text, Fault* fault) {
  const std::string usage = absl::StrCat("write ", Usage(info));
  if (info.argument == Argument::kNone) {
    return text.has_value() ? rule.Error(word, usage) : absl::OkStatus();
  }
  if (!text.has_value() || text->empty()) return rule.Error(word, usage);
  if (info.argument == Argument::kFile) {
    fault->file = std::string(*text);
    return absl::OkStatus();
  }
  // Of a negative number the digits after the sign.
  std::string_view digits = *text;
  const bool negative =
      info.argument == Argument::kSigned && absl::ConsumePrefix(&digits, "-");
  uint64_t magnitude = 0;
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  if (!ParseNumber(digits, &magnitude) || magnitude > kMost) {
    return rule.Error(word, absl::StrCat(usage, ", a number",
                                         info.argument == Argument::kSigned
                                             ? " from -(2^63 - 1) to 2^63 - 1"
                                             : " from 0 to 2^63 - 1"));
  }
  fault->argument = negative ? -static_cast<int64_t>(magnitude)
                             : static_cast<int64_t>(magnitude);
  return absl::OkStatus();
}

absl::Status ParseEffect(const Rule& rule, std::string_view word,
                         Fault* fault) {
  const size_t colon = word.find(':');
  const std::string_view name = word.substr(0, colon);
  for (const EffectInfo& info : kEffects) {
    if (info.name != name) continue;
    if (fault->op.has_value() && !IsAbout(info.about, *fault->op)) {
      return rule.Error(
          word, absl::StrCat(WithArticle(FileOpName(*fault->op)), " can have ",
                             AllEffects(fault->op)));
    }
    fault->effect = info.effect;
    std::optional<std::string_view> argument;
    if (colon != std::string_view::npos) argument = word.substr(colon + 1);
    return ParseArgument(rule, word, info, argument, fault);
  }
  return rule.Error(word,
                    absl::StrCat("the effects are ", AllEffects(fault->op)));
}

absl::StatusOr<Fault> ParseFault(const Rule& rule,
                                 std::span<const std::string_view> words) {
  Fault fault;
  if (words[0] != "*") {
    fault.op = FileOpFromName(words[0]);
    if (!fault.op.has_value()) {
      return rule.Error(words[0], absl::StrCat("the operations are ", AllOps(),
                                               "; or write \"space BYTES\""));
    }
  }
  if (words.size() != 4) {
    return rule.Error(words.size() > 4 ? words[4] : words.back(),
                      absl::StrCat("a rule is OPERATION PATH WHEN EFFECT, four "
                                   "words; this has ",
                                   words.size()));
  }
  fault.path = std::string(words[1]);
  HF_RETURN_IF_ERROR(ParseWhen(rule, words[2], &fault));
  HF_RETURN_IF_ERROR(ParseEffect(rule, words[3], &fault));
  return fault;
}

absl::Status ParseSpace(const Rule& rule,
                        std::span<const std::string_view> words,
                        std::optional<uint64_t>* space) {
  constexpr std::string_view kUsage =
      "write \"space BYTES\" or \"space unlimited\"";
  if (words.size() != 2) return rule.Error(words.back(), kUsage);
  if (words[1] == "unlimited") {
    space->reset();
    return absl::OkStatus();
  }
  uint64_t bytes = 0;
  if (!ParseNumber(words[1], &bytes)) return rule.Error(words[1], kUsage);
  *space = bytes;
  return absl::OkStatus();
}

}  // namespace

bool GlobMatches(std::string_view glob, std::string_view text) {
  // Where to go on when what follows the last star does not match: one more
  // character is the star's. An earlier star never has to be looked at again,
  // so at most |glob| * |text| steps.
  size_t star = std::string_view::npos;
  size_t star_text = 0;
  size_t g = 0;
  size_t t = 0;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      star_text = t;
    } else if (g < glob.size() && (glob[g] == '?' || glob[g] == text[t])) {
      ++g;
      ++t;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

std::string Fault::Text() const {
  std::string text = absl::StrCat(
      op.has_value() ? FileOpName(*op) : std::string_view("*"), " ", path, " ");
  if (one_in != 0) {
    absl::StrAppend(&text, "~", one_in);
  } else {
    absl::StrAppend(&text, "@", first);
    if (times == UINT64_MAX) {
      absl::StrAppend(&text, "+");
    } else if (times != 1) {
      absl::StrAppend(&text, "x", times);
    }
  }
  absl::StrAppend(&text, " ", EffectText());
  return text;
}

std::string Fault::EffectText() const {
  const EffectInfo& info = InfoOf(effect);
  switch (info.argument) {
    case Argument::kNone:
      return std::string(info.name);
    case Argument::kFile:
      return absl::StrCat(info.name, ":", file);
    case Argument::kNatural:
    case Argument::kSigned:
      return absl::StrCat(info.name, ":", argument);
  }
  return "";
}

bool Fault::Matches(const FileCall& call) const {
  if (op.has_value() ? *op != call.op
                     : !IsAbout(InfoOf(effect).about, call.op)) {
    return false;
  }
  const bool whole = path.find('/') != std::string::npos;
  const auto matches = [&](std::string_view name) {
    const size_t slash = whole ? std::string_view::npos : name.rfind('/');
    if (slash != std::string_view::npos) name.remove_prefix(slash + 1);
    return GlobMatches(path, name);
  };
  const bool two_names = call.op == FileOp::kRename || call.op == FileOp::kLink;
  return matches(call.path) || (two_names && matches(call.to));
}

absl::StatusOr<FaultPlan> FaultPlan::Parse(std::string_view text) {
  FaultPlan plan;
  size_t number = 0;
  bool space_said = false;
  for (std::string_view part : absl::StrSplit(text, ';')) {
    ++number;
    const Rule rule{number, absl::StripAsciiWhitespace(part)};
    const std::vector<std::string_view> words = absl::StrSplit(
        rule.text, absl::ByAnyChar(" \t\r\n\v\f"), absl::SkipEmpty());
    if (words.empty()) continue;  // "a;" and "a;; b" are fine.
    if (words[0] == "space") {
      if (space_said) return rule.Error("space", "said twice; say it once");
      space_said = true;
      HF_RETURN_IF_ERROR(ParseSpace(rule, words, &plan.space_bytes));
      continue;
    }
    HF_ASSIGN_OR_RETURN(Fault fault, ParseFault(rule, words));
    plan.faults.push_back(std::move(fault));
  }
  return plan;
}

std::string FaultPlan::Text() const {
  std::vector<std::string> rules;
  rules.reserve(faults.size() + 1);
  for (const Fault& fault : faults) rules.push_back(fault.Text());
  if (space_bytes.has_value()) {
    rules.push_back(absl::StrCat("space ", *space_bytes));
  }
  return absl::StrJoin(rules, "; ");
}

}  // namespace holdfast
