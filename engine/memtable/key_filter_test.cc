#include "engine/memtable/key_filter.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/checksum.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

uint64_t HashOf(int i) { return HashKey(absl::StrCat("key", i)); }

TEST(KeyFilterTest, HasEveryKeyThatWasAdded) {
  // Also when it is much too small.
  for (const size_t bytes : {8, 64, 1000, 20'000}) {
    KeyFilter filter(bytes);
    for (int i = 0; i < 10'000; ++i) filter.Add(HashOf(i));
    for (int i = 0; i < 10'000; ++i) {
      ASSERT_TRUE(filter.MayContain(HashOf(i))) << i;
    }
  }
}

TEST(KeyFilterTest, HasFewOthers) {
  constexpr int kKeys = 10'000;
  KeyFilter filter(kKeys * 10 / 8);
  EXPECT_FALSE(filter.MayContain(HashOf(0)));
  for (int i = 0; i < kKeys; ++i) filter.Add(HashOf(i));
  int wrong = 0;
  for (int i = 0; i < kKeys; ++i) wrong += filter.MayContain(HashOf(kKeys + i));
  EXPECT_LT(wrong, kKeys * 5 / 100);
}

// Goal: neither part says more often than it should that a key is there: not
// the first while it is filled, nor both together.
TEST(KeyFilterTest, HasFewOthersAtEverySize) {
  constexpr int kKeys = 40'000;
  KeyFilter filter(kKeys * 10 / 8);
  int added = 0;
  for (const int keys : {100, 1000, 1200, 5000, 20'000}) {
    for (; added < keys; ++added) filter.Add(HashOf(added));
    int wrong = 0;
    for (int i = 0; i < 10'000; ++i) wrong += filter.MayContain(HashOf(-i - 1));
    EXPECT_LT(wrong, 10'000 * 2 / 100) << keys;
    for (int i = 0; i < keys; ++i) ASSERT_TRUE(filter.MayContain(HashOf(i)));
  }
}

TEST(KeyFilterTest, OfNoBytesExcludesNothing) {
  KeyFilter filter(0);
  EXPECT_EQ(filter.memory_bytes(), 0u);
  filter.Add(HashOf(1));
  EXPECT_TRUE(filter.MayContain(HashOf(1)));
  EXPECT_TRUE(filter.MayContain(HashOf(2)));
}

}  // namespace
}  // namespace holdfast
