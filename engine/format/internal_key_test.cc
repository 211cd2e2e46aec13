#include "engine/format/internal_key.h"

#include <string>
#include <string_view>
#include <utility>

#include "engine/format/golden_page.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

constexpr std::string_view kPage = "docs/formats/internal_key.md";

int Sign(int value) { return value < 0 ? -1 : (value > 0 ? 1 : 0); }

// Short keys over few bytes, so that they are often prefixes of each other.
rc::Gen<std::string> AnyKey() {
  return rc::gen::container<std::string>(
      rc::gen::element('\0', 'a', 'b', 'c', '\x7f', '\x80', '\xfe', '\xff'));
}

rc::Gen<SequenceNumber> AnySequence() {
  return rc::gen::oneOf(
      rc::gen::inRange<SequenceNumber>(0, 4),
      rc::gen::inRange<SequenceNumber>(0, kMaxSequenceNumber + 1),
      rc::gen::just(kMaxSequenceNumber));
}

rc::Gen<ValueType> AnyType() {
  return rc::gen::element(ValueType::kDeletion, ValueType::kValue);
}

rc::Gen<std::string> AnyInternalKey() {
  return rc::gen::apply(
      [](const std::string& key, SequenceNumber sequence, ValueType type) {
        return MakeInternalKey(key, sequence, type);
      },
      AnyKey(), AnySequence(), AnyType());
}

TEST(InternalKeyTest, MatchesTheFormatPage) {
  EXPECT_TRUE(MatchesGolden(kPage, "value",
                            MakeInternalKey("key", 0x0102, ValueType::kValue)));
  EXPECT_TRUE(MatchesGolden(
      kPage, "deletion",
      MakeInternalKey("", kMaxSequenceNumber, ValueType::kDeletion)));
  ParsedInternalKey parsed;
  const std::string bytes = GoldenBytes(kPage, "value");
  ASSERT_TRUE(ParseInternalKey(bytes, &parsed));
  EXPECT_EQ(parsed.user_key, "key");
  EXPECT_EQ(parsed.sequence, 0x0102);
  EXPECT_EQ(parsed.type, ValueType::kValue);
}

TEST(InternalKeyTest, RefusesShortKeysAndUnknownTypes) {
  ParsedInternalKey parsed;
  for (size_t size = 0; size < kTrailerBytes; ++size) {
    EXPECT_FALSE(ParseInternalKey(std::string(size, '\0'), &parsed));
  }
  std::string key = MakeInternalKey("key", 5, ValueType::kValue);
  for (int type = 0; type < 256; ++type) {
    key[3] = static_cast<char>(type);
    EXPECT_EQ(ParseInternalKey(key, &parsed), type <= 1) << type;
  }
}

TEST(InternalKeyTest, NewerVersionsComeFirst) {
  const std::string newer = MakeInternalKey("k", 9, ValueType::kDeletion);
  const std::string older = MakeInternalKey("k", 8, ValueType::kValue);
  EXPECT_LT(CompareInternalKeys(newer, older), 0);
  EXPECT_GT(CompareInternalKeys(older, newer), 0);
  EXPECT_EQ(CompareInternalKeys(older, older), 0);
  // Bytes are unsigned, and a prefix comes before what it is a prefix of.
  EXPECT_LT(CompareInternalKeys(MakeInternalKey("\x7f", 1, ValueType::kValue),
                                MakeInternalKey("\x80", 9, ValueType::kValue)),
            0);
  EXPECT_LT(CompareInternalKeys(MakeInternalKey("k", 1, ValueType::kValue),
                                MakeInternalKey("ka", 9, ValueType::kValue)),
            0);
}

RC_GTEST_PROP(InternalKeyProperty, RoundTrips, ()) {
  const std::string user_key = *AnyKey();
  const SequenceNumber sequence = *AnySequence();
  const ValueType type = *AnyType();
  const std::string key = MakeInternalKey(user_key, sequence, type);
  ParsedInternalKey parsed;
  RC_ASSERT(ParseInternalKey(key, &parsed));
  RC_ASSERT(parsed.user_key == user_key);
  RC_ASSERT(parsed.sequence == sequence);
  RC_ASSERT(parsed.type == type);
  RC_ASSERT(ExtractUserKey(key) == user_key);
  RC_ASSERT(ExtractSequence(key) == sequence);
  RC_ASSERT(ExtractTrailer(key) == PackTrailer(sequence, type));
}

RC_GTEST_PROP(InternalKeyProperty, OrderIsTotal, ()) {
  const std::string a = *AnyInternalKey();
  const std::string b = *AnyInternalKey();
  const std::string c = *AnyInternalKey();
  RC_ASSERT(Sign(CompareInternalKeys(a, b)) ==
            -Sign(CompareInternalKeys(b, a)));
  RC_ASSERT((CompareInternalKeys(a, b) == 0) == (a == b));
  if (CompareInternalKeys(a, b) <= 0 && CompareInternalKeys(b, c) <= 0) {
    RC_ASSERT(CompareInternalKeys(a, c) <= 0);
  }
}

RC_GTEST_PROP(InternalKeyProperty, SeparatorsSeparate, ()) {
  std::string a = *AnyInternalKey();
  std::string b = *AnyInternalKey();
  RC_PRE(a != b);
  if (CompareInternalKeys(a, b) > 0) std::swap(a, b);
  const std::string separator = ShortestSeparator(a, b);
  RC_ASSERT(CompareInternalKeys(a, separator) <= 0);
  RC_ASSERT(CompareInternalKeys(separator, b) < 0);
  RC_ASSERT(separator.size() <= a.size());
  const std::string successor = ShortSuccessor(a);
  RC_ASSERT(CompareInternalKeys(a, successor) <= 0);
  RC_ASSERT(successor.size() <= a.size());
}

TEST(InternalKeyTest, SeparatorsAreShort) {
  const auto key = [](std::string_view user) {
    return MakeInternalKey(user, 5, ValueType::kValue);
  };
  EXPECT_EQ(ExtractUserKey(ShortestSeparator(key("abcdefg"), key("abzzz"))),
            "abd");
  EXPECT_EQ(ExtractUserKey(ShortSuccessor(key("abcdefg"))), "b");
  // Nothing shorter is between these.
  EXPECT_EQ(ShortestSeparator(key("abc"), key("abd")), key("abc"));
  EXPECT_EQ(ShortestSeparator(key("ab"), key("abc")), key("ab"));
  EXPECT_EQ(ShortSuccessor(key("\xff\xff")), key("\xff\xff"));
}

RC_GTEST_PROP(InternalKeyProperty, LookupKeyComesBeforeWhatItMaySee, ()) {
  const std::string user_key = *AnyKey();
  const SequenceNumber sequence = *AnySequence();
  const SequenceNumber other = *AnySequence();
  const LookupKey lookup(user_key, sequence);
  RC_ASSERT(lookup.user_key() == user_key);
  RC_ASSERT(lookup.sequence() == sequence);
  for (const ValueType type : {ValueType::kDeletion, ValueType::kValue}) {
    const std::string stored = MakeInternalKey(user_key, other, type);
    RC_ASSERT((CompareInternalKeys(lookup.internal_key(), stored) <= 0) ==
              (other <= sequence));
  }
}

TEST(LookupKeyTest, HoldsKeysOfAnyLength) {
  for (size_t size = 0; size < 400; ++size) {
    const std::string user_key(size, 'k');
    const LookupKey lookup(user_key, 77);
    EXPECT_EQ(lookup.internal_key(),
              MakeInternalKey(user_key, 77, kValueTypeForSeek));
  }
}

// Goal: keys that share much are compared as bytes, wherever they differ.
RC_GTEST_PROP(InternalKeyTest, UserKeysCompareAsBytes, ()) {
  const std::string shared(*rc::gen::inRange<size_t>(0, 40), 'k');
  const std::string a = shared + *AnyKey();
  const std::string b = shared + *AnyKey();
  RC_ASSERT(Sign(CompareUserKeys(a, b)) == Sign(a.compare(b)));
}

}  // namespace
}  // namespace holdfast
