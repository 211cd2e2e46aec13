// The command line of kvd (kvd/cli.h): words, with zero bytes between them.
// Properties: with the real commands, any words give a
// command to run, or an output, or a message and the exit code for usage, the
// same each time; no exception escapes; what is said can be shown on a
// terminal. With a command that has an option of each kind, words that say
// plainly what they mean set exactly that.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "kvd/cli.h"
#include "kvd/command.h"
#include "kvd/commands/commands.h"
#include "kvd/exit_code.h"
#include "kvd/options.h"
#include "kvd/text.h"

namespace {

using namespace holdfast;
using namespace holdfast::kvd;

using Words = std::vector<std::string>;

struct Values {
  std::string db;
  Words keys;
  std::string word;
  std::string choice = "auto";
  std::optional<std::string> from;
  uint64_t limit = 7;
  uint64_t bytes = 8;
  bool sync = false;
  bool json = false;
  bool hex = false;
  bool quiet = false;

  friend bool operator==(const Values&, const Values&) = default;
};

class Probe final : public Command {
 public:
  const About& about() const override {
    static constexpr About kAbout = {
        .name = "probe", .summary = "Tells.", .examples = "kvd probe /db a\n"};
    return kAbout;
  }
  void AddOptions(CLI::App& app) override {
    AddWord(app, "DB", "", &values_.db);
    AddWords(app, "KEY", "", &values_.keys);
    AddWord(app, "-o,--word", "", &values_.word);
    AddChoice(app, "--format", "", {"auto", "jsonl", "tsv"}, &values_.choice);
    AddOptionalWord(app, "--from", "", &values_.from);
    AddCount(app, "--limit", "", &values_.limit);
    AddByteCount(app, "--bytes", "", &values_.bytes);
    app.add_flag("--sync", values_.sync, "");
  }
  absl::StatusOr<ExitCode> Run(Session&) override { return ExitCode::kDone; }

  Values values() {
    Values values = values_;
    values.json = common().json;
    values.hex = common().hex;
    values.quiet = common().quiet;
    return values;
  }

 private:
  Values values_;
};

// What plain words mean; nullopt for a mistake, or when only the library knows:
// options given twice, short options joined to others.
std::optional<Values> Meaning(const Words& words) {
  Values values;
  Words arguments;
  std::set<std::string> seen;
  bool options_end = false;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (options_end || word == "-" || !word.starts_with('-')) {
      arguments.push_back(word);
      continue;
    }
    if (word == "--") {
      options_end = true;
      continue;
    }
    std::string name = word;
    std::optional<std::string> value;
    if (const size_t equals = word.find('='); equals != std::string::npos) {
      name = word.substr(0, equals);
      value = word.substr(equals + 1);
    }
    if (name == "-o" && !value.has_value()) name = "--word";
    if (name == "-q" && !value.has_value()) name = "--quiet";
    if (!seen.insert(name).second) return std::nullopt;
    bool* const flag = name == "--sync"    ? &values.sync
                       : name == "--json"  ? &values.json
                       : name == "--hex"   ? &values.hex
                       : name == "--quiet" ? &values.quiet
                                           : nullptr;
    if (flag != nullptr) {
      if (value.has_value()) return std::nullopt;
      *flag = true;
      continue;
    }
    if (!value.has_value()) {
      if (++i == words.size()) return std::nullopt;
      value = words[i];
    }
    if (name == "--word") {
      values.word = *value;
    } else if (name == "--from") {
      values.from = *value;
    } else if (name == "--format") {
      if (*value != "auto" && *value != "jsonl" && *value != "tsv") {
        return std::nullopt;
      }
      values.choice = *value;
    } else if (name == "--limit" || name == "--bytes") {
      const bool count = name == "--limit";
      const absl::StatusOr<uint64_t> number =
          count ? ParseCount(*value) : ParseByteCount(*value);
      if (!number.ok()) return std::nullopt;
      (count ? values.limit : values.bytes) = *number;
    } else {
      return std::nullopt;
    }
  }
  if (arguments.size() < 2) return std::nullopt;
  values.db = arguments[0];
  values.keys.assign(arguments.begin() + 1, arguments.end());
  return values;
}

void CheckSaid(const CommandLine& line, const Words& words) {
  HF_CHECK(IsPrintableText(line.output));
  HF_CHECK(IsPrintableText(line.message));
  if (line.command != nullptr) {
    HF_CHECK(line.output.empty());
    HF_CHECK(line.message.empty());
    HF_CHECK(line.exit_code == ExitCode::kDone);
    return;
  }
  const bool usage = line.exit_code == ExitCode::kUsage;
  HF_CHECK(usage || line.exit_code == ExitCode::kDone);
  HF_CHECK(line.output.empty() == usage);
  HF_CHECK(line.message.empty() != usage);
  HF_CHECK((usage ? line.message : line.output).ends_with('\n'));
  if (usage && !words.empty()) HF_CHECK(line.message.starts_with("kvd: "));
}

void CheckRealCommands(const Words& words) {
  const std::vector<std::unique_ptr<Command>> commands = NewCommands();
  const CommandLine line = ParseCommandLine(words, commands, "kvd 1.2");
  CheckSaid(line, words);
  if (line.command == nullptr) return;
  HF_CHECK(line.command->about().name == words[0]);
  HF_CHECK(std::any_of(
      commands.begin(), commands.end(),
      [&](const auto& command) { return command.get() == line.command; }));
}

void CheckProbe(Words words) {
  std::vector<std::unique_ptr<Command>> commands;
  auto owned = std::make_unique<Probe>();
  Probe* const probe = owned.get();
  commands.push_back(std::move(owned));
  const std::optional<Values> meaning = Meaning(words);
  words.insert(words.begin(), "probe");
  const CommandLine line = ParseCommandLine(words, commands, "kvd 1.2");
  CheckSaid(line, words);
  if (!meaning.has_value()) return;
  HF_CHECK(line.command == probe);
  HF_CHECK(probe->values() == *meaning);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Words words;
  if (!text.empty()) words = absl::StrSplit(text, '\0');
  if (!words.empty() && words[0] == "probe") {
    words.erase(words.begin());
    CheckProbe(std::move(words));
  } else {
    CheckRealCommands(words);
  }
  return 0;
}
