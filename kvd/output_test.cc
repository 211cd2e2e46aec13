#include "kvd/output.h"

#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "env/posix/temp_directory.h"
#include "gtest/gtest.h"
#include "holdfast/env/env.h"
#include "kvd/input.h"

namespace holdfast::kvd {
namespace {

class StringSink : public ByteSink {
 public:
  absl::Status Write(std::string_view bytes) override {
    if (fail) return absl::ResourceExhaustedError("full");
    ++writes;
    written.append(bytes);
    return absl::OkStatus();
  }

  bool fail = false;
  int writes = 0;
  std::string written;
};

std::string Content(const std::string& path) {
  auto source = OpenInput(path);
  if (!source.ok()) return source.status().ToString();
  return *ReadAll(**source, 1000);
}

TEST(OutputTest, GathersSmallWrites) {
  StringSink sink;
  Output output(sink);
  ASSERT_TRUE(output.Write("ab").ok());
  ASSERT_TRUE(output.Write("c").ok());
  EXPECT_EQ(sink.writes, 0);
  ASSERT_TRUE(output.Flush().ok());
  EXPECT_EQ(sink.written, "abc");
  const std::string large(size_t{1} << 20, 'x');
  ASSERT_TRUE(output.Write(large).ok());
  EXPECT_EQ(sink.written, "abc" + large);
}

TEST(OutputTest, KeepsTheFirstError) {
  StringSink sink;
  Output output(sink);
  sink.fail = true;
  ASSERT_TRUE(output.Write("lost").ok());
  EXPECT_TRUE(absl::IsResourceExhausted(output.Flush()));
  sink.fail = false;
  EXPECT_TRUE(absl::IsResourceExhausted(output.Write("a")));
  EXPECT_TRUE(absl::IsResourceExhausted(output.Flush()));
  EXPECT_EQ(sink.written, "");
}

TEST(DescriptorSinkTest, ReportsAFullDisk) {
  const int full = open("/dev/full", O_WRONLY);
  ASSERT_GE(full, 0);
  const absl::Status status =
      DescriptorSink(full, "standard output").Write("x");
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_NE(status.message().find("standard output"), std::string::npos);
  close(full);
}

TEST(DescriptorSinkTest, ReportsAClosedDescriptor) {
  EXPECT_FALSE(DescriptorSink(-1, "standard output").Write("x").ok());
}

class ReplacementFileTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<ReplacementFile>> Create() {
    return ReplacementFile::Create(env_->file_system(), path_);
  }

  const std::unique_ptr<Env> env_ = NewPosixEnv();
  const TempDirectory directory_;
  const std::string path_ = directory_.File("out");
};

TEST_F(ReplacementFileTest, TakesItsNameAtCommit) {
  auto file = Create();
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE((*file)->Write("ab").ok());
  ASSERT_TRUE((*file)->Write("c").ok());
  EXPECT_FALSE(*env_->file_system().FileExists(path_));
  ASSERT_TRUE((*file)->Commit().ok());
  EXPECT_EQ(Content(path_), "abc");
  EXPECT_FALSE(*env_->file_system().FileExists(path_ + ".partial"));
}

TEST_F(ReplacementFileTest, LeavesTheOldFileWithoutCommit) {
  ASSERT_TRUE((*Create())->Commit().ok());
  {
    auto file = Create();
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE((*file)->Write("half").ok());
  }
  EXPECT_EQ(Content(path_), "");
  EXPECT_FALSE(*env_->file_system().FileExists(path_ + ".partial"));
}

TEST_F(ReplacementFileTest, RefusesToWriteBesideAnother) {
  auto first = Create();
  EXPECT_TRUE(absl::IsInvalidArgument(Create().status()));
  EXPECT_TRUE((*first)->Commit().ok());
}

}  // namespace
}  // namespace holdfast::kvd
