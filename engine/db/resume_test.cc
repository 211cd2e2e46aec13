// Resume: what it makes durable, what it leaves behind when it fails, and what
// others see meanwhile.

#include <algorithm>
#include <deque>
#include <functional>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/db/db_impl.h"
#include "engine/db/testing/harness.h"
#include "engine/db/testing/status_testing.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

absl::Status NoSpace() { return absl::ResourceExhaustedError("disk full"); }

FsHook NoSpaceForTables() {
  return FailNth(0, Calls("create", ".sst"), NoSpace(), /*for_ever=*/true);
}

int Count(const CrashFileSystem& fs, std::string_view suffix) {
  const auto names = fs.Names(kDbDir);
  return static_cast<int>(std::count_if(
      names.begin(), names.end(),
      [&](const std::string& name) { return absl::EndsWith(name, suffix); }));
}

// The sync of its log fails: the write is in doubt, the database read-only.
void BecomeReadOnly(ManualEnv& env, DB& db) {
  env.fs.before = FailNth(0, Calls("sync", ".wal"));
  EXPECT_FALSE(db.Put({.sync = true}, "doubt", "?").ok());
  env.fs.before = nullptr;
  ASSERT_EQ(db.Health().state, HealthState::kReadOnly);
}

// --- When it fails -----------------------------------------------------------

TEST(ResumeTest, FailingAgainAndAgainAddsNeitherLogsNorMemTables) {
  ManualEnv env;
  const auto db = OpenDb(&env, QuietOptions());
  ASSERT_OK(db);
  ASSERT_OK((*db)->Put({.sync = true}, "a", "1"));
  BecomeReadOnly(env, **db);
  env.fs.before = NoSpaceForTables();
  EXPECT_CODE((*db)->Resume(), kResourceExhausted);
  const int logs = Count(env.fs, ".wal");
  const uint64_t memtables = (*db)->Stats().memtables;
  for (int i = 0; i < 5; ++i) {
    EXPECT_CODE((*db)->Resume(), kResourceExhausted);
    EXPECT_EQ((*db)->Health().state, HealthState::kReadOnly);
    EXPECT_EQ(Count(env.fs, ".wal"), logs);
    EXPECT_EQ((*db)->Stats().memtables, memtables);
  }
  env.fs.before = nullptr;
  ASSERT_OK((*db)->Resume());
  ASSERT_OK((*db)->Put({.sync = true}, "b", "2"));
  ASSERT_OK((*db)->WaitForBackgroundWork());
  EXPECT_EQ(WrongFiles(env.fs), "");
  EXPECT_TRUE(*DurableContents(env.fs) == (Contents{{"a", "1"}, {"b", "2"}}));
}

// Its own log can be the one that is in doubt: then it is not used again.
TEST(ResumeTest, DoesNotReuseALogWhoseSyncFailed) {
  ManualEnv env;
  const auto db = OpenDb(&env, QuietOptions());
  ASSERT_OK(db);
  ASSERT_OK((*db)->Put({.sync = true}, "a", "1"));
  for (int i = 0; i < 3; ++i) {
    BecomeReadOnly(env, **db);
    std::string in_doubt;
    env.fs.after = [&](const FsCall& call) {
      if (call.op == "create" && absl::EndsWith(call.path, ".wal")) {
        in_doubt = call.path;
      }
      return absl::OkStatus();
    };
    // The sync of the new log's header fails.
    env.fs.before = FailNth(0, Calls("sync", ".wal"));
    EXPECT_FALSE((*db)->Resume().ok());
    EXPECT_EQ((*db)->Health().state, HealthState::kReadOnly);
    env.fs.after = nullptr;
    ASSERT_FALSE(in_doubt.empty());
    env.fs.before = [&](const FsCall& call) {
      EXPECT_FALSE(call.path == in_doubt &&
                   (call.op == "write" || call.op == "sync"))
          << call.Text();
      return absl::OkStatus();
    };
    ASSERT_OK((*db)->Resume());
    ASSERT_OK((*db)->Put({.sync = true}, "b", absl::StrCat(i)));
    EXPECT_TRUE(*DurableContents(env.fs) ==
                (Contents{{"a", "1"}, {"b", absl::StrCat(i)}}));
    env.fs.before = nullptr;
  }
}

TEST(ResumeTest, OnAFullDiskLeavesADatabaseThatHealsByItself) {
  ManualEnv env;
  const auto db = OpenDb(&env, QuietOptions());
  ASSERT_OK(db);
  ASSERT_OK((*db)->Put({.sync = true}, "a", "1"));
  env.fs.before = NoSpaceForTables();
  EXPECT_CODE((*db)->Flush(), kResourceExhausted);
  EXPECT_EQ((*db)->Health().state, HealthState::kHealthy);
  const int logs = Count(env.fs, ".wal");
  for (int i = 0; i < 5; ++i) {
    EXPECT_CODE((*db)->Resume(), kResourceExhausted);
    EXPECT_EQ((*db)->Health().state, HealthState::kHealthy);
    EXPECT_CODE((*db)->Health().cause, kResourceExhausted);
    EXPECT_EQ(Count(env.fs, ".wal"), logs);
  }
  env.fs.before = nullptr;
  ASSERT_OK((*db)->Put({}, "b", "2"));
  EXPECT_OK((*db)->Health().cause);
}

// --- Several memtables -------------------------------------------------------

// Two frozen memtables, whose flushes have not run, and an active one.
Contents FreezeTwo(DB& db) {
  Contents contents;
  for (const std::string key : {"a", "b", "c"}) {
    contents[key] = BigValue(key, 70'000);
    EXPECT_OK(db.Put({}, key, contents[key]));
  }
  EXPECT_EQ(db.Stats().memtables, 3u);
  return contents;
}

Options ManyMemTables() {
  Options options = QuietOptions();
  options.max_memtables = 8;
  return options;
}

TEST(ResumeTest, FlushesEveryMemTableOrStaysReadOnly) {
  // The n-th table finds no space.
  for (int n = 0;; ++n) {
    SCOPED_TRACE(n);
    const auto new_table = Calls("create", ".sst");
    int tables = 0;
    ManualEnv env;
    const auto db = OpenDb(&env, ManyMemTables());
    ASSERT_OK(db);
    const Contents contents = FreezeTwo(**db);
    ASSERT_OK((*db)->SyncWal());
    BecomeReadOnly(env, **db);
    env.fs.before = [&](const FsCall& call) {
      return new_table(call) && tables++ >= n ? NoSpace() : absl::OkStatus();
    };
    const absl::Status status = (*db)->Resume();
    if (!status.ok()) {
      EXPECT_CODE(status, kResourceExhausted);
      EXPECT_EQ((*db)->Health().state, HealthState::kReadOnly);
      EXPECT_CODE((*db)->Put({}, "d", "4"), kFailedPrecondition);
      EXPECT_TRUE(*DurableContents(env.fs) == contents);
      env.fs.before = nullptr;
      ASSERT_OK((*db)->Resume());
    }
    EXPECT_EQ((*db)->Stats().memtables, 1u);
    Contents more = contents;
    more["d"] = "4";
    EXPECT_OK((*db)->Put({.sync = true}, "d", "4"));
    EXPECT_TRUE(*ReadAll(**db) == more);
    EXPECT_TRUE(*DurableContents(env.fs) == more);
    if (status.ok()) {
      EXPECT_GE(n, 3);
      break;
    }
  }
}

TEST(ResumeTest, OfAFullDiskFlushesEveryMemTable) {
  ManualEnv env;
  const auto db = OpenDb(&env, ManyMemTables());
  ASSERT_OK(db);
  const Contents contents = FreezeTwo(**db);
  env.fs.before = NoSpaceForTables();
  EXPECT_CODE((*db)->Flush(), kResourceExhausted);
  EXPECT_CODE((*db)->Resume(), kResourceExhausted);
  env.fs.before = nullptr;
  ASSERT_OK((*db)->Resume());
  EXPECT_EQ((*db)->Stats().memtables, 1u);
  EXPECT_TRUE(*DurableContents(env.fs) == contents);
}

// --- VerifyChecksums after it failed -----------------------------------------

// The log in doubt has no seal, and a later one is there. Both is as it should
// be.
TEST(ResumeTest, LeavesNothingThatLooksLikeDamage) {
  ManualEnv env;
  const auto db = OpenDb(&env, QuietOptions());
  ASSERT_OK(db);
  ASSERT_OK((*db)->Put({.sync = true}, "a", "1"));
  BecomeReadOnly(env, **db);
  EXPECT_OK((*db)->VerifyChecksums());
  env.fs.before = NoSpaceForTables();
  for (int i = 0; i < 2; ++i) {
    EXPECT_CODE((*db)->Resume(), kResourceExhausted);
    EXPECT_OK((*db)->VerifyChecksums());
  }
  env.fs.before = nullptr;
  ASSERT_OK((*db)->Resume());
  EXPECT_OK((*db)->VerifyChecksums());
  ASSERT_OK((*db)->Put({}, "b", "2"));
  EXPECT_OK((*db)->VerifyChecksums());
}

// But damage in the log that it left is found.
TEST(ResumeTest, LeavesALogThatIsStillVerified) {
  ManualEnv env;
  const auto db = OpenDb(&env, QuietOptions());
  ASSERT_OK(db);
  const std::string log = kDbDir + std::string("/000001.wal");
  ASSERT_TRUE(env.fs.Has(log));
  const size_t begin = env.fs.Content(log).size();
  ASSERT_OK((*db)->Put({.sync = true}, "a", "1"));
  ASSERT_OK((*db)->Put({.sync = true}, "b", "2"));
  BecomeReadOnly(env, **db);
  env.fs.before = NoSpaceForTables();
  EXPECT_CODE((*db)->Resume(), kResourceExhausted);
  env.fs.before = nullptr;
  ASSERT_OK((*db)->VerifyChecksums());
  std::string bytes = env.fs.Content(log);
  bytes[begin + 30] ^= 1;
  env.fs.Put(log, bytes);
  const absl::Status status = (*db)->VerifyChecksums();
  EXPECT_CODE(status, kDataLoss);
  EXPECT_TRUE(Says(status, log));
}

// --- Beside Flush ------------------------------------------------------------

// An environment in which one thread can be stopped while another goes on.
class TwoThreads final : public Env, public Executor {
 public:
  FileSystem& file_system() override { return fs; }
  Clock& clock() override { return clock_; }
  Executor& executor() override { return *this; }

  void Schedule(Lane, Task task) override {
    MutexLock lock(&mu_);
    tasks_.push_back(std::move(task));
  }

  // Runs a task. Only one of the two threads waits at a time.
  void Wait(CondVar*, Mutex* mu) override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    mu->Unlock();
    Task task;
    {
      MutexLock lock(&mu_);
      if (!tasks_.empty()) {
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
    }
    if (task) {
      task();
    } else {
      on_idle();
      std::this_thread::yield();
    }
    if (after_task) std::exchange(after_task, nullptr)();
    mu->Lock();
  }

  CrashFileSystem fs;
  std::function<void()> after_task;  // Once, when a waiting thread ran one.
  std::function<void()> on_idle;     // A thread waits and there is no task.

 private:
  ManualClock clock_;
  Mutex mu_;
  std::deque<Task> tasks_ ABSL_GUARDED_BY(mu_);
};

// A flush fails softly; before the thread that waits for it has woken up, the
// database becomes read-only and another thread begins to resume it. The cause
// of the failure is forgotten by then, the failure must not be.
TEST(ResumeTest, FlushBesideItIsNotOkWithoutATable) {
  TwoThreads env;
  auto db = DbImpl::Open(QuietOptions(), &env, nullptr, kDbDir);
  ASSERT_OK(db);
  ASSERT_OK((*db)->Put({.disable_wal = true}, "unlogged", "1"));

  std::latch resuming(1);  // It has forgotten the error.
  std::latch go_on(1);
  const auto release = [&] {
    if (!go_on.try_wait()) go_on.count_down();
  };
  env.on_idle = release;
  std::thread resumer;
  const auto no_table = Calls("create", ".sst");
  const auto wal_sync = Calls("sync", ".wal");
  const auto new_log = Calls("create", ".wal");
  bool rotated = false;  // Flush has made its log.
  bool break_sync = false;
  int written = 0;
  env.fs.before = [&](const FsCall& call) -> absl::Status {
    if (no_table(call)) {
      // While the flush runs: something to sync.
      if (written++ == 0) {
        EXPECT_OK((*db)->Put({}, "logged", "2"));
      }
      return NoSpace();
    }
    if (break_sync && wal_sync(call)) {
      break_sync = false;
      return absl::InternalError("sync failed");
    }
    if (new_log(call) && std::exchange(rotated, true)) {
      if (!resuming.try_wait()) resuming.count_down();
      go_on.wait();
    }
    return absl::OkStatus();
  };
  env.after_task = [&] {
    break_sync = true;
    EXPECT_FALSE((*db)->SyncWal().ok());
    EXPECT_EQ((*db)->Health().state, HealthState::kReadOnly);
    resumer = std::thread([&] { (*db)->Resume().IgnoreError(); });
    resuming.wait();
  };
  const absl::Status flushed = (*db)->Flush();
  if (flushed.ok()) {
    EXPECT_EQ(DurableContents(env.fs)->count("unlogged"), 1u)
        << "Flush said OK, and nothing was flushed";
  }
  EXPECT_TRUE(resuming.try_wait());
  release();
  resumer.join();
  env.fs.before = nullptr;
  EXPECT_OK((*db)->Resume());
  EXPECT_EQ(DurableContents(env.fs)->count("unlogged"), 1u);
}

}  // namespace
}  // namespace holdfast
