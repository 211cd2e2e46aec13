// Close when not all is well: what was logged does not come to hang on luck.

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "engine/db/testing/harness.h"
#include "engine/db/testing/status_testing.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

const Contents kLogged = {{"a", "1"}, {"b", "2"}};

TEST(CloseTest, MakesTheLogDurable) {
  ManualEnv env;
  const auto db = OpenDb(&env, QuietOptions());
  ASSERT_OK(db);
  for (const auto& [key, value] : kLogged)
    ASSERT_OK((*db)->Put({}, key, value));
  ASSERT_OK((*db)->Close());
  EXPECT_TRUE(*DurableContents(env.fs) == kLogged);
}

// A table that could not be synced says nothing about the log.
TEST(CloseTest, MakesTheLogDurableAfterAFlushFailed) {
  for (const std::string op : {"create", "write", "sync"}) {
    for (const std::string file : {".sst", "MANIFEST"}) {
      SCOPED_TRACE(op + " " + file);
      ManualEnv env;
      const auto db = OpenDb(&env, QuietOptions());
      ASSERT_OK(db);
      ASSERT_OK((*db)->Put({}, "a", "1"));
      env.fs.before = FailNth(0, Calls(op, file));
      // Not every flush creates a manifest.
      if ((*db)->Flush().ok()) continue;
      env.fs.before = nullptr;
      ASSERT_EQ((*db)->Health().state, HealthState::kReadOnly);
      EXPECT_FALSE((*db)->Close().ok());
      EXPECT_TRUE(*DurableContents(env.fs) == (Contents{{"a", "1"}}));
    }
  }
}

// With writes in the log that came after the memtable which fails to be
// flushed.
TEST(CloseTest, MakesTheNewestLogDurableAfterAFlushFailed) {
  ManualEnv env;
  const auto db = OpenDb(&env, QuietOptions());
  ASSERT_OK(db);
  ASSERT_OK((*db)->Put({}, "a", "1"));
  int failed = 0;
  env.fs.before = [&](const FsCall& call) -> absl::Status {
    if (call.op != "sync" || !Calls("", ".sst")(call)) return absl::OkStatus();
    // The log is the second one by now.
    if (failed++ == 0) EXPECT_OK((*db)->Put({}, "b", "2"));
    return absl::InternalError("injected fault");
  };
  EXPECT_FALSE((*db)->Flush().ok());
  env.fs.before = nullptr;
  ASSERT_EQ((*db)->Health().state, HealthState::kReadOnly);
  EXPECT_FALSE((*db)->Close().ok());
  EXPECT_TRUE(*DurableContents(env.fs) == kLogged);
}

TEST(CloseTest, MakesTheLogDurableWhenItCannotBeSealed) {
  ManualEnv env;
  const auto db = OpenDb(&env, QuietOptions());
  ASSERT_OK(db);
  for (const auto& [key, value] : kLogged)
    ASSERT_OK((*db)->Put({}, key, value));
  env.fs.before =
      FailNth(0, Calls("write", ".wal"), absl::ResourceExhaustedError("full"));
  EXPECT_CODE((*db)->Close(), kResourceExhausted);
  env.fs.before = nullptr;
  EXPECT_TRUE(*DurableContents(env.fs) == kLogged);
}

// Goal: what a reader kept from being removed goes when the database is closed
// after it.
TEST(CloseTest, RemovesWhatReadersHeld) {
  ManualEnv env;
  const auto db = OpenDb(&env, QuietOptions());
  ASSERT_OK(db);
  for (int i = 0; i < 2; ++i) {
    ASSERT_OK((*db)->Put({}, "key", BigValue(std::to_string(i), 100)));
    ASSERT_OK((*db)->Flush());
  }
  auto reader = (*db)->NewIterator({});
  reader->SeekToFirst();
  ASSERT_OK((*db)->CompactRange({}, {}));
  const auto tables = [&] {
    int count = 0;
    for (const std::string& name : env.fs.Names(kDbDir)) {
      count += name.ends_with(".sst") ? 1 : 0;
    }
    return count;
  };
  EXPECT_EQ(tables(), 3);
  reader.reset();
  ASSERT_OK((*db)->Close());
  EXPECT_EQ(tables(), 1);
}

// After a failed sync nothing is known of the log: another one that succeeds
// would prove nothing, and a write could hide what was lost.
TEST(CloseTest, LeavesALogAloneWhoseSyncFailed) {
  ManualEnv env;
  const auto db = OpenDb(&env, QuietOptions());
  ASSERT_OK(db);
  ASSERT_OK((*db)->Put({.sync = true}, "a", "1"));
  env.fs.before = FailNth(0, Calls("sync", ".wal"));
  EXPECT_FALSE((*db)->Put({.sync = true}, "b", "2").ok());
  env.fs.before = [](const FsCall& call) {
    EXPECT_FALSE((call.op == "write" || call.op == "sync") &&
                 Calls("", ".wal")(call))
        << call.Text();
    return absl::OkStatus();
  };
  EXPECT_FALSE((*db)->Close().ok());
  env.fs.before = nullptr;
  EXPECT_TRUE(*DurableContents(env.fs) == (Contents{{"a", "1"}}));
}

}  // namespace
}  // namespace holdfast
