// Real threads, to be run under ThreadSanitizer too: what readers see while
// others write, flush and compact. Each test is a fixed amount of work; what
// is left to chance is only the interleaving.

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
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

#ifdef HOLDFAST_SANITIZER
constexpr int kScale = 1;
#else
constexpr int kScale = 4;
#endif

// Runs `writers`, and the `others` again and again until the writers are done.
void RunTogether(std::vector<std::function<void()>> writers,
                 std::vector<std::function<void()>> others) {
  std::atomic<bool> done{false};
  std::vector<std::thread> writer_threads;
  std::vector<std::thread> other_threads;
  for (auto& body : writers) writer_threads.emplace_back(std::move(body));
  for (auto& body : others) {
    other_threads.emplace_back([&done, body = std::move(body)] {
      do {
        body();
      } while (!done.load() && !testing::Test::HasFailure());
    });
  }
  for (std::thread& thread : writer_threads) thread.join();
  done = true;
  for (std::thread& thread : other_threads) thread.join();
}

class ConcurrencyTest : public testing::Test {
 protected:
  ConcurrencyTest() : db_(OpenOrDie(TinyOptions(), directory_.File("db"))) {}

  // Work that must change nothing for readers.
  std::function<void()> Flushing() {
    return [this] { EXPECT_OK(db_->Flush()); };
  }
  std::function<void()> Compacting() {
    return [this] { EXPECT_OK(db_->CompactRange({}, {})); };
  }

  TempDirectory directory_;
  std::unique_ptr<DB> db_;
};

// Each batch sets "left" and "right" of a pair to one value, or deletes both:
// whoever looks finds them equal.
TEST_F(ConcurrencyTest, ReadersSeeBatchesWholeOrNotAtAll) {
  constexpr int kPairs = 8;
  const auto key = [](const char* side, int pair) {
    return absl::StrCat(side, pair);
  };
  const auto writer = [&](int number) {
    return [&, number] {
      Random random(static_cast<uint64_t>(number));
      for (int i = 0; i < 300 * kScale; ++i) {
        const int pair = static_cast<int>(random.Uniform(kPairs));
        WriteBatch batch;
        if (random.OneIn(8)) {
          batch.Delete(key("left", pair));
          batch.Delete(key("right", pair));
        } else {
          const std::string value = absl::StrCat(
              number, "-", i, "-", std::string(random.Uniform(600), 'x'));
          batch.Put(key("left", pair), value);
          batch.Put(key("right", pair), value);
        }
        EXPECT_OK(db_->Write({}, batch));
      }
    };
  };
  const auto read_by_snapshot = [&] {
    const auto snapshot = db_->GetSnapshot();
    ReadOptions options;
    options.snapshot = snapshot.get();
    for (int pair = 0; pair < kPairs; ++pair) {
      const auto left = db_->Get(options, key("left", pair));
      PinnedValue right;
      const absl::Status status = db_->Get(options, key("right", pair), &right);
      ASSERT_EQ(left.status().code(), status.code());
      if (left.ok()) {
        ASSERT_EQ(*left, right.view());
      } else {
        ASSERT_CODE(left, kNotFound);
      }
    }
  };
  const auto read_by_iterator = [&](bool forward) {
    return [&, forward] {
      const auto contents = forward ? ReadForward(*db_) : ReadBackward(*db_);
      ASSERT_OK(contents);
      for (int pair = 0; pair < kPairs; ++pair) {
        const auto left = contents->find(key("left", pair));
        const auto right = contents->find(key("right", pair));
        ASSERT_EQ(left == contents->end(), right == contents->end());
        if (left != contents->end()) {
          ASSERT_EQ(left->second, right->second);
        }
      }
    };
  };
  RunTogether({writer(1), writer(2), writer(3)},
              {read_by_snapshot, read_by_iterator(true),
               read_by_iterator(false), Flushing(), Compacting()});
  EXPECT_OK(db_->VerifyChecksums());
}

// A register is written by one thread, with rising numbers. A reader must find
// no less than was acknowledged before it began, nor more than was begun when
// it ended, and never less than it found before.
TEST_F(ConcurrencyTest, RegistersAreLinearizable) {
  constexpr int kRegisters = 4;
  const int writes = 500 * kScale;
  struct Register {
    std::atomic<int> begun{0};
    std::atomic<int> acknowledged{0};
  };
  std::vector<Register> registers(kRegisters);
  std::vector<std::function<void()>> writers;
  for (int n = 0; n < kRegisters; ++n) {
    writers.push_back([&, n] {
      for (int i = 1; i <= writes; ++i) {
        registers[n].begun = i;
        ASSERT_OK(db_->Put({}, absl::StrCat("register", n),
                           absl::StrCat(i, " ", std::string(300, 'x'))));
        registers[n].acknowledged = i;
      }
    });
  }
  const auto reader = [&](uint64_t seed) {
    return [&, last = std::vector<int>(kRegisters, 0),
            random = Random(seed)]() mutable {
      const int n = static_cast<int>(random.Uniform(kRegisters));
      const int least = registers[n].acknowledged;
      const auto value = db_->Get({}, absl::StrCat("register", n));
      const int most = registers[n].begun;
      int found = 0;
      if (value.ok()) {
        ASSERT_TRUE(
            absl::SimpleAtoi(value->substr(0, value->find(' ')), &found));
      } else {
        ASSERT_CODE(value, kNotFound);
      }
      ASSERT_GE(found, least);
      ASSERT_LE(found, most);
      ASSERT_GE(found, last[n]);
      last[n] = found;
    };
  };
  RunTogether(std::move(writers),
              {reader(1), reader(2), Flushing(), Compacting()});
}

// Two reads in a row through snapshots: the second never sees less.
TEST_F(ConcurrencyTest, SnapshotsAndIteratorsStandStill) {
  constexpr int kKeys = 50;
  for (int i = 0; i < kKeys; ++i) {
    ASSERT_OK(db_->Put({}, absl::StrCat("key", i), "0"));
  }
  const auto writer = [&](uint64_t seed) {
    return [&, seed] {
      Random random(seed);
      for (int i = 0; i < 400 * kScale; ++i) {
        const std::string key = absl::StrCat("key", random.Uniform(kKeys));
        if (random.OneIn(5)) {
          EXPECT_OK(db_->Delete({}, key));
        } else {
          EXPECT_OK(db_->Put({}, key, absl::StrCat(i, std::string(500, 'x'))));
        }
      }
    };
  };
  const auto reader = [&] {
    const auto snapshot = db_->GetSnapshot();
    ReadOptions options;
    options.snapshot = snapshot.get();
    const auto first = ReadForward(*db_, options);
    ASSERT_OK(first);
    const auto it = db_->NewIterator({});
    it->SeekToFirst();
    ASSERT_TRUE(Holds(*db_, *first, options));
    ASSERT_TRUE(Holds(*db_, *first, options));
    Contents forward;
    for (; it->Valid(); it->Next()) forward.emplace(it->key(), it->value());
    ASSERT_OK(it->status());
    Contents backward;
    for (it->SeekToLast(); it->Valid(); it->Prev()) {
      backward.emplace(it->key(), it->value());
    }
    ASSERT_OK(it->status());
    ASSERT_TRUE(Same(backward, forward));
  };
  RunTogether({writer(1), writer(2)},
              {reader, reader, Flushing(), Compacting()});
  EXPECT_EQ(db_->Stats().snapshots, 0u);
}

// Many threads, synced and not, logged and not, on keys of their own: each
// finds what it wrote at once, and all is there at the end and after.
TEST_F(ConcurrencyTest, ManyWritersLoseNothing) {
  constexpr int kThreads = 12;
  const int writes = 60 * kScale;
  const auto key = [](int thread, int i) {
    return absl::StrCat("thread", thread, "/", i);
  };
  std::vector<std::function<void()>> writers;
  for (int thread = 0; thread < kThreads; ++thread) {
    writers.push_back([&, thread] {
      for (int i = 0; i < writes; ++i) {
        WriteOptions options;
        options.sync = thread % 3 == 0 && i % 4 == 0;
        const std::string value = absl::StrCat(i, std::string(400, 'x'));
        ASSERT_OK(db_->Put(options, key(thread, i), value));
        const auto found = db_->Get({}, key(thread, i));
        ASSERT_OK(found);
        ASSERT_EQ(*found, value);
        if (thread % 5 == 4 && i % 10 == 0) ASSERT_OK(db_->SyncWal());
      }
    });
  }
  RunTogether(std::move(writers), {[&] {
                const DbStats stats = db_->Stats();
                EXPECT_LE(stats.memtables, 16u);
                EXPECT_EQ(db_->Health().state, HealthState::kHealthy);
              }});
  Contents expected;
  for (int thread = 0; thread < kThreads; ++thread) {
    for (int i = 0; i < writes; ++i) {
      expected[key(thread, i)] = absl::StrCat(i, std::string(400, 'x'));
    }
  }
  EXPECT_TRUE(Holds(*db_, expected));
  EXPECT_EQ(db_->Stats().last_sequence, expected.size());
  ASSERT_OK(db_->Close());
  db_.reset();
  db_ = OpenOrDie(TinyOptions(), directory_.File("db"));
  EXPECT_TRUE(Holds(*db_, expected));
}

// Batches of increments of one writer each, read back in the order of the log:
// what is recovered is the last of each.
TEST_F(ConcurrencyTest, RecoveryGivesWhatReadersSaw) {
  const auto writer = [&](int number) {
    return [&, number] {
      Random random(static_cast<uint64_t>(number));
      for (int i = 0; i < 200 * kScale; ++i) {
        // All writers fight for the same keys: only the order decides.
        WriteBatch batch;
        for (int change = 0; change < 3; ++change) {
          batch.Put(absl::StrCat("key", random.Uniform(20)),
                    absl::StrCat(number, "-", i));
        }
        WriteOptions options;
        options.sync = random.OneIn(20);
        EXPECT_OK(db_->Write(options, batch));
      }
    };
  };
  RunTogether({writer(1), writer(2), writer(3), writer(4)}, {});
  const auto seen = ReadForward(*db_);
  ASSERT_OK(seen);
  ASSERT_OK(db_->Close());
  db_.reset();
  db_ = OpenOrDie(TinyOptions(), directory_.File("db"));
  EXPECT_TRUE(Holds(*db_, *seen));
}

TEST_F(ConcurrencyTest, MaintenanceCallsMayMeet) {
  const auto writer = [&] {
    for (int i = 0; i < 200 * kScale; ++i) {
      ASSERT_OK(db_->Put({}, absl::StrCat("key", i),
                         std::string(700, static_cast<char>('a' + i % 26))));
    }
  };
  RunTogether({writer},
              {Flushing(), Flushing(), Compacting(), Compacting(),
               [&] { EXPECT_OK(db_->CompactRange("key1", "key3")); },
               [&] { EXPECT_OK(db_->WaitForBackgroundWork()); },
               [&] { EXPECT_OK(db_->VerifyChecksums()); },
               [&] { EXPECT_OK(db_->Resume()); },  // Healthy: nothing to do.
               [&] { EXPECT_OK(db_->SyncWal()); }});
  EXPECT_EQ(db_->Health().state, HealthState::kHealthy);
}

TEST_F(ConcurrencyTest, SlowWritersMakeNobodyWaitForEver) {
  // Limits that writers reach at once.
  db_.reset();
  Options options = TinyOptions();
  options.max_memtables = 2;
  options.level0_compaction_trigger = 1;
  options.level0_slowdown_trigger = 1;
  options.level0_stop_trigger = 2;
  options.background_threads = 1;
  db_ = OpenOrDie(options, directory_.File("db"));
  const auto writer = [&](int number) {
    return [&, number] {
      for (int i = 0; i < 75 * kScale; ++i) {
        ASSERT_OK(
            db_->Put({}, absl::StrCat(number, "/", i), std::string(2000, 'x')));
      }
    };
  };
  RunTogether({writer(1), writer(2), writer(3), writer(4)}, {});
  const DbStats stats = db_->Stats();
  EXPECT_GT(stats.stall_delays_total + stats.stall_stops_total, 0u);
  const auto contents = ReadForward(*db_);
  ASSERT_OK(contents);
  EXPECT_EQ(contents->size(), static_cast<size_t>(300 * kScale));
}

}  // namespace
}  // namespace holdfast
