// Values and keys at their limits, and a key with very many versions.

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "env/posix/temp_directory.h"
#include "gtest/gtest.h"
#include "holdfast/db.h"
#include "tests/util/contents.h"
#include "tests/util/open.h"
#include "tests/util/status_testing.h"

namespace holdfast {
namespace {

// Bytes that do not compress, different for each seed.
std::string Noise(size_t size, uint64_t seed) {
  Random random(seed);
  std::string bytes(size, '\0');
  for (size_t i = 0; i + 8 <= size; i += 8) {
    const uint64_t word = random.Next64();
    bytes.replace(i, 8, reinterpret_cast<const char*>(&word), 8);
  }
  return bytes;
}

class BigValuesTest : public testing::Test {
 protected:
  BigValuesTest() { Open(); }

  void Open() {
    db_.reset();
    db_ = OpenOrDie(TinyOptions(), directory_.File("db"));
  }

  // Reads one value in each way there is, from the log's memtable, from a
  // table, and after reopening.
  void CheckValue(size_t size) {
    const std::string value = Noise(size, size);
    ASSERT_OK(db_->Put({}, "before", "1"));
    ASSERT_OK(db_->Put({}, "big", value));
    ASSERT_OK(db_->Put({}, "small", "2"));
    CheckFound(value);
    ASSERT_OK(db_->Close());
    Open();  // From the log.
    CheckFound(value);
    ASSERT_OK(db_->CompactRange({}, {}));
    CheckFound(value);
    ASSERT_OK(db_->VerifyChecksums());
    ASSERT_OK(db_->Delete({}, "big"));
    ASSERT_OK(db_->CompactRange({}, {}));
    EXPECT_CODE(db_->Get({}, "big"), kNotFound);
    uint64_t bytes = 0;
    for (const LevelStats& level : db_->Stats().levels) bytes += level.bytes;
    EXPECT_LT(bytes, size / 2);  // Its space is free again.
  }
  void CheckFound(const std::string& value) {
    PinnedValue pin;
    ASSERT_OK(db_->Get({}, "big", &pin));
    EXPECT_TRUE(pin.view() == value);
    const auto it = db_->NewIterator({});
    it->SeekToFirst();
    ASSERT_TRUE(it->Valid());
    EXPECT_EQ(it->key(), "before");
    it->Next();
    ASSERT_TRUE(it->Valid());
    EXPECT_EQ(it->key(), "big");
    EXPECT_TRUE(it->value() == value);
    it->Next();
    ASSERT_TRUE(it->Valid());
    EXPECT_EQ(it->key(), "small");
    EXPECT_EQ(it->value(), "2");
  }

  TempDirectory directory_;
  std::unique_ptr<DB> db_;
};

TEST_F(BigValuesTest, OneMiB) { CheckValue(size_t{1} << 20); }

TEST_F(BigValuesTest, OneHundredMiB) { CheckValue(size_t{100} << 20); }

// Runs by hand: --gtest_also_run_disabled_tests, 8 GiB of memory, 4 of disk.
TEST_F(BigValuesTest, DISABLED_LargestValue) { CheckValue(kMaxValueBytes); }

TEST_F(BigValuesTest, SizesAroundTheLimitsOfLogFragments) {
  Contents expected;
  for (const size_t base :
       {size_t{1} << 16, size_t{1} << 18, size_t{1} << 19, size_t{1} << 20}) {
    for (const int delta : {-60, -40, -33, -32, -31, -25, -24, -23, -1, 0, 1}) {
      const size_t size = base + static_cast<size_t>(delta);
      const std::string key = absl::StrCat("size", size);
      expected[key] = Noise(size, size);
      ASSERT_OK(db_->Put({}, key, expected[key]));
    }
  }
  EXPECT_TRUE(Holds(*db_, expected));
  ASSERT_OK(db_->Close());
  Open();
  EXPECT_TRUE(Holds(*db_, expected));
  ASSERT_OK(db_->CompactRange({}, {}));
  EXPECT_TRUE(Holds(*db_, expected));
}

TEST_F(BigValuesTest, LargestKeys) {
  Contents expected;
  for (int i = 0; i < 40; ++i) {
    // They differ in the last byte, in the first, and in length.
    std::string key(kMaxKeyBytes, 'k');
    if (i % 3 == 0) key.back() = static_cast<char>(i);
    if (i % 3 == 1) key.front() = static_cast<char>(i);
    if (i % 3 == 2) key.resize(key.size() - static_cast<size_t>(i));
    expected[key] = absl::StrCat(i);
    ASSERT_OK(db_->Put({}, key, expected[key]));
  }
  EXPECT_TRUE(Holds(*db_, expected));
  ASSERT_OK(db_->Close());
  Open();
  EXPECT_TRUE(Holds(*db_, expected));
  ASSERT_OK(db_->CompactRange({}, {}));
  EXPECT_TRUE(Holds(*db_, expected));
  EXPECT_OK(db_->VerifyChecksums());
}

TEST_F(BigValuesTest, ManyVersionsOfOneKey) {
  constexpr int kVersions = 20'000;
  std::shared_ptr<const Snapshot> half;
  for (int i = 1; i <= kVersions; ++i) {
    ASSERT_OK(db_->Put({}, "key", absl::StrCat(i)));
    if (i == kVersions / 2) half = db_->GetSnapshot();
  }
  ReadOptions as_of_half;
  as_of_half.snapshot = half.get();
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(Holds(*db_, {{"key", absl::StrCat(kVersions)}}));
    EXPECT_TRUE(
        Holds(*db_, {{"key", absl::StrCat(kVersions / 2)}}, as_of_half));
    ASSERT_OK(db_->CompactRange({}, {}));
  }
  uint64_t entries = 0;
  for (const LevelStats& level : db_->Stats().levels) entries += level.entries;
  EXPECT_EQ(entries, 2u);
}

TEST_F(BigValuesTest, BatchOfVeryManyChanges) {
  constexpr int kChanges = 200'000;
  WriteBatch batch;
  for (int i = 0; i < kChanges; ++i) {
    batch.Put(absl::StrCat("key", i % 1000), absl::StrCat(i));
  }
  ASSERT_OK(db_->Write({}, batch));
  Contents expected;
  for (int i = kChanges - 1000; i < kChanges; ++i) {
    expected[absl::StrCat("key", i % 1000)] = absl::StrCat(i);
  }
  EXPECT_TRUE(Holds(*db_, expected));
  ASSERT_OK(db_->Close());
  Open();
  EXPECT_TRUE(Holds(*db_, expected));
}

}  // namespace
}  // namespace holdfast
