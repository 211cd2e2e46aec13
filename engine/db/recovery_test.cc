#include "engine/db/recovery.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/db/testing/harness.h"
#include "engine/db/testing/status_testing.h"
#include "engine/db/testing/workload.h"
#include "engine/db/wal_chain.h"
#include "engine/format/file_names.h"
#include "engine/format/internal_key.h"
#include "engine/format/log_frame.h"
#include "engine/format/wal_record.h"
#include "engine/version/manifest.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

std::string Path(std::string_view name) { return JoinPath(kDbDir, name); }

// The files of a database whose process was killed with three logs: `a` is in
// the first, `b` in the second, `c` in the third.
DiskImage ThreeLogs() {
  Options options = TinyOptions();
  options.max_memtables = 16;
  ManualEnv env;
  const auto db = OpenDb(&env, options);
  EXPECT_OK(db);
  for (const std::string key : {"a", "b", "c"}) {
    EXPECT_OK((*db)->Put({}, key, BigValue(key, 100)));
    // Fills the memtable: the next write freezes it.
    if (key != "c") {
      EXPECT_OK((*db)->Put({}, "filler", BigValue(key, 70'000)));
    }
  }
  return env.fs.Now();
}

std::vector<std::string> FilesOf(const DiskImage& image,
                                 std::string_view suffix) {
  std::vector<std::string> paths;
  for (const auto& [path, content] : image.files) {
    if (absl::EndsWith(path, suffix)) paths.push_back(path);
  }
  return paths;
}

Contents ThreeLogsContents() {
  return {{"a", BigValue("a", 100)},
          {"b", BigValue("b", 100)},
          {"c", BigValue("c", 100)},
          {"filler", BigValue("b", 70'000)}};
}

TEST(RecoveryTest, MakesANewDatabase) {
  ManualEnv env;
  const auto db = OpenDb(&env);
  ASSERT_OK(db);
  EXPECT_EQ(WrongFiles(env.fs), "");
  EXPECT_TRUE(ReadAll(**db)->empty());
}

// As a creation leaves it that was cut short before it synced the parent.
TEST(RecoveryTest, MakesTheNameOfItsDirectoryDurableWhoeverMadeIt) {
  ManualEnv env;
  ASSERT_OK(env.fs.CreateDirectory(kDbDir));
  const auto db = OpenDb(&env);
  ASSERT_OK(db);
  ASSERT_OK((*db)->Put({.sync = true}, "a", "1"));
  const auto contents = DurableContents(env.fs);
  ASSERT_OK(contents);
  EXPECT_EQ(*contents, (Contents{{"a", "1"}}));
}

TEST(RecoveryTest, NeedsTheParentOfTheDirectoryOnlyOnce) {
  ManualEnv env;
  env.fs.before = [](const FsCall& call) {
    return call.Text() == "syncdir " ? absl::PermissionDeniedError("injected")
                                     : absl::OkStatus();
  };
  EXPECT_CODE(OpenDb(&env).status(), kPermissionDenied);
  const FsHook refuse = std::exchange(env.fs.before, nullptr);
  ASSERT_OK(OpenDb(&env));
  env.fs.before = refuse;
  EXPECT_OK(OpenDb(&env));
}

// A sync that failed is not tried again and believed, here neither.
TEST(RecoveryTest, MakesItsDirectoryAnewWhenTheSyncOfItsNameFailed) {
  ManualEnv env;
  env.fs.before = FailNth(0, Calls("syncdir"));
  EXPECT_CODE(OpenDb(&env).status(), kInternal);
  EXPECT_EQ(env.fs.FileExists(kDbDir).value(), false);
  ASSERT_OK(OpenDb(&env));
  // Also when it could not even be locked.
  ManualEnv unlocked;
  unlocked.fs.before = FailNth(0, Calls("lock"));
  EXPECT_CODE(OpenDb(&unlocked).status(), kInternal);
  EXPECT_EQ(unlocked.fs.FileExists(kDbDir).value(), false);
  // One that was there before is not ours to remove.
  ManualEnv other;
  ASSERT_OK(other.fs.CreateDirectory(kDbDir));
  other.fs.before = FailNth(0, Calls("syncdir"));
  EXPECT_CODE(OpenDb(&other).status(), kInternal);
  EXPECT_EQ(other.fs.FileExists(kDbDir).value(), true);
}

TEST(RecoveryTest, ReplaysEveryLogOfTheChain) {
  const DiskImage image = ThreeLogs();
  ASSERT_EQ(FilesOf(image, ".wal").size(), 3u);
  const auto contents = ContentsAfterCrash(image);
  ASSERT_OK(contents);
  EXPECT_TRUE(*contents == ThreeLogsContents());
}

TEST(RecoveryTest, MakesATableOfEachFullMemTable) {
  ManualEnv env(ThreeLogs());
  Options options = TinyOptions();
  options.disable_auto_compaction = true;
  const auto db = OpenDb(&env, options);
  ASSERT_OK(db);
  EXPECT_GE((*db)->Stats().levels[0].tables, 2u);
  EXPECT_TRUE(*ReadAll(**db) == ThreeLogsContents());
}

TEST(RecoveryTest, DropsATornTailOfTheLastLog) {
  DiskImage image = ThreeLogs();
  image.files[FilesOf(image, ".wal")[2]].resize(100);
  const auto contents = ContentsAfterCrash(image);
  ASSERT_OK(contents);
  Contents expected = ThreeLogsContents();
  expected.erase("c");
  EXPECT_TRUE(*contents == expected);
}

TEST(RecoveryTest, ReportsDamageInASealedLog) {
  for (const size_t log : {0, 1}) {
    DiskImage image = ThreeLogs();
    const std::string path = FilesOf(image, ".wal")[log];
    for (const size_t offset : {200, 5'000, 70'000}) {
      DiskImage damaged = image;
      damaged.files[path][offset] ^= 1;
      EXPECT_CODE(ContentsAfterCrash(damaged), kDataLoss) << offset;
    }
  }
}

TEST(RecoveryTest, ReportsTheLogThatTheManifestNeeds) {
  DiskImage image = ThreeLogs();
  const std::string path = FilesOf(image, ".wal")[0];
  image.files.erase(path);
  const auto contents = ContentsAfterCrash(image);
  EXPECT_CODE(contents, kDataLoss);
  EXPECT_TRUE(Says(contents.status(), path));
}

TEST(RecoveryTest, ReportsTheLogThatASealNames) {
  for (const size_t log : {1, 2}) {
    DiskImage image = ThreeLogs();
    const std::string path = FilesOf(image, ".wal")[log];
    image.files.erase(path);
    const auto contents = ContentsAfterCrash(image);
    EXPECT_CODE(contents, kDataLoss);
    EXPECT_TRUE(Says(contents.status(), path));
  }
}

TEST(RecoveryTest, ReportsALogWhoseHeaderIsGone) {
  for (const size_t log : {0, 1, 2}) {
    DiskImage image = ThreeLogs();
    const std::string path = FilesOf(image, ".wal")[log];
    image.files[path].clear();
    const auto contents = ContentsAfterCrash(image);
    EXPECT_CODE(contents, kDataLoss);
    EXPECT_TRUE(Says(contents.status(), path));
  }
}

TEST(RecoveryTest, RefusesRecordsAfterAHole) {
  DiskImage image = ThreeLogs();
  const std::vector<std::string> logs = FilesOf(image, ".wal");
  // All records of the first log are there, and as long as the header of the
  // next one says; only the seal that leads to the next one is lost.
  std::string& log = image.files[logs[0]];
  log.resize(log.size() - kLogSealFrameBytes);
  const auto contents = ContentsAfterCrash(image);
  EXPECT_CODE(contents, kDataLoss);
  EXPECT_TRUE(Says(contents.status(), "does not lead to it"));
  // It names the place where the log broke off, not the log that is whole.
  EXPECT_TRUE(Says(contents.status(),
                   absl::StrCat(logs[0], " at offset ", log.size())));
}

TEST(RecoveryTest, RefusesASealThatNamesAnEarlierLog) {
  ManualEnv env;
  ASSERT_OK(OpenDb(&env));
  ASSERT_OK(OpenDb(&env));  // Its log has a number with room before it.
  const auto current = ReadCurrent(&env.fs, kDbDir);
  ASSERT_OK(current);
  const uint64_t log = ReadManifest(&env.fs, kDbDir, *current)->log_number;
  ASSERT_GT(log, 1u);
  DiskImage image = env.fs.Now();
  image.files.erase(WalFileName(kDbDir, log));
  CrashFileSystem fs(image);
  WalChain chain(&fs, kDbDir, current->db_id);
  ASSERT_OK(chain.Begin(log, 1));
  ASSERT_OK(chain.Rotate(log - 1, 1));
  // The clean close said how long the log was: without that.
  image.files[WalFileName(kDbDir, log)] = fs.Content(WalFileName(kDbDir, log));
  image.files[WalFileName(kDbDir, log - 1)] =
      fs.Content(WalFileName(kDbDir, log - 1));
  const auto contents = ContentsAfterCrash(image);
  EXPECT_CODE(contents, kDataLoss);
  EXPECT_TRUE(Says(contents.status(), "is not a later one"));
}

// A write that the tables have already, or that a later one has overtaken, must
// not come back.
TEST(RecoveryTest, RefusesRecordsThatGoBack) {
  ManualEnv env;
  const auto db = OpenDb(&env);
  ASSERT_OK(db);
  ASSERT_OK((*db)->Put({}, "a", "1"));
  ASSERT_OK((*db)->Put({}, "a", "2"));
  ASSERT_OK((*db)->Flush());
  DiskImage image = env.fs.Now();
  const auto current = ReadCurrent(&env.fs, kDbDir);
  ASSERT_OK(current);
  const uint64_t log = ReadManifest(&env.fs, kDbDir, *current)->log_number;
  const std::string path = WalFileName(kDbDir, log);
  WriteBatch batch;
  batch.Put("a", "3");
  // Before what is in the table, right after it, and so high that later writes
  // would find no numbers.
  constexpr SequenceNumber kTooHigh = SequenceNumber{1} << 55;
  for (const SequenceNumber first :
       {SequenceNumber{1}, SequenceNumber{2}, SequenceNumber{3}, kTooHigh - 1,
        kTooHigh, kMaxSequenceNumber}) {
    DiskImage empty = image;
    empty.files.erase(path);
    CrashFileSystem fs(empty);
    WalChain chain(&fs, kDbDir, current->db_id);
    ASSERT_OK(chain.Begin(log, 3));
    std::string prefix;
    AppendWalRecordPrefix(&prefix, first, batch.count());
    ASSERT_OK(chain.current().AddRecord(prefix, batch.rep()));
    const auto contents = ContentsAfterCrash(fs.Now());
    if (first == 3) {
      ASSERT_OK(contents);
      EXPECT_TRUE(*contents == (Contents{{"a", "3"}}));
    } else {
      EXPECT_CODE(contents, kDataLoss) << first;
      EXPECT_TRUE(Says(contents.status(), "begins at sequence number"));
    }
  }
}

TEST(RecoveryTest, IgnoresAndRemovesLogsThatWereNeverWrittenTo) {
  DiskImage image = ThreeLogs();
  CrashFileSystem fs(image);
  const uint64_t db_id = ReadCurrent(&fs, kDbDir)->db_id;
  ASSERT_OK(WalChain(&fs, kDbDir, db_id).Begin(70, 1));
  fs.Put(Path("000071.wal"), "");
  fs.Put(Path("000072.wal"), std::string(512, '\0'));
  const auto contents = ContentsAfterCrash(fs.Now());
  ASSERT_OK(contents);  // Which also checks that no file is left over.
  EXPECT_TRUE(*contents == ThreeLogsContents());
}

TEST(RecoveryTest, RemovesOrphansAndLeavesUnknownNames) {
  ManualEnv env(ThreeLogs());
  env.fs.Put(Path("000500.sst"), "what a crash left");
  env.fs.Put(Path("MANIFEST-000501"), "what a crash left");
  env.fs.Put(Path("000502.tmp"), "what a crash left");
  env.fs.Put(Path("notes.txt"), "mine");
  env.fs.Put(Path("12.sst"), "mine");
  const auto db = OpenDb(&env);
  ASSERT_OK(db);
  EXPECT_FALSE(env.fs.Has(Path("000500.sst")));
  EXPECT_FALSE(env.fs.Has(Path("MANIFEST-000501")));
  EXPECT_FALSE(env.fs.Has(Path("000502.tmp")));
  EXPECT_EQ(env.fs.Content(Path("notes.txt")), "mine");
  EXPECT_EQ(env.fs.Content(Path("12.sst")), "mine");
}

TEST(RecoveryTest, GivesNoNumberTwice) {
  ManualEnv env(ThreeLogs());
  env.fs.Put(Path("000900.tmp"), "");
  std::set<std::string> made;
  env.fs.before = [&](const FsCall& call) {
    if (call.op == "create") {
      EXPECT_TRUE(made.insert(call.path).second) << call.path;
      EXPECT_TRUE(absl::StrContains(call.path, "0009")) << call.path;
    }
    return absl::OkStatus();
  };
  for (int i = 0; i < 3; ++i) {
    const auto db = OpenDb(&env);
    ASSERT_OK(db);
    ASSERT_OK((*db)->Put({}, "key", "value"));
    ASSERT_OK((*db)->Flush());
  }
  EXPECT_GT(made.size(), 6u);
}

// The number would be taken for used, and later ones be refused one day.
TEST(RecoveryTest, RefusesANameThatLeavesNoNumbers) {
  for (const std::string name : {"18446744073709551615.sst",
                                 "9223372036854775807.sst", "4294967399.wal"}) {
    ManualEnv env(ThreeLogs());
    env.fs.Put(Path(name), "");
    const DiskImage before = env.fs.Now();
    const auto db = OpenDb(&env);
    EXPECT_CODE(db, kDataLoss);
    EXPECT_TRUE(Says(db.status(), name));
    for (const auto& [path, content] : before.files) {
      ASSERT_TRUE(env.fs.Has(path)) << path;
      EXPECT_TRUE(env.fs.Content(path) == content) << path;
    }
  }
}

// --- Without CURRENT ---------------------------------------------------------

TEST(RecoveryTest, RefusesTablesWithoutCurrent) {
  ManualEnv env;
  std::vector<DiskImage> images;
  {
    const auto db = OpenDb(&env);
    ASSERT_OK(db);
    ASSERT_OK((*db)->Put({}, "key", "value"));
    ASSERT_OK((*db)->Flush());
    images.push_back(env.fs.Now());  // The only log has but its header.
  }
  images.push_back(env.fs.Now());
  for (DiskImage& image : images) {
    image.files.erase(Path("CURRENT"));
    const auto contents = ContentsAfterCrash(image);
    EXPECT_CODE(contents, kDataLoss);
    EXPECT_TRUE(Says(contents.status(), "CURRENT"));
  }
}

TEST(RecoveryTest, RefusesRecordsWithoutCurrent) {
  DiskImage image = ThreeLogs();
  image.files.erase(Path("CURRENT"));
  const auto contents = ContentsAfterCrash(image);
  EXPECT_CODE(contents, kDataLoss);
  EXPECT_TRUE(Says(contents.status(), "CURRENT"));
}

// A log that cannot be looked at is not an empty one: taking it for that would
// make a new database over the old one, and remove it.
TEST(RecoveryTest, MakesNoNewDatabaseOverLogsThatCannotBeRead) {
  DiskImage image = ThreeLogs();
  image.files.erase(Path("CURRENT"));
  for (const std::string op : {"open", "stat", "size", "read"}) {
    ManualEnv env(image);
    env.fs.before =
        FailNth(0, Calls(op, ".wal"), absl::InternalError("injected fault"),
                /*for_ever=*/true);
    EXPECT_FALSE(OpenDb(&env).ok()) << op;
    for (const auto& [path, content] : image.files) {
      ASSERT_TRUE(env.fs.Has(path)) << path << " after failed " << op;
    }
  }
}

TEST(RecoveryTest, MakesNoNewDatabaseOverALogWithADamagedHeader) {
  DiskImage image = ThreeLogs();
  image.files.erase(Path("CURRENT"));
  for (const std::string& log : FilesOf(image, ".wal")) {
    image.files[log][8] ^= 1;
  }
  EXPECT_CODE(ContentsAfterCrash(image), kDataLoss);
}

TEST(RecoveryTest, BeginsAnewWhenNothingWasWrittenYet) {
  ManualEnv env;
  const auto db = OpenDb(&env);
  ASSERT_OK(db);
  DiskImage image = env.fs.Now();
  image.files.erase(Path("CURRENT"));
  const auto contents = ContentsAfterCrash(image);
  ASSERT_OK(contents);
  EXPECT_TRUE(contents->empty());
}

// --- Errors ------------------------------------------------------------------

// Goal: a read error is never taken for the end of something. Every call that
// looks fails once; what was there stays, and the next opening finds it all.
TEST(RecoveryTest, ChangesNothingWhenReadingFails) {
  const DiskImage image = ThreeLogs();
  for (const std::string op :
       {"open", "size", "read", "list", "exists", "stat", "lock"}) {
    for (int n = 0;; ++n) {
      ManualEnv env(image);
      bool failed = false;
      FsHook hook = FailNth(n, Calls(op));
      env.fs.before = [&](const FsCall& call) {
        absl::Status status = hook(call);
        failed = failed || !status.ok();
        return status;
      };
      const auto db = OpenDb(&env);
      if (!failed) break;
      if (db.ok()) continue;  // After recovery: looking for obsolete files.
      EXPECT_CODE(db, kInternal);
      env.fs.before = nullptr;
      for (const auto& [path, content] : image.files) {
        ASSERT_TRUE(env.fs.Has(path)) << path << ", " << op << " " << n;
        ASSERT_TRUE(env.fs.Content(path) == content) << path;
      }
      const auto contents = ContentsAfterCrash(env.fs.Now());
      ASSERT_OK(contents);
      EXPECT_TRUE(*contents == ThreeLogsContents());
    }
  }
}

// A database that cannot be opened is tried again and again.
TEST(RecoveryTest, FailedOpeningsLeaveNothingBehind) {
  DiskImage image = ThreeLogs();
  image.files[FilesOf(image, ".wal")[2]].clear();  // After two full memtables.
  for (const std::string fails : {"nothing", "create", "write", "rename"}) {
    ManualEnv env(image);
    const std::vector<std::string> before = env.fs.Names(kDbDir);
    if (fails != "nothing") {
      env.fs.Put(FilesOf(image, ".wal")[2],
                 ThreeLogs().files[FilesOf(image, ".wal")[2]]);
      env.fs.before = FailNth(0, Calls(fails, "MANIFEST"));
      if (fails == "rename")
        env.fs.before = FailNth(0, Calls("create", ".tmp"));
    }
    ASSERT_FALSE(OpenDb(&env).ok()) << fails;
    env.fs.before = nullptr;
    if (fails == "rename") {
      // CURRENT may name the new manifest: all that it needs must stay.
      EXPECT_OK(ContentsAfterCrash(env.fs.Now()));
      continue;
    }
    EXPECT_EQ(env.fs.Names(kDbDir), before) << fails;
  }
}

// --- Crashes during recovery -------------------------------------------------

// Explores what crashes of recoveries of recoveries leave. Each image once.
class NestedCrashes {
 public:
  explicit NestedCrashes(Contents expected) : expected_(std::move(expected)) {}

  void Explore(const DiskImage& image, int depth) {
    if (!seen_
             .insert(std::hash<std::string>()(
                 absl::StrCat(depth, image.Fingerprint())))
             .second ||
        testing::Test::HasFailure()) {
      return;
    }
    ++images_;
    std::vector<CrashFileSystem::Outcome> left;
    {
      ManualEnv env(image);
      if (depth > 0) {
        env.fs.before = [&](const FsCall& call) {
          if (!call.Changes()) return absl::OkStatus();
          for (auto& outcome : env.fs.CrashOutcomes()) {
            outcome.name = absl::StrCat(call.Text(), ", ", outcome.name);
            left.push_back(std::move(outcome));
          }
          return absl::OkStatus();
        };
      }
      const auto db = OpenDb(&env);
      ASSERT_OK(db) << where_;
      // What is shown is durable: a crash at once finds the same.
      if (depth > 0) {
        for (auto& outcome : env.fs.CrashOutcomes()) {
          outcome.name = absl::StrCat("opened, ", outcome.name);
          left.push_back(std::move(outcome));
        }
      }
      EXPECT_EQ(WrongFiles(env.fs), "") << where_;
      const auto contents = ReadAll(**db);
      ASSERT_OK(contents) << where_;
      EXPECT_TRUE(*contents == expected_) << where_;
      env.fs.before = nullptr;
    }
    for (const auto& outcome : left) {
      const std::string where = where_;
      absl::StrAppend(&where_, "[", outcome.name, "] ");
      Explore(outcome.image, depth - 1);
      where_ = where;
    }
  }

  size_t images() const { return images_; }

 private:
  const Contents expected_;
  std::set<size_t> seen_;
  size_t images_ = 0;
  std::string where_;
};

TEST(RecoveryCrashTest, CreationCanBeCutShortAnywhere) {
  NestedCrashes crashes({});
  crashes.Explore({}, /*depth=*/3);
  EXPECT_GT(crashes.images(), 100u);
}

// Goal: whatever recovery shows is durable, and crashes during recovery, again
// and again, lose nothing (D5, D6).
TEST(RecoveryCrashTest, CrashesOfRecoveriesOfRecoveriesLoseNothing) {
  ManualEnv env;
  {
    const auto db = OpenDb(&env);
    ASSERT_OK(db);
    ASSERT_OK((*db)->Put({}, "in a table", "1"));
    ASSERT_OK((*db)->Flush());
    ASSERT_OK((*db)->Put({}, "in the log", "2"));
    env.fs.before = [](const FsCall&) { return absl::InternalError("dead"); };
  }
  NestedCrashes crashes({{"in a table", "1"}, {"in the log", "2"}});
  crashes.Explore(env.fs.Now(), /*depth=*/3);
  EXPECT_GT(crashes.images(), 1000u);
}

TEST(RecoveryCrashTest, CrashesWhileAChainIsReplayedLoseNothing) {
  NestedCrashes crashes(ThreeLogsContents());
  crashes.Explore(ThreeLogs(), /*depth=*/1);
  EXPECT_GT(crashes.images(), 20u);
}

}  // namespace
}  // namespace holdfast
