#include "kvd/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "holdfast/testing/fault_plan.h"
#include "kvd/options.h"
#include "kvd/suggest.h"
#include "kvd/text.h"

namespace holdfast::kvd {
namespace {

constexpr char kIntroduction[] =
    "kvd looks into and changes Holdfast databases.\n"
    "\n"
    "  kvd put --create /tmp/db greeting hello\n"
    "  kvd get /tmp/db greeting\n"
    "  kvd load /tmp/db cities.jsonl.lz4 --key-template "
    "'city/{country}/{name}/{line}'\n"
    "  kvd scan /tmp/db --prefix city/CH/ --limit 10\n"
    "\n"
    "Commands:\n";

constexpr char kClosing[] =
    "\n"
    "kvd help COMMAND tells more of each. kvd --version says what this is.\n"
    "\n"
    "Keys and values are any bytes: printable text stands for itself, \\xNN "
    "for "
    "a\nbyte, \\\\ for a backslash; with --hex all is hex. Data goes to "
    "standard output,\nall else to standard error.\n"
    "\n"
    "Exit codes: 0 done, 1 the answer is no (key absent, damage found), 2 "
    "usage,\n3 corruption, 4 the database is in use, 5 I/O or no space, 6 "
    "format version not\nsupported, 130 interrupted.\n";

std::string GeneralHelp(const std::vector<std::unique_ptr<Command>>& commands) {
  std::string help = kIntroduction;
  for (const auto& command : commands) {
    absl::StrAppendFormat(&help, "  %-14s %s\n", command->about().name,
                          command->about().summary);
  }
  return help + kClosing;
}

std::string CommandHelp(const Command& command, const CLI::App& app) {
  std::string help = absl::StrCat(command.about().summary, "\n\n");
  for (std::string_view line :
       absl::StrSplit(command.about().examples, '\n', absl::SkipEmpty())) {
    absl::StrAppend(&help, "  ", line, "\n");
  }
  // The library's own text: usage, arguments, options.
  return absl::StrCat(help, "\n", app.help());
}

CommandLine WrongUsage(std::string message) {
  return {.command = nullptr,
          .output = "",
          .message = absl::StrCat("kvd: ", message, "\n"),
          .exit_code = ExitCode::kUsage};
}

CommandLine Say(std::string output) {
  return {.command = nullptr,
          .output = std::move(output),
          .message = "",
          .exit_code = ExitCode::kDone};
}

Command* FindCommand(const std::vector<std::unique_ptr<Command>>& commands,
                     std::string_view name) {
  for (const auto& command : commands) {
    if (command->about().name == name) return command.get();
  }
  return nullptr;
}

CommandLine UnknownCommand(
    const std::string& word,
    const std::vector<std::unique_ptr<Command>>& commands) {
  std::vector<std::string> names = {"help", "--version", "--help"};
  for (const auto& command : commands) {
    names.emplace_back(command->about().name);
  }
  const std::string nearest = Suggest(word, names);
  return WrongUsage(absl::StrCat(
      "there is no command \"", EncodeText(Notation::kEscaped, word), "\"; ",
      nearest.empty() ? "kvd help lists them"
                      : absl::StrCat("did you mean ", nearest, "?")));
}

// The options of `app` that are near to words that it did not know.
std::string SuggestOption(const CLI::App& app,
                          const std::vector<std::string>& arguments) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  for (const std::string& argument : arguments) {
    const std::string word = argument.substr(0, argument.find('='));
    if (!word.starts_with("--") || word == "--") continue;
    if (std::find(names.begin(), names.end(), word) != names.end()) continue;
    const std::string nearest = Suggest(word, names);
    if (!nearest.empty()) {
      return absl::StrCat("; did you mean ", nearest, "?");
    }
  }
  return "";
}

// What users run cannot be told to damage a database.
void AddFaultPlan([[maybe_unused]] CLI::App& app,
                  [[maybe_unused]] CommonOptions& common) {
#ifndef NDEBUG
  app.add_option("--fault-plan", common.fault_plan,
                 "Calls to the file system that go wrong, such as \"sync *.wal "
                 "@2 eio\" (debug builds only)")
      ->check([](const std::string& text) {
        return std::string(FaultPlan::Parse(text).status().message());
      });
#endif
}

CommandLine ParseCommand(Command& command,
                         const std::vector<std::string>& arguments) {
  const std::string name(command.about().name);
  CLI::App app("", "kvd " + name);
  command.AddOptions(app);
  CommonOptions& common = command.common();
  app.add_flag("--json", common.json, "Write JSON to standard output");
  app.add_flag("--hex", common.hex, "Keys and values are hex, in and out");
  app.add_flag("-q,--quiet", common.quiet,
               "Say nothing on standard error but errors");
  AddFaultPlan(app, common);
  app.set_help_flag("-h,--help", "Show this");
  // The library takes the words last to first.
  std::vector<std::string> words = ProtectWords(app, arguments);
  std::reverse(words.begin(), words.end());
  try {
    app.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    return Say(CommandHelp(command, app));
  } catch (const CLI::ParseError& error) {
    // It quotes words of the user's, which may hold anything.
    return WrongUsage(absl::StrCat(
        name, ": ",
        EncodeText(Notation::kEscaped, RestoreMessage(error.what())),
        SuggestOption(app, arguments), "\n", "kvd help ", name, " tells more"));
  }
  return {.command = &command,
          .output = "",
          .message = "",
          .exit_code = ExitCode::kDone};
}

}  // namespace

CommandLine ParseCommandLine(
    const std::vector<std::string>& arguments,
    const std::vector<std::unique_ptr<Command>>& commands,
    const std::string& version) {
  if (arguments.empty()) {
    return {.command = nullptr,
            .output = "",
            .message = GeneralHelp(commands),
            .exit_code = ExitCode::kUsage};
  }
  std::string first = arguments[0];
  std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
  if (first == "--version") return Say(version + "\n");
  if (first == "help" || first == "--help" || first == "-h") {
    if (rest.empty()) return Say(GeneralHelp(commands));
    first = rest[0];
    rest = {"--help"};
  }
  Command* command = FindCommand(commands, first);
  if (command == nullptr) return UnknownCommand(first, commands);
  return ParseCommand(*command, rest);
}

}  // namespace holdfast::kvd
