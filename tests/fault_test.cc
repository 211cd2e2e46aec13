// Every call to the file system fails, once or from then on, each in a run of
// its own: nothing crashes, hangs, leaks or lies; nothing acknowledged is lost;
// and once the calls work again, so does the database.

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "env/posix/temp_directory.h"
#include "gtest/gtest.h"
#include "holdfast/db.h"
#include "holdfast/env/env.h"
#include "holdfast/testing/fault_file_system.h"
#include "holdfast/testing/fault_plan.h"
#include "holdfast/testing/file_call.h"
#include "tests/util/contents.h"
#include "tests/util/directory.h"
#include "tests/util/manual_executor.h"
#include "tests/util/memory_file_system.h"
#include "tests/util/numbered_writes.h"
#include "tests/util/open.h"
#include "tests/util/status_testing.h"
#include "tests/util/test_env.h"

namespace holdfast {
namespace {

constexpr char kDir[] = "/db";
// Every so manieth call is made to fail.
#ifdef HOLDFAST_SANITIZER
constexpr uint64_t kCallStep = 11;
#else
constexpr uint64_t kCallStep = 1;
#endif

// How a run goes on after a fault.
enum class Cure {
  kResume,  // The same database, with Resume when it is not healthy.
  kReopen,  // It is closed, as far as that works, and opened again.
  kDie,     // The process dies; another opens what it left.
};

struct Case {
  const char* name;
  // A fault plan in which "$0" stands for the number of the call.
  std::string_view rule;
  std::string_view cause;  // What errors say.
  uint64_t least_calls;    // There are at least so many to fail.
  Cure cure;
};

void Plan(FaultFileSystem& faults, std::string_view text) {
  const absl::StatusOr<FaultPlan> plan = FaultPlan::Parse(text);
  ASSERT_OK(plan);
  faults.SetPlan(*plan);
}

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.name;
}

Options FaultOptions() {
  Options options = TinyOptions();
  options.block_bytes = 1024;
  options.level0_compaction_trigger = 2;
  options.manifest_roll_bytes = 4096;
  options.block_cache_bytes = 0;  // Each read reads.
  return options;
}

// A workload over files in memory that a plan makes fail, all on one thread.
class FaultyRun {
 public:
  explicit FaultyRun(const Case& c)
      : case_(c), numbered_(3, /*value_bytes=*/6000) {
    files_ = std::make_unique<MemoryFileSystem>();
    Connect();
  }

  // Runs everything, with the fault at the given call. RETURNS false when the
  // run made fewer calls.
  bool WithFaultAt(uint64_t call) {
    const std::string plan = absl::Substitute(case_.rule, call);
    Plan(*faults_, plan);
    Workload();
    if (testing::Test::HasFailure()) {
      ADD_FAILURE() << "with the fault plan \"" << plan << "\": " << fault_;
    }
    return !fault_.empty();
  }

 private:
  static constexpr int kWrites = 40;

  void Connect() {
    faults_ = std::make_unique<FaultFileSystem>(files_.get());
    env_ = std::make_unique<TestEnv>(faults_.get(), &clock_, &executor_);
  }

  void Workload() {
    Open();
    for (int i = 1; i <= kWrites; ++i) {
      Write(i);
      if (i % 10 == 3) Maintain([](DB& db) { return db.Flush(); });
      if (i % 10 == 6) Maintain([](DB& db) { return db.SyncWal(); });
      if (i % 10 == 8) CheckReads();
      if (i == 25) {
        Maintain([](DB& db) { return db.CompactRange({}, {}); });
      }
      if (i == 28) {
        Maintain([](DB& db) { return db.VerifyChecksums(); });
      }
      if (i == 30) Reopen();
      if (i % 3 == 0) executor_.RunOne();
    }
    Reopen();
    NoteFault();
    faults_->Clear();
    if (db_->Health().state != HealthState::kHealthy) Heal();
    CheckAll();
    EXPECT_OK(db_->CompactRange({}, {}));
    CheckAll();
    EXPECT_OK(db_->VerifyChecksums());
    EXPECT_OK(db_->WaitForBackgroundWork());
    CheckFiles();
    EXPECT_OK(db_->Close());
    db_.reset();
    EXPECT_EQ(faults_->open_files(), 0);
    Open();
    CheckAll();
    db_.reset();
  }

  // Remembers what failed, for messages.
  void NoteFault() {
    if (fault_.empty()) fault_ = faults_->FirstFired();
  }

  // Opens; when that fails, again without faults, which must work.
  void Open() {
    Options options = FaultOptions();
    options.env = env_.get();
    absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(options, kDir);
    if (!db.ok()) {
      CheckError(db.status());
      NoteFault();
      faults_->Clear();
      EXPECT_EQ(faults_->open_files(), 0);
      db = DB::Open(options, kDir);
    }
    ASSERT_OK(db) << "after " << fault_;
    db_ = *std::move(db);
  }

  void Reopen() {
    const absl::Status closed = db_->Close();
    if (!closed.ok()) CheckError(closed);
    db_.reset();
    EXPECT_EQ(faults_->open_files(), 0);
    Open();
    CheckRecovered();
  }

  // An error must be the planned one, told by its code or as the cause.
  void CheckError(const absl::Status& error) {
    EXPECT_TRUE(Says(error, case_.cause));
    EXPECT_FALSE(absl::IsDataLoss(error)) << error;
  }

  void Heal() {
    NoteFault();
    faults_->Clear();
    switch (case_.cure) {
      case Cure::kResume:
        EXPECT_OK(db_->Resume()) << "after " << fault_;
        break;
      case Cure::kReopen:
        Reopen();
        break;
      case Cure::kDie: {
        auto left = std::make_unique<MemoryFileSystem>(*files_);
        db_.reset();
        executor_.RunAll();
        const std::unique_ptr<FaultFileSystem> old = std::move(faults_);
        files_ = std::move(left);
        Connect();
        Open();
        CheckRecovered();
        break;
      }
    }
    EXPECT_EQ(db_->Health().state, HealthState::kHealthy) << "after " << fault_;
    EXPECT_OK(db_->Health().cause);
  }

  // Writes number i. When that fails, readers must not see it, and the same
  // write must work once the database was healed.
  void Write(int i) {
    WriteOptions options;
    options.sync = i % 4 == 0;
    absl::Status status = db_->Write(options, numbered_.Batch(i));
    if (!status.ok()) {
      CheckError(status);
      CheckReads();
      maybe_written_ = i;
      // Full disks heal by themselves.
      const bool healthy = db_->Health().state == HealthState::kHealthy;
      if (!healthy) EXPECT_FALSE(db_->Health().cause.ok());
      if (healthy && case_.cure == Cure::kResume) {
        NoteFault();
        faults_->Clear();
      } else {
        Heal();
      }
      status = db_->Write(options, numbered_.Batch(i));
      EXPECT_OK(status) << "after " << fault_;
    }
    written_ = maybe_written_ = i;
  }

  void Maintain(const std::function<absl::Status(DB&)>& call) {
    const absl::Status status = call(*db_);
    if (status.ok()) return;
    CheckError(status);
    Heal();
    EXPECT_OK(call(*db_)) << "after " << fault_;
  }

  // Reads may fail while calls do, but never give anything else than what was
  // acknowledged.
  void CheckReads() {
    EXPECT_TRUE(HoldsOrFails(
        *db_, numbered_.After(written_),
        [&](const absl::Status& error) { return Says(error, case_.cause); }))
        << "after " << fault_ << faults_->FirstFired();
  }
  // A write that failed may be found after all by who opens the database next,
  // whole, and then stays.
  void CheckRecovered() {
    const absl::StatusOr<std::string> last = db_->Get({}, "last");
    if (last.ok() && *last == absl::StrCat(maybe_written_)) {
      written_ = maybe_written_;
    }
    CheckReads();
  }
  void CheckAll() {
    EXPECT_TRUE(Holds(*db_, numbered_.After(written_))) << "after " << fault_;
  }

  // No file that nothing needs.
  void CheckFiles() {
    uint64_t tables = 0;
    for (const LevelStats& level : db_->Stats().levels) tables += level.tables;
    uint64_t found_tables = 0;
    uint64_t found_manifests = 0;
    const std::vector<std::string> names = *files_->ListDirectory(kDir);
    for (const std::string& name : names) {
      found_tables += absl::EndsWith(name, ".sst");
      found_manifests += absl::StartsWith(name, "MANIFEST");
      EXPECT_FALSE(absl::EndsWith(name, ".tmp")) << name;
    }
    EXPECT_EQ(found_tables, tables);
    EXPECT_EQ(found_manifests, 1u);
  }

  const Case case_;
  const NumberedWrites numbered_;
  std::unique_ptr<MemoryFileSystem> files_;
  std::unique_ptr<FaultFileSystem> faults_;
  ManualClock clock_;
  ManualExecutor executor_;
  std::unique_ptr<TestEnv> env_;
  std::unique_ptr<DB> db_;
  int written_ = 0;        // The last write that was acknowledged.
  int maybe_written_ = 0;  // The same, or the one after it, which failed.
  std::string fault_;
};

class FaultTest : public testing::TestWithParam<Case> {};

TEST_P(FaultTest, AtEveryCallLosesNothingAndHeals) {
  uint64_t call = 1;
  while (FaultyRun(GetParam()).WithFaultAt(call) && !HasFailure()) {
    call += kCallStep;
  }
  if (!HasFailure()) EXPECT_GT(call, GetParam().least_calls);
}

constexpr std::string_view kIoError = "Input/output error";
constexpr std::string_view kNoSpace = "No space left on device";
constexpr std::string_view kTooMany = "Too many open files";
constexpr uint64_t kAllCalls = 300;
constexpr uint64_t kWriteCalls = 100;
constexpr uint64_t kOpenCalls = 20;

INSTANTIATE_TEST_SUITE_P(
    Cases, FaultTest,
    testing::Values(Case{"IoErrorOnceResume", "* * @$0 eio", kIoError,
                         kAllCalls, Cure::kResume},
                    Case{"IoErrorOnceReopen", "* * @$0 eio", kIoError,
                         kAllCalls, Cure::kReopen},
                    Case{"IoErrorOnceDie", "* * @$0 eio", kIoError, kAllCalls,
                         Cure::kDie},
                    Case{"DoneErrorOnceResume", "* * @$0 done-eio", kIoError,
                         kAllCalls, Cure::kResume},
                    Case{"DoneErrorOnceReopen", "* * @$0 done-eio", kIoError,
                         kAllCalls, Cure::kReopen},
                    Case{"TornWriteOnceDie", "write * @$0 torn:300", kIoError,
                         kWriteCalls, Cure::kDie},
                    Case{"TornWriteOnceResume", "write * @$0 torn:300",
                         kIoError, kWriteCalls, Cure::kResume},
                    Case{"IoErrorForEverResume", "* * @$0+ eio", kIoError,
                         kAllCalls, Cure::kResume},
                    Case{"IoErrorForEverReopen", "* * @$0+ eio", kIoError,
                         kAllCalls, Cure::kReopen},
                    Case{"TornWritesForEverResume", "write * @$0+ torn:300",
                         kIoError, kWriteCalls, Cure::kResume},
                    Case{"NoSpaceOnceResume", "* * @$0 enospc", kNoSpace,
                         kAllCalls, Cure::kResume},
                    Case{"ShortWriteOnceResume", "write * @$0 short:300",
                         kNoSpace, kWriteCalls, Cure::kResume},
                    Case{"ShortWriteOnceReopen", "write * @$0 short:300",
                         kNoSpace, kWriteCalls, Cure::kReopen},
                    Case{"NoSpaceForEverResume", "* * @$0+ enospc", kNoSpace,
                         kAllCalls, Cure::kResume},
                    Case{"ShortWritesForEverResume", "write * @$0+ short:300",
                         kNoSpace, kWriteCalls, Cure::kResume},
                    Case{"NoSpaceForEverDie", "* * @$0+ enospc", kNoSpace,
                         kAllCalls, Cure::kDie},
                    Case{"TooManyFilesForEverResume", "open * @$0+ emfile",
                         kTooMany, kOpenCalls, Cure::kResume}),
    [](const auto& info) { return info.param.name; });

// --- Single faults, on real files and threads -------------------------------

class OneFaultTest : public testing::Test {
 protected:
  OneFaultTest()
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

TEST_F(OneFaultTest, FailedLogSyncMakesTheDatabaseReadOnly) {
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

TEST_F(OneFaultTest, FailedLogSyncIsMendedByReopening) {
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

TEST_F(OneFaultTest, FailedLogSyncIsNotRepeated) {
  ASSERT_OK(db_->Put({}, "before", "1"));
  Plan(faults_, "sync *.wal @1 eio");
  EXPECT_FALSE(db_->SyncWal().ok());
  const uint64_t calls = faults_.counts()[0].matched;
  EXPECT_FALSE(db_->SyncWal().ok());
  EXPECT_FALSE(db_->Put(kSync, "a", "1").ok());
  db_->Close().IgnoreError();
  EXPECT_EQ(faults_.counts()[0].matched, calls);
}

TEST_F(OneFaultTest, ResumeFailsWhileTheCauseLasts) {
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

TEST_F(OneFaultTest, ResumeOfAHealthyDatabaseDoesNothing) {
  ASSERT_OK(db_->Put({}, "a", "1"));
  const std::vector<std::string> before = FileNames(path_);
  EXPECT_OK(db_->Resume());
  EXPECT_EQ(FileNames(path_), before);
}

TEST_F(OneFaultTest, FailedLogWriteIsNotFatal) {
  Plan(faults_, "write *.wal @1 eio");
  EXPECT_FALSE(db_->Put({}, "a", "1").ok());
  EXPECT_CODE(db_->Get({}, "a"), kNotFound);
  if (db_->Health().state != HealthState::kHealthy) ASSERT_OK(db_->Resume());
  EXPECT_OK(db_->Put({}, "a", "2"));
  EXPECT_TRUE(Holds(*db_, {{"a", "2"}}));
}

TEST_F(OneFaultTest, BackgroundErrorShowsInHealthAndInTheNextWrite) {
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

TEST_F(OneFaultTest, FailedReadIsReportedAndPasses) {
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

TEST_F(OneFaultTest, FailureLeaksNoDescriptors) {
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
TEST_F(OneFaultTest, WriterIsNotStalledByACompactionWithoutSpace) {
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

TEST_F(OneFaultTest, TooManyOpenFilesPasses) {
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
