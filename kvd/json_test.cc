#include "kvd/json.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "kvd/text.h"
#include "rapidcheck/gtest.h"

namespace holdfast::kvd {
namespace {

std::string Repeat(std::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result.append(text);
  return result;
}

TEST(JsonTest, ParsesAndWritesInOrder) {
  const char kText[] = R"({"b":1,"a":[true,null,"ü"]})";
  EXPECT_EQ(WriteJson(*ParseJson(kText)), kText);
}

TEST(JsonTest, SaysWhereTextIsWrong) {
  EXPECT_EQ(ParseJson(R"({"a":x})").status().message(),
            "not valid JSON: wrong at position 6");
  EXPECT_EQ(ParseJson(R"({"a":1)").status().message(),
            "not valid JSON: it ends too early");
  EXPECT_FALSE(ParseJson("").ok());
  EXPECT_FALSE(ParseJson("{} {}").ok());
  EXPECT_FALSE(ParseJson("{\"a\":\"\xff\"}").ok());
}

TEST(JsonTest, CapsTheDepth) {
  EXPECT_TRUE(ParseJson(Repeat("[", 100) + Repeat("]", 100)).ok());
  const absl::Status status =
      ParseJson(Repeat("[", 101) + Repeat("]", 101)).status();
  EXPECT_EQ(status.message(), "JSON nested deeper than 100 levels");
  // Not even looked at: a million levels take no stack.
  EXPECT_FALSE(ParseJson(Repeat("{\"a\":", 1'000'000)).ok());
}

TEST(JsonTest, BracketsInStringsAreNotNesting) {
  EXPECT_TRUE(ParseJson("{\"a\\\"b\":\"" + Repeat("[", 200) + "\"}").ok());
}

TEST(JsonTest, OfDuplicateKeysTheLastOneWins) {
  EXPECT_EQ(WriteJson(*ParseJson(R"({"a":1,"b":2,"a":{"c":3}})")),
            R"({"a":{"c":3},"b":2})");
  // The same beyond the size where keys get an index.
  std::string text = "{";
  for (int i = 0; i < 100; ++i) {
    text += "\"k" + std::to_string(i % 40) + "\":" + std::to_string(i) + ",";
  }
  const auto value = ParseJson(text + "\"k0\":[1]}");
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(value->size(), 40u);
  EXPECT_EQ((*value)["k19"], 99);
  EXPECT_EQ((*value)["k39"], 79);
  EXPECT_EQ(value->begin().key(), "k0");
  EXPECT_EQ(WriteJson(value->front()), "[1]");
}

// Goal: the time is linear in the number of keys. Comparing each with all
// others would take minutes.
TEST(JsonTest, ManyKeysTakeNoTime) {
  constexpr int kKeys = 300'000;
  std::string text = "{";
  for (int i = 0; i < kKeys; ++i) {
    text += "\"k" + std::to_string(i) + "\":0,";
  }
  const auto value = ParseJson(text + "\"k1\":1}");
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(value->size(), size_t{kKeys});
}

RC_GTEST_PROP(JsonProperty, BytesGoThroughAnObject,
              (const std::string& bytes, bool hex)) {
  Json object;
  SetBytes("key", bytes, hex, &object);
  const auto parsed = ParseJson(WriteJson(object));
  RC_ASSERT(parsed.ok());
  RC_ASSERT(*GetBytes("key", *parsed) == bytes);
  RC_ASSERT(object.contains("key") == (!hex && IsValidUtf8(bytes)));
}

TEST(JsonTest, ExplainsMissingBytes) {
  const auto message = [](const char* text) {
    return std::string(GetBytes("key", *ParseJson(text)).status().message());
  };
  EXPECT_EQ(message("{}"), "neither \"key\" nor \"key_hex\"");
  EXPECT_EQ(message(R"({"key":"a","key_hex":"61"})"),
            "both \"key\" and \"key_hex\"");
  EXPECT_EQ(message(R"({"key":5})"), "\"key\" is not a string");
  EXPECT_EQ(message(R"({"key_hex":"6"})"),
            "\"key_hex\": hex text has an odd number of digits, 1");
}

}  // namespace
}  // namespace holdfast::kvd
