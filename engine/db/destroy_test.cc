#include "engine/db/destroy.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "engine/db/testing/harness.h"
#include "engine/db/testing/status_testing.h"
#include "engine/format/file_names.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

DiskImage SmallDatabase() {
  ManualEnv env;
  const auto db = OpenDb(&env);
  EXPECT_OK(db);
  EXPECT_OK((*db)->Put({}, "a", "1"));
  EXPECT_OK((*db)->Flush());
  EXPECT_OK((*db)->Put({}, "b", "2"));
  return env.fs.Now();
}

TEST(DestroyTest, RemovesTheFilesAndTheDirectory) {
  CrashFileSystem fs(SmallDatabase());
  EXPECT_OK(DestroyDatabase(fs, kDbDir));
  EXPECT_FALSE(fs.Has(kDbDir));
  EXPECT_TRUE(fs.Names(kDbDir).empty());
}

TEST(DestroyTest, LeavesWhatIsNotOurs) {
  CrashFileSystem fs(SmallDatabase());
  fs.Put(JoinPath(kDbDir, "notes.txt"), "mine");
  EXPECT_OK(DestroyDatabase(fs, kDbDir));
  EXPECT_EQ(fs.Names(kDbDir), (std::vector<std::string>{"notes.txt"}));
}

TEST(DestroyTest, IsContentWithNothing) {
  CrashFileSystem fs;
  EXPECT_OK(DestroyDatabase(fs, kDbDir));
}

TEST(DestroyTest, RefusesWhileItIsOpen) {
  ManualEnv env;
  const auto db = OpenDb(&env);
  ASSERT_OK(db);
  ASSERT_OK((*db)->Put({}, "a", "1"));
  EXPECT_CODE(DestroyDatabase(env.fs, kDbDir), kUnavailable);
  EXPECT_OK((*db)->Flush());
  EXPECT_OK((*db)->Get({}, "a"));
}

TEST(DestroyTest, WhatIsDestroyedStaysSo) {
  CrashFileSystem fs(SmallDatabase());
  EXPECT_OK(DestroyDatabase(fs, kDbDir));
  for (const auto& outcome : fs.CrashOutcomes()) {
    const auto contents = ContentsAfterCrash(outcome.image);
    ASSERT_OK(contents) << outcome.name;
    EXPECT_TRUE(contents->empty()) << outcome.name;
  }
}

// Goal: a crash half-way leaves the whole database or one that no opening takes
// for whole; and destroying it again works.
TEST(DestroyTest, CrashHalfwayLeavesAllOrNothingThatOpens) {
  const Contents whole = {{"a", "1"}, {"b", "2"}};
  CrashFileSystem fs(SmallDatabase());
  int opened_whole = 0;
  int refused = 0;
  int images = 0;
  const auto check = [&] {
    for (const auto& outcome : fs.CrashOutcomes()) {
      ++images;
      const auto contents = ContentsAfterCrash(outcome.image);
      if (contents.ok()) {
        EXPECT_TRUE(*contents == whole || contents->empty()) << outcome.name;
        opened_whole += *contents == whole;
      } else {
        EXPECT_CODE(contents, kDataLoss) << outcome.name;
        EXPECT_TRUE(Says(contents.status(), "CURRENT")) << outcome.name;
        ++refused;
      }
      CrashFileSystem again(outcome.image);
      EXPECT_OK(DestroyDatabase(again, kDbDir)) << outcome.name;
      EXPECT_TRUE(again.Names(kDbDir).empty()) << outcome.name;
    }
  };
  fs.before = [&](const FsCall& call) {
    if (call.Changes()) check();
    return absl::OkStatus();
  };
  EXPECT_OK(DestroyDatabase(fs, kDbDir));
  check();
  EXPECT_GT(opened_whole, 0);
  EXPECT_GT(refused, 0);
  EXPECT_GT(images, 10);
}

TEST(DestroyTest, GoesOnWithTheSyncAfterCurrentWasRemoved) {
  CrashFileSystem fs(SmallDatabase());
  fs.before = FailNth(0, Calls("syncdir"));
  EXPECT_CODE(DestroyDatabase(fs, kDbDir), kInternal);
  fs.before = nullptr;
  fs.ClearTrace();
  ASSERT_OK(DestroyDatabase(fs, kDbDir));
  EXPECT_EQ(fs.Trace().front(), "syncdir db");
}

TEST(DestroyTest, ReportsEachFailureAndGoesOnLater) {
  for (int n = 0;; ++n) {
    CrashFileSystem fs(SmallDatabase());
    bool failed = false;
    const FsHook hook =
        FailNth(n, [](const FsCall& call) { return call.op != "rmdir"; });
    fs.before = [&](const FsCall& call) {
      absl::Status status = hook(call);
      failed = failed || !status.ok();
      return status;
    };
    const absl::Status status = DestroyDatabase(fs, kDbDir);
    if (!failed) break;
    EXPECT_CODE(status, kInternal) << "call " << n;
    fs.before = nullptr;
    EXPECT_OK(DestroyDatabase(fs, kDbDir));
    EXPECT_TRUE(fs.Names(kDbDir).empty());
  }
}

}  // namespace
}  // namespace holdfast
