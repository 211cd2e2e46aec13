// Single faults on real files and threads. Every call of many workloads, each
// in a run of its own, fails in chaos/faults.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "env/posix/temp_directory.h"
#include "gtest/gtest.h"
#include "holdfast/db.h"
#include "holdfast/env/env.h"
#include "holdfast/testing/fault_file_system.h"
#include "holdfast/testing/fault_plan.h"
#include "holdfast/testing/file_call.h"
#include "tests/util/contents.h"
#include "tests/util/directory.h"
#include "tests/util/open.h"
#include "tests/util/status_testing.h"
#include "tests/util/test_env.h"

namespace holdfast {
namespace {

constexpr std::string_view kIoError = "Input/output error";

void Plan(FaultFileSystem& faults, std::string_view text) {
  const absl::StatusOr<FaultPlan> plan = FaultPlan::Parse(text);
  ASSERT_OK(plan);
  faults.SetPlan(*plan);
}

class FaultTest : public testing::Test {
 protected:
  FaultTest()
      : posix_(NewPosixEnv({.background_threads = 2})),
        faults_(&posix_->file_system()),
        env_(&faults_, &posix_->clock(), &posix_->executor()),
        path_(directory_.File("db")) {
    options_ = TinyOptions();
    options_.env = &env_;
    db_ = OpenOrDie(options_, path_);
  }

  // A test whose faults never happened shows nothing.
  void TearDown() override { EXPECT_EQ(faults_.NeverFired(), ""); }

  TempDirectory directory_;
  std::unique_ptr<Env> posix_;
  FaultFileSystem faults_;
  TestEnv env_;
  const std::string path_;
  Options options_;
  std::unique_ptr<DB> db_;
};

constexpr WriteOptions kSync{.sync = true};

TEST_F(FaultTest, FailedLogSyncMakesTheDatabaseReadOnly) {
  ASSERT_OK(db_->Put({}, "before", "1"));
  Plan(faults_, "sync *.wal @1 eio");
  const absl::Status status = db_->Put(kSync, "unsynced", "1");
  EXPECT_TRUE(Says(status, kIoError));
  ASSERT_EQ(faults_.fired(), 1u);

  const DbHealth health = db_->Health();
  EXPECT_EQ(health.state, HealthState::kReadOnly);
  EXPECT_TRUE(Says(health.cause, kIoError));
  // Nothing more is acknowledged, although the file would take it.
  for (const absl::Status& refused :
       {db_->Put({}, "later", "1"), db_->Put(kSync, "later", "1"),
        db_->Delete({}, "before"), db_->Write(kSync, WriteBatch()),
        db_->SyncWal(), db_->Flush()}) {
    EXPECT_CODE(refused, kFailedPrecondition);
    EXPECT_TRUE(Says(refused, kIoError));
  }
  // Reads go on, and do not see the write that failed.
  EXPECT_TRUE(Holds(*db_, {{"before", "1"}}));
  EXPECT_CODE(db_->Get({}, "unsynced"), kNotFound);

  ASSERT_OK(db_->Resume());
  EXPECT_EQ(db_->Health().state, HealthState::kHealthy);
  ASSERT_OK(db_->Put(kSync, "after", "1"));
  const Contents expected = {{"before", "1"}, {"after", "1"}};
  EXPECT_TRUE(Holds(*db_, expected));
  CopyDirectory(path_, directory_.File("copy"));
  EXPECT_TRUE(
      Holds(*OpenOrDie(TinyOptions(), directory_.File("copy")), expected));
}

TEST_F(FaultTest, FailedLogSyncIsMendedByReopening) {
  ASSERT_OK(db_->Put({}, "before", "1"));
  Plan(faults_, "sync *.wal @1 eio");
  EXPECT_FALSE(db_->SyncWal().ok());
  EXPECT_EQ(db_->Health().state, HealthState::kReadOnly);
  db_->Close().IgnoreError();
  db_.reset();
  db_ = OpenOrDie(options_, path_);
  EXPECT_EQ(db_->Health().state, HealthState::kHealthy);
  EXPECT_TRUE(Holds(*db_, {{"before", "1"}}));
  EXPECT_OK(db_->Put(kSync, "after", "1"));
}

TEST_F(FaultTest, FailedLogSyncIsNotRepeated) {
  ASSERT_OK(db_->Put({}, "before", "1"));
  Plan(faults_, "sync *.wal @1 eio");
  EXPECT_FALSE(db_->SyncWal().ok());
  const uint64_t calls = faults_.counts()[0].matched;
  EXPECT_FALSE(db_->SyncWal().ok());
  EXPECT_FALSE(db_->Put(kSync, "a", "1").ok());
  db_->Close().IgnoreError();
  EXPECT_EQ(faults_.counts()[0].matched, calls);
}

TEST_F(FaultTest, ResumeFailsWhileTheCauseLasts) {
  ASSERT_OK(db_->Put({}, "before", "1"));
  Plan(faults_, "sync * @1+ eio");
  EXPECT_FALSE(db_->Put(kSync, "a", "1").ok());
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(db_->Resume().ok());
    EXPECT_EQ(db_->Health().state, HealthState::kReadOnly);
    EXPECT_TRUE(Holds(*db_, {{"before", "1"}}));
  }
  faults_.Clear();
  ASSERT_OK(db_->Resume());
  EXPECT_OK(db_->Put(kSync, "after", "1"));
  EXPECT_TRUE(Holds(*db_, {{"before", "1"}, {"after", "1"}}));
}

TEST_F(FaultTest, ResumeOfAHealthyDatabaseDoesNothing) {
  ASSERT_OK(db_->Put({}, "a", "1"));
  const std::vector<std::string> before = FileNames(path_);
  EXPECT_OK(db_->Resume());
  EXPECT_EQ(FileNames(path_), before);
}

TEST_F(FaultTest, FailedLogWriteIsNotFatal) {
  Plan(faults_, "write *.wal @1 eio");
  EXPECT_FALSE(db_->Put({}, "a", "1").ok());
  EXPECT_CODE(db_->Get({}, "a"), kNotFound);
  if (db_->Health().state != HealthState::kHealthy) ASSERT_OK(db_->Resume());
  EXPECT_OK(db_->Put({}, "a", "2"));
  EXPECT_TRUE(Holds(*db_, {{"a", "2"}}));
}

TEST_F(FaultTest, BackgroundErrorShowsInHealthAndInTheNextWrite) {
  ASSERT_OK(db_->Put({}, "a", "1"));
  Plan(faults_, "sync *.sst @1+ eio");
  EXPECT_TRUE(Says(db_->Flush(), kIoError));
  const DbHealth health = db_->Health();
  EXPECT_NE(health.state, HealthState::kHealthy);
  EXPECT_TRUE(Says(health.cause, kIoError));
  EXPECT_TRUE(Says(db_->Put({}, "b", "1"), kIoError));
  EXPECT_TRUE(Says(db_->WaitForBackgroundWork(), kIoError));
  EXPECT_TRUE(Holds(*db_, {{"a", "1"}}));
  faults_.Clear();
  ASSERT_OK(db_->Resume());
  ASSERT_OK(db_->Put({}, "b", "1"));
  EXPECT_OK(db_->Flush());
  EXPECT_TRUE(Holds(*db_, {{"a", "1"}, {"b", "1"}}));
}

TEST_F(FaultTest, FailedReadIsReportedAndPasses) {
  ASSERT_OK(db_->Put({}, "a", "1"));
  ASSERT_OK(db_->Flush());
  Plan(faults_, "read *.sst @1+ eio");
  EXPECT_TRUE(Says(db_->Get({}, "a").status(), kIoError));
  const auto it = db_->NewIterator({});
  it->SeekToFirst();
  EXPECT_FALSE(it->Valid());
  EXPECT_TRUE(Says(it->status(), kIoError));
  faults_.Clear();
  EXPECT_TRUE(Holds(*db_, {{"a", "1"}}));
  it->SeekToFirst();  // An iterator can be used again after an error.
  EXPECT_TRUE(it->Valid());
  EXPECT_OK(it->status());
  EXPECT_EQ(db_->Health().state, HealthState::kHealthy);
}

TEST_F(FaultTest, FailureLeaksNoDescriptors) {
  db_.reset();
  const size_t before = CountOpenFiles();
  for (const FileOp op :
       {FileOp::kCreate, FileOp::kOpen, FileOp::kRead, FileOp::kWrite,
        FileOp::kSync, FileOp::kClose, FileOp::kRename, FileOp::kSyncDirectory,
        FileOp::kRemove, FileOp::kList}) {
    for (uint64_t call = 1; call <= 10; ++call) {
      Plan(faults_, absl::StrCat(FileOpName(op), " * @", call, "+ eio"));
      auto db = DB::Open(options_, path_);
      if (db.ok()) {
        (*db)->Put(kSync, "a", "1").IgnoreError();
        (*db)->Flush().IgnoreError();
        (*db)->Get({}, "a").IgnoreError();
        (*db)->CompactRange({}, {}).IgnoreError();
        db->reset();
      }
      faults_.Clear();
      if (call == 1) ASSERT_GT(faults_.fired(), 0u) << FileOpName(op);
      ASSERT_EQ(CountOpenFiles(), before) << FileOpName(op) << " " << call;
    }
  }
  faults_.SetPlan({});
  db_ = OpenOrDie(options_, path_);
}

// A writer that would have to wait for a compaction that has no space is told
// so, instead of waiting for ever.
TEST_F(FaultTest, WriterIsNotStalledByACompactionWithoutSpace) {
  db_.reset();
  options_.disable_auto_compaction = true;
  db_ = OpenOrDie(options_, path_);
  Contents contents;
  const auto fill = [&](int count) -> absl::Status {
    for (int i = 0; i < count; ++i) {
      const std::string key = absl::StrCat("key", i);
      const std::string value(1000, static_cast<char>('a' + i % 26));
      const absl::Status status = db_->Put({}, key, value);
      if (!status.ok()) return status;
      contents[key] = value;
    }
    return absl::OkStatus();
  };
  for (int i = 0; i < 4; ++i) {
    ASSERT_OK(fill(10));
    ASSERT_OK(db_->Flush());
  }
  db_.reset();
  options_.disable_auto_compaction = false;
  options_.level0_compaction_trigger = 2;
  options_.level0_slowdown_trigger = 2;
  options_.level0_stop_trigger = 3;
  // Compaction opens tables, which flushes do not: those go on.
  Plan(faults_, "open *.sst @1+ enospc");
  db_ = OpenOrDie(options_, path_);
  EXPECT_CODE(fill(300), kResourceExhausted);
  faults_.Clear();
  EXPECT_TRUE(Holds(*db_, contents));
  EXPECT_OK(fill(300));
  EXPECT_TRUE(Holds(*db_, contents));
}

TEST_F(FaultTest, TooManyOpenFilesPasses) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_OK(db_->Put({}, absl::StrCat(i), "1"));
    ASSERT_OK(db_->Flush());
  }
  db_.reset();
  options_.disable_auto_compaction = true;
  db_ = OpenOrDie(options_, path_);
  Plan(faults_, "open *.sst @1+ emfile");
  EXPECT_CODE(db_->Get({}, "0"), kResourceExhausted);
  faults_.Clear();
  EXPECT_OK(db_->Get({}, "0"));
}

}  // namespace
}  // namespace holdfast
