// Internal keys (engine/format/internal_key.h), three of them out of the input.
// Property: what is parsed is made anew to the same bytes; the order is total
// and that of the format page; a separator is between its keys, and no longer
// than the first; a successor is not before its key; a lookup key is the place
// in that order before the versions that it asks for.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "engine/format/internal_key.h"
#include "fuzz/support/fuzz_input.h"

namespace {

using namespace holdfast;

int Sign(int x) { return (x > 0) - (x < 0); }

// The order as the format page says it, byte for byte.
int NaiveOrder(std::string_view a, std::string_view b) {
  const size_t a_user = a.size() - kTrailerBytes;
  const size_t b_user = b.size() - kTrailerBytes;
  for (size_t i = 0; i < a_user && i < b_user; ++i) {
    const auto x = static_cast<unsigned char>(a[i]);
    const auto y = static_cast<unsigned char>(b[i]);
    if (x != y) return x < y ? -1 : 1;
  }
  if (a_user != b_user) return a_user < b_user ? -1 : 1;
  for (size_t i = kTrailerBytes; i > 0; --i) {
    const auto x = static_cast<unsigned char>(a[a_user + i - 1]);
    const auto y = static_cast<unsigned char>(b[b_user + i - 1]);
    if (x != y) return x > y ? -1 : 1;
  }
  return 0;
}

void CheckParse(std::string_view key) {
  ParsedInternalKey parsed{.user_key = "before", .sequence = 12345};
  if (!ParseInternalKey(key, &parsed)) {
    HF_CHECK(parsed.user_key == "before");
    HF_CHECK(parsed.sequence == 12345);
    HF_CHECK(key.size() < kTrailerBytes ||
             static_cast<unsigned char>(key[key.size() - kTrailerBytes]) > 1);
    return;
  }
  HF_CHECK(parsed.sequence <= kMaxSequenceNumber);
  HF_CHECK(parsed.type == ValueType::kValue ||
           parsed.type == ValueType::kDeletion);
  HF_CHECK(MakeInternalKey(parsed.user_key, parsed.sequence, parsed.type) ==
           key);
  HF_CHECK(parsed.user_key == ExtractUserKey(key));
  HF_CHECK(parsed.sequence == ExtractSequence(key));
}

void CheckOrder(std::string_view a, std::string_view b, std::string_view c) {
  const int ab = Sign(CompareInternalKeys(a, b));
  const int bc = Sign(CompareInternalKeys(b, c));
  const int ac = Sign(CompareInternalKeys(a, c));
  HF_CHECK(ab == NaiveOrder(a, b));
  HF_CHECK(bc == NaiveOrder(b, c));
  HF_CHECK(ac == NaiveOrder(a, c));
  HF_CHECK(CompareInternalKeys(a, a) == 0);
  HF_CHECK(Sign(CompareInternalKeys(b, a)) == -ab);
  HF_CHECK((ab == 0) == (a == b));
  if (ab == bc) HF_CHECK(ac == ab);
  if (ab == 0) HF_CHECK(ac == bc);
}

bool IsWellFormed(std::string_view key) {
  ParsedInternalKey parsed;
  return ParseInternalKey(key, &parsed);
}

void CheckShortKeys(std::string_view a, std::string_view b) {
  const std::string successor = ShortSuccessor(a);
  HF_CHECK(CompareInternalKeys(a, successor) <= 0);
  HF_CHECK(successor.size() <= a.size());
  HF_CHECK(IsWellFormed(successor));
  const int order = CompareInternalKeys(a, b);
  if (order == 0) return;
  const std::string_view first = order < 0 ? a : b;
  const std::string_view second = order < 0 ? b : a;
  const std::string separator = ShortestSeparator(first, second);
  HF_CHECK(CompareInternalKeys(first, separator) <= 0);
  HF_CHECK(CompareInternalKeys(separator, second) < 0);
  HF_CHECK(separator.size() <= first.size());
  HF_CHECK(IsWellFormed(separator));
}

// As of a number, a reader sees the first version at or after the lookup key.
void CheckLookup(const ParsedInternalKey& version, SequenceNumber as_of) {
  const LookupKey lookup(version.user_key, as_of);
  HF_CHECK(lookup.user_key() == version.user_key);
  HF_CHECK(lookup.sequence() == as_of);
  HF_CHECK(lookup.internal_key() ==
           MakeInternalKey(version.user_key, as_of, kValueTypeForSeek));
  const std::string key =
      MakeInternalKey(version.user_key, version.sequence, version.type);
  HF_CHECK((CompareInternalKeys(lookup.internal_key(), key) <= 0) ==
           (version.sequence <= as_of));
}

// A key from the input, or one that begins as `other` does: keys that have
// nothing in common are all alike.
std::string NextKey(FuzzInput& input, std::string_view other) {
  const uint8_t choice = input.Byte();
  std::string key;
  if (choice % 2 == 1) key = ExtractUserKey(other).substr(0, input.Byte());
  key += input.Bytes(choice / 8 < 31 ? choice / 8 : input.Byte());
  const SequenceNumber sequence =
      choice % 4 < 2 ? input.Byte() : input.Long() & kMaxSequenceNumber;
  AppendInternalKey(&key, std::string(), sequence,
                    choice % 8 < 4 ? ValueType::kValue : ValueType::kDeletion);
  return key;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  CheckParse(std::string_view(reinterpret_cast<const char*>(data), size));
  FuzzInput input(data, size);
  const std::string a = NextKey(input, std::string(kTrailerBytes, '\0'));
  const std::string b = NextKey(input, a);
  const std::string c = NextKey(input, b);
  for (const std::string& key : {a, b, c}) CheckParse(key);
  CheckOrder(a, b, c);
  CheckShortKeys(a, b);
  CheckShortKeys(b, c);
  ParsedInternalKey parsed;
  HF_CHECK(ParseInternalKey(c, &parsed));
  CheckLookup(parsed, ExtractSequence(b));
  return 0;
}
