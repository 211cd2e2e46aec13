// Opening, closing, locking, destroying; what is left in the directory.

#include "tests/util/open.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "env/posix/temp_directory.h"
#include "gtest/gtest.h"
#include "holdfast/db.h"
#include "holdfast/env/env.h"
#include "tests/util/contents.h"
#include "tests/util/directory.h"
#include "tests/util/status_testing.h"

namespace holdfast {
namespace {

class OpenTest : public testing::Test {
 protected:
  OpenTest() : path_(directory_.File("db")) {}

  std::vector<std::string> NamesThatEndIn(std::string_view ending) {
    std::vector<std::string> names = FileNames(path_);
    names.erase(std::remove_if(names.begin(), names.end(),
                               [&](const std::string& name) {
                                 return !absl::EndsWith(name, ending);
                               }),
                names.end());
    return names;
  }
  // Fills some tables, and a log.
  Contents Fill(DB& db) {
    Contents contents;
    for (int i = 0; i < 500; ++i) {
      const std::string key = absl::StrCat("key", i % 300);
      contents[key] = absl::StrCat(i, std::string(1000, 'x'));
      EXPECT_OK(db.Put({}, key, contents[key]));
    }
    return contents;
  }

  TempDirectory directory_;
  const std::string path_;
};

// Runs `body` in a child process that ends with it, and RETURNS its result.
int InChild(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(OpenTest, SecondOpenerInTheProcessIsTurnedAway) {
  auto db = OpenOrDie(TinyOptions(), path_);
  const auto second = DB::Open(TinyOptions(), path_);
  EXPECT_CODE(second, kUnavailable);
  EXPECT_TRUE(Says(second.status(), path_));
  // By another name, too.
  EXPECT_CODE(DB::Open(TinyOptions(), path_ + "/../db"), kUnavailable);
  EXPECT_OK(db->Put({}, "a", "1"));  // The first is not harmed.
  EXPECT_OK(db->Close());
  // Closed is enough; it need not be destroyed.
  EXPECT_TRUE(Holds(*OpenOrDie(TinyOptions(), path_), {{"a", "1"}}));
}

TEST_F(OpenTest, SecondProcessIsTurnedAway) {
  const auto open_in_child = [this] {
    return InChild([this] {
      return static_cast<int>(DB::Open(TinyOptions(), path_).status().code());
    });
  };
  OpenOrDie(TinyOptions(), path_).reset();
  int held = -1;
  {
    // The holder is a child as well: one with threads must not fork.
    int ready[2];
    int finish[2];
    ASSERT_EQ(pipe(ready), 0);
    ASSERT_EQ(pipe(finish), 0);
    const pid_t holder = fork();
    if (holder == 0) {
      close(finish[1]);
      const auto db = OpenOrDie(TinyOptions(), path_);
      char byte = 1;
      if (write(ready[1], &byte, 1) != 1) _exit(1);
      while (read(finish[0], &byte, 1) > 0) {
      }
      _exit(0);  // Without closing the database.
    }
    char byte;
    ASSERT_EQ(read(ready[0], &byte, 1), 1);
    held = open_in_child();
    for (const int fd : {finish[0], finish[1], ready[0], ready[1]}) close(fd);
    int status = 0;
    ASSERT_EQ(waitpid(holder, &status, 0), holder);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(held, static_cast<int>(absl::StatusCode::kUnavailable));
  EXPECT_EQ(open_in_child(), static_cast<int>(absl::StatusCode::kOk));
}

TEST_F(OpenTest, LockGoesWithAKilledProcess) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t holder = fork();
  if (holder == 0) {
    const auto db = OpenOrDie(TinyOptions(), path_);
    if (!db->Put({}, "a", "1").ok()) _exit(1);
    char byte = 1;
    if (write(ready[1], &byte, 1) != 1) _exit(1);
    for (;;) pause();
  }
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_CODE(DB::Open(TinyOptions(), path_), kUnavailable);
  ASSERT_EQ(kill(holder, SIGKILL), 0);
  int status = 0;
  ASSERT_EQ(waitpid(holder, &status, 0), holder);
  EXPECT_TRUE(Holds(*OpenOrDie(TinyOptions(), path_), {{"a", "1"}}));
  close(ready[0]);
  close(ready[1]);
}

TEST_F(OpenTest, FiftyTimesLosesNothingAndGathersNothing) {
  Contents expected;
  size_t most_files = 0;
  for (int round = 0; round < 50; ++round) {
    const auto db = OpenOrDie(TinyOptions(), path_);
    ASSERT_TRUE(Holds(*db, expected)) << round;
    const std::string key = absl::StrCat("key", round % 7);
    expected[key] = absl::StrCat(round);
    ASSERT_OK(db->Put({}, key, expected[key]));
    // Closing gives up a compaction that is under way: let some end.
    if (round % 5 == 0) ASSERT_OK(db->WaitForBackgroundWork());
    if (round % 2 == 0) ASSERT_OK(db->Close());  // Else by the destructor.
    most_files = std::max(most_files, FileNames(path_).size());
  }
  // CURRENT, LOCK, one manifest, one log and the tables of a few rounds.
  EXPECT_LE(most_files, 30u);
  EXPECT_EQ(NamesThatEndIn(".wal").size(), 1u);
  EXPECT_EQ(NamesThatEndIn(".tmp").size(), 0u);
}

TEST_F(OpenTest, ReopeningAnEmptyDatabaseGathersNothing) {
  OpenOrDie(TinyOptions(), path_).reset();
  const size_t files = FileNames(path_).size();
  for (int round = 0; round < 10; ++round) {
    const auto db = OpenOrDie({}, path_);
    EXPECT_TRUE(Holds(*db, {}));
    EXPECT_OK(db->VerifyChecksums());
  }
  EXPECT_EQ(FileNames(path_).size(), files);
}

TEST_F(OpenTest, LeavesNoDescriptorsOpen) {
  OpenOrDie(TinyOptions(), path_).reset();
  const size_t before = CountOpenFiles();
  {
    const auto db = OpenOrDie(TinyOptions(), path_);
    Fill(*db);
    ASSERT_OK(db->CompactRange({}, {}));
  }
  EXPECT_EQ(CountOpenFiles(), before);
  WriteFileBytes(path_ + "/CURRENT", "damaged");
  EXPECT_CODE(DB::Open({}, path_), kDataLoss);
  EXPECT_EQ(CountOpenFiles(), before);
}

TEST_F(OpenTest, ClosedDatabaseRefusesEverything) {
  const auto db = OpenOrDie(TinyOptions(), path_);
  ASSERT_OK(db->Put({}, "a", "1"));
  ASSERT_OK(db->Close());
  EXPECT_OK(db->Close());  // Twice is fine.
  EXPECT_CODE(db->Put({}, "a", "2"), kFailedPrecondition);
  EXPECT_CODE(db->Delete({}, "a"), kFailedPrecondition);
  EXPECT_CODE(db->Write({}, WriteBatch()), kFailedPrecondition);
  EXPECT_CODE(db->Get({}, "a"), kFailedPrecondition);
  PinnedValue pin;
  EXPECT_CODE(db->Get({}, "a", &pin), kFailedPrecondition);
  EXPECT_CODE(db->Flush(), kFailedPrecondition);
  EXPECT_CODE(db->SyncWal(), kFailedPrecondition);
  EXPECT_CODE(db->CompactRange({}, {}), kFailedPrecondition);
  EXPECT_CODE(db->WaitForBackgroundWork(), kFailedPrecondition);
  EXPECT_CODE(db->Resume(), kFailedPrecondition);
  EXPECT_CODE(db->VerifyChecksums(), kFailedPrecondition);
  const auto it = db->NewIterator({});
  it->SeekToFirst();
  EXPECT_FALSE(it->Valid());
  EXPECT_CODE(it->status(), kFailedPrecondition);
  EXPECT_EQ(db->Health().state, HealthState::kClosed);
}

TEST_F(OpenTest, CloseWaitsForBackgroundWork) {
  Contents expected;
  {
    const auto db = OpenOrDie(TinyOptions(), path_);
    expected = Fill(*db);  // Flushes and compactions are under way.
    ASSERT_OK(db->Close());
    const std::vector<std::string> files = FileNames(path_);
    EXPECT_TRUE(NamesThatEndIn(".tmp").empty());
    EXPECT_EQ(FileNames(path_), files);
  }
  EXPECT_TRUE(Holds(*OpenOrDie(TinyOptions(), path_), expected));
}

TEST_F(OpenTest, RemovesOrphansAndLeavesUnknownFilesAlone) {
  Contents expected;
  {
    const auto db = OpenOrDie(TinyOptions(), path_);
    expected = Fill(*db);
  }
  const std::vector<std::string> orphans = {"900001.sst", "900002.tmp",
                                            "MANIFEST-900003"};
  for (const std::string& name : orphans) {
    WriteFileBytes(path_ + "/" + name, "left over");
  }
  const std::vector<std::string> unknown = {"notes.txt",      "1.sst",
                                            "0900001.sst",    "MANIFEST",
                                            "000001.sst.bak", "CURRENT~"};
  for (const std::string& name : unknown) {
    WriteFileBytes(path_ + "/" + name, "somebody's");
  }
  ASSERT_TRUE(std::filesystem::create_directory(path_ + "/subdirectory"));
  {
    const auto db = OpenOrDie(TinyOptions(), path_);
    EXPECT_TRUE(Holds(*db, expected));
    for (const std::string& name : orphans) {
      EXPECT_FALSE(std::filesystem::exists(path_ + "/" + name)) << name;
    }
    // Their numbers are not given out again: whoever still has such a file
    // open, or finds its stale blocks, is not misled.
    ASSERT_OK(db->Put({}, "a", "1"));
    ASSERT_OK(db->Flush());
    EXPECT_GT(NamesThatEndIn(".sst").back(), "900003");
  }
  for (const std::string& name : unknown) {
    EXPECT_EQ(ReadFileBytes(path_ + "/" + name), "somebody's") << name;
  }
  EXPECT_TRUE(std::filesystem::exists(path_ + "/subdirectory"));
}

TEST_F(OpenTest, HasNoFileThatNothingNeeds) {
  const auto db = OpenOrDie(TinyOptions(), path_);
  Fill(*db);
  ASSERT_OK(db->CompactRange({}, {}));
  ASSERT_OK(db->WaitForBackgroundWork());
  uint64_t tables = 0;
  for (const LevelStats& level : db->Stats().levels) tables += level.tables;
  EXPECT_EQ(NamesThatEndIn(".sst").size(), tables);
  EXPECT_EQ(NamesThatEndIn(".wal").size(), db->Stats().wal_files);
  EXPECT_EQ(NamesThatEndIn(".tmp").size(), 0u);
}

TEST_F(OpenTest, FilesThatReadersHeldGoWithThem) {
  const auto db = OpenOrDie(TinyOptions(), path_);
  const Contents contents = Fill(*db);
  ASSERT_OK(db->WaitForBackgroundWork());
  auto it = db->NewIterator({});
  it->SeekToFirst();
  const size_t before = NamesThatEndIn(".sst").size();
  ASSERT_OK(db->CompactRange({}, {}));
  ASSERT_OK(db->WaitForBackgroundWork());
  EXPECT_GE(NamesThatEndIn(".sst").size(), before);  // The iterator's.
  Contents found;
  for (; it->Valid(); it->Next()) found.emplace(it->key(), it->value());
  EXPECT_TRUE(Same(found, contents));
  it.reset();
  ASSERT_OK(db->WaitForBackgroundWork());
  uint64_t tables = 0;
  for (const LevelStats& level : db->Stats().levels) tables += level.tables;
  EXPECT_EQ(NamesThatEndIn(".sst").size(), tables);
}

// A creation that a crash cut short leaves some of its files, whole or not.
TEST_F(OpenTest, HalfMadeDatabaseIsMadeAnew) {
  // Open throughout: closing would add to the files.
  const auto made = OpenOrDie(TinyOptions(), path_);
  const std::vector<std::string> names = FileNames(path_);
  // Every subset without CURRENT, whole or cut in half.
  std::vector<std::string> rest;
  for (const std::string& name : names) {
    if (name != "CURRENT") rest.push_back(name);
  }
  int tried = 0;
  for (unsigned subset = 0; subset < (1u << rest.size()); ++subset) {
    for (const bool half : {false, true}) {
      const std::string copy = directory_.File(absl::StrCat("copy", tried++));
      CopyDirectory(path_, copy);
      std::filesystem::remove(copy + "/CURRENT");
      for (size_t i = 0; i < rest.size(); ++i) {
        const std::string file = copy + "/" + rest[i];
        if ((subset >> i & 1) != 0) {
          std::filesystem::remove(file);
        } else if (half) {
          std::filesystem::resize_file(file,
                                       std::filesystem::file_size(file) / 2);
        }
      }
      EXPECT_CODE(DB::Open({}, copy), kNotFound);
      const auto db = DB::Open(TinyOptions(), copy);
      ASSERT_OK(db);
      EXPECT_OK((*db)->Put({}, "a", "1"));
      EXPECT_TRUE(Holds(**db, {{"a", "1"}}));
    }
  }
}

TEST_F(OpenTest, DatabaseWithoutCurrentIsNotTakenForAnEmptyPlace) {
  {
    const auto db = OpenOrDie(TinyOptions(), path_);
    ASSERT_OK(db->Put({}, "a", "1"));
  }
  CopyDirectory(path_, directory_.File("log only"));
  std::filesystem::remove(directory_.File("log only/CURRENT"));
  EXPECT_CODE(DB::Open(TinyOptions(), directory_.File("log only")), kDataLoss);
  // Nor when its log cannot be read any more.
  for (const std::string& log : NamesThatEndIn(".wal")) {
    const std::string path = directory_.File("log only/" + log);
    std::string bytes = ReadFileBytes(path);
    bytes[0] = static_cast<char>(bytes[0] ^ 1);
    WriteFileBytes(path, bytes);
  }
  EXPECT_CODE(DB::Open(TinyOptions(), directory_.File("log only")), kDataLoss);
  {
    const auto db = OpenOrDie(TinyOptions(), path_);
    ASSERT_OK(db->Flush());
  }
  std::filesystem::remove(path_ + "/CURRENT");
  EXPECT_CODE(DB::Open(TinyOptions(), path_), kDataLoss);
}

TEST_F(OpenTest, DestroyRemovesTheDatabase) {
  Fill(*OpenOrDie(TinyOptions(), path_));
  EXPECT_OK(DB::Destroy({}, path_));
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_CODE(DB::Open({}, path_), kNotFound);
  EXPECT_OK(DB::Destroy({}, path_));  // There is none.
  EXPECT_TRUE(Holds(*OpenOrDie(TinyOptions(), path_), {}));
}

TEST_F(OpenTest, DestroyLeavesOtherFilesAlone) {
  OpenOrDie(TinyOptions(), path_).reset();
  WriteFileBytes(path_ + "/notes.txt", "somebody's");
  EXPECT_OK(DB::Destroy({}, path_));
  EXPECT_EQ(FileNames(path_), std::vector<std::string>{"notes.txt"});
  EXPECT_OK(DB::Destroy({}, path_));
  EXPECT_EQ(FileNames(path_), std::vector<std::string>{"notes.txt"});
}

TEST_F(OpenTest, DestroyOfAnOpenDatabaseIsRefused) {
  const auto db = OpenOrDie(TinyOptions(), path_);
  ASSERT_OK(db->Put({}, "a", "1"));
  const std::vector<std::string> before = FileNames(path_);
  EXPECT_CODE(DB::Destroy({}, path_), kUnavailable);
  EXPECT_EQ(FileNames(path_), before);
  EXPECT_TRUE(Holds(*db, {{"a", "1"}}));
}

TEST_F(OpenTest, TwoDatabasesShareAnEnvironment) {
  const auto env = NewPosixEnv({.background_threads = 2});
  Options options = TinyOptions();
  options.env = env.get();
  const auto one = OpenOrDie(options, directory_.File("one"));
  const auto two = OpenOrDie(options, directory_.File("two"));
  const Contents contents = Fill(*one);
  ASSERT_OK(two->Put({}, "a", "1"));
  EXPECT_TRUE(Holds(*one, contents));
  EXPECT_TRUE(Holds(*two, {{"a", "1"}}));
}

}  // namespace
}  // namespace holdfast
