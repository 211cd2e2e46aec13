// Opening, closing, and what may be called when.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "engine/db/db_impl.h"
#include "engine/db/testing/harness.h"
#include "engine/db/testing/log_length.h"
#include "engine/db/testing/status_testing.h"
#include "engine/format/log_frame.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

class LifecycleTest : public testing::Test {
 protected:
  // The hooks may look at what goes with the test; closing calls them.
  void TearDown() override { env_.fs.before = env_.fs.after = nullptr; }

  void Open() {
    auto db = OpenDb(&env_);
    ASSERT_OK(db);
    db_ = *std::move(db);
  }
  DiskImage WithoutUnsynced() {
    return env_.fs.Crash({[](const std::string&) { return Keep::kOld; },
                          [](const std::string&) { return false; }});
  }

  ManualEnv env_;
  std::unique_ptr<DB> db_;
};

TEST_F(LifecycleTest, ADeletionHidesTheTableBelow) {
  Open();
  ASSERT_OK(db_->Put({}, "a", "1"));
  ASSERT_OK(db_->Flush());
  ASSERT_OK(db_->Delete({}, "a"));
  EXPECT_CODE(db_->Get({}, "a"), kNotFound);
  ASSERT_OK(db_->Flush());
  EXPECT_CODE(db_->Get({}, "a"), kNotFound);
}

TEST_F(LifecycleTest, EveryCallAfterCloseSaysSo) {
  Open();
  ASSERT_OK(db_->Put({}, "a", "1"));
  ASSERT_OK(db_->Close());
  EXPECT_OK(db_->Close());
  EXPECT_CODE(db_->Put({}, "a", "1"), kFailedPrecondition);
  EXPECT_CODE(db_->Delete({}, "a"), kFailedPrecondition);
  EXPECT_CODE(db_->Write({}, WriteBatch()), kFailedPrecondition);
  EXPECT_CODE(db_->Get({}, "a"), kFailedPrecondition);
  PinnedValue pinned;
  EXPECT_CODE(db_->Get({}, "a", &pinned), kFailedPrecondition);
  EXPECT_CODE(db_->Flush(), kFailedPrecondition);
  EXPECT_CODE(db_->SyncWal(), kFailedPrecondition);
  EXPECT_CODE(db_->CompactRange(std::nullopt, std::nullopt),
              kFailedPrecondition);
  EXPECT_CODE(db_->WaitForBackgroundWork(), kFailedPrecondition);
  EXPECT_CODE(db_->Resume(), kFailedPrecondition);
  EXPECT_CODE(db_->VerifyChecksums(), kFailedPrecondition);
  const auto it = db_->NewIterator({});
  it->SeekToFirst();
  EXPECT_FALSE(it->Valid());
  EXPECT_CODE(it->status(), kFailedPrecondition);
  EXPECT_EQ(db_->Health().state, HealthState::kClosed);
}

TEST_F(LifecycleTest, CloseMakesTheLogDurable) {
  Open();
  ASSERT_OK(db_->Put({}, "a", "1"));
  ASSERT_OK(db_->Close());
  const auto contents = ContentsAfterCrash(WithoutUnsynced());
  ASSERT_OK(contents);
  EXPECT_TRUE(*contents == (Contents{{"a", "1"}}));
}

TEST_F(LifecycleTest, CloseKeepsUnloggedWrites) {
  Open();
  ASSERT_OK(db_->Put({.disable_wal = true}, "a", "1"));
  ASSERT_OK(db_->Close());
  const auto contents = ContentsAfterCrash(WithoutUnsynced());
  ASSERT_OK(contents);
  EXPECT_TRUE(*contents == (Contents{{"a", "1"}}));
}

// The manifest knows how long the log of a closed database is.
TEST_F(LifecycleTest, ALogCutOffAfterCloseIsDamage) {
  Open();
  ASSERT_OK(db_->Put({}, "a", "1"));
  ASSERT_OK(db_->Close());
  DiskImage image = WithoutUnsynced();
  for (auto& [path, content] : image.files) {
    if (path.ends_with(".wal")) content.resize(LengthOfLog(content) - 1);
  }
  EXPECT_CODE(ContentsAfterCrash(image), kDataLoss);
}

// The same when the last log is gone and so is the seal that leads to it.
TEST_F(LifecycleTest, AChainThatEndsBeforeTheClosedLogIsDamage) {
  Open();
  ASSERT_OK(db_->Put({}, "a", BigValue("a", 70'000)));
  ASSERT_OK(db_->Put({}, "b", "2"));  // In the next log.
  ASSERT_OK(db_->Close());
  DiskImage image = WithoutUnsynced();
  std::vector<std::string> logs;
  for (const auto& [path, content] : image.files) {
    if (path.ends_with(".wal")) logs.push_back(path);
  }
  ASSERT_EQ(logs.size(), 2u);
  std::string& first = image.files[logs[0]];
  first.resize(first.size() - kLogSealFrameBytes);
  image.files.erase(logs[1]);
  EXPECT_CODE(ContentsAfterCrash(image), kDataLoss);
}

TEST_F(LifecycleTest, CloseReportsWhatItCouldNotMakeDurable) {
  for (const std::string op : {"write", "sync"}) {
    Open();
    ASSERT_OK(db_->Put({}, "a", "1"));
    env_.fs.before = FailNth(0, Calls(op));
    EXPECT_CODE(db_->Close(), kInternal) << op;
    env_.fs.before = nullptr;
    db_.reset();
  }
}

TEST_F(LifecycleTest, OnlyOneAtATime) {
  Open();
  EXPECT_CODE(OpenDb(&env_), kUnavailable);
  ASSERT_OK(db_->Close());
  EXPECT_OK(OpenDb(&env_));
}

TEST_F(LifecycleTest, AFailedOpeningLetsGoOfTheLock) {
  { Open(); }
  db_.reset();
  env_.fs.before = FailNth(0, Calls("create"));
  EXPECT_CODE(OpenDb(&env_), kInternal);
  env_.fs.before = nullptr;
  EXPECT_OK(OpenDb(&env_));
}

TEST_F(LifecycleTest, OpensOnlyWhatIsAskedFor) {
  Options options = TinyOptions();
  options.create_if_missing = false;
  EXPECT_CODE(OpenDb(&env_, options), kNotFound);
  EXPECT_FALSE(env_.fs.Has(kDbDir));
  Open();
  db_.reset();
  EXPECT_OK(OpenDb(&env_, options));
  options.error_if_exists = true;
  env_.fs.ClearTrace();
  EXPECT_CODE(OpenDb(&env_, options), kAlreadyExists);
  EXPECT_TRUE(env_.fs.Trace().empty());
}

TEST_F(LifecycleTest, SnapshotsOfAnotherDatabaseAreRefused) {
  Open();
  ManualEnv other_env;
  const auto other = OpenDb(&other_env);
  ASSERT_OK(other);
  const auto snapshot = (*other)->GetSnapshot();
  ReadOptions options;
  options.snapshot = snapshot.get();
  EXPECT_CODE(db_->Get(options, "a"), kInvalidArgument);
  EXPECT_CODE(db_->NewIterator(options)->status(), kInvalidArgument);
}

TEST_F(LifecycleTest, ASnapshotMayOutliveTheDatabase) {
  Open();
  ASSERT_OK(db_->Put({}, "a", "1"));
  const auto snapshot = db_->GetSnapshot();
  db_.reset();
  EXPECT_EQ(snapshot->sequence(), 1u);
}

TEST_F(LifecycleTest, ContradictingWriteOptionsAreRefused) {
  Open();
  EXPECT_CODE(db_->Put({.sync = true, .disable_wal = true}, "a", "1"),
              kInvalidArgument);
}

// Goal: an error while an iterator walks ends the walk, and shows; it is never
// taken for the end.
TEST_F(LifecycleTest, AnIteratorThatCannotReadSaysSo) {
  Open();
  // Enough for some reads, the later ones of many blocks each.
  for (int i = 0; i < 100; ++i) {
    ASSERT_OK(db_->Put({}, "key" + std::to_string(100 + i),
                       BigValue(std::to_string(i), 500)));
  }
  ASSERT_OK(db_->Flush());
  size_t failures = 0;
  for (int n = 0;; ++n) {
    bool failed = false;
    const FsHook hook = FailNth(n, Calls("read", ".sst"));
    env_.fs.before = [&](const FsCall& call) {
      absl::Status status = hook(call);
      failed = failed || !status.ok();
      return status;
    };
    const auto it = db_->NewIterator({});
    int found = 0;
    for (it->SeekToFirst(); it->Valid(); it->Next()) ++found;
    env_.fs.before = nullptr;
    if (!failed) {
      EXPECT_EQ(found, 100);
      break;
    }
    ++failures;
    EXPECT_CODE(it->status(), kInternal);
    it->SeekToFirst();  // A new Seek begins anew.
    EXPECT_TRUE(it->Valid());
  }
  EXPECT_GT(failures, 3u);
}

}  // namespace
}  // namespace holdfast
