#include "engine/table/table_index.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/random.h"
#include "engine/format/internal_key.h"
#include "engine/format/table_layout.h"
#include "engine/table/block.h"
#include "engine/table/block_builder.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

struct InternalLess {
  bool operator()(const std::string& a, const std::string& b) const {
    return CompareInternalKeys(a, b) < 0;
  }
};

std::string Handle(uint64_t offset, uint64_t size) {
  std::string value;
  AppendBlockHandle(&value, {.offset = offset, .size = size});
  return value;
}

// Of few different bytes, with parts in common that are shorter and longer than
// a head.
std::string UserKey(Random& random) {
  static constexpr std::string_view kParts[] = {std::string_view("\0", 1), "a",
                                                "\xff", "common part"};
  std::string key;
  for (uint64_t n = random.Uniform(5); n > 0; --n) {
    key += kParts[random.Uniform(4)];
  }
  return key;
}

RC_GTEST_PROP(TableIndexTest, FindsTheBlockOfAnyKey, (uint64_t seed)) {
  Random random(seed);
  std::map<std::string, BlockHandle, InternalLess> model;
  const std::string prefix = random.OneIn(2) ? UserKey(random) : "";
  for (uint64_t n = 1 + random.Uniform(100); n > 0; --n) {
    model[MakeInternalKey(prefix + UserKey(random), 1 + random.Uniform(20),
                          ValueType::kValue)] = {};
  }
  // The last one as short as can be.
  if (random.OneIn(2)) {
    model[MakeInternalKey(std::string(1 + random.Uniform(60), '\xff'), 21,
                          ValueType::kValue)] = {};
  }
  // We write a restart point at each; others may not.
  BlockBuilder builder(static_cast<int>(1 + random.Uniform(3)));
  uint64_t offset = 0;
  std::vector<std::string> separators;
  for (auto& [separator, handle] : model) {
    handle = {.offset = offset, .size = random.Uniform(5000)};
    offset = handle.end();
    builder.Add(separator, Handle(handle.offset, handle.size));
    separators.push_back(separator);
  }
  const auto index = TableIndex::Parse(builder.Finish(), "t.sst", 0);
  RC_ASSERT(index.ok());
  RC_ASSERT(index->blocks() == model.size());
  Block::Iterator separator;
  for (size_t i = 0; i < separators.size(); ++i) {
    RC_ASSERT(index->handle(i) == model[separators[i]]);
    index->ReadSeparator(i, &separator);
    RC_ASSERT(separator.key() == separators[i]);
    RC_ASSERT(index->Find(separators[i]) == i);
  }
  for (int n = 0; n < 100; ++n) {
    const std::string target =
        MakeInternalKey((random.OneIn(3) ? "" : prefix) + UserKey(random),
                        random.Uniform(22), ValueType::kValue);
    const auto expected = std::lower_bound(separators.begin(), separators.end(),
                                           target, InternalLess());
    RC_ASSERT(index->Find(target) ==
              static_cast<size_t>(expected - separators.begin()));
  }
}

TEST(TableIndexTest, RefusesWhatIsNoHandle) {
  const std::string key = MakeInternalKey("k", 1, ValueType::kValue);
  for (const std::string& value :
       {std::string(), std::string("\1"), std::string("\1\2\3")}) {
    BlockBuilder builder(1);
    builder.Add(key, value);
    const auto index = TableIndex::Parse(builder.Finish(), "t.sst", 77);
    EXPECT_TRUE(absl::IsDataLoss(index.status())) << index.status();
  }
  EXPECT_TRUE(absl::IsDataLoss(TableIndex::Parse("", "t.sst", 77).status()));
}

}  // namespace
}  // namespace holdfast
