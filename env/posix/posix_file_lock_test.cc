#include "env/posix/posix_file_lock.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "env/posix/temp_directory.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

class PosixFileLockTest : public testing::Test {
 protected:
  // A child process that took the lock, told so, and waits to be killed.
  // RETURNS its id, or -1 when it could not take the lock.
  pid_t StartHolder() {
    int told[2];
    EXPECT_EQ(::pipe(told), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      const auto lock = AcquirePosixFileLock(path_);
      const char byte = lock.ok() ? 'y' : 'n';
      (void)!::write(told[1], &byte, 1);
      while (true) ::pause();
    }
    char byte = 0;
    EXPECT_EQ(::read(told[0], &byte, 1), 1);
    ::close(told[0]);
    ::close(told[1]);
    if (byte == 'y') return child;
    Kill(child);
    return -1;
  }

  void Kill(pid_t child) {
    EXPECT_EQ(::kill(child, SIGKILL), 0);
    int state = 0;
    EXPECT_EQ(::waitpid(child, &state, 0), child);
  }

  std::string Content() {
    std::stringstream content;
    content << std::ifstream(path_).rdbuf();
    return content.str();
  }

  TempDirectory directory_;
  const std::string path_ = directory_.File("LOCK");
};

TEST_F(PosixFileLockTest, SecondLockInOneProcessIsRefusedAtOnce) {
  const auto lock = AcquirePosixFileLock(path_);
  ASSERT_TRUE(lock.ok()) << lock.status();
  const auto second = AcquirePosixFileLock(path_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(second.status().message(),
            absl::StrCat("lock ", path_, ": already held (this process)"));
}

TEST_F(PosixFileLockTest, RefusedLockLeavesTheFirstInPlace) {
  // A process-wide lock would be gone as soon as the second descriptor closes.
  const auto lock = AcquirePosixFileLock(path_);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(AcquirePosixFileLock(path_).ok());
  EXPECT_EQ(StartHolder(), -1);
}

TEST_F(PosixFileLockTest, IsFreeAgainAfterTheDestructor) {
  for (int i = 0; i < 3; ++i) {
    const auto lock = AcquirePosixFileLock(path_);
    EXPECT_TRUE(lock.ok()) << lock.status();
  }
  // The file stays, with our process id.
  EXPECT_EQ(Content(), absl::StrCat(::getpid(), "\n"));
}

TEST_F(PosixFileLockTest, AnotherProcessHoldsItUntilItIsKilled) {
  const pid_t holder = StartHolder();
  ASSERT_GT(holder, 0);
  EXPECT_EQ(AcquirePosixFileLock(path_).status(),
            absl::UnavailableError(absl::StrCat(
                "lock ", path_, ": already held (process ", holder, ")")));
  Kill(holder);
  EXPECT_TRUE(AcquirePosixFileLock(path_).ok());
}

TEST_F(PosixFileLockTest, ContentOfTheFileDoesNotMatter) {
  for (const char* content : {"", "garbage", "-3\n", "99999999999999999999\n",
                              "a line far longer than any process id could be"
                              " and then some more of it"}) {
    std::ofstream(path_, std::ios::trunc) << content;
    const auto lock = AcquirePosixFileLock(path_);
    ASSERT_TRUE(lock.ok()) << lock.status();
    EXPECT_EQ(Content(), absl::StrCat(::getpid(), "\n"));
    std::ofstream(path_, std::ios::trunc) << content;
    EXPECT_EQ(
        AcquirePosixFileLock(path_).status(),
        absl::UnavailableError(absl::StrCat("lock ", path_, ": already held")));
  }
}

TEST_F(PosixFileLockTest, LockOnAnotherFileOfThatNameIsIndependent) {
  // The file is replaced while it is locked: the name now means another file,
  // and it is the name that is locked.
  const auto lock = AcquirePosixFileLock(path_);
  ASSERT_TRUE(lock.ok());
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  const auto second = AcquirePosixFileLock(path_);
  EXPECT_TRUE(second.ok()) << second.status();
  EXPECT_FALSE(AcquirePosixFileLock(path_).ok());
}

TEST_F(PosixFileLockTest, LockOfAFileThatLostItsNameDoesNotCount) {
  // Every holder removes the file before it lets go. Who opened it before that
  // and locks it after holds a file without a name, while the next one makes
  // and locks a new file: without a second look at the name, both would hold
  // "the" lock.
  constexpr int kThreads = 4;
  constexpr int kRounds = 3000;
  std::atomic<int> holders = 0;
  std::atomic<int> overlaps = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kRounds; ++i) {
        const auto lock = AcquirePosixFileLock(path_);
        if (!lock.ok()) continue;
        if (holders.fetch_add(1) != 0) overlaps.fetch_add(1);
        std::this_thread::yield();
        holders.fetch_sub(1);
        ::unlink(path_.c_str());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(overlaps.load(), 0);
}

TEST_F(PosixFileLockTest, DirectoryIsRefused) {
  EXPECT_EQ(AcquirePosixFileLock(directory_.path()).status(),
            absl::InternalError(
                absl::StrCat("lock ", directory_.path(), ": Is a directory")));
}

}  // namespace
}  // namespace holdfast
