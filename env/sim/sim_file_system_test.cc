#include "holdfast/testing/sim_file_system.h"

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

std::string Contents(FileSystem& fs, std::string_view path) {
  const auto file = fs.OpenFile(path).value();
  std::string content(file->Size().value(), '\0');
  std::string_view read;
  EXPECT_TRUE(file->Read(0, content.size(), content.data(), &read).ok());
  return std::string(read);
}

TEST(SimFileSystemTest, HooksSeeEachCallAndMayRefuseIt) {
  SimFileSystem fs;
  std::vector<std::string> seen;
  fs.before = [&](const FileCall& call) {
    seen.push_back(call.Text());
    return call.op == FileOp::kSync ? absl::InternalError("refused")
                                    : absl::OkStatus();
  };
  fs.after = [&](const FileCall& call) {
    seen.push_back("done " + call.Text());
  };
  const auto file = fs.CreateFile("/f").value();
  ASSERT_TRUE(file->Write(7, "abc").ok());
  EXPECT_EQ(file->Sync().message(), "refused");
  EXPECT_EQ(seen, (std::vector<std::string>{"create /f", "done create /f",
                                            "write /f 7+3", "done write /f 7+3",
                                            "sync /f"}));
  EXPECT_EQ(fs.calls(), 3u);
  EXPECT_EQ(fs.changing_calls(), 3u);
}

TEST(SimFileSystemTest, HooksMayCallTheFileSystem) {
  SimFileSystem fs;
  uint64_t bytes = 0;
  fs.after = [&](const FileCall&) { bytes = fs.disk().bytes(); };
  const auto file = fs.CreateFile("/f").value();
  ASSERT_TRUE(file->Write(0, "abc").ok());
  EXPECT_EQ(bytes, 3u);
}

TEST(SimFileSystemTest, CountsOpenFilesAndLocks) {
  SimFileSystem fs;
  auto file = fs.CreateFile("/f").value();
  auto reader = fs.OpenFile("/f").value();
  auto lock = fs.LockFile("/LOCK").value();
  EXPECT_EQ(fs.open_files(), 3);
  EXPECT_TRUE(absl::IsUnavailable(fs.LockFile("/LOCK").status()));
  EXPECT_TRUE(file->Close().ok());
  reader.reset();
  lock.reset();
  file.reset();
  EXPECT_EQ(fs.open_files(), 0);
  EXPECT_TRUE(fs.LockFile("/LOCK").ok());
}

TEST(SimFileSystemTest, AFileWithoutANameLivesWhileItIsOpen) {
  SimFileSystem fs;
  const auto file = fs.CreateFile("/f").value();
  ASSERT_TRUE(file->Write(0, "abc").ok());
  const auto reader = fs.OpenFile("/f").value();
  ASSERT_TRUE(fs.RemoveFile("/f").ok());
  ASSERT_TRUE(file->Write(3, "def").ok());
  char scratch[8];
  std::string_view read;
  ASSERT_TRUE(reader->Read(0, sizeof(scratch), scratch, &read).ok());
  EXPECT_EQ(read, "abcdef");
  EXPECT_FALSE(fs.FileExists("/f").value());
}

TEST(SimFileSystemTest, ArmedOutcomeIsThatOfTheNextSyncAlone) {
  SimFileSystem fs;
  const auto file = fs.CreateFile("/f").value();
  ASSERT_TRUE(fs.SyncDirectory("/").ok());
  ASSERT_TRUE(file->Write(0, "abc").ok());
  fs.ArmNextSync(SyncOutcome::kFailsReverts);
  EXPECT_EQ(file->Sync(), absl::InternalError("sync /f: Input/output error"));
  EXPECT_EQ(Contents(fs, "/f"), "");
  ASSERT_TRUE(file->Write(0, "abc").ok());
  EXPECT_TRUE(file->Sync().ok());
  SimFileSystem next(fs.disk().CrashKeepingNone());
  EXPECT_EQ(Contents(next, "/f"), "abc");
}

TEST(SimExecutorTest, RunsTheOldestFirstAndAnyLaneWithASeed) {
  std::string order;
  const auto fill = [&](SimExecutor* executor) {
    for (const char c : {'a', 'b', 'c', 'd', 'e', 'f'}) {
      executor->Schedule(
          c % 2 == 0 ? Executor::Lane::kFlush : Executor::Lane::kCompaction,
          [&order, c] { order += c; });
    }
  };
  SimExecutor oldest;
  fill(&oldest);
  oldest.RunAll();
  EXPECT_EQ(order, "abcdef");
  // Within a lane always in order; between lanes as the seed says.
  std::set<std::string> orders;
  for (uint64_t seed = 1; seed < 20; ++seed) {
    order.clear();
    SimExecutor executor(seed);
    fill(&executor);
    executor.RunAll();
    EXPECT_LT(order.find('a'), order.find('c'));
    EXPECT_LT(order.find('d'), order.find('f'));
    orders.insert(order);
  }
  EXPECT_GT(orders.size(), 3u);
}

TEST(SimExecutorTest, DropForgetsWhatIsScheduled) {
  SimExecutor executor;
  executor.Schedule(Executor::Lane::kFlush, [] { FAIL(); });
  executor.Drop();
  EXPECT_EQ(executor.queued(), 0u);
  EXPECT_FALSE(executor.RunOne());
}

TEST(SimExecutorDeathTest, AWaitForNothingEndsTheProcess) {
  SimExecutor executor;
  Mutex mu;
  CondVar cv;
  EXPECT_DEATH(
      {
        MutexLock lock(&mu);
        executor.Wait(&cv, &mu);
      },
      "queue_");
}

TEST(SimClockTest, StandsStillButForSleep) {
  SimClock clock;
  const uint64_t then = clock.NowMicros();
  EXPECT_EQ(clock.NowMicros(), then);
  clock.SleepMicros(17);
  EXPECT_EQ(clock.NowMicros(), then + 17);
}

}  // namespace
}  // namespace holdfast
