// Errors that real files do not give on demand: a seccomp filter in a child
// process makes one system call fail with a chosen errno, every time.

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "env/posix/mapped_window.h"
#include "env/posix/posix_file_system.h"
#include "env/posix/scoped_fd.h"
#include "env/posix/temp_directory.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

// A call that is repeated for ever ends here.
constexpr unsigned kMaxChildSeconds = 20;

constexpr int kChildAsExpected = 0;
constexpr int kChildOtherwise = 1;
constexpr int kChildWithoutFilter = 2;

// Makes the system call `number` fail with `error` in this process from now on.
bool FailSystemCall(long number, int error) {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(number), 0, 1),
      BPF_STMT(BPF_RET | BPF_K,
               SECCOMP_RET_ERRNO | static_cast<uint32_t>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog program = {.len = std::size(code), .filter = code};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

class PosixFaultTest : public testing::Test {
 protected:
  PosixFaultTest() : file_(fs_.CreateFile(path_).value()) {}

  // Runs `call` where that system call fails with `error`, and expects the
  // status `expected`.
  void Expect(long number, int error, const absl::Status& expected,
              const std::function<absl::Status()>& call) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(kMaxChildSeconds);
      if (!FailSystemCall(number, error)) ::_exit(kChildWithoutFilter);
      const absl::Status status = call();
      if (status == expected) ::_exit(kChildAsExpected);
      std::fprintf(stderr, "got: %s\nexpected: %s\n", status.ToString().c_str(),
                   expected.ToString().c_str());
      ::_exit(kChildOtherwise);
    }
    int state = 0;
    ASSERT_EQ(::waitpid(child, &state, 0), child);
    ASSERT_TRUE(WIFEXITED(state)) << "ended by signal " << WTERMSIG(state);
    if (WEXITSTATUS(state) == kChildWithoutFilter) {
      GTEST_SKIP() << "no seccomp here";
    }
    EXPECT_EQ(WEXITSTATUS(state), kChildAsExpected);
  }

  absl::Status Failed(std::string_view operation, std::string_view cause) {
    return absl::InternalError(
        absl::StrCat(operation, " ", path_, ": ", cause));
  }

  static constexpr uint64_t kPreparedBytes = 100'000;

  bool MapsHere() {
    const ScopedFd fd(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
    MappedWindow window;
    return MappedWindow::MayMapFilesOf(fd.get()) &&
           window.Map(fd.get(), 0, kPreparedBytes);
  }

  TempDirectory directory_;
  const std::string path_ = directory_.File("f");
  PosixFileSystem fs_;
  std::unique_ptr<WritableFile> file_;
};

TEST_F(PosixFaultTest, SyncReportsEachErrorAndIsNeverRepeated) {
  const auto sync = [&] { return file_->Sync(); };
  Expect(SYS_fdatasync, EIO, Failed("sync", "Input/output error"), sync);
  Expect(SYS_fdatasync, EINTR, Failed("sync", "Interrupted system call"), sync);
}

// Goal: what is written to the disk ahead of a sync fails no later than there.
TEST_F(PosixFaultTest, SyncTellsWhatStartingToWriteBackFoundOut) {
  const std::string large(5 << 20, 'x');
  const auto write_and_sync = [&] {
    const absl::Status status = file_->Write(0, large);
    return status.ok() ? file_->Sync() : status;
  };
  Expect(SYS_sync_file_range, EIO, Failed("sync", "Input/output error"),
         write_and_sync);
  Expect(SYS_sync_file_range, EIO, Failed("sync", "Input/output error"), [&] {
    const absl::Status first = write_and_sync();
    return first.ok() ? first : file_->Sync();
  });
  // Where a file system does not have it, and where there is too little.
  Expect(SYS_sync_file_range, ENOSYS, absl::OkStatus(), write_and_sync);
  Expect(SYS_sync_file_range, EINVAL, absl::OkStatus(), write_and_sync);
  Expect(SYS_sync_file_range, EIO, absl::OkStatus(), [&] {
    const absl::Status status = file_->Write(0, "little");
    return status.ok() ? file_->Sync() : status;
  });
}

TEST_F(PosixFaultTest, SpaceAheadIsNotWrittenBackButWhatLiesBeforeItIs) {
  ASSERT_TRUE(file_->PrepareSpace(0, 5 << 20).ok());
  Expect(SYS_sync_file_range, EIO, absl::OkStatus(),
         [&] { return file_->Sync(); });
  Expect(SYS_sync_file_range, EIO, Failed("sync", "Input/output error"), [&] {
    const absl::Status status = file_->PrepareSpace(5 << 20, 1000);
    return status.ok() ? file_->Sync() : status;
  });
}

TEST_F(PosixFaultTest, SyncDirectoryReportsEachErrorAndIsNeverRepeated) {
  const auto sync = [&] { return fs_.SyncDirectory(directory_.path()); };
  const std::string place = "sync directory " + directory_.path();
  Expect(SYS_fsync, EIO, absl::InternalError(place + ": Input/output error"),
         sync);
  Expect(SYS_fsync, EINTR,
         absl::InternalError(place + ": Interrupted system call"), sync);
}

TEST_F(PosixFaultTest, CloseReportsAnErrorButNotAnInterruption) {
  const auto close = [&] { return file_->Close(); };
  Expect(SYS_close, EIO, Failed("close", "Input/output error"), close);
  Expect(SYS_close, EINTR, absl::OkStatus(), close);
}

TEST_F(PosixFaultTest, SpaceThatCannotBePreparedIsToldAndGivenBack) {
  ASSERT_TRUE(file_->Write(0, "abc").ok());
  Expect(SYS_pwrite64, ENOSPC,
         absl::ResourceExhaustedError(
             absl::StrCat("prepare ", path_, ": No space left on device")),
         [&] { return file_->PrepareSpace(2, kPreparedBytes); });
  EXPECT_EQ(fs_.FileSize(path_).value(), 2u);
}

TEST_F(PosixFaultTest, WritesIntoPreparedSpaceAreNoSystemCalls) {
  ASSERT_TRUE(file_->PrepareSpace(0, kPreparedBytes).ok());
  if (!MapsHere()) GTEST_SKIP() << "files are not mapped here";
  const absl::Status failed = Failed("write", "Input/output error");
  Expect(SYS_pwrite64, EIO, absl::OkStatus(),
         [&] { return file_->Write(kPreparedBytes - 3, "end"); });
  Expect(SYS_pwrite64, EIO, failed,
         [&] { return file_->Write(kPreparedBytes - 2, "end"); });
  // A file that was cut has no such space any more.
  Expect(SYS_pwrite64, EIO, failed, [&] {
    const absl::Status cut = file_->Truncate(100);
    return cut.ok() ? file_->Write(200, "x") : cut;
  });
}

// A store would make more dirty than it changes, and the next sync write it.
TEST_F(PosixFaultTest, WritesAreSystemCallsAfterASyncUntilThereIsNewSpace) {
  ASSERT_TRUE(file_->PrepareSpace(0, kPreparedBytes).ok());
  if (!MapsHere()) GTEST_SKIP() << "files are not mapped here";
  ASSERT_TRUE(file_->Write(0, "mapped").ok());
  ASSERT_TRUE(file_->Sync().ok());
  Expect(SYS_pwrite64, EIO, Failed("write", "Input/output error"),
         [&] { return file_->Write(6, "called"); });
  ASSERT_TRUE(file_->PrepareSpace(kPreparedBytes, kPreparedBytes).ok());
  Expect(SYS_pwrite64, EIO, absl::OkStatus(),
         [&] { return file_->Write(kPreparedBytes, "mapped"); });
}

TEST_F(PosixFaultTest, WritesAreSystemCallsForThoseWhoWantTheirErrors) {
  PosixFileSystem unmapped(/*map_logs=*/false);
  file_ = unmapped.CreateFile(directory_.File("unmapped")).value();
  ASSERT_TRUE(file_->PrepareSpace(0, kPreparedBytes).ok());
  Expect(SYS_pwrite64, EIO,
         absl::InternalError(absl::StrCat("write ", directory_.File("unmapped"),
                                          ": Input/output error")),
         [&] { return file_->Write(1000, "here"); });
}

// Where memory cannot be locked, or a file not mapped, writes are calls.
TEST_F(PosixFaultTest, PreparedSpaceIsWrittenAlsoWhenItCannotBeMapped) {
  for (const long number : {SYS_mlock, SYS_mmap, SYS_fstatfs}) {
    Expect(number, EPERM, absl::OkStatus(), [&] {
      const absl::Status status = file_->PrepareSpace(0, kPreparedBytes);
      return status.ok() ? file_->Write(1000, "here") : status;
    });
    char scratch[8];
    std::string_view read;
    ASSERT_TRUE(fs_.OpenFile(path_).value()->Read(999, 6, scratch, &read).ok());
    EXPECT_EQ(read, std::string_view("\0here\0", 6));
    EXPECT_EQ(fs_.FileSize(path_).value(), kPreparedBytes);
  }
}

TEST_F(PosixFaultTest, WriteReadAndTruncateReportErrors) {
  Expect(SYS_pwrite64, ENOSPC,
         absl::ResourceExhaustedError(
             absl::StrCat("write ", path_, ": No space left on device")),
         [&] { return file_->Write(0, "x"); });
  Expect(SYS_ftruncate, EIO, Failed("truncate", "Input/output error"),
         [&] { return file_->Truncate(0); });
  const auto reader = fs_.OpenFile(path_).value();
  Expect(SYS_pread64, EIO, Failed("read", "Input/output error"), [&] {
    char scratch[8];
    std::string_view read;
    return reader->Read(0, sizeof(scratch), scratch, &read);
  });
}

TEST_F(PosixFaultTest, ListingThatBreaksOffIsAnErrorAndNotShort) {
  Expect(SYS_getdents64, EIO,
         absl::InternalError(
             absl::StrCat("list ", directory_.path(), ": Input/output error")),
         [&] { return fs_.ListDirectory(directory_.path()).status(); });
}

TEST_F(PosixFaultTest, ListingDoesNotTakeAnOldErrorForItsOwn) {
  errno = EIO;
  EXPECT_TRUE(fs_.ListDirectory(directory_.path()).ok());
}

TEST_F(PosixFaultTest, LockReportsErrorsThatAreNoLock) {
  Expect(SYS_flock, ENOLCK, Failed("lock", "No locks available"),
         [&] { return fs_.LockFile(path_).status(); });
}

TEST_F(PosixFaultTest, LockNeedsNoRoomForItsProcessId) {
  Expect(SYS_pwrite64, ENOSPC, absl::OkStatus(),
         [&] { return fs_.LockFile(path_).status(); });
  Expect(SYS_ftruncate, ENOSPC, absl::OkStatus(),
         [&] { return fs_.LockFile(path_).status(); });
}

TEST_F(PosixFaultTest, UniqueIdReportsErrors) {
  Expect(SYS_getrandom, ENOSYS,
         absl::InternalError("read getrandom: Function not implemented"),
         [&] { return fs_.UniqueId().status(); });
}

}  // namespace
}  // namespace holdfast
