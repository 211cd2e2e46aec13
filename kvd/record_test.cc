// record_reader and record_writer: each reads what the other writes.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "kvd/input.h"
#include "kvd/key_template.h"
#include "kvd/record_reader.h"
#include "kvd/record_writer.h"
#include "kvd/text.h"
#include "rapidcheck/gtest.h"

namespace holdfast::kvd {
namespace {

class StringSource : public ByteSource {
 public:
  explicit StringSource(std::string bytes) : bytes_(std::move(bytes)) {}

  absl::StatusOr<size_t> Read(char* buffer, size_t n) override {
    n = std::min(n, bytes_.size() - at_);
    std::memcpy(buffer, bytes_.data() + at_, n);
    at_ += n;
    return n;
  }
  uint64_t consumed_bytes() const override { return at_; }

 private:
  const std::string bytes_;
  size_t at_ = 0;
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

absl::StatusOr<Pairs> ReadText(const std::string& text,
                               RecordReaderOptions options = {}) {
  RecordReader reader(std::make_unique<StringSource>(text), "in",
                      std::move(options));
  Pairs pairs;
  Record record;
  while (true) {
    const absl::StatusOr<bool> more = reader.Next(&record);
    if (!more.ok()) return more.status();
    if (!*more) return pairs;
    pairs.emplace_back(record.key, record.value);
  }
}

std::string Message(const std::string& text, RecordReaderOptions options = {}) {
  const absl::Status status = ReadText(text, std::move(options)).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  return std::string(status.message());
}

RC_GTEST_PROP(RecordProperty, AllFormatsAreBinarySafe, (const Pairs& pairs)) {
  const bool hex = *rc::gen::arbitrary<bool>();
  std::string json;
  for (const auto& [key, value] : pairs) {
    AppendJsonLine(key, value, hex, &json);
  }
  RC_ASSERT(*ReadText(json) == pairs);
  for (Notation notation :
       {Notation::kEscaped, Notation::kEscapedAscii, Notation::kHex}) {
    std::string tsv;
    for (const auto& [key, value] : pairs) {
      AppendTsvLine(key, value, notation, &tsv);
    }
    RC_ASSERT(*ReadText(tsv, {.notation = notation}) == pairs);
  }
}

TEST(RecordTest, AKeyThatLooksLikeJsonStaysAKey) {
  const Pairs pairs = {{"{\"key\":1}", "{}"}, {"", ""}};
  std::string tsv;
  for (const auto& [key, value] : pairs) {
    AppendTsvLine(key, value, Notation::kEscaped, &tsv);
  }
  EXPECT_EQ(tsv, "\\x7b\"key\":1}\t{}\n\t\n");
  EXPECT_EQ(*ReadText(tsv), pairs);
}

TEST(RecordTest, WritesJsonForPeopleAndHexForTheRest) {
  std::string text;
  AppendJsonLine("Zürich", "a\"b\n", false, &text);
  AppendJsonLine("\xff", "", false, &text);
  AppendJsonLine("a", "b", true, &text);
  AppendJsonKeyLine("k", false, &text);
  AppendTextKeyLine("a\tb", Notation::kEscaped, &text);
  EXPECT_EQ(text,
            "{\"key\":\"Zürich\",\"value\":\"a\\\"b\\n\"}\n"
            "{\"key_hex\":\"ff\",\"value\":\"\"}\n"
            "{\"key_hex\":\"61\",\"value_hex\":\"62\"}\n"
            "{\"key\":\"k\"}\n"
            "a\\x09b\n");
}

TEST(RecordReaderTest, KeysByTemplateKeepTheLineAsTheValue) {
  const auto keys = KeyTemplate::Parse("{a}/{line}");
  const Pairs want = {{"x/1", R"({"a":"x", "b":1})"}, {"y/3", R"({"a":"y"})"}};
  EXPECT_EQ(*ReadText("{\"a\":\"x\", \"b\":1}\r\n\n{\"a\":\"y\"}",
                      {.key_template = *keys}),
            want);
}

TEST(RecordReaderTest, ErrorsNameFileLineAndCause) {
  const auto keys = KeyTemplate::Parse("{a}");
  EXPECT_EQ(Message("{\"a\":1}\n{\"b\":2}\n", {.key_template = *keys}),
            "in:2: no field \"a\", which the key template needs");
  EXPECT_EQ(Message("{\"a\":1}\n"),
            "in:1: neither \"key\" nor \"key_hex\" in the record; a file that "
            "kvd did not write needs a key template");
  EXPECT_EQ(Message("{\"key\":\"a\"}\n"),
            "in:1: neither \"value\" nor \"value_hex\"");
  EXPECT_EQ(Message("\n{\"a\":\n"), "in:2: not valid JSON: it ends too early");
  EXPECT_EQ(Message("a\tb\nab\n"),
            "in:2: no tab between a key and a value in this line");
  EXPECT_EQ(Message("a\tb\tc\n"),
            "in:1: more than two columns; write a tab in a key or value as "
            "\\t");
  EXPECT_EQ(Message("a\\q\tb\n").find("in:1: key: at position 2: "), 0u);
  EXPECT_EQ(Message("a\tb\\\n").find("in:1: value: at position 2: "), 0u);
  EXPECT_EQ(Message("a\tb\n", {.key_template = *keys}),
            "in:1: a key template is for JSON records");
  EXPECT_EQ(Message("a\t12345678\n", {.max_line_bytes = 5}),
            "in:1: longer than 5 bytes");
}

TEST(RecordReaderTest, TheFormatCanBeSaid) {
  EXPECT_TRUE(ReadText("{\tb\n", {.format = RecordFormat::kTsv}).ok());
  EXPECT_FALSE(ReadText("a\tb\n", {.format = RecordFormat::kJsonLines}).ok());
}

RC_GTEST_PROP(RecordReaderProperty, AnyTextIsReadOrRefused,
              (const std::string& text)) {
  const auto pairs = ReadText(text);
  RC_ASSERT(pairs.ok() || absl::IsInvalidArgument(pairs.status()) ||
            absl::IsDataLoss(pairs.status()));
}

}  // namespace
}  // namespace holdfast::kvd
