#include "engine/format/key_step.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "engine/format/internal_key.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

size_t SharedByteByByte(std::string_view a, std::string_view b) {
  return static_cast<size_t>(
      std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

// Few letters and a long prefix now and then, so that keys have much in common
// and differ on both sides of a multiple of eight bytes.
rc::Gen<std::string> AnyUserKey() {
  return rc::gen::apply(
      [](size_t prefix, const std::string& rest) {
        return std::string(prefix, 'p') + rest;
      },
      rc::gen::inRange<size_t>(0, 20),
      rc::gen::container<std::string>(rc::gen::element('a', 'p', '\xff')));
}

rc::Gen<std::string> AnyInternalKey() {
  return rc::gen::apply(
      [](const std::string& user_key, SequenceNumber sequence, bool deletion) {
        return MakeInternalKey(
            user_key, sequence,
            deletion ? ValueType::kDeletion : ValueType::kValue);
      },
      AnyUserKey(), rc::gen::inRange<SequenceNumber>(0, 4),
      rc::gen::arbitrary<bool>());
}

RC_GTEST_PROP(KeyStepProperty, SharedPrefixIsWhatBytesHaveInCommon, ()) {
  const std::string a = *AnyUserKey();
  const std::string b = *AnyUserKey();
  RC_ASSERT(SharedPrefix(a, b) == SharedByteByByte(a, b));
  RC_ASSERT(SharedPrefix(a, a) == a.size());
}

RC_GTEST_PROP(KeyStepProperty, SaysWhatComparingSays, ()) {
  const std::string before = *AnyInternalKey();
  // Half of the time a version of the same key.
  const std::string key =
      *rc::gen::arbitrary<bool>()
          ? MakeInternalKey(ExtractUserKey(before),
                            *rc::gen::inRange<SequenceNumber>(0, 4),
                            ValueType::kValue)
          : *AnyInternalKey();
  const KeyStep step = StepBetween(before, key);
  const int order = CompareInternalKeys(before, key);
  RC_ASSERT((step.order < 0) == (order < 0));
  RC_ASSERT((step.order > 0) == (order > 0));
  RC_ASSERT(step.same_user_key ==
            (ExtractUserKey(before) == ExtractUserKey(key)));
  RC_ASSERT(step.shared == SharedByteByByte(before, key));
}

TEST(KeyStepTest, TrailersAreNotTakenForUserKeys) {
  // The bytes of the first trailer go on like the second user key.
  const std::string before =
      MakeInternalKey("a", 0x6262626262, ValueType::kValue);
  const std::string key =
      MakeInternalKey(std::string("a\x01") + "bbbbb", 1, ValueType::kValue);
  const KeyStep step = StepBetween(before, key);
  EXPECT_GT(step.shared, 1u);
  EXPECT_FALSE(step.same_user_key);
  EXPECT_LT(step.order, 0);
}

}  // namespace
}  // namespace holdfast
