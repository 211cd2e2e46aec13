#include "fuzz/engine/crash_case.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "chaos/db/workload.h"
#include "fuzz/engine/crash_codes.h"
#include "fuzz/support/fuzz_input.h"
#include "holdfast/testing/fault_plan.h"
#include "holdfast/testing/persistence.h"

namespace holdfast {
namespace {

using Expect = WorkloadStep::Expect;

// An input costs what its steps cost.
constexpr size_t kMostSteps = 40;
constexpr size_t kMostValueBytes = size_t{200} << 10;
constexpr size_t kMostOptions = 4;
constexpr size_t kDatabases = 2;
constexpr size_t kMostRecoveryFaultBytes = 80;

// Calls before the end, as a byte: exact where crashes are wanted most.
constexpr uint64_t kExactBack = 192;
constexpr uint64_t kBackStep = 16;

// The options worth trying, each with each of its values: "l0=1".
const std::vector<std::string>& OptionWords() {
  static const auto* const kWords = [] {
    auto* words = new std::vector<std::string>;
    for (const OptionRange& range : OptionsWorthTrying()) {
      for (const std::string_view value : range.values) {
        words->push_back(absl::StrCat(range.name, "=", value));
      }
    }
    return words;
  }();
  return *kWords;
}

absl::Span<const std::string_view> EffectWords(EffectsOf effects) {
  switch (effects) {
    case EffectsOf::kSyncs:
      return kSyncEffects;
    case EffectsOf::kWrites:
      return kWriteEffects;
    case EffectsOf::kReads:
      return kReadEffects;
    case EffectsOf::kOthers:
      return kOtherEffects;
    case EffectsOf::kSpace:
      break;
  }
  return {};
}

class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : in_(bytes) {}

  CrashCase Run() && {
    std::vector<WorkloadStep>& steps = case_.workload.steps;
    while (!in_.empty()) {
      const CrashOp op = NextOp();
      if (op == CrashOp::kCrash) {
        Crashes();
        break;
      }
      if (steps.size() < kMostSteps) Do(op);
    }
    // An op may be two steps.
    if (steps.size() > kMostSteps) steps.resize(kMostSteps);
    // Something is to be crashed.
    if (steps.empty()) NeedOpen();
    return std::move(case_);
  }

 private:
  struct Database {
    bool made = false;
    bool open = false;
    std::set<std::string> readers;
  };

  CrashOp NextOp() {
    const uint8_t byte = in_.Byte();
    argument_ = byte >> kCrashOpBits;
    return kCrashOps[byte & ((1 << kCrashOpBits) - 1)];
  }

  Database& db() { return databases_[current_]; }

  void Add(std::string verb, std::vector<std::string> words = {},
           Expect expect = Expect::kSuccess) {
    if (faulty_) expect = Expect::kEither;
    case_.workload.steps.push_back({expect, std::move(verb), std::move(words)});
  }

  void Open() {
    std::vector<std::string> words = std::exchange(options_, {});
    if (!db().made || faulty_) words.insert(words.begin(), "create");
    db().made = db().open = true;
    Add("open", std::move(words));
  }
  void NeedOpen() {
    if (!db().open) Open();
  }

  void Do(CrashOp op) {
    switch (op) {
      case CrashOp::kWrite:
        return Write();
      case CrashOp::kBatch:
        return Batch();
      case CrashOp::kFill:
        return Fill();
      case CrashOp::kFlush:
        return Plain("flush");
      case CrashOp::kSyncWal:
        return Plain("syncwal");
      case CrashOp::kCompact:
        return Compact();
      case CrashOp::kIdle:
        return Plain("idle");
      case CrashOp::kResume:
        return Plain("resume");
      case CrashOp::kVerify:
        return Plain("verify");
      case CrashOp::kRead:
        return Plain("read");
      case CrashOp::kReader:
        return Reader();
      case CrashOp::kFault:
        return Fault();
      case CrashOp::kHeal:
        if (faulty_) Add("heal");
        return;
      case CrashOp::kWork:
        return Add("work");
      default:
        return DoToDatabase(op);
    }
  }

  void DoToDatabase(CrashOp op) {
    switch (op) {
      case CrashOp::kKill:
        for (Database& one : databases_) {
          one.open = false;
          one.readers.clear();
        }
        return Add("kill");
      case CrashOp::kClose:
        NeedOpen();
        db().open = false;
        db().readers.clear();
        return Add("close");
      case CrashOp::kOpen:
        // As a second process would: the lock refuses it.
        if (db().open && !faulty_) return Add("open", {}, Expect::kFailure);
        return Open();
      case CrashOp::kDestroy:
        // What is left of one whose destruction failed is not judged.
        if (faulty_) return;
        if (db().open) return Add("destroy", {}, Expect::kFailure);
        db().made = false;
        return Add("destroy");
      case CrashOp::kUse:
        if (current_ == argument_ % kDatabases) return;
        current_ = argument_ % kDatabases;
        return Add("use", {absl::StrCat(current_)});
      case CrashOp::kOption: {
        const std::string& word =
            OptionWords()[in_.Byte() % OptionWords().size()];
        if (options_.size() < kMostOptions) options_.push_back(word);
        return;
      }
      case CrashOp::kProfile:
        case_.profile =
            std::string(AllProfiles()[in_.Byte() % AllProfiles().size()].name);
        return;
      case CrashOp::kSeed:
        case_.executor_seed = in_.Byte();
        return;
      default:
        return;
    }
  }

  void Plain(std::string verb) {
    NeedOpen();
    Add(std::move(verb));
  }

  // --- Writes.
  // "*N" or "~N"; empty when the code says no size.
  std::string Sized(size_t code) {
    if (code == kByteSized) return absl::StrCat("*", in_.Byte());
    if (code == kShortSized) return absl::StrCat("*", in_.Short());
    if (code == kShortSqueezed) return absl::StrCat("~", in_.Short());
    return std::string(kValues[code]);
  }

  // Whether there is room for so many values of this size, which is taken.
  bool Take(std::string_view sized, size_t count) {
    size_t bytes = 0;
    if (sized.empty() || !absl::SimpleAtoi(sized.substr(1), &bytes)) {
      return false;
    }
    if (value_bytes_ + count * bytes > kMostValueBytes) return false;
    value_bytes_ += count * bytes;
    return true;
  }

  // Empty: a deletion.
  std::string Value(size_t code) {
    if (code == kDeletion) return "";
    std::string word = Sized(code);
    if (Take(word, 1)) return word;
    // Each write another: an oracle tells them apart.
    return absl::StrCat(++numbers_);
  }

  void AddHow(std::vector<std::string>* words) const {
    const std::string_view how = kHows[argument_ % 4];
    if (!how.empty()) words->emplace_back(how);
  }

  void Write() {
    NeedOpen();
    const uint8_t byte = in_.Byte();
    const std::string value = Value(byte >> 3);
    std::vector<std::string> words = {std::string(kKeys[byte % 8])};
    if (!value.empty()) words.push_back(value);
    AddHow(&words);
    Add(value.empty() ? "del" : "put", std::move(words));
  }

  void Batch() {
    NeedOpen();
    const int count = 1 + in_.Byte() % 6;
    std::vector<std::string> words;
    for (int i = 0; i < count; ++i) {
      const uint8_t byte = in_.Byte();
      const std::string value = Value(byte >> 3);
      words.push_back(
          absl::StrCat(kKeys[byte % 8], "=", value.empty() ? "-" : value));
    }
    AddHow(&words);
    Add("batch", std::move(words));
  }

  void Fill() {
    NeedOpen();
    const uint8_t byte = in_.Byte();
    std::string value = Sized(byte >> 3);
    if (value.empty()) value = kValues[2];
    const size_t count = static_cast<size_t>(kFills[byte % 8]);
    if (!Take(value, count)) return;
    std::vector<std::string> words = {absl::StrCat(count), value.substr(1)};
    AddHow(&words);
    Add("fill", std::move(words));
  }

  // --- Others.
  void Compact() {
    NeedOpen();
    const KeyRangeCode& range = kKeyRanges[argument_];
    std::vector<std::string> words;
    if (!range.from.empty()) words.emplace_back(range.from);
    if (!range.to.empty()) words.emplace_back(range.to);
    Add("compact", std::move(words));
  }

  void Reader() {
    NeedOpen();
    const std::string name = (argument_ & 4) != 0 ? "t" : "s";
    if (!db().readers.contains(name)) {
      Add((argument_ & 1) != 0 ? "iterator" : "snapshot", {name});
      db().readers.insert(name);
    } else if ((argument_ & 2) == 0) {
      Add("check", {name});
    } else {
      Add("release", {name});
      db().readers.erase(name);
    }
  }

  // The words of a rule of a fault plan.
  std::vector<std::string> Rule() {
    const FaultTarget& target =
        kFaultTargets[in_.Byte() % std::size(kFaultTargets)];
    const size_t effect = in_.Byte();
    const uint64_t number = in_.Byte();
    if (target.effects == EffectsOf::kSpace) {
      return {std::string(target.op),
              absl::StrCat((effect + 256 * number) * 16)};
    }
    const auto effects = EffectWords(target.effects);
    constexpr std::string_view kTimes[4] = {"", "+", "x2", "x4"};
    return {std::string(target.op), std::string(target.path),
            absl::StrCat("@", 1 + number % 64, kTimes[argument_ % 4]),
            std::string(effects[effect % effects.size()])};
  }

  void Fault() {
    faulty_ = true;
    std::vector<std::string> words;
    // One more rule of the plan before, when there is one.
    std::vector<WorkloadStep>& steps = case_.workload.steps;
    if ((argument_ & 4) != 0 && !steps.empty() &&
        steps.back().verb == "fault") {
      words = std::move(steps.back().words);
      steps.pop_back();
      words.emplace_back("|");
    }
    for (std::string& word : Rule()) words.push_back(std::move(word));
    Add("fault", std::move(words));
  }

  void RecoveryFault() {
    const std::string rule = absl::StrJoin(Rule(), " ");
    std::string& plan = case_.recovery_faults;
    if (plan.size() > kMostRecoveryFaultBytes) return;
    const std::string longer =
        absl::StrCat(plan, plan.empty() ? "" : "; ", rule);
    // There is one limit of space at most.
    if (FaultPlan::Parse(longer).ok()) plan = longer;
  }

  // --- Crashes.
  // What comes after the op of the first crash.
  void Crashes() {
    case_.crashes.clear();
    AddCrash();
    while (!in_.empty()) {
      if (NextOp() == CrashOp::kFault) {
        RecoveryFault();
      } else if (case_.crashes.size() < kMostCrashes) {
        AddCrash();
      }
    }
  }

  void AddCrash() {
    CrashWish wish;
    const uint64_t back = in_.Byte();
    wish.calls_back =
        back < kExactBack ? back : kExactBack + (back - kExactBack) * kBackStep;
    const uint8_t what = in_.Byte();
    wish.what = static_cast<CrashWish::What>(what % 16 % CrashWish::kWhats);
    wish.amount = what / 16;
    for (size_t i = 0; i < argument_; ++i) {
      const uint64_t unit = in_.Byte();
      wish.exceptions.push_back({.back = unit, .alternative = in_.Byte()});
    }
    case_.crashes.push_back(std::move(wish));
  }

  FuzzInput in_;
  CrashCase case_;
  uint8_t argument_ = 0;
  std::array<Database, kDatabases> databases_;
  size_t current_ = 0;
  std::vector<std::string> options_;
  size_t value_bytes_ = 0;
  uint64_t numbers_ = 0;
  bool faulty_ = false;
};

// The other way round. Keeps as little in mind as it can: what the decoder adds
// by itself is found by decoding.
class Encoder {
 public:
  std::string Run(const CrashCase& crash_case) && {
    if (crash_case.profile != "posix") {
      for (size_t i = 0; i < AllProfiles().size(); ++i) {
        if (AllProfiles()[i].name != crash_case.profile) continue;
        Op(CrashOp::kProfile);
        Byte(i);
      }
    }
    if (crash_case.executor_seed != 0) {
      Op(CrashOp::kSeed);
      Byte(crash_case.executor_seed);
    }
    for (const WorkloadStep& step : crash_case.workload.steps) Step(step);
    if (crash_case.crashes == CrashCase().crashes &&
        crash_case.recovery_faults.empty()) {
      return std::move(bytes_);
    }
    for (const CrashWish& wish : crash_case.crashes) Crash(wish);
    for (const std::string_view rule :
         absl::StrSplit(crash_case.recovery_faults, "; ", absl::SkipEmpty())) {
      Fault(absl::StrSplit(rule, ' '), false);
    }
    return std::move(bytes_);
  }

 private:
  void Op(CrashOp op, size_t argument = 0) {
    const auto* const code =
        std::find(std::begin(kCrashOps), std::end(kCrashOps), op);
    Byte(static_cast<size_t>(code - std::begin(kCrashOps)) |
         (argument << kCrashOpBits));
  }
  void Byte(size_t byte) { bytes_.push_back(static_cast<char>(byte)); }

  void Step(const WorkloadStep& step) {
    const std::string& verb = step.verb;
    constexpr std::pair<std::string_view, CrashOp> kPlain[] = {
        {"flush", CrashOp::kFlush},    {"syncwal", CrashOp::kSyncWal},
        {"work", CrashOp::kWork},      {"idle", CrashOp::kIdle},
        {"kill", CrashOp::kKill},      {"close", CrashOp::kClose},
        {"read", CrashOp::kRead},      {"heal", CrashOp::kHeal},
        {"resume", CrashOp::kResume},  {"verify", CrashOp::kVerify},
        {"destroy", CrashOp::kDestroy}};
    for (const auto& [name, op] : kPlain) {
      if (name == verb) return Op(op);
    }
    if (verb == "open") return Open(step);
    if (verb == "put" || verb == "del") return Write(step);
    if (verb == "batch") return Batch(step);
    if (verb == "fill") return Fill(step);
    if (verb == "compact") return Compact(step);
    if (verb == "use") return Op(CrashOp::kUse, step.words[0] == "0" ? 0 : 1);
    if (verb == "fault") return Faults(step);
    if (verb == "snapshot" || verb == "iterator" || verb == "check" ||
        verb == "release") {
      const size_t name = step.words[0] == "t" ? 4 : 0;
      const size_t what = verb == "iterator" ? 1 : verb == "release" ? 2 : 0;
      Op(CrashOp::kReader, name | what);
    }
    // What a workload expects to see is not said.
  }

  void Open(const WorkloadStep& step) {
    for (const std::string& word : step.words) {
      const auto& words = OptionWords();
      const auto it = std::find(words.begin(), words.end(), word);
      if (it == words.end()) continue;
      Op(CrashOp::kOption);
      Byte(static_cast<size_t>(it - words.begin()));
    }
    Op(CrashOp::kOpen);
  }

  static size_t HowOf(const WorkloadStep& step) {
    if (step.words.empty()) return 0;
    const auto* const how =
        std::find(std::begin(kHows), std::end(kHows), step.words.back());
    return how == std::end(kHows)
               ? 0
               : static_cast<size_t>(how - std::begin(kHows));
  }

  static size_t KeyCode(std::string_view word) {
    const auto* const key = std::find(std::begin(kKeys), std::end(kKeys), word);
    if (key != std::end(kKeys)) {
      return static_cast<size_t>(key - std::begin(kKeys));
    }
    if (word.find('^') != std::string_view::npos) return std::size(kKeys) - 1;
    return word.empty() ? 0 : static_cast<unsigned char>(word[0]) % 7;
  }

  // The key and the value "-" for none, and what follows.
  void KeyAndValue(std::string_view key, std::string_view value) {
    uint64_t bytes = 0;
    const bool sized = value.size() >= 2 &&
                       (value[0] == '*' || value[0] == '~') &&
                       absl::SimpleAtoi(value.substr(1), &bytes);
    size_t code = kNumberValue;
    if (value == "-") code = kDeletion;
    if (sized) {
      const auto* const known =
          std::find(std::begin(kValues), std::end(kValues), value);
      code = known != std::end(kValues)
                 ? static_cast<size_t>(known - std::begin(kValues))
             : value[0] == '~' ? kShortSqueezed
             : bytes < 256     ? kByteSized
                               : kShortSized;
    }
    Byte(KeyCode(key) | (code << 3));
    bytes = std::min<uint64_t>(bytes, 0xffff);
    if (code == kByteSized) Byte(bytes);
    if (code == kShortSized || code == kShortSqueezed) {
      Byte(bytes & 0xff);
      Byte(bytes >> 8);
    }
  }

  void Write(const WorkloadStep& step) {
    Op(CrashOp::kWrite, HowOf(step));
    KeyAndValue(step.words[0], step.verb == "del" ? "-" : step.words[1]);
  }

  void Batch(const WorkloadStep& step) {
    const size_t how = HowOf(step);
    const size_t count = step.words.size() - (how != 0 ? 1 : 0);
    Op(CrashOp::kBatch, how);
    Byte(count - 1);
    for (size_t i = 0; i < count; ++i) {
      const std::string_view word = step.words[i];
      const size_t equals = word.find('=');
      KeyAndValue(word.substr(0, equals), word.substr(equals + 1));
    }
  }

  void Fill(const WorkloadStep& step) {
    int count = 0;
    if (!absl::SimpleAtoi(step.words[0], &count)) return;
    size_t code = 0;
    while (code + 1 < std::size(kFills) && kFills[code] < count) ++code;
    Op(CrashOp::kFill, HowOf(step));
    // The place of the key says how often.
    const size_t at = bytes_.size();
    KeyAndValue("a", absl::StrCat("*", step.words[1]));
    bytes_[at] = static_cast<char>(static_cast<uint8_t>(bytes_[at]) | code);
  }

  void Compact(const WorkloadStep& step) {
    const std::string from = step.words.empty() ? "" : step.words[0];
    const std::string to = step.words.size() < 2 ? "" : step.words[1];
    size_t code = 0;
    while (code + 1 < std::size(kKeyRanges) &&
           (kKeyRanges[code].from != from || kKeyRanges[code].to != to)) {
      ++code;
    }
    Op(CrashOp::kCompact, code);
  }

  void Faults(const WorkloadStep& step) {
    std::vector<std::string> rule;
    bool more = false;
    for (const std::string& word : step.words) {
      if (word != "|") {
        rule.push_back(word);
        continue;
      }
      Fault(rule, more);
      rule.clear();
      more = true;
    }
    Fault(rule, more);
  }

  void Fault(const std::vector<std::string>& rule, bool more) {
    uint64_t bytes = 0;
    if (rule.size() == 2 && absl::SimpleAtoi(rule[1], &bytes)) {
      Op(CrashOp::kFault, more ? 4 : 0);
      Byte(std::size(kFaultTargets) - 1);
      Byte(bytes / 16 % 256);
      Byte(bytes / 16 / 256);
      return;
    }
    if (rule.size() != 4) return;
    size_t target = 0;
    while (target < std::size(kFaultTargets) &&
           (kFaultTargets[target].op != rule[0] ||
            kFaultTargets[target].path != rule[1])) {
      ++target;
    }
    if (target == std::size(kFaultTargets)) return;
    const auto effects = EffectWords(kFaultTargets[target].effects);
    const auto effect = std::find(effects.begin(), effects.end(), rule[3]);
    size_t times = 0;
    if (rule[2].ends_with('+')) times = 1;
    if (rule[2].ends_with("x2")) times = 2;
    if (rule[2].ends_with("x4")) times = 3;
    std::string_view when = rule[2];
    when = when.substr(1, when.find_first_of("+x") - 1);
    uint64_t number = 1;
    if (effect == effects.end() || !absl::SimpleAtoi(when, &number)) return;
    Op(CrashOp::kFault, times | (more ? 4 : 0));
    Byte(target);
    Byte(static_cast<size_t>(effect - effects.begin()));
    Byte(number - 1);
  }

  void Crash(const CrashWish& wish) {
    Op(CrashOp::kCrash, wish.exceptions.size());
    Byte(wish.calls_back < kExactBack
             ? wish.calls_back
             : std::min<uint64_t>(
                   255,
                   kExactBack + (wish.calls_back - kExactBack) / kBackStep));
    Byte(static_cast<size_t>(wish.what) | (wish.amount << 4));
    for (const CrashWish::Exception& exception : wish.exceptions) {
      Byte(exception.back);
      Byte(exception.alternative);
    }
  }

  std::string bytes_;
};

}  // namespace

CrashCase DecodeCrashCase(std::string_view bytes) {
  return Decoder(bytes).Run();
}

std::string EncodeCrashCase(const CrashCase& crash_case) {
  return Encoder().Run(crash_case);
}

}  // namespace holdfast
