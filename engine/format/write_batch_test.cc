#include "holdfast/write_batch.h"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/coding.h"
#include "base/random.h"
#include "engine/format/golden_page.h"
#include "engine/format/internal_key.h"
#include "engine/format/wal_record.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

constexpr std::string_view kPage = "docs/formats/write_batch.md";

// Writes down what it is called for.
class Listing : public WriteBatch::Handler {
 public:
  void Put(std::string_view key, std::string_view value) override {
    calls_.push_back("put " + std::string(key) + " " + std::string(value));
  }
  void Delete(std::string_view key) override {
    calls_.push_back("delete " + std::string(key));
  }
  const std::vector<std::string>& calls() const { return calls_; }

 private:
  std::vector<std::string> calls_;
};

std::vector<std::string> List(const WriteBatch& batch) {
  Listing listing;
  batch.Iterate(listing);
  return listing.calls();
}

// The same by ForEachChange.
absl::StatusOr<std::vector<std::string>> List(std::string_view changes,
                                              uint32_t count) {
  Listing listing;
  const absl::Status status = ForEachChange(
      changes, count,
      [&listing](ValueType type, std::string_view key, std::string_view value) {
        if (type == ValueType::kValue) {
          listing.Put(key, value);
        } else {
          listing.Delete(key);
        }
      });
  if (!status.ok()) return status;
  return listing.calls();
}

WriteBatch Example() {
  WriteBatch batch;
  batch.Delete("alice");
  batch.Put("bob", "7");
  return batch;
}

using Calls = std::vector<std::string>;

TEST(WriteBatchTest, KeepsTheChangesInOrder) {
  WriteBatch batch = Example();
  EXPECT_EQ(batch.count(), 2);
  EXPECT_FALSE(batch.empty());
  EXPECT_EQ(List(batch), Calls({"delete alice", "put bob 7"}));
  batch.Append(batch);
  EXPECT_EQ(batch.count(), 4);
  EXPECT_EQ(List(batch),
            Calls({"delete alice", "put bob 7", "delete alice", "put bob 7"}));
  batch.Clear();
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.size_bytes(), 0);
  EXPECT_EQ(List(batch), Calls());
  batch.Put("", "");
  EXPECT_EQ(List(batch), Calls({"put  "}));
}

TEST(WriteBatchTest, MatchesTheFormatPage) {
  const WriteBatch batch = Example();
  EXPECT_TRUE(MatchesGolden(kPage, "changes", batch.rep()));
  std::string record;
  AppendWalRecordPrefix(&record, 0x010203, batch.count());
  record.append(batch.rep());
  EXPECT_TRUE(MatchesGolden(kPage, "wal_record", record));

  const std::string golden = GoldenBytes(kPage, "wal_record");
  const absl::StatusOr<WalRecord> decoded = DecodeWalRecord(golden);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->first_sequence, 0x010203);
  EXPECT_EQ(*List(decoded->changes, decoded->count),
            Calls({"delete alice", "put bob 7"}));
}

TEST(WriteBatchTest, ChecksItsLimits) {
  WriteBatch batch;
  batch.Put(std::string(kMaxKeyBytes, 'k'), "");
  batch.Delete(std::string(kMaxKeyBytes, 'k'));
  EXPECT_TRUE(batch.CheckLimits().ok());
  EXPECT_TRUE(List(batch.rep(), batch.count()).ok());
  const std::string long_key(kMaxKeyBytes + 1, 'k');
  for (const bool put : {true, false}) {
    WriteBatch over;
    if (put) {
      over.Put(long_key, "");
    } else {
      over.Delete(long_key);
    }
    EXPECT_EQ(over.CheckLimits().code(), absl::StatusCode::kInvalidArgument);
    // Such a batch may be looked at, but is not taken from a log.
    EXPECT_EQ(List(over).size(), 1);
    EXPECT_FALSE(List(over.rep(), over.count()).ok());
    WriteBatch holder;
    holder.Append(over);
    EXPECT_FALSE(holder.CheckLimits().ok());
    holder.Clear();
    EXPECT_TRUE(holder.CheckLimits().ok());
  }
}

#ifndef HOLDFAST_SANITIZER  // Slow there.
TEST(WriteBatchTest, ChecksTheLimitsOfValuesAndTheWhole) {
  // Zeros that take no memory until they are copied.
  const size_t bytes = kMaxValueBytes + (size_t{2} << 20);
  const std::unique_ptr<char, decltype(&std::free)> zeros(
      static_cast<char*>(std::calloc(bytes, 1)), &std::free);
  ASSERT_NE(zeros, nullptr);
  const std::string_view value(zeros.get(), bytes);
  WriteBatch batch;
  batch.Put("k", value);
  EXPECT_EQ(batch.CheckLimits().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(
      ForEachChange(batch.rep(), 1,
                    [](ValueType, std::string_view, std::string_view) {})
          .ok());
  batch.Clear();  // Keeps the memory for what follows.
  batch.Put("k", value.substr(0, kMaxValueBytes));
  EXPECT_TRUE(batch.CheckLimits().ok());
  EXPECT_TRUE(
      ForEachChange(batch.rep(), 1,
                    [](ValueType, std::string_view, std::string_view) {})
          .ok());
  batch.Put("k", value.substr(0, size_t{1} << 20));
  EXPECT_EQ(batch.CheckLimits().code(), absl::StatusCode::kInvalidArgument);
}
#endif

TEST(ForEachChangeTest, RefusesAWrongCount) {
  const WriteBatch batch = Example();
  for (uint32_t count = 0; count < 5; ++count) {
    EXPECT_EQ(List(batch.rep(), count).ok(), count == 2) << count;
  }
  EXPECT_TRUE(List("", 0).ok());
}

TEST(ForEachChangeTest, RefusesEveryTruncation) {
  const WriteBatch batch = Example();
  for (size_t size = 0; size < batch.size_bytes(); ++size) {
    EXPECT_EQ(List(batch.rep().substr(0, size), 2).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

TEST(ForEachChangeTest, RefusesUnknownTypesAndLongVarints) {
  for (int type = 2; type < 256; ++type) {
    const std::string changes =
        std::string(1, static_cast<char>(type)) + std::string("\x01k\x01v", 4);
    EXPECT_FALSE(List(changes, 1).ok());
  }
  EXPECT_TRUE(List(std::string("\x00\x01k", 3), 1).ok());
  EXPECT_FALSE(List(std::string("\x00\x81\x00k", 4), 1).ok());
  EXPECT_FALSE(
      List(std::string("\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01k", 12), 1)
          .ok());
}

RC_GTEST_PROP(WriteBatchProperty, RoundTrips, ()) {
  const auto pairs = *rc::gen::arbitrary<
      std::vector<std::tuple<bool, std::string, std::string>>>();
  WriteBatch batch;
  Listing expected;
  for (const auto& [put, key, value] : pairs) {
    if (put) {
      batch.Put(key, value);
      expected.Put(key, value);
    } else {
      batch.Delete(key);
      expected.Delete(key);
    }
  }
  RC_ASSERT(List(batch) == expected.calls());
  const auto listed = List(batch.rep(), batch.count());
  RC_ASSERT(listed.ok());
  RC_ASSERT(*listed == expected.calls());
}

RC_GTEST_PROP(WriteBatchProperty, WhatDecodesEncodesToTheSame,
              (uint64_t seed)) {
  // Goal: damaged changes are refused, or are other changes, never the same
  // ones in another spelling. Few different bytes, so that many are accepted.
  Random random(seed);
  for (int round = 0; round < 200; ++round) {
    std::string changes;
    for (uint64_t n = random.Uniform(12); n > 0; --n) {
      changes.push_back(static_cast<char>(random.Uniform(4)));
    }
    WriteBatch again;
    ChangeReader reader(changes);
    Change change;
    while (reader.Next(&change)) {
      if (change.type == ValueType::kValue) {
        again.Put(change.key, change.value);
      } else {
        again.Delete(change.key);
      }
    }
    RC_ASSERT(again.rep() ==
              std::string_view(changes).substr(0, reader.offset()));
    RC_ASSERT(reader.done() == (reader.offset() == changes.size()));
  }
}

RC_GTEST_PROP(WalRecordProperty, RoundTrips, (uint32_t count)) {
  const auto first =
      *rc::gen::inRange<SequenceNumber>(1, kMaxSequenceNumber - UINT32_MAX);
  std::string payload;
  AppendWalRecordPrefix(&payload, first, count);
  const size_t prefix_bytes = payload.size();
  payload += "changes";
  const absl::StatusOr<WalRecord> record = DecodeWalRecord(payload);
  RC_ASSERT(record.ok());
  RC_ASSERT(record->first_sequence == first);
  RC_ASSERT(record->count == count);
  RC_ASSERT(record->changes == "changes");
  for (size_t size = 0; size < prefix_bytes; ++size) {
    RC_ASSERT(!DecodeWalRecord(payload.substr(0, size)).ok());
  }
}

TEST(WalRecordTest, RefusesSequenceNumbersOutOfRange) {
  const auto decodes = [](uint64_t first, uint32_t count) {
    std::string payload;
    PutFixed64(&payload, first);
    PutVarint32(&payload, count);
    return DecodeWalRecord(payload).ok();
  };
  EXPECT_FALSE(decodes(0, 1));
  EXPECT_TRUE(decodes(1, 1));
  EXPECT_TRUE(decodes(1, 0));
  EXPECT_TRUE(decodes(kMaxSequenceNumber, 1));
  EXPECT_FALSE(decodes(kMaxSequenceNumber, 2));
  EXPECT_TRUE(decodes(kMaxSequenceNumber - 1, 2));
  EXPECT_FALSE(decodes(kMaxSequenceNumber + 1, 1));
  EXPECT_FALSE(decodes(UINT64_MAX, UINT32_MAX));
}

}  // namespace
}  // namespace holdfast
