#include "env/posix/posix_file_system.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "env/posix/temp_directory.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

constexpr uint64_t kMebibyte = uint64_t{1} << 20;

class PosixFileSystemTest : public testing::Test {
 protected:
  std::unique_ptr<WritableFile> Create(const std::string& path) {
    auto file = fs_.CreateFile(path);
    EXPECT_TRUE(file.ok()) << file.status();
    return std::move(file).value();
  }

  void Put(const std::string& path, std::string_view content) {
    auto file = Create(path);
    ASSERT_TRUE(file->Write(0, content).ok());
    ASSERT_TRUE(file->Close().ok());
  }

  std::string Content(const std::string& path) {
    auto file = fs_.OpenFile(path);
    if (!file.ok()) return std::string(file.status().message());
    std::string scratch((*file)->Size().value(), '?');
    std::string_view read;
    const absl::Status status =
        (*file)->Read(0, scratch.size(), scratch.data(), &read);
    return status.ok() ? std::string(read) : std::string(status.message());
  }

  std::string At(std::string_view name) { return directory_.File(name); }

  TempDirectory directory_;
  PosixFileSystem fs_;
};

// RETURNS whether `status` has this code and message "OPERATION PATH: CAUSE".
testing::AssertionResult Is(const absl::Status& status, absl::StatusCode code,
                            const std::string& message) {
  if (status.code() == code && status.message() == message) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure()
         << status << "\n  instead of: " << absl::StatusCodeToString(code)
         << ": " << message;
}

TEST_F(PosixFileSystemTest, ReadsBackWhatWasWrittenAtEachOffset) {
  auto file = Create(At("f"));
  EXPECT_TRUE(file->Write(4, "tail").ok());
  EXPECT_TRUE(file->Write(0, "head").ok());
  EXPECT_TRUE(file->Write(2, "XX").ok());
  EXPECT_TRUE(file->Write(10, "far").ok());
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_EQ(Content(At("f")), std::string("heXXtail\0\0far", 13));
  EXPECT_EQ(fs_.FileSize(At("f")).value(), 13u);
}

TEST_F(PosixFileSystemTest, ReadIsShortOnlyAtTheEndOfTheFile) {
  Put(At("f"), "0123456789");
  auto file = fs_.OpenFile(At("f")).value();
  char scratch[16];
  std::string_view read;
  ASSERT_TRUE(file->Read(7, 2, scratch, &read).ok());
  EXPECT_EQ(read, "78");
  ASSERT_TRUE(file->Read(7, 9, scratch, &read).ok());
  EXPECT_EQ(read, "789");
  ASSERT_TRUE(file->Read(10, 1, scratch, &read).ok());
  EXPECT_EQ(read, "");
  ASSERT_TRUE(file->Read(1000, 1, scratch, &read).ok());
  EXPECT_EQ(read, "");
}

TEST_F(PosixFileSystemTest, OpenFileSeesLaterWritesAndSize) {
  auto writer = Create(At("f"));
  auto reader = fs_.OpenFile(At("f")).value();
  EXPECT_EQ(reader->Size().value(), 0u);
  ASSERT_TRUE(writer->Write(0, "abc").ok());
  EXPECT_EQ(reader->Size().value(), 3u);
  char scratch[8];
  std::string_view read;
  ASSERT_TRUE(reader->Read(0, 8, scratch, &read).ok());
  EXPECT_EQ(read, "abc");
}

TEST_F(PosixFileSystemTest, TruncateCutsAndExtendsWithZeros) {
  auto file = Create(At("f"));
  ASSERT_TRUE(file->Write(0, "abcdef").ok());
  ASSERT_TRUE(file->Truncate(2).ok());
  EXPECT_EQ(Content(At("f")), "ab");
  ASSERT_TRUE(file->Truncate(4).ok());
  EXPECT_EQ(Content(At("f")), std::string("ab\0\0", 4));
}

TEST_F(PosixFileSystemTest, PreparedSpaceIsZerosThatAreWrittenOver) {
  for (const uint64_t length :
       {uint64_t{0}, uint64_t{1}, uint64_t{100'000}, 3 * kMebibyte + 1}) {
    SCOPED_TRACE(length);
    const std::string path = At(absl::StrCat("f", length));
    auto file = Create(path);
    ASSERT_TRUE(file->Write(0, "abcdef").ok());
    ASSERT_TRUE(file->PrepareSpace(3, length).ok());
    std::string expected = "abcdef";
    expected.resize(std::max<size_t>(6, 3 + length));
    expected.replace(3, length, length, '\0');
    EXPECT_TRUE(Content(path) == expected);
    // Inside, over the end, behind it.
    for (const uint64_t at : {3 + length / 2, 2 + length, 70 + length}) {
      ASSERT_TRUE(file->Write(at, "xyz").ok());
      expected.resize(std::max<size_t>(expected.size(), at + 3));
      expected.replace(at, 3, "xyz");
    }
    EXPECT_TRUE(Content(path) == expected);
    EXPECT_TRUE(file->Sync().ok());
    ASSERT_TRUE(file->Truncate(4).ok());
    ASSERT_TRUE(file->Write(5, "end").ok());
    EXPECT_EQ(Content(path), expected.substr(0, 4) + std::string("\0end", 4));
    EXPECT_TRUE(file->Close().ok());
  }
}

TEST_F(PosixFileSystemTest, ClosedFileRefusesAllCalls) {
  auto file = Create(At("f"));
  ASSERT_TRUE(file->Close().ok());
  const auto refused = [&](std::string_view operation) {
    return absl::StrCat(operation, " ", At("f"), ": Bad file descriptor");
  };
  const auto code = absl::StatusCode::kInternal;
  EXPECT_TRUE(Is(file->Write(0, "x"), code, refused("write")));
  EXPECT_TRUE(Is(file->Sync(), code, refused("sync")));
  EXPECT_TRUE(Is(file->PrepareSpace(0, 1), code, refused("prepare")));
  EXPECT_TRUE(Is(file->Truncate(0), code, refused("truncate")));
  EXPECT_TRUE(Is(file->Close(), code, refused("close")));
}

TEST_F(PosixFileSystemTest, DestructorsCloseTheirFiles) {
  const auto open_files = [this] {
    return fs_.ListDirectory("/proc/self/fd").value().size();
  };
  const size_t before = open_files();
  {
    auto writer = Create(At("f"));
    auto reader = fs_.OpenFile(At("f")).value();
    auto lock = fs_.LockFile(At("LOCK")).value();
    ASSERT_TRUE(fs_.SyncDirectory(directory_.path()).ok());
    EXPECT_EQ(open_files(), before + 3);
  }
  EXPECT_EQ(open_files(), before);
}

TEST_F(PosixFileSystemTest, CreateFileRefusesAnExistingFile) {
  Put(At("f"), "old");
  EXPECT_TRUE(Is(fs_.CreateFile(At("f")).status(),
                 absl::StatusCode::kAlreadyExists,
                 absl::StrCat("create ", At("f"), ": File exists")));
  EXPECT_EQ(Content(At("f")), "old");
}

TEST_F(PosixFileSystemTest, ErrorsNameOperationPathAndCause) {
  const std::string f = At("missing/f");
  const std::string cause = ": No such file or directory";
  const auto code = absl::StatusCode::kNotFound;
  EXPECT_TRUE(Is(fs_.OpenFile(f).status(), code, "open " + f + cause));
  EXPECT_TRUE(Is(fs_.CreateFile(f).status(), code, "create " + f + cause));
  EXPECT_TRUE(Is(fs_.FileSize(f).status(), code, "stat " + f + cause));
  EXPECT_TRUE(Is(fs_.ListDirectory(f).status(), code, "list " + f + cause));
  EXPECT_TRUE(
      Is(fs_.CreateDirectory(f), code, "create directory " + f + cause));
  EXPECT_TRUE(Is(fs_.RemoveFile(f), code, "remove " + f + cause));
  EXPECT_TRUE(
      Is(fs_.RemoveDirectory(f), code, "remove directory " + f + cause));
  EXPECT_TRUE(Is(fs_.RenameFile(f, At("g")), code,
                 "rename " + f + " to " + At("g") + cause));
  EXPECT_TRUE(Is(fs_.LinkFile(f, At("g")), code,
                 "link " + f + " to " + At("g") + cause));
  EXPECT_TRUE(Is(fs_.SyncDirectory(f), code, "sync directory " + f + cause));
  EXPECT_TRUE(Is(fs_.LockFile(f).status(), code, "lock " + f + cause));
}

TEST_F(PosixFileSystemTest, ReadErrorIsNotAnEnd) {
  // A directory opens, but does not read.
  auto file = fs_.OpenFile(directory_.path()).value();
  char scratch[8];
  std::string_view read = "untouched";
  EXPECT_TRUE(Is(file->Read(0, 8, scratch, &read), absl::StatusCode::kInternal,
                 absl::StrCat("read ", directory_.path(), ": Is a directory")));
  EXPECT_EQ(read, "untouched");
}

TEST_F(PosixFileSystemTest, RenameReplacesTheTarget) {
  Put(At("old"), "old");
  Put(At("new"), "new");
  EXPECT_TRUE(fs_.RenameFile(At("new"), At("old")).ok());
  EXPECT_EQ(Content(At("old")), "new");
  EXPECT_FALSE(fs_.FileExists(At("new")).value());
}

TEST_F(PosixFileSystemTest, LinkGivesASecondNameAndReplacesNothing) {
  Put(At("a"), "content");
  Put(At("taken"), "other");
  EXPECT_TRUE(fs_.LinkFile(At("a"), At("b")).ok());
  EXPECT_EQ(fs_.LinkFile(At("a"), At("taken")).code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Content(At("taken")), "other");
  EXPECT_TRUE(fs_.RemoveFile(At("a")).ok());
  EXPECT_EQ(Content(At("b")), "content");
}

TEST_F(PosixFileSystemTest, ListsNamesSortedWithoutDots) {
  EXPECT_EQ(fs_.ListDirectory(directory_.path()).value(),
            std::vector<std::string>());
  for (const char* name : {"c", "a", ".hidden", "b"}) Put(At(name), "");
  ASSERT_TRUE(fs_.CreateDirectory(At("d")).ok());
  EXPECT_EQ(fs_.ListDirectory(directory_.path()).value(),
            (std::vector<std::string>{".hidden", "a", "b", "c", "d"}));
}

TEST_F(PosixFileSystemTest, ListsManyNames) {
  std::vector<std::string> expected;
  for (int i = 1000; i < 3000; ++i) {
    expected.push_back(absl::StrCat(i, ".a-name-long-enough-for-many-calls"));
    ASSERT_TRUE(fs_.CreateFile(At(expected.back())).ok());
  }
  EXPECT_EQ(fs_.ListDirectory(directory_.path()).value(), expected);
}

TEST_F(PosixFileSystemTest, CreatesAndRemovesDirectories) {
  ASSERT_TRUE(fs_.CreateDirectory(At("d")).ok());
  EXPECT_TRUE(fs_.FileExists(At("d")).value());
  EXPECT_EQ(fs_.CreateDirectory(At("d")).code(),
            absl::StatusCode::kAlreadyExists);
  Put(At("d/f"), "");
  EXPECT_FALSE(fs_.RemoveDirectory(At("d")).ok());
  EXPECT_FALSE(fs_.RemoveFile(At("d")).ok());
  ASSERT_TRUE(fs_.RemoveFile(At("d/f")).ok());
  EXPECT_TRUE(fs_.RemoveDirectory(At("d")).ok());
  EXPECT_FALSE(fs_.FileExists(At("d")).value());
}

TEST_F(PosixFileSystemTest, SyncDirectoryTakesDirectoriesOnly) {
  Put(At("f"), "");
  EXPECT_TRUE(fs_.SyncDirectory(directory_.path()).ok());
  EXPECT_TRUE(
      Is(fs_.SyncDirectory(At("f")), absl::StatusCode::kInternal,
         absl::StrCat("sync directory ", At("f"), ": Not a directory")));
}

TEST_F(PosixFileSystemTest, UniqueIdsDiffer) {
  std::set<uint64_t> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(fs_.UniqueId().value());
  EXPECT_EQ(ids.size(), 1000u);
}

// --- In a child process ------------------------------------------------------

// Runs `body` in a child and returns its exit code; -1 when it was killed.
int RunInChild(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int state = 0;
  EXPECT_EQ(::waitpid(child, &state, 0), child);
  return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

// 0 when `status` has the code, else its own code.
int ExitCode(const absl::Status& status, absl::StatusCode code) {
  return status.code() == code ? 0 : 100 + static_cast<int>(status.code());
}

TEST_F(PosixFileSystemTest, FileOverTheSizeLimitIsResourceExhausted) {
  // What fits was written; the rest can be written once there is room.
  auto file = Create(At("f"));
  EXPECT_EQ(RunInChild([&] {
              ::signal(SIGXFSZ, SIG_IGN);
              const rlimit limit = {.rlim_cur = 1000, .rlim_max = 1000};
              if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
              return ExitCode(file->Write(0, std::string(3000, 'x')),
                              absl::StatusCode::kResourceExhausted);
            }),
            0);
  EXPECT_EQ(Content(At("f")), std::string(1000, 'x'));
  EXPECT_TRUE(file->Write(0, std::string(3000, 'y')).ok());
  EXPECT_EQ(Content(At("f")), std::string(3000, 'y'));
}

TEST_F(PosixFileSystemTest, TooManyOpenFilesIsResourceExhausted) {
  Put(At("f"), "");
  EXPECT_EQ(RunInChild([&] {
              const rlimit limit = {.rlim_cur = 0, .rlim_max = 0};
              if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
              return ExitCode(fs_.OpenFile(At("f")).status(),
                              absl::StatusCode::kResourceExhausted);
            }),
            0);
}

TEST_F(PosixFileSystemTest, FullDiskFailsTheWriteAndHealsWithSpace) {
  const std::string mount = At("disk");
  ASSERT_TRUE(fs_.CreateDirectory(mount).ok());
  if (::mount("tmpfs", mount.c_str(), "tmpfs", 0, "size=1m") != 0) {
    GTEST_SKIP() << "cannot mount a small disk here: errno " << errno;
  }
  {
    auto ballast = Create(mount + "/ballast");
    EXPECT_TRUE(ballast->Write(0, std::string(kMebibyte / 2, 'b')).ok());
    auto file = Create(mount + "/f");
    EXPECT_TRUE(
        Is(file->Write(0, std::string(kMebibyte, 'x')),
           absl::StatusCode::kResourceExhausted,
           absl::StrCat("write ", mount, "/f: No space left on device")));
    EXPECT_TRUE(file->Truncate(0).ok());
    EXPECT_TRUE(Is(
        file->PrepareSpace(0, kMebibyte), absl::StatusCode::kResourceExhausted,
        absl::StrCat("prepare ", mount, "/f: No space left on device")));
    EXPECT_EQ(fs_.FileSize(mount + "/f").value(), 0u);
    EXPECT_TRUE(fs_.RemoveFile(mount + "/ballast").ok());
    EXPECT_TRUE(ballast->Close().ok());
    EXPECT_TRUE(file->Write(0, std::string(kMebibyte, 'y')).ok());
    EXPECT_TRUE(file->Sync().ok());
    EXPECT_EQ(Content(mount + "/f"), std::string(kMebibyte, 'y'));
  }
  EXPECT_EQ(::umount(mount.c_str()), 0);
}

TEST_F(PosixFileSystemTest, FilesAreNotInheritedByPrograms) {
  // Otherwise a program started by the user's program would keep our lock.
  auto writer = Create(At("f"));
  auto reader = fs_.OpenFile(At("f")).value();
  auto lock = fs_.LockFile(At("LOCK")).value();
  const std::vector<std::string> names =
      fs_.ListDirectory("/proc/self/fd").value();
  int ours = 0;
  for (const std::string& name : names) {
    char target[4096];
    const ssize_t length =
        ::readlink(("/proc/self/fd/" + name).c_str(), target, sizeof(target));
    if (length < 0) continue;
    if (!std::string_view(target, static_cast<size_t>(length))
             .starts_with(directory_.path())) {
      continue;
    }
    ++ours;
    EXPECT_NE(::fcntl(std::stoi(name), F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_EQ(ours, 3);
}

}  // namespace
}  // namespace holdfast
