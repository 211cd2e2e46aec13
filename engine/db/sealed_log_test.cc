// A log that loses its end, or a bit, after what was in it had become durable:
// opening says so, or finds everything. It never goes on with less.

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/db/testing/harness.h"
#include "engine/db/testing/log_length.h"
#include "engine/db/testing/status_testing.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

const Contents kRecords = {{"a", "1"}, {"b", "2"}};

FsHook NoSpaceFor(std::string op, std::string path_part) {
  return FailNth(0, Calls(std::move(op), std::move(path_part)),
                 absl::ResourceExhaustedError("disk full"), /*for_ever=*/true);
}

std::vector<std::string> LogsOf(const DiskImage& image) {
  std::vector<std::string> paths;
  for (const auto& [path, content] : image.files) {
    if (absl::EndsWith(path, ".wal")) paths.push_back(path);
  }
  return paths;
}

std::unique_ptr<DB> OpenAndWrite(ManualEnv* env, bool sync) {
  auto db = OpenDb(env, QuietOptions());
  EXPECT_OK(db);
  for (const auto& [key, value] : kRecords) {
    EXPECT_OK((*db)->Put({.sync = sync}, key, value));
  }
  return *std::move(db);
}

// Two logs: the first holds the records and is sealed, the second is empty. The
// flush that sealed the first found no space for its table.
DiskImage SealedAndEmpty(bool sync, bool close) {
  ManualEnv env;
  const std::unique_ptr<DB> db = OpenAndWrite(&env, sync);
  env.fs.before = NoSpaceFor("create", ".sst");
  EXPECT_CODE(db->Flush(), kResourceExhausted);
  env.fs.before = nullptr;
  if (close) {
    EXPECT_OK(db->Close());
  }
  return env.fs.Now();
}

// Two logs: the first could not be sealed for want of space and is still in
// use, the second is empty.
DiskImage UnsealedAndEmpty() {
  ManualEnv env;
  const std::unique_ptr<DB> db = OpenAndWrite(&env, /*sync=*/true);
  env.fs.before = NoSpaceFor("write", LogsOf(env.fs.Now())[0]);
  EXPECT_CODE(db->Flush(), kResourceExhausted);
  env.fs.before = nullptr;
  return env.fs.Now();
}

// Two logs: the first was sealed at the second attempt, and between the two it
// got the second record; the other is empty.
DiskImage SealedLaterAndEmpty(bool close) {
  ManualEnv env;
  auto db = OpenDb(&env, QuietOptions());
  EXPECT_OK(db);
  EXPECT_OK((*db)->Put({.sync = true}, "a", "1"));
  env.fs.before = NoSpaceFor("write", LogsOf(env.fs.Now())[0]);
  EXPECT_CODE((*db)->Flush(), kResourceExhausted);
  env.fs.before = nullptr;
  EXPECT_OK((*db)->Put({.sync = true}, "b", "2"));
  env.fs.before = NoSpaceFor("create", ".sst");
  EXPECT_CODE((*db)->Flush(), kResourceExhausted);
  env.fs.before = nullptr;
  if (close) {
    EXPECT_OK((*db)->Close());
  }
  return env.fs.Now();
}

// All is there, or damage is reported that names the log.
void ExpectAllOrDamage(const DiskImage& image, const std::string& log,
                       const std::string& what) {
  const auto contents = ContentsAfterCrash(image);
  if (contents.ok()) {
    EXPECT_TRUE(*contents == kRecords) << what << ": silent loss";
    return;
  }
  EXPECT_CODE(contents, kDataLoss) << what;
  EXPECT_TRUE(Says(contents.status(), log)) << what;
}

void ExpectAllOrDamageAtEveryByte(const DiskImage& image) {
  ASSERT_EQ(LogsOf(image).size(), 2u);
  const auto whole = ContentsAfterCrash(image);
  ASSERT_OK(whole);
  ASSERT_TRUE(*whole == kRecords);
  for (const std::string& log : LogsOf(image)) {
    const std::string& bytes = image.files.at(log);
    for (size_t n = 0; n < bytes.size(); ++n) {
      DiskImage cut = image;
      cut.files[log].resize(n);
      ExpectAllOrDamage(cut, log, absl::StrCat(log, " cut at ", n));
      DiskImage flipped = image;
      flipped.files[log][n] ^= 1;
      ExpectAllOrDamage(flipped, log, absl::StrCat(log, " flipped at ", n));
      if (testing::Test::HasFailure()) return;
    }
    DiskImage removed = image;
    removed.files.erase(log);
    ExpectAllOrDamage(removed, log, absl::StrCat(log, " removed"));
  }
}

TEST(SealedLogTest, LosesNothingInSilenceAfterAClose) {
  for (const bool sync : {true, false}) {
    SCOPED_TRACE(sync);
    ExpectAllOrDamageAtEveryByte(SealedAndEmpty(sync, /*close=*/true));
  }
}

// Not even when the log after it, which tells how long it must be, is gone too:
// the manifest knows where the chain ended.
TEST(SealedLogTest, LosesNothingInSilenceAfterACloseWithoutItsSuccessor) {
  DiskImage image = SealedAndEmpty(/*sync=*/true, /*close=*/true);
  const std::vector<std::string> logs = LogsOf(image);
  ASSERT_EQ(logs.size(), 2u);
  image.files.erase(logs[1]);
  for (size_t n = 0; n < LengthOfLog(image.files.at(logs[0])); ++n) {
    DiskImage cut = image;
    cut.files[logs[0]].resize(n);
    const auto contents = ContentsAfterCrash(cut);
    EXPECT_CODE(contents, kDataLoss) << n;
    EXPECT_TRUE(Says(contents.status(), logs[0])) << n;
  }
}

TEST(SealedLogTest, LosesNothingInSilenceAfterAKill) {
  for (const bool sync : {true, false}) {
    SCOPED_TRACE(sync);
    ExpectAllOrDamageAtEveryByte(SealedAndEmpty(sync, /*close=*/false));
  }
}

TEST(SealedLogTest, LosesNothingInSilenceWhenItsSealCouldNotBeWritten) {
  ExpectAllOrDamageAtEveryByte(UnsealedAndEmpty());
}

TEST(SealedLogTest, LosesNothingInSilenceWhenItWasSealedLater) {
  for (const bool close : {true, false}) {
    SCOPED_TRACE(close);
    ExpectAllOrDamageAtEveryByte(SealedLaterAndEmpty(close));
  }
}

// The other side: what was never durable may be gone, and that is no damage.
TEST(SealedLogTest, CrashesOfTheRotationAreNoDamage) {
  std::vector<CrashFileSystem::Outcome> left;
  ManualEnv env;
  const std::unique_ptr<DB> db = OpenAndWrite(&env, /*sync=*/true);
  ASSERT_OK(db->Put({}, "c", "3"));
  env.fs.before = [&](const FsCall& call) -> absl::Status {
    if (!call.Changes()) return absl::OkStatus();
    if (call.op == "create" && absl::EndsWith(call.path, ".sst")) {
      return absl::ResourceExhaustedError("disk full");
    }
    for (auto& outcome : env.fs.CrashOutcomes()) {
      outcome.name = absl::StrCat(call.Text(), ", ", outcome.name);
      left.push_back(std::move(outcome));
    }
    return absl::OkStatus();
  };
  EXPECT_CODE(db->Flush(), kResourceExhausted);
  env.fs.before = nullptr;
  EXPECT_GT(left.size(), 10u);
  for (const auto& outcome : left) {
    auto contents = ContentsAfterCrash(outcome.image);
    ASSERT_OK(contents) << outcome.name;
    contents->erase("c");
    EXPECT_TRUE(*contents == kRecords) << outcome.name;
  }
}

// A seal that failed may be on disk all the same. The log is then written on,
// and sealed again.
TEST(SealedLogTest, CrashesOfASecondRotationAreNoDamage) {
  std::vector<CrashFileSystem::Outcome> left;
  std::vector<std::string> durable;  // Keys that each of these must have.
  std::vector<std::vector<std::string>> wanted;
  ManualEnv env;
  auto db = OpenDb(&env, QuietOptions());
  ASSERT_OK(db);
  const std::string log = LogsOf(env.fs.Now())[0];
  env.fs.before = [&](const FsCall& call) -> absl::Status {
    if (!call.Changes()) return absl::OkStatus();
    if (call.op == "create" && absl::EndsWith(call.path, ".sst")) {
      return absl::ResourceExhaustedError("disk full");
    }
    for (auto& outcome : env.fs.CrashOutcomes()) {
      outcome.name = absl::StrCat(call.Text(), ", ", outcome.name);
      left.push_back(std::move(outcome));
      wanted.push_back(durable);
    }
    return absl::OkStatus();
  };
  EXPECT_OK((*db)->Put({.sync = true}, "a", "1"));
  durable = {"a"};
  env.fs.after = FailNth(0, Calls("write", log),
                         absl::ResourceExhaustedError("disk full"));
  EXPECT_CODE((*db)->Flush(), kResourceExhausted);
  env.fs.after = nullptr;
  EXPECT_OK((*db)->Put({.sync = true}, "b", "2"));
  durable = {"a", "b"};
  EXPECT_OK((*db)->Put({}, "c", "3"));
  EXPECT_CODE((*db)->Flush(), kResourceExhausted);
  env.fs.before = nullptr;
  EXPECT_GT(left.size(), 30u);
  for (size_t i = 0; i < left.size(); ++i) {
    const auto contents = ContentsAfterCrash(left[i].image);
    ASSERT_OK(contents) << left[i].name;
    for (const std::string& key : wanted[i]) {
      EXPECT_EQ(contents->count(key), 1u) << key << " after " << left[i].name;
    }
  }
  // The log of the first attempt is of no use any more.
  EXPECT_EQ(LogsOf(env.fs.Now()).size(), 2u);
}

// Nor is a log that went on growing beside the one that was to follow it, and
// lost what it got last.
TEST(SealedLogTest, ATornTailBesideAnEmptySuccessorIsNoDamage) {
  ManualEnv env;
  const std::unique_ptr<DB> db = OpenAndWrite(&env, /*sync=*/true);
  const std::string log = LogsOf(env.fs.Now())[0];
  env.fs.before = NoSpaceFor("write", log);
  EXPECT_CODE(db->Flush(), kResourceExhausted);
  env.fs.before = nullptr;
  const size_t durable = LengthOfLog(env.fs.Content(log));
  ASSERT_OK(db->Put({}, "c", "3"));
  const DiskImage image = env.fs.Now();
  ASSERT_EQ(LogsOf(image).size(), 2u);
  const size_t length = LengthOfLog(image.files.at(log));
  ASSERT_GT(length, durable);
  for (size_t n = durable; n < length; ++n) {
    DiskImage cut = image;
    cut.files[log].resize(n);
    const auto contents = ContentsAfterCrash(cut);
    ASSERT_OK(contents) << n;
    EXPECT_TRUE(*contents == kRecords) << n;
  }
  Contents all = kRecords;
  all["c"] = "3";
  EXPECT_TRUE(*ContentsAfterCrash(image) == all);
}

}  // namespace
}  // namespace holdfast
