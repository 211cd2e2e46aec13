#include "kvd/cli.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kvd/command.h"
#include "kvd/exit_code.h"
#include "kvd/options.h"
#include "kvd/text.h"

namespace holdfast::kvd {
namespace {

using testing::HasSubstr;

class FakeCommand : public Command {
 public:
  const About& about() const override {
    static constexpr About kAbout = {.name = "fetch",
                                     .summary = "Fetches a thing.",
                                     .examples = "kvd fetch /tmp/db a\n"};
    return kAbout;
  }
  void AddOptions(CLI::App& app) override {
    AddWord(app, "DB", "", &path);
    AddWords(app, "KEY", "", &keys);
    AddCount(app, "--limit", "", &limit);
    AddOptionalWord(app, "-f,--from", "", &from);
  }
  absl::StatusOr<ExitCode> Run(Session&) override { return ExitCode::kDone; }

  std::string path;
  std::vector<std::string> keys;
  uint64_t limit = 7;
  std::optional<std::string> from;
};

class CliTest : public testing::Test {
 protected:
  CliTest() {
    auto command = std::make_unique<FakeCommand>();
    fetch_ = command.get();
    commands_.push_back(std::move(command));
  }

  CommandLine Parse(const std::vector<std::string>& arguments) {
    return ParseCommandLine(arguments, commands_, "kvd 1.2");
  }

  std::vector<std::unique_ptr<Command>> commands_;
  FakeCommand* fetch_;
};

TEST_F(CliTest, FillsTheCommandThatIsNamed) {
  const CommandLine line =
      Parse({"fetch", "/db", "--hex", "k1", "--limit", "9", "k2"});
  EXPECT_EQ(line.command, fetch_) << line.message;
  EXPECT_EQ(fetch_->path, "/db");
  EXPECT_EQ(fetch_->keys, (std::vector<std::string>{"k1", "k2"}));
  EXPECT_EQ(fetch_->limit, 9u);
  EXPECT_TRUE(fetch_->common().hex);
  EXPECT_FALSE(fetch_->common().json);
}

TEST_F(CliTest, PassesOddArgumentsAsTheyAre) {
  // Words that have a meaning in some corner of the library.
  const std::vector<std::string> odd = {"{}",
                                        "[]",
                                        "[a,b]",
                                        "a,b",
                                        "%%",
                                        "a=b",
                                        "\"q\"",
                                        "'",
                                        "-",
                                        "fetch",
                                        "\x01"
                                        "a",
                                        "[[]]"};
  for (const std::string& word : odd) {
    fetch_->keys.clear();
    const CommandLine line = Parse({"fetch", "/db", word});
    EXPECT_EQ(line.command, fetch_) << word << ": " << line.message;
    EXPECT_EQ(fetch_->keys, std::vector<std::string>{word});
  }
}

TEST_F(CliTest, PassesOddValuesAsTheyAre) {
  const std::vector<std::string> odd = {"",   "[]", "[a,b]",  "{}",    "a=b",
                                        "=",  "-",  "--json", "\x01a", "[[]]",
                                        "--", "-5", "%%"};
  for (const std::string& value : odd) {
    std::vector<std::vector<std::string>> lines = {
        {"fetch", "--from=" + value, "/db", "k"},
        {"fetch", "--from", value, "/db", "k"},
        {"fetch", "-f", value, "/db", "k"}};
    if (!value.empty()) lines.push_back({"fetch", "-f" + value, "/db", "k"});
    for (const std::vector<std::string>& words : lines) {
      fetch_->keys.clear();
      fetch_->from.reset();
      const CommandLine line = Parse(words);
      EXPECT_EQ(line.command, fetch_) << words[1] << ": " << line.message;
      EXPECT_EQ(fetch_->from, value) << words[1];
      EXPECT_EQ(fetch_->path, "/db") << words[1];
      EXPECT_EQ(fetch_->keys, std::vector<std::string>{"k"}) << words[1];
      EXPECT_FALSE(fetch_->common().json);
    }
  }
}

TEST_F(CliTest, MessagesCanBeShownOnATerminal) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"\x1b[31m"},
           {"fetch", "/db", "k", "--\x1b[31m"},
           {"fetch", "/db", "k", "--limit", "\xff\n"}}) {
    const CommandLine line = Parse(words);
    EXPECT_EQ(line.exit_code, ExitCode::kUsage);
    EXPECT_TRUE(IsPrintableText(line.message)) << line.message;
    EXPECT_THAT(line.message, HasSubstr("\\x"));
  }
}

TEST_F(CliTest, MessagesQuoteWordsAsTheyAre) {
  const CommandLine line = Parse({"fetch", "/db", "k", "--limit=[x"});
  EXPECT_EQ(line.exit_code, ExitCode::kUsage);
  EXPECT_THAT(line.message, HasSubstr("[x"));
  EXPECT_THAT(line.message, ::testing::Not(HasSubstr("\\x")));
}

TEST_F(CliTest, TakesAnyKeyAfterTwoDashes) {
  EXPECT_EQ(Parse({"fetch", "/db", "--", "-k", "--json", "-5"}).command,
            fetch_);
  EXPECT_EQ(fetch_->keys, (std::vector<std::string>{"-k", "--json", "-5"}));
  EXPECT_FALSE(fetch_->common().json);
}

TEST_F(CliTest, HelpBeginsWithTheExample) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"help", "fetch"}, {"fetch", "--help"}, {"fetch", "-h"}}) {
    const CommandLine line = Parse(words);
    EXPECT_EQ(line.command, nullptr);
    EXPECT_EQ(line.exit_code, ExitCode::kDone);
    EXPECT_EQ(line.output.find("Fetches a thing.\n\n  kvd fetch /tmp/db a\n"),
              0u)
        << line.output;
    EXPECT_THAT(line.output, HasSubstr("--limit"));
    EXPECT_EQ(line.message, "");
  }
}

TEST_F(CliTest, HelpListsTheCommands) {
  for (const char* word : {"help", "--help", "-h"}) {
    const CommandLine line = Parse({word});
    EXPECT_EQ(line.exit_code, ExitCode::kDone);
    EXPECT_THAT(line.output, HasSubstr("  fetch          Fetches a thing.\n"));
  }
  const CommandLine nothing = Parse({});
  EXPECT_EQ(nothing.exit_code, ExitCode::kUsage);
  EXPECT_EQ(nothing.output, "");
  EXPECT_THAT(nothing.message, HasSubstr("Fetches a thing."));
}

TEST_F(CliTest, SaysTheVersion) {
  EXPECT_EQ(Parse({"--version"}).output, "kvd 1.2\n");
}

TEST_F(CliTest, GuessesAMistypedCommand) {
  const CommandLine line = Parse({"fecth"});
  EXPECT_EQ(line.exit_code, ExitCode::kUsage);
  EXPECT_EQ(line.message,
            "kvd: there is no command \"fecth\"; did you mean fetch?\n");
  EXPECT_THAT(Parse({"frobnicate"}).message, HasSubstr("kvd help lists them"));
  EXPECT_THAT(Parse({"help", "fetsh"}).message,
              HasSubstr("did you mean fetch?"));
}

TEST_F(CliTest, EveryParseErrorIsAUsageError) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"fetch"},
           {"fetch", "/db"},
           {"fetch", "/db", "k", "--limit"},
           {"fetch", "/db", "k", "--limit", "many"},
           {"fetch", "/db", "k", "--limit", "-1"},
           {"fetch", "/db", "k", "--nonsense"},
           {"fetch", "/db", "k", "--json=maybe"},
           {"fetch", "/db", "-k"}}) {
    const CommandLine line = Parse(words);
    EXPECT_EQ(line.command, nullptr) << words.back();
    EXPECT_EQ(line.exit_code, ExitCode::kUsage) << words.back();
    EXPECT_EQ(line.output, "");
    EXPECT_EQ(line.message.find("kvd: fetch: "), 0u) << line.message;
    EXPECT_THAT(line.message, HasSubstr("kvd help fetch"));
  }
}

TEST_F(CliTest, GuessesAMistypedOption) {
  EXPECT_THAT(Parse({"fetch", "/db", "k", "--limti", "5"}).message,
              HasSubstr("did you mean --limit?"));
}

}  // namespace
}  // namespace holdfast::kvd
