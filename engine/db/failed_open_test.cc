// What an attempt to open that fails leaves behind.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/db/testing/harness.h"
#include "engine/db/testing/manual_env.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

// A database that died with two memtables' worth of records in its log.
DiskImage DiedWithAFullLog() {
  ManualEnv env;
  Options options = TinyOptions();
  options.create_if_missing = true;
  options.memtable_bytes = size_t{256} << 10;
  auto db = OpenDb(&env, options);
  EXPECT_TRUE(db.ok()) << db.status();
  for (int i = 0; i < 15; ++i) {
    EXPECT_TRUE((*db)
                    ->Put({}, "key" + std::to_string(i),
                          BigValue(std::to_string(i), 10 << 10))
                    .ok());
  }
  return env.fs.Now();
}

std::vector<std::string> NamesButLock(const CrashFileSystem& fs) {
  std::vector<std::string> names = fs.Names(kDbDir);
  std::erase(names, "LOCK");
  return names;
}

// Goal: a disk that is full does not get fuller with each attempt to open. The
// n-th changing call and all after it, but removals, find no space; for each n.
TEST(FailedOpenTest, LeavesNoFileOnAFullDisk) {
  const DiskImage image = DiedWithAFullLog();
  const Contents expected = *ContentsAfterCrash(image);
  ASSERT_EQ(expected.size(), 15u);
  int failed = 0;
  for (int n = 0;; ++n) {
    ManualEnv env(image);
    const std::vector<std::string> before = NamesButLock(env.fs);
    bool rename_reached = false;
    const FsHook fail = FailNth(
        n,
        [&](const FsCall& call) {
          if (call.op == "rename") rename_reached = true;
          return call.Changes() && call.op != "remove" && call.op != "lock";
        },
        absl::ResourceExhaustedError("disk full"), /*for_ever=*/true);
    env.fs.before = fail;
    const absl::Status status = OpenDb(&env).status();
    if (status.ok()) break;
    ++failed;
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    // From the rename on, CURRENT may name the new files.
    if (!rename_reached) {
      EXPECT_EQ(NamesButLock(env.fs), before) << "call " << n;
    }
    EXPECT_EQ(*ContentsAfterCrash(env.fs.Now()), expected) << "call " << n;
  }
  // Two tables, a log, a manifest and CURRENT: create, write, sync, directory.
  EXPECT_GT(failed, 15);
}

}  // namespace
}  // namespace holdfast
