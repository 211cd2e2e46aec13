// Background work and what follows when it fails: through the database, with
// every task run by hand. A hang is a failed check of the executor.

#include "engine/db/background.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/db/testing/harness.h"
#include "engine/db/testing/status_testing.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

absl::Status IoError() { return absl::InternalError("injected I/O error"); }
absl::Status NoSpace() { return absl::ResourceExhaustedError("disk full"); }

class BackgroundTest : public testing::Test {
 protected:
  // The hooks may look at what goes with the test; closing calls them.
  void TearDown() override { env_.fs.before = env_.fs.after = nullptr; }

  void Open(const Options& options = TinyOptions()) {
    auto db = OpenDb(&env_, options);
    ASSERT_OK(db);
    db_ = *std::move(db);
  }

  absl::Status Put(const std::string& key, size_t bytes = 10,
                   WriteOptions options = {}) {
    const std::string value = BigValue(absl::StrCat(key, ++puts_), bytes);
    absl::Status status = db_->Put(options, key, value);
    if (status.ok()) expected_[key] = value;
    return status;
  }

  // Fills a memtable: the write after it freezes it.
  absl::Status Fill() { return Put("filler", 70'000); }

  // Until a log is to be made ahead, which is when the memtable is half full.
  void HalfFill() {
    ASSERT_EQ(env_.manual_executor.pending(), 0u);
    for (int i = 0; env_.manual_executor.pending() == 0; ++i) {
      ASSERT_LT(i, 64);
      ASSERT_OK(Put(absl::StrCat("half", i), 1000));
    }
  }

  void ExpectContents() {
    const auto now = ReadAll(*db_);
    ASSERT_OK(now);
    EXPECT_TRUE(*now == expected_);
  }
  // Everything acknowledged is durable.
  void ExpectDurable() {
    const auto after = ContentsAfterCrash(
        env_.fs.Crash({[](const std::string&) { return Keep::kOld; },
                       [](const std::string&) { return false; }}));
    ASSERT_OK(after);
    EXPECT_TRUE(*after == expected_);
  }
  // As many tables on disk as in the version.
  void ExpectNoOrphans() {
    size_t tables = 0;
    for (const LevelStats& level : db_->Stats().levels) tables += level.tables;
    size_t found = 0;
    for (const std::string& name : env_.fs.Names(kDbDir)) {
      found += absl::EndsWith(name, ".sst");
      EXPECT_FALSE(absl::EndsWith(name, ".tmp")) << name;
    }
    EXPECT_EQ(found, tables);
  }

  void From(std::string op, std::string part, absl::Status error) {
    env_.fs.before = FailNth(0, Calls(std::move(op), std::move(part)),
                             std::move(error), /*for_ever=*/true);
  }
  void Heal() { env_.fs.before = nullptr; }

  ManualEnv env_;
  std::unique_ptr<DB> db_;
  Contents expected_;
  int puts_ = 0;
};

TEST_F(BackgroundTest, AStalledWriteGoesOnAfterAFlush) {
  Open();
  ASSERT_OK(Fill());
  ASSERT_OK(Fill());  // Freezes the first; two memtables are the most.
  EXPECT_EQ(db_->Stats().stall_stops_total, 0u);
  ASSERT_OK(Put("a"));
  EXPECT_EQ(db_->Stats().stall_stops_total, 1u);
  EXPECT_EQ(db_->Stats().flushes_total, 1u);
  ExpectContents();
}

TEST_F(BackgroundTest, AFlushWithoutSpaceHealsByItself) {
  Open();
  ASSERT_OK(Put("a"));
  ASSERT_OK(Fill());
  From("write", ".sst", NoSpace());
  ASSERT_OK(Put("b"));  // Freezes; the flush comes later.
  env_.manual_executor.RunAll();
  EXPECT_CODE(Put("c"), kResourceExhausted);
  EXPECT_EQ(db_->Health().state, HealthState::kHealthy);
  EXPECT_CODE(db_->Health().cause, kResourceExhausted);
  EXPECT_CODE(db_->Flush(), kResourceExhausted);
  EXPECT_CODE(db_->WaitForBackgroundWork(), kResourceExhausted);
  EXPECT_CODE(db_->CompactRange(std::nullopt, std::nullopt),
              kResourceExhausted);
  ExpectContents();
  ExpectNoOrphans();
  Heal();
  ASSERT_OK(Put("c"));
  EXPECT_OK(db_->Health().cause);
  ASSERT_OK(db_->Flush());
  ASSERT_OK(db_->WaitForBackgroundWork());
  ExpectContents();
  ExpectDurable();
  ExpectNoOrphans();
}

TEST_F(BackgroundTest, ResumeWithoutSpaceChangesNothing) {
  Open();
  ASSERT_OK(Fill());
  From("write", ".sst", NoSpace());
  ASSERT_OK(Put("a"));
  env_.manual_executor.RunAll();
  for (int i = 0; i < 3; ++i) {
    EXPECT_CODE(db_->Resume(), kResourceExhausted);
    EXPECT_EQ(db_->Health().state, HealthState::kHealthy);
  }
  Heal();
  ASSERT_OK(Put("b", 10, {.sync = true}));  // Without another Resume.
  ExpectContents();
  ExpectDurable();
}

// A write that waits for compaction fails when that has no space, instead of
// trying it for ever.
TEST_F(BackgroundTest, AStalledWriteFailsWhenCompactionHasNoSpace) {
  Options options = TinyOptions();
  options.level0_slowdown_trigger = options.level0_stop_trigger = 2;
  Open(options);
  bool full = false;
  // Reading a table is compaction's.
  env_.fs.before = [&](const FsCall& call) {
    return full && call.op == "open" && absl::EndsWith(call.path, ".sst")
               ? NoSpace()
               : absl::OkStatus();
  };
  full = true;
  absl::Status status;
  for (int i = 0; i < 10 && status.ok(); ++i) status = Fill();
  EXPECT_CODE(status, kResourceExhausted);
  EXPECT_EQ(db_->Health().state, HealthState::kHealthy);
  full = false;
  ASSERT_OK(Fill());
  ExpectContents();
}

TEST_F(BackgroundTest, HardErrorsEndInReadOnlyUntilResume) {
  struct Case {
    std::string op;
    std::string part;
  };
  for (const auto& [op, part] : std::vector<Case>{{"create", ".sst"},
                                                  {"write", ".sst"},
                                                  {"sync", ".sst"},
                                                  {"write", "MANIFEST"},
                                                  {"sync", "MANIFEST"},
                                                  {"syncdir", ""}}) {
    SCOPED_TRACE(absl::StrCat(op, " ", part));
    db_.reset();
    Open();
    ASSERT_OK(Put("a"));
    From(op, part, IoError());
    ASSERT_FALSE(db_->Flush().ok());
    EXPECT_EQ(db_->Health().state, HealthState::kReadOnly);
    EXPECT_CODE(db_->Health().cause, kInternal);
    EXPECT_CODE(Put("b"), kFailedPrecondition);
    EXPECT_TRUE(Says(Put("b"), "injected I/O error"));
    EXPECT_FALSE(db_->WaitForBackgroundWork().ok());
    EXPECT_FALSE(db_->CompactRange(std::nullopt, std::nullopt).ok());
    EXPECT_FALSE(db_->SyncWal().ok());
    ExpectContents();
    EXPECT_FALSE(db_->Resume().ok());
    EXPECT_EQ(db_->Health().state, HealthState::kReadOnly);
    Heal();
    ASSERT_OK(db_->Resume());
    EXPECT_EQ(db_->Health().state, HealthState::kHealthy);
    ExpectDurable();
    ASSERT_OK(Put("c", 10, {.sync = true}));
    ASSERT_OK(db_->WaitForBackgroundWork());
    ExpectContents();
    ExpectDurable();
    ExpectNoOrphans();
  }
}

TEST_F(BackgroundTest, AFailedCompactionIsHealedByResume) {
  Open();
  for (int i = 0; i < 2; ++i) {
    ASSERT_OK(Put("a"));
    ASSERT_OK(Put(absl::StrCat("b", i)));
    ASSERT_OK(db_->Flush());
  }
  From("create", ".sst", IoError());
  EXPECT_FALSE(db_->WaitForBackgroundWork().ok());
  EXPECT_EQ(db_->Health().state, HealthState::kReadOnly);
  ExpectContents();
  Heal();
  ASSERT_OK(db_->Resume());
  ASSERT_OK(db_->WaitForBackgroundWork());
  EXPECT_GE(db_->Stats().compactions_total, 1u);
  ExpectContents();
  ExpectDurable();
  ExpectNoOrphans();
}

TEST_F(BackgroundTest, DamageEndsInFailedAndResumeCannotMendIt) {
  Open();
  for (int i = 0; i < 2; ++i) {
    ASSERT_OK(Put("a"));
    ASSERT_OK(db_->Flush());
    if (i > 0) break;
    for (const std::string& name : env_.fs.Names(kDbDir)) {
      if (!absl::EndsWith(name, ".sst")) continue;
      const std::string path = absl::StrCat(kDbDir, "/", name);
      std::string content = env_.fs.Content(path);
      content[4] ^= 1;
      env_.fs.Put(path, content);
    }
  }
  EXPECT_FALSE(db_->WaitForBackgroundWork().ok());
  EXPECT_EQ(db_->Health().state, HealthState::kFailed);
  EXPECT_CODE(db_->Health().cause, kDataLoss);
  EXPECT_CODE(db_->Resume(), kDataLoss);
  EXPECT_CODE(Put("b"), kFailedPrecondition);
  EXPECT_FALSE(db_->Flush().ok());
  EXPECT_FALSE(db_->CompactRange(std::nullopt, std::nullopt).ok());
  EXPECT_FALSE(db_->Close().ok());
}

// Two memtables are frozen when the log's sync fails; Resume flushes one and
// finds no space for the other. Writers must not get to the new log: nothing
// leads to it yet.
TEST_F(BackgroundTest, AResumeThatGetsHalfWayStaysReadOnly) {
  Options options = TinyOptions();
  options.max_memtables = 4;
  Open(options);
  ASSERT_OK(Fill());
  ASSERT_OK(Fill());
  ASSERT_OK(Put("a", 10));
  env_.fs.before = FailNth(0, Calls("sync", ".wal"), IoError());
  ASSERT_FALSE(Put("b", 10, {.sync = true}).ok());
  env_.fs.before = FailNth(1, Calls("create", ".sst"), NoSpace(),
                           /*for_ever=*/true);
  EXPECT_CODE(db_->Resume(), kResourceExhausted);
  EXPECT_EQ(db_->Health().state, HealthState::kReadOnly);
  EXPECT_CODE(Put("c"), kFailedPrecondition);
  Heal();
  EXPECT_CODE(Put("c"), kFailedPrecondition);
  const auto killed = ContentsAfterCrash(env_.fs.Now());
  ASSERT_OK(killed);
  ASSERT_OK(db_->Resume());
  ASSERT_OK(Put("c", 10, {.sync = true}));
  ExpectContents();
  ExpectDurable();
}

TEST_F(BackgroundTest, ClosesInEveryState) {
  const std::vector<std::pair<std::string, std::string>> calls = {
      {"write", ".sst"}, {"sync", ".wal"}, {"sync", "MANIFEST"}};
  for (const absl::Status& error : {IoError(), NoSpace()}) {
    for (const auto& [op, part] : calls) {
      for (const bool healed : {false, true}) {
        SCOPED_TRACE(absl::StrCat(op, part, error.ToString(), healed));
        db_.reset();
        Heal();
        Open();
        ASSERT_OK(Fill());
        From(op, part, error);
        Put("a", 10, {.sync = true}).IgnoreError();
        Fill().IgnoreError();
        Put("b", 10).IgnoreError();
        if (healed) Heal();
        db_->Close().IgnoreError();
        db_.reset();
        Heal();
        Open();
        const auto now = ReadAll(*db_);
        ASSERT_OK(now);
        for (const auto& [key, value] : expected_) {
          EXPECT_TRUE(now->contains(key)) << key;
        }
        expected_ = *now;  // A write that failed may be there.
      }
    }
  }
}

TEST_F(BackgroundTest, SnapshotsSeeTheSameAcrossCompactions) {
  Open();
  ASSERT_OK(Put("a"));
  ASSERT_OK(Put("b"));
  ASSERT_OK(db_->Flush());
  const auto snapshot = db_->GetSnapshot();
  ReadOptions as_of;
  as_of.snapshot = snapshot.get();
  const Contents then = expected_;
  ASSERT_OK(Put("a"));
  ASSERT_OK(db_->Delete({}, "b"));
  expected_.erase("b");
  ASSERT_OK(Put("c"));
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(db_->CompactRange(std::nullopt, std::nullopt));
    const auto seen = ReadAll(*db_, as_of);
    ASSERT_OK(seen);
    EXPECT_TRUE(*seen == then);
    ExpectContents();
    ASSERT_OK(Put("d"));
  }
  ExpectNoOrphans();
}

TEST_F(BackgroundTest, TablesThatAnIteratorReadsStay) {
  Open();
  ASSERT_OK(Put("a"));
  ASSERT_OK(Put("b", 2000));
  ASSERT_OK(db_->Flush());
  const auto it = db_->NewIterator({});
  const Contents then = expected_;
  ASSERT_OK(Put("a"));
  ASSERT_OK(db_->CompactRange(std::nullopt, std::nullopt));
  Contents seen;
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    seen.emplace(it->key(), it->value());
  }
  EXPECT_OK(it->status());
  EXPECT_TRUE(seen == then);
}

// Readers find what a compaction wrote where they had what it read.
TEST_F(BackgroundTest, ACompactionLeavesItsBlocksInTheCache) {
  Options options = TinyOptions();
  options.block_cache_bytes = size_t{1} << 20;
  Open(options);
  const auto rewrite = [this] {
    for (int i = 0; i < 100; ++i) ASSERT_OK(Put(absl::StrCat("key", i), 300));
    ASSERT_OK(db_->CompactRange(std::nullopt, std::nullopt));
  };
  rewrite();
  rewrite();
  const DbStats compacted = db_->Stats();
  EXPECT_GT(compacted.compactions_total, 0u);
  EXPECT_GT(compacted.block_cache_bytes, 100u * 300);
  ExpectContents();
  EXPECT_EQ(db_->Stats().block_cache_misses_total,
            compacted.block_cache_misses_total);
  // Those of the tables that went are gone.
  rewrite();
  EXPECT_LT(db_->Stats().block_cache_bytes,
            compacted.block_cache_bytes + 50 * 300);
}

// Logs of the database, in any state.
std::vector<std::string> LogNamesIn(CrashFileSystem& fs) {
  const auto names = fs.ListDirectory(kDbDir);
  EXPECT_OK(names);
  std::vector<std::string> logs;
  std::copy_if(
      names->begin(), names->end(), std::back_inserter(logs),
      [](const std::string& name) { return absl::EndsWith(name, ".wal"); });
  std::sort(logs.begin(), logs.end());
  return logs;
}
int LogsIn(CrashFileSystem& fs) {
  return static_cast<int>(LogNamesIn(fs).size());
}

TEST_F(BackgroundTest, AHalfFullMemTableHasTheNextLogMadeAhead) {
  Open();
  HalfFill();
  EXPECT_EQ(LogsIn(env_.fs), 1);
  env_.manual_executor.RunAll();
  EXPECT_EQ(LogsIn(env_.fs), 2);
  ASSERT_OK(Put("c"));  // Once is enough.
  EXPECT_EQ(env_.manual_executor.pending(), 0u);

  // A crash leaves it behind: the next opening removes it.
  for (const auto& outcome : env_.fs.CrashOutcomes()) {
    ManualEnv after(outcome.image);
    auto db = OpenDb(&after);
    ASSERT_OK(db) << outcome.name;
    EXPECT_EQ(LogsIn(after.fs), 1) << outcome.name;
    EXPECT_EQ(WrongFiles(after.fs), "") << outcome.name;
  }

  // The writer that fills the memtable waits for the seal alone.
  ASSERT_OK(Fill());
  env_.fs.ClearTrace();
  ASSERT_OK(Put("d"));
  int syncs = 0;
  for (const std::string& call : env_.fs.Trace()) {
    syncs += absl::StartsWith(call, "sync");
    EXPECT_FALSE(absl::StartsWith(call, "create")) << call;
  }
  EXPECT_EQ(syncs, 1);
  env_.manual_executor.RunAll();
  ExpectContents();
  ASSERT_OK(db_->SyncWal());
  ExpectDurable();
}

TEST_F(BackgroundTest, ClosingRemovesALogMadeAhead) {
  Open();
  HalfFill();
  ASSERT_OK(db_->Close());  // Waits for the task.
  EXPECT_EQ(env_.manual_executor.pending(), 0u);
  EXPECT_EQ(LogsIn(env_.fs), 1);
}

// No record may follow that would tell how long the log before is.
TEST_F(BackgroundTest, AFlushMakesALogThatProvesTheOneBefore) {
  Open();
  HalfFill();
  env_.manual_executor.RunAll();
  ASSERT_EQ(LogsIn(env_.fs), 2);
  env_.fs.ClearTrace();
  ASSERT_OK(db_->Flush());
  const std::vector<std::string> trace = env_.fs.Trace();
  EXPECT_EQ(std::count_if(trace.begin(), trace.end(),
                          [](const std::string& call) {
                            return absl::StartsWith(call, "create") &&
                                   absl::EndsWith(call, ".wal");
                          }),
            1);
  EXPECT_EQ(LogsIn(env_.fs), 1);
  ExpectDurable();
}

// As after a Flush.
TEST_F(BackgroundTest, AnUnloggedWriteMakesALogThatProvesTheOneBefore) {
  Open();
  HalfFill();
  env_.manual_executor.RunAll();
  const std::vector<std::string> ahead = LogNamesIn(env_.fs);
  ASSERT_EQ(ahead.size(), 2u);
  ASSERT_OK(Fill());
  ASSERT_OK(db_->Put({.disable_wal = true}, "unlogged", "1"));
  const std::vector<std::string> logs = LogNamesIn(env_.fs);
  EXPECT_EQ(logs.size(), 2u);
  EXPECT_NE(logs, ahead);
}

TEST_F(BackgroundTest, NoLogIsMadeAheadOfAnEarlierOne) {
  Open();
  HalfFill();
  ASSERT_EQ(env_.manual_executor.pending(), 1u);
  ASSERT_OK(db_->Flush());  // Before the task had its turn.
  env_.manual_executor.RunAll();
  EXPECT_EQ(LogsIn(env_.fs), 1);
  EXPECT_EQ(db_->Stats().wal_files, 1u);
}

// Goal: nobody needs a log made ahead, so whatever keeps it from being made is
// told, and forgotten when the rotation has made its own.
TEST_F(BackgroundTest, ALogThatCannotBeMadeAheadIsNotMissed) {
  for (const std::string op : {"create", "write", "sync"}) {
    for (const absl::Status& error : {NoSpace(), IoError()}) {
      Open(QuietOptions());
      HalfFill();
      env_.fs.before = FailNth(0, Calls(op, ".wal"), error);
      env_.manual_executor.RunAll();
      env_.fs.before = nullptr;
      EXPECT_EQ(LogsIn(env_.fs), 1) << op;
      EXPECT_EQ(db_->Health().state, HealthState::kHealthy) << op;
      EXPECT_EQ(db_->Health().cause, error) << op;
      ASSERT_OK(Fill());
      ASSERT_OK(Put("c"));
      env_.manual_executor.RunAll();
      EXPECT_OK(db_->Health().cause) << op;
      ExpectContents();
      ASSERT_OK(db_->SyncWal());
      ExpectDurable();
      ASSERT_OK(db_->Close());
    }
  }
}

// Other names may have been lost with that of the log.
TEST_F(BackgroundTest, ADirectoryWhoseSyncFailsForALogMadeAheadIsInDoubt) {
  Open();
  HalfFill();
  env_.fs.before = FailNth(0, Calls("syncdir"));
  env_.manual_executor.RunAll();
  env_.fs.before = nullptr;
  EXPECT_EQ(LogsIn(env_.fs), 1);
  EXPECT_EQ(db_->Health().state, HealthState::kReadOnly);
  ASSERT_OK(db_->Resume());
  ASSERT_OK(Put("d"));
  ExpectContents();
}

// While a compaction writes, a flush ends and removes what nothing needs.
TEST_F(BackgroundTest, ATableInTheMakingIsNotRemoved) {
  Open();
  for (int i = 0; i < 2; ++i) {
    ASSERT_OK(Put("a"));
    ASSERT_OK(Put(absl::StrCat("b", i)));
    ASSERT_OK(db_->Flush());
  }
  ASSERT_EQ(env_.manual_executor.pending(), 1u);  // The compaction.
  ASSERT_OK(Fill());
  ASSERT_OK(Put("c"));
  ASSERT_EQ(env_.manual_executor.pending(), 2u);
  bool flushed = false;
  env_.fs.before = [&](const FsCall& call) {
    if (call.op == "write" && absl::EndsWith(call.path, ".sst") && !flushed) {
      flushed = true;
      env_.manual_executor.RunOne();
    }
    return absl::OkStatus();
  };
  env_.manual_executor.RunAll();
  EXPECT_TRUE(flushed);
  EXPECT_EQ(db_->Stats().compactions_total, 1u);
  EXPECT_EQ(db_->Stats().flushes_total, 3u);
  EXPECT_OK(db_->VerifyChecksums());
  ExpectContents();
  ASSERT_OK(db_->SyncWal());
  ExpectDurable();
  ExpectNoOrphans();
}

TEST_F(BackgroundTest, ManualCompactionDropsWhatIsDeletedInItsRange) {
  Options options = TinyOptions();
  options.disable_auto_compaction = true;
  Open(options);
  for (const std::string key : {"a", "b", "c", "d"}) ASSERT_OK(Put(key));
  ASSERT_OK(db_->Flush());
  ASSERT_OK(db_->Delete({}, "b"));
  expected_.erase("b");
  ASSERT_OK(db_->CompactRange("x", "z"));  // Nothing there.
  EXPECT_EQ(db_->Stats().compactions_total, 0u);
  ASSERT_OK(db_->CompactRange("b", "b"));
  ExpectContents();
  uint64_t entries = 0;
  for (const LevelStats& level : db_->Stats().levels) entries += level.entries;
  EXPECT_EQ(entries, 3u);
  EXPECT_CODE(db_->CompactRange("b", "a"), kInvalidArgument);
  ExpectDurable();
  ExpectNoOrphans();
}

// A snapshot kept a tombstone, and what it hides; then their table was moved
// down, where nothing that comes down later overlaps it.
TEST_F(BackgroundTest, ManualCompactionDropsWhatLiesInTheLastLevelAlready) {
  Open();
  ASSERT_OK(Put("a", 70'000));
  auto snapshot = db_->GetSnapshot();
  ASSERT_OK(db_->Delete({}, "a"));
  expected_.erase("a");
  ASSERT_OK(db_->CompactRange(std::nullopt, std::nullopt));
  ASSERT_OK(db_->WaitForBackgroundWork());
  ASSERT_EQ(db_->Stats().moves_total, 1u);
  ASSERT_EQ(db_->Stats().levels[2].entries, 2u);
  snapshot.reset();
  ASSERT_OK(Put("z"));
  ASSERT_OK(db_->CompactRange(std::nullopt, std::nullopt));
  uint64_t entries = 0;
  for (const LevelStats& level : db_->Stats().levels) entries += level.entries;
  EXPECT_EQ(entries, 1u);
  ExpectContents();
  ExpectNoOrphans();
}

}  // namespace
}  // namespace holdfast
