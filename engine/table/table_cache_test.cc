#include "engine/table/table_cache.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "engine/epoch/epoch.h"
#include "engine/format/file_names.h"
#include "engine/format/internal_key.h"
#include "engine/table/block_cache.h"
#include "engine/table/memory_files.h"
#include "engine/table/table_builder.h"
#include "engine/table/table_reader.h"
#include "engine/table/table_testing.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

constexpr char kDir[] = "/db";

// Tables with one entry that says which one it is.
class TableCacheTest : public testing::Test {
 protected:
  struct Table {
    uint64_t number;
    uint64_t bytes;
    std::unique_ptr<TableSlot> slot = std::make_unique<TableSlot>();
  };

  static uint64_t Identity(uint64_t number) { return number * 1000; }
  static std::string ValueOf(uint64_t number) {
    return absl::StrCat("of table ", number);
  }

  void MakeTables(int count) {
    for (int i = 0; i < count; ++i) {
      const uint64_t number = 100 + static_cast<uint64_t>(i);
      BuiltTable built = BuildTable(
          {}, {{MakeInternalKey("key", 1, ValueType::kValue), ValueOf(number)}},
          number, Identity(number));
      tables_.push_back({.number = number, .bytes = built.bytes.size()});
      files_.files[TableFileName(kDir, number)] =
          std::make_shared<const std::string>(std::move(built.bytes));
    }
  }

  TableCache& MakeCache(int max_open_tables) {
    cache_ = std::make_unique<TableCache>(&files_, kDir, &blocks_, &epochs_,
                                          max_open_tables);
    return *cache_;
  }

  // Reads the entry of the table through Get.
  absl::Status Read(const Table& table) {
    const EpochDomain::Guard guard = epochs_.Pin();
    absl::StatusOr<const TableReader*> reader = cache_->Get(
        *table.slot, table.number, table.bytes, Identity(table.number));
    if (!reader.ok()) return reader.status();
    return Check(**reader, table.number);
  }
  absl::StatusOr<std::shared_ptr<const TableReader>> Acquire(
      const Table& table) {
    return cache_->Acquire(*table.slot, table.number, table.bytes,
                           Identity(table.number));
  }
  static absl::Status Check(const TableReader& reader, uint64_t number) {
    absl::StatusOr<std::string> found = TableGet(reader, "key", 9);
    if (!found.ok()) return found.status();
    EXPECT_EQ(*found, "value@1:" + ValueOf(number));
    return absl::OkStatus();
  }

  MemoryFiles files_;
  EpochDomain epochs_;
  BlockCache blocks_{size_t{1} << 20};
  std::unique_ptr<TableCache> cache_;
  std::vector<Table> tables_;  // Gone before the cache.
};

TEST_F(TableCacheTest, OpensATableOnce) {
  MakeTables(1);
  TableCache& cache = MakeCache(10);
  EXPECT_EQ(cache.open_tables(), 0u);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Read(tables_[0]).ok());
  EXPECT_TRUE(Acquire(tables_[0]).ok());
  EXPECT_EQ(files_.opens.calls, 1);
  EXPECT_EQ(cache.open_tables(), 1u);
}

TEST_F(TableCacheTest, ForgetsTheBlocksOfOneTable) {
  MakeTables(2);
  TableCache& cache = MakeCache(10);
  cache.ForgetBlocks(*tables_[0].slot);  // It is not open: nothing is there.
  for (const Table& table : tables_) ASSERT_TRUE(Read(table).ok());
  EXPECT_EQ(blocks_.entries(), 2u);
  cache.ForgetBlocks(*tables_[0].slot);
  EXPECT_EQ(blocks_.entries(), 1u);
  EXPECT_NE(blocks_.Lookup(BlockCacheKey(Identity(101), 0)), nullptr);
  EXPECT_TRUE(Read(tables_[0]).ok());
}

TEST_F(TableCacheTest, KeepsNoMoreThanItMay) {
  MakeTables(10);
  TableCache& cache = MakeCache(3);
  for (int round = 0; round < 3; ++round) {
    for (const Table& table : tables_) {
      EXPECT_TRUE(Read(table).ok());
      EXPECT_LE(cache.open_tables(), 3u);
      epochs_.Reclaim();
      EXPECT_LE(files_.open_files, 4);
    }
  }
  EXPECT_EQ(cache.open_tables(), 3u);
}

TEST_F(TableCacheTest, ClosesWhatWasNotUsedLately) {
  MakeTables(20);
  MakeCache(4);
  // Table 0 is read between any two others.
  for (const Table& table : tables_) {
    EXPECT_TRUE(Read(table).ok());
    EXPECT_TRUE(Read(tables_[0]).ok());
  }
  // Not once per round: all bits are set at times, and the hand takes what it
  // stands on.
  EXPECT_LE(files_.opens.calls, 20 + 6);
}

TEST_F(TableCacheTest, EvictedTableLivesWhileAGuardDoes) {
  MakeTables(1);
  TableCache& cache = MakeCache(10);
  {
    const EpochDomain::Guard guard = epochs_.Pin();
    const auto reader = cache.Get(*tables_[0].slot, tables_[0].number,
                                  tables_[0].bytes, Identity(100));
    ASSERT_TRUE(reader.ok());
    cache.Evict(*tables_[0].slot);
    EXPECT_EQ(cache.open_tables(), 0u);
    epochs_.Reclaim();
    EXPECT_EQ(files_.open_files, 1);
    EXPECT_TRUE(Check(**reader, 100).ok());
  }
  epochs_.Reclaim();
  EXPECT_EQ(files_.open_files, 0);
  cache.Evict(*tables_[0].slot);  // Nothing to do.
  EXPECT_TRUE(Read(tables_[0]).ok());
  EXPECT_EQ(files_.opens.calls, 2);
}

TEST_F(TableCacheTest, AcquiredTableLivesWithoutAGuard) {
  MakeTables(1);
  TableCache& cache = MakeCache(10);
  auto reader = Acquire(tables_[0]);
  ASSERT_TRUE(reader.ok());
  cache.Evict(*tables_[0].slot);
  epochs_.Reclaim();
  EXPECT_TRUE(Check(**reader, 100).ok());
  reader->reset();
  EXPECT_EQ(files_.open_files, 0);
}

TEST_F(TableCacheTest, SlotTakesItsTableAlong) {
  MakeTables(3);
  TableCache& cache = MakeCache(10);
  for (const Table& table : tables_) EXPECT_TRUE(Read(table).ok());
  tables_.erase(tables_.begin());
  EXPECT_EQ(cache.open_tables(), 2u);
  epochs_.Reclaim();
  EXPECT_EQ(files_.open_files, 2);
  for (const Table& table : tables_) EXPECT_TRUE(Read(table).ok());
  EXPECT_EQ(files_.opens.calls, 3);
}

TEST_F(TableCacheTest, MissingFileIsDataLoss) {
  MakeTables(1);
  MakeCache(10);
  files_.files.clear();
  const absl::Status status = Read(tables_[0]);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), TableFileName(kDir, 100)));
}

TEST_F(TableCacheTest, FailedOpeningIsTriedAgainNextTime) {
  MakeTables(1);
  TableCache& cache = MakeCache(10);
  for (FaultCounter* faults : {&files_.opens, &files_.reads}) {
    cache.Evict(*tables_[0].slot);
    faults->fail_at = faults->calls.load();
    EXPECT_EQ(Read(tables_[0]), faults->error);
    EXPECT_EQ(cache.open_tables(), 0u);
    EXPECT_TRUE(Read(tables_[0]).ok());
  }
}

TEST_F(TableCacheTest, TooManyOpenFilesMakesRoom) {
  MakeTables(40);
  MakeCache(100);
  files_.max_open_files = 10;
  // Method: without a guard the closed tables go at once, with one they go
  // after it, so that the second try of the caller succeeds.
  for (const Table& table : tables_) {
    EXPECT_TRUE(Acquire(table).ok());
    EXPECT_LE(files_.open_files, 10);
  }
  int refused = 0;
  for (const Table& table : tables_) {
    absl::Status status = Read(table);
    if (absl::IsResourceExhausted(status)) {
      ++refused;
      status = Read(table);
    }
    EXPECT_TRUE(status.ok()) << status;
  }
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, 10);
}

TEST_F(TableCacheTest, ManyThreadsShareFewOpenTables) {
  MakeTables(24);
  TableCache& cache = MakeCache(5);
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    threads.emplace_back([&, seed] {
      Random random(seed);
      for (int i = 0; i < 3000; ++i) {
        const Table& table = tables_[random.Uniform(tables_.size())];
        const uint64_t what = random.Uniform(20);
        if (what == 0) {
          cache.Evict(*table.slot);
        } else if (what == 1) {
          const auto reader = Acquire(table);
          failures += !reader.ok() || !Check(**reader, table.number).ok();
        } else {
          failures += !Read(table).ok();
        }
        if (cache.open_tables() > 5) ++failures;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  tables_.clear();
  EXPECT_EQ(cache.open_tables(), 0u);
  epochs_.Reclaim();
  EXPECT_EQ(files_.open_files, 0);
}

TEST_F(TableCacheTest, ThreadsThatOpenOneTableAtATimeGetTheSameReader) {
  TableCache& cache = MakeCache(100);
  MakeTables(50);
  for (const Table& table : tables_) {
    std::atomic<int> waiting{4};
    std::vector<const TableReader*> got(4);
    std::vector<std::thread> threads;
    for (size_t i = 0; i < got.size(); ++i) {
      threads.emplace_back([&, i] {
        const EpochDomain::Guard guard = epochs_.Pin();
        --waiting;
        while (waiting > 0) std::this_thread::yield();
        const auto reader = cache.Get(*table.slot, table.number, table.bytes,
                                      Identity(table.number));
        if (reader.ok()) got[i] = *reader;
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const TableReader* reader : got) {
      EXPECT_NE(reader, nullptr);
      EXPECT_EQ(reader, got[0]);
    }
  }
  EXPECT_EQ(files_.open_files, 50);
}

}  // namespace
}  // namespace holdfast
