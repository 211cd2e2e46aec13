#include "env/posix/mapped_window.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "env/posix/scoped_fd.h"
#include "env/posix/temp_directory.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

constexpr uint64_t kFileBytes = 20'000;

class MappedWindowTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string zeros(kFileBytes, '\0');
    ASSERT_EQ(::pwrite(fd_.get(), zeros.data(), kFileBytes, 0),
              static_cast<ssize_t>(kFileBytes));
    if (!MappedWindow::MayMapFilesOf(fd_.get())) {
      GTEST_SKIP() << "not on this file system";
    }
    if (!window_.Map(fd_.get(), kBegin, kEnd - kBegin)) {
      GTEST_SKIP() << "no memory can be locked here";
    }
  }

  std::string Content() {
    std::string content(kFileBytes + 1, 'x');
    const ssize_t got = ::pread(fd_.get(), content.data(), content.size(), 0);
    content.resize(static_cast<size_t>(got));
    return content;
  }

  // Neither is at a page.
  static constexpr uint64_t kBegin = 5'000;
  static constexpr uint64_t kEnd = 17'000;

  TempDirectory directory_;
  ScopedFd fd_{
      ::open(directory_.File("f").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644)};
  MappedWindow window_;
};

TEST_F(MappedWindowTest, TakesWhatLiesInsideAndNothingElse) {
  std::string expected(kFileBytes, '\0');
  EXPECT_TRUE(window_.Write(kBegin, "begin"));
  expected.replace(kBegin, 5, "begin");
  EXPECT_TRUE(window_.Write(kEnd - 3, "end"));
  expected.replace(kEnd - 3, 3, "end");
  EXPECT_TRUE(window_.Write(8'190, std::string(10, 'm')));
  expected.replace(8'190, 10, 10, 'm');
  EXPECT_FALSE(window_.Write(kBegin - 1, "xx"));
  EXPECT_FALSE(window_.Write(kEnd - 1, "xx"));
  EXPECT_FALSE(window_.Write(kEnd + 1, ""));
  EXPECT_FALSE(window_.Write(0, "x"));
  EXPECT_FALSE(window_.Write(UINT64_MAX, "x"));
  EXPECT_TRUE(Content() == expected);
  window_.Unmap();
  EXPECT_FALSE(window_.Write(kBegin, "b"));
  EXPECT_TRUE(Content() == expected);
}

TEST_F(MappedWindowTest, AnotherWindowTakesThePlace) {
  ASSERT_TRUE(window_.Map(fd_.get(), 0, 100));
  EXPECT_FALSE(window_.Write(kBegin, "b"));
  EXPECT_TRUE(window_.Write(99, "b"));
  EXPECT_EQ(Content().substr(99, 2), std::string("b\0", 2));
}

TEST_F(MappedWindowTest, WhatCannotBeMappedLeavesNothing) {
  EXPECT_FALSE(window_.Map(-1, 0, 100));
  EXPECT_FALSE(window_.Write(0, "a"));
  EXPECT_FALSE(window_.Write(kBegin, "a"));
  EXPECT_FALSE(window_.Map(fd_.get(), 0, 0));
}

// The promise that writing makes: the death of the process loses nothing.
TEST_F(MappedWindowTest, WhatWasWrittenOutlivesTheProcess) {
  const pid_t child = ::fork();
  if (child == 0) {
    window_.Write(kBegin, "written");
    ::raise(SIGKILL);
  }
  int state = 0;
  ASSERT_EQ(::waitpid(child, &state, 0), child);
  EXPECT_TRUE(WIFSIGNALED(state));
  EXPECT_EQ(Content().substr(kBegin, 7), "written");
}

TEST(MappedWindowPlaceTest, IsNotOnFileSystemsThatAreNotKnown) {
  const ScopedFd fd(::open("/proc/self/status", O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(MappedWindow::MayMapFilesOf(fd.get()));
  EXPECT_FALSE(MappedWindow::MayMapFilesOf(-1));
}

}  // namespace
}  // namespace holdfast
