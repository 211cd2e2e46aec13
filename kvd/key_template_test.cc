#include "kvd/key_template.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "kvd/json.h"

namespace holdfast::kvd {
namespace {

constexpr char kRecord[] =
    R"({"name":"Zürich","country":"CH","lat":47.5,"pop":341730,)"
    R"("capital":false,"none":null,"line":"L","at":{"tz":"Europe/Zurich"}})";

std::string Expand(std::string_view text, uint64_t line = 7) {
  const absl::StatusOr<KeyTemplate> keys = KeyTemplate::Parse(text);
  if (!keys.ok()) return std::string(keys.status().message());
  const auto key = keys->Expand(*ParseJson(kRecord), line);
  return key.ok() ? *key : std::string(key.status().message());
}

TEST(KeyTemplateTest, PutsFieldsAndTheLineIntoText) {
  EXPECT_EQ(Expand("city/{country}/{name}/{line}"), "city/CH/Zürich/7");
  EXPECT_EQ(Expand("{line:08}"), "00000007");
  EXPECT_EQ(Expand("{line:02}", 12345), "12345");
  EXPECT_EQ(Expand("{at.tz}"), "Europe/Zurich");
  EXPECT_EQ(Expand("{pop},{lat},{capital}"), "341730,47.5,false");
  EXPECT_EQ(Expand("{.line}"), "L");
  EXPECT_EQ(Expand("{{{name}}}"), "{Zürich}");
  EXPECT_EQ(Expand("plain"), "plain");
  EXPECT_EQ(Expand(""), "");
}

TEST(KeyTemplateTest, NamesTheFieldThatIsMissing) {
  EXPECT_EQ(Expand("{admin1}"),
            "no field \"admin1\", which the key template needs");
  EXPECT_EQ(Expand("{at.x}"),
            "no field \"at.x\", which the key template needs");
  EXPECT_EQ(Expand("{name.x}"),
            "no field \"name.x\", which the key template needs");
  EXPECT_EQ(Expand("{at}"),
            "field \"at\" is object, not a string, number or boolean");
  EXPECT_EQ(Expand("{none}"),
            "field \"none\" is null, not a string, number or boolean");
}

TEST(KeyTemplateTest, RefusesARecordThatIsNoObject) {
  const auto keys = KeyTemplate::Parse("{a}");
  for (const char* text : {"5", "null", "[1]", "\"a\""}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(keys->Expand(*ParseJson(text), 1).status()))
        << text;
  }
}

TEST(KeyTemplateTest, SaysWhereATemplateIsWrong) {
  for (const char* text :
       {"ab{", "ab{name", "ab}", "ab{}", "ab{a..b}", "ab{.}", "ab{line:8}",
        "ab{line:}", "ab{line:099}", "ab{line:0x}", "ab{name:08}"}) {
    const absl::Status status = KeyTemplate::Parse(text).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
    EXPECT_EQ(status.message().find("key template, at position 3: "), 0u)
        << status;
  }
}

TEST(KeyTemplateTest, MessagesCanBeShownOnATerminal) {
  EXPECT_EQ(Expand("{\x1b[31m}"),
            "no field \"\\x1b[31m\", which the key template needs");
  for (const char* text : {"{a\x1b..b}", "{line:\xff}"}) {
    const absl::Status status = KeyTemplate::Parse(text).status();
    EXPECT_NE(status.message().find("\\x"), std::string::npos) << status;
  }
}

}  // namespace
}  // namespace holdfast::kvd
