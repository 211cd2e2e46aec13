// A disk without space, and a process without file descriptors: what is left
// behind is bounded, and with a little room everything goes on by itself.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/db/testing/harness.h"
#include "engine/db/testing/status_testing.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

absl::Status NoSpace() { return absl::ResourceExhaustedError("disk full"); }

bool IsTable(const std::string& name) { return absl::EndsWith(name, ".sst"); }

int Tables(const CrashFileSystem& fs) {
  const auto names = fs.Names(kDbDir);
  return static_cast<int>(std::count_if(names.begin(), names.end(), IsTable));
}

uint64_t TableBytes(const CrashFileSystem& fs) {
  uint64_t bytes = 0;
  for (const std::string& name : fs.Names(kDbDir)) {
    if (IsTable(name)) {
      bytes += fs.Content(absl::StrCat(kDbDir, "/", name)).size();
    }
  }
  return bytes;
}

// As long as there is a table, there is no room for another one.
FsHook RoomForOneTable(const CrashFileSystem& fs) {
  return [&fs](const FsCall& call) {
    return call.op == "write" && IsTable(call.path) && Tables(fs) > 1
               ? NoSpace()
               : absl::OkStatus();
  };
}

// --- The manifest in doubt ---------------------------------------------------

// A flush finds no space at its n-th call, for each n, nor does anything after
// it: the tables do not become more. Then there is room again, but not for two
// tables: the one that nobody needs must go first.
TEST(FullDiskTest, HealsWithRoomForTheManifestOnly) {
  int failed = 0;
  int with_orphan = 0;
  for (int n = 0;; ++n) {
    SCOPED_TRACE(n);
    bool begun = false;  // The log is rotated, the table comes.
    ManualEnv env;
    const auto db = OpenDb(&env, QuietOptions());
    ASSERT_OK(db);
    const std::string value = BigValue("a", 1000);
    ASSERT_OK((*db)->Put({}, "a", value));
    env.fs.before = FailNth(
        n,
        [&](const FsCall& call) {
          begun = begun || (call.op == "create" && IsTable(call.path));
          return begun && call.Changes() && call.op != "remove";
        },
        NoSpace(), /*for_ever=*/true);
    const absl::Status flushed = (*db)->Flush();
    if (flushed.ok()) break;
    ++failed;
    if (!absl::IsResourceExhausted(flushed)) {
      ADD_FAILURE() << flushed;
      break;
    }
    if ((*db)->Health().state != HealthState::kHealthy) continue;
    for (int i = 0; i < 5; ++i) {
      EXPECT_CODE((*db)->Put({}, "b", "2"), kResourceExhausted);
      EXPECT_LE(Tables(env.fs), 1) << "after " << i + 1 << " writes";
    }
    with_orphan += Tables(env.fs);
    env.fs.before = RoomForOneTable(env.fs);
    EXPECT_OK((*db)->Put({}, "b", "2"));
    EXPECT_OK((*db)->Health().cause);
    EXPECT_OK((*db)->WaitForBackgroundWork());
    EXPECT_EQ(WrongFiles(env.fs), "");
    EXPECT_TRUE(*ReadAll(**db) == (Contents{{"a", value}, {"b", "2"}}));
  }
  EXPECT_GE(failed, 4);
  EXPECT_GE(with_orphan, 1);
}

// The same with room for the manifest but for no table at all: the space of the
// table that nobody needs comes back.
TEST(FullDiskTest, GivesBackTheTableOfAFlushThatMayHaveEnded) {
  ManualEnv env;
  const auto db = OpenDb(&env, QuietOptions());
  ASSERT_OK(db);
  ASSERT_OK((*db)->Put({}, "a", "1"));
  env.fs.before = FailNth(0, Calls("write", "MANIFEST"), NoSpace(),
                          /*for_ever=*/true);
  EXPECT_CODE((*db)->Flush(), kResourceExhausted);
  EXPECT_EQ(Tables(env.fs), 1);
  env.fs.before =
      FailNth(0, Calls("create", ".sst"), NoSpace(), /*for_ever=*/true);
  EXPECT_CODE((*db)->Put({}, "b", "2"), kResourceExhausted);
  EXPECT_EQ(Tables(env.fs), 0);
  env.fs.before = nullptr;
  EXPECT_OK((*db)->Put({}, "b", "2"));
}

// A compaction whose edit may have been written leaves its tables until a new
// manifest says that they are not needed; it does not leave more each time.
TEST(FullDiskTest, CompactionsInDoubtDoNotPileUp) {
  ManualEnv env;
  const auto db = OpenDb(&env, QuietOptions());
  ASSERT_OK(db);
  Contents contents;
  for (const std::string key : {"a", "b"}) {
    contents[key] = BigValue(key, 1000);
    ASSERT_OK((*db)->Put({}, "both", key));
    ASSERT_OK((*db)->Put({}, key, contents[key]));
    ASSERT_OK((*db)->Flush());
  }
  contents["both"] = "b";
  ASSERT_EQ(Tables(env.fs), 2);
  env.fs.before = FailNth(0, Calls("write", "MANIFEST"), NoSpace(),
                          /*for_ever=*/true);
  for (int i = 0; i < 5; ++i) {
    EXPECT_CODE((*db)->CompactRange({}, {}), kResourceExhausted);
    EXPECT_LE(Tables(env.fs), 3);
  }
  env.fs.before = nullptr;
  ASSERT_OK((*db)->CompactRange({}, {}));
  ASSERT_OK((*db)->WaitForBackgroundWork());
  EXPECT_EQ(Tables(env.fs), 1);
  EXPECT_EQ(WrongFiles(env.fs), "");
  EXPECT_TRUE(*ReadAll(**db) == contents);
}

// --- Compaction --------------------------------------------------------------

// A database whose tables may take `room` bytes: small tables of flushes find
// space, the large ones of compactions do not.
struct CrampedDb {
  CrampedDb() {
    auto opened = OpenDb(&env);
    EXPECT_OK(opened);
    db = *std::move(opened);
    env.fs.before = [this](const FsCall& call) -> absl::Status {
      if (!IsTable(call.path)) return absl::OkStatus();
      if (call.op == "create") ++tables_begun;
      return call.op == "write" && TableBytes(env.fs) + call.bytes > room
                 ? NoSpace()
                 : absl::OkStatus();
    };
  }

  // Makes a table in level 0, with `bytes` bytes or a little more. Compactions
  // may run along.
  absl::Status AddTable(size_t bytes) {
    const std::string tag = absl::StrCat("table ", added++);
    contents[tag] = BigValue(tag, bytes);
    contents["all"] = tag;  // They overlap: no move will do.
    absl::Status status = db->Put({}, tag, contents[tag]);
    if (status.ok()) status = db->Put({}, "all", tag);
    return status.ok() ? db->Flush() : status;
  }

  uint64_t room = UINT64_MAX;
  int tables_begun = 0;
  int added = 0;
  Contents contents;
  ManualEnv env;
  std::unique_ptr<DB> db;
};

TEST(FullDiskTest, WritesDoNotRestartACompactionThatFoundNoSpace) {
  CrampedDb world;
  DB& db = *world.db;
  ASSERT_OK(world.AddTable(20'000));
  // The second table fits, a compaction of both does not.
  world.room = TableBytes(world.env.fs) + 30'000;
  ASSERT_OK(world.AddTable(20'000));
  world.env.manual_executor.RunAll();
  EXPECT_CODE(db.Health().cause, kResourceExhausted);
  const int begun = world.tables_begun;
  ASSERT_GE(begun, 3);
  for (int i = 0; i < 20; ++i) {
    const std::string value = absl::StrCat(i);
    ASSERT_OK(db.Put({}, "key", value));
    world.contents["key"] = value;
    world.env.manual_executor.RunAll();
  }
  EXPECT_LE(world.tables_begun, begun + 1);
  EXPECT_EQ(db.Stats().compactions_total, 0u);

  // With space again, compaction goes on by itself after the next flush.
  world.room = UINT64_MAX;
  ASSERT_OK(db.Flush());
  ASSERT_OK(db.WaitForBackgroundWork());
  EXPECT_GE(db.Stats().compactions_total, 1u);
  EXPECT_OK(db.Health().cause);
  EXPECT_EQ(WrongFiles(world.env.fs), "");
  EXPECT_TRUE(*ReadAll(db) == world.contents);
}

// When writes must wait for a compaction that finds no space, they fail with
// its error instead of waiting for ever, and go on when there is space.
TEST(FullDiskTest, WritesThatMustWaitForCompactionFailUntilThereIsSpace) {
  CrampedDb world;
  DB& db = *world.db;
  ASSERT_OK(world.AddTable(20'000));
  world.room = TableBytes(world.env.fs) + 15'000;
  // Up to level0_stop_trigger.
  absl::Status status;
  int tables = 1;
  for (; status.ok() && tables < 20; ++tables) {
    status = world.AddTable(1'000);
    world.env.manual_executor.RunAll();
  }
  EXPECT_CODE(status, kResourceExhausted);
  EXPECT_GE(tables, TinyOptions().level0_stop_trigger);
  EXPECT_EQ(db.Health().state, HealthState::kHealthy);
  // It says so again, and again.
  for (int i = 0; i < 3; ++i) EXPECT_CODE(db.Flush(), kResourceExhausted);

  world.room = UINT64_MAX;
  ASSERT_OK(db.Flush());
  ASSERT_OK(db.WaitForBackgroundWork());
  EXPECT_OK(db.Health().cause);
  EXPECT_GE(db.Stats().compactions_total, 1u);
  EXPECT_TRUE(*ReadAll(db) == world.contents);
}

// --- Descriptors -------------------------------------------------------------

// Ten tables are kept open for reading, and with them the process has as many
// files open as it may. What the engine needs to write with comes first: it
// closes tables. The first call may fail, no more.
class TooManyFiles {
 public:
  static constexpr int kTables = 10;

  TooManyFiles() {
    auto opened = OpenDb(&env, QuietOptions());
    EXPECT_OK(opened);
    db = *std::move(opened);
    for (int i = 0; i < kTables; ++i) {
      const std::string key = absl::StrCat("key", i);
      EXPECT_OK(db->Put({}, key, "1"));
      EXPECT_OK(db->Flush());
      EXPECT_OK(db->Get({}, key));
      contents[key] = "1";
    }
    EXPECT_EQ(db->Stats().open_tables, uint64_t{kTables});
    const int limit = env.fs.open_files();
    EXPECT_GE(limit, kTables + 2);
    env.fs.before = [this, limit](const FsCall& call) {
      const bool needs_one = call.op == "create" || call.op == "open" ||
                             call.op == "syncdir" || call.op == "list";
      if (!needs_one || env.fs.open_files() < limit) return absl::OkStatus();
      ++refused;
      return absl::ResourceExhaustedError("too many open files");
    };
  }

  // What is in it, read without the limit: an iterator needs all tables at
  // once.
  absl::StatusOr<Contents> Read() {
    env.fs.before = nullptr;
    return ReadAll(*db);
  }

  int refused = 0;
  Contents contents;
  ManualEnv env;
  std::unique_ptr<DB> db;
};

TEST(TooManyFilesTest, AFlushClosesTables) {
  TooManyFiles world;
  ASSERT_OK(world.db->Put({}, "new", "2"));
  world.contents["new"] = "2";
  const absl::Status first = world.db->Flush();
  if (!first.ok()) {
    EXPECT_CODE(first, kResourceExhausted);
  }
  EXPECT_GE(world.refused, 1);
  EXPECT_LT(world.db->Stats().open_tables, uint64_t{TooManyFiles::kTables});
  ASSERT_OK(world.db->Put({}, "newer", "3"));
  world.contents["newer"] = "3";
  ASSERT_OK(world.db->Flush());
  EXPECT_OK(world.db->Health().cause);
  EXPECT_TRUE(*world.Read() == world.contents);
}

// Not the rotation but only the flush after it finds no descriptor.
TEST(TooManyFilesTest, AFlushThatRunsLaterClosesTables) {
  TooManyFiles world;
  const FsHook limited = world.env.fs.before;
  world.env.fs.before = [&](const FsCall& call) {
    return absl::EndsWith(call.path, ".wal") || call.op == "syncdir"
               ? absl::OkStatus()
               : limited(call);
  };
  ASSERT_OK(world.db->Put({}, "new", "2"));
  world.contents["new"] = "2";
  const absl::Status first = world.db->Flush();
  if (!first.ok()) {
    EXPECT_CODE(first, kResourceExhausted);
  }
  EXPECT_GE(world.refused, 1);
  world.env.fs.before = limited;
  ASSERT_OK(world.db->Put({}, "newer", "3"));
  world.contents["newer"] = "3";
  ASSERT_OK(world.db->Flush());
  EXPECT_OK(world.db->Health().cause);
  EXPECT_TRUE(*world.Read() == world.contents);
}

TEST(TooManyFilesTest, ARotationForAFullMemTableClosesTables) {
  TooManyFiles world;
  world.contents["big"] = BigValue("big", 70'000);
  ASSERT_OK(world.db->Put({}, "big", world.contents["big"]));
  // The memtable is full: this write needs a new log.
  const absl::Status first = world.db->Put({}, "new", "2");
  if (!first.ok()) {
    EXPECT_CODE(first, kResourceExhausted);
    ASSERT_OK(world.db->Put({}, "new", "2"));
  }
  world.contents["new"] = "2";
  EXPECT_GE(world.refused, 1);
  EXPECT_LT(world.db->Stats().open_tables, uint64_t{TooManyFiles::kTables});
  ASSERT_OK(world.db->Flush());
  EXPECT_TRUE(*world.Read() == world.contents);
}

// Of two of the tables: all of them at once need more files than there are.
TEST(TooManyFilesTest, ACompactionClosesTables) {
  TooManyFiles world;
  const absl::Status first = world.db->CompactRange("key0", "key1");
  if (!first.ok()) {
    EXPECT_CODE(first, kResourceExhausted);
    ASSERT_OK(world.db->CompactRange("key0", "key1"));
  }
  EXPECT_GE(world.refused, 1);
  EXPECT_EQ(world.db->Stats().compactions_total, 1u);
  EXPECT_OK(world.db->Health().cause);
  EXPECT_TRUE(*world.Read() == world.contents);
}

}  // namespace
}  // namespace holdfast
