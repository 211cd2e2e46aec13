#include "env/file_util.h"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "holdfast/env/file_system.h"

namespace holdfast {
namespace {

// Both halves, as they are used.
absl::Status WriteFileAtomically(FileSystem& file_system,
                                 std::string_view directory,
                                 std::string_view temp_path,
                                 std::string_view final_path,
                                 std::string_view contents) {
  const absl::Status status = WriteTempFile(file_system, temp_path, contents);
  if (!status.ok()) return status;
  return ReplaceFile(file_system, directory, temp_path, final_path);
}

constexpr int kNever = std::numeric_limits<int>::max();

// Files in memory that record each call and make the n-th one (from 0) fail
// without any effect.
class RecordingFileSystem final : public FileSystem {
 public:
  explicit RecordingFileSystem(int failing_call = kNever)
      : failing_call_(failing_call) {}

  std::map<std::string, std::string> files;
  std::vector<std::string> calls;
  int open_files = 0;
  // What files say is their size, instead of the truth.
  std::optional<uint64_t> claimed_size;
  bool owns_the_bytes = false;
  bool removals_fail = false;

  absl::Status Call(std::string call) {
    calls.push_back(std::move(call));
    if (static_cast<int>(calls.size()) - 1 != failing_call_) {
      return absl::OkStatus();
    }
    return absl::InternalError(absl::StrCat("failed: ", calls.back()));
  }

  absl::StatusOr<std::unique_ptr<WritableFile>> CreateFile(
      std::string_view path) override;
  absl::StatusOr<std::unique_ptr<RandomAccessFile>> OpenFile(
      std::string_view path) override;

  absl::Status RemoveFile(std::string_view path) override {
    if (auto status = Call(absl::StrCat("remove ", path)); !status.ok()) {
      return status;
    }
    if (removals_fail) return absl::InternalError("failed: removal");
    return files.erase(std::string(path)) == 1 ? absl::OkStatus()
                                               : absl::NotFoundError(path);
  }
  absl::Status RenameFile(std::string_view from, std::string_view to) override {
    auto status = Call(absl::StrCat("rename ", from, " ", to));
    if (!status.ok()) return status;
    files[std::string(to)] = files[std::string(from)];
    files.erase(std::string(from));
    return absl::OkStatus();
  }
  absl::Status SyncDirectory(std::string_view path) override {
    return Call(absl::StrCat("sync directory ", path));
  }

  // Not used by the functions under test.
  absl::StatusOr<uint64_t> FileSize(std::string_view) override {
    return Unexpected();
  }
  absl::StatusOr<bool> FileExists(std::string_view) override {
    return Unexpected();
  }
  absl::StatusOr<std::vector<std::string>> ListDirectory(
      std::string_view) override {
    return Unexpected();
  }
  absl::Status CreateDirectory(std::string_view) override {
    return Unexpected();
  }
  absl::Status RemoveDirectory(std::string_view) override {
    return Unexpected();
  }
  absl::Status LinkFile(std::string_view, std::string_view) override {
    return Unexpected();
  }
  absl::StatusOr<std::unique_ptr<FileLock>> LockFile(
      std::string_view) override {
    return Unexpected();
  }
  absl::StatusOr<uint64_t> UniqueId() override { return Unexpected(); }

 private:
  absl::Status Unexpected() {
    ADD_FAILURE() << "a call that these functions have no use for";
    return absl::UnimplementedError("");
  }

  const int failing_call_;
};

class RecordingWritableFile final : public WritableFile {
 public:
  RecordingWritableFile(RecordingFileSystem& fs, std::string path)
      : fs_(fs), path_(std::move(path)) {
    ++fs_.open_files;
  }
  ~RecordingWritableFile() override { --fs_.open_files; }

  absl::Status Write(uint64_t offset, std::string_view data) override {
    auto status = fs_.Call(absl::StrCat("write ", path_, " ", offset));
    if (status.ok()) fs_.files[path_].replace(offset, data.size(), data);
    return status;
  }
  absl::Status Sync() override { return fs_.Call("sync " + path_); }
  absl::Status PrepareSpace(uint64_t, uint64_t) override {
    return fs_.Call("prepare " + path_);
  }
  absl::Status Truncate(uint64_t) override {
    return fs_.Call("truncate " + path_);
  }
  absl::Status Close() override { return fs_.Call("close " + path_); }

 private:
  RecordingFileSystem& fs_;
  const std::string path_;
};

class RecordingReadFile final : public RandomAccessFile {
 public:
  RecordingReadFile(RecordingFileSystem& fs, std::string path)
      : fs_(fs), path_(std::move(path)) {}

  absl::Status Read(uint64_t offset, size_t n, char* scratch,
                    std::string_view* result) const override {
    auto status = fs_.Call("read " + path_);
    if (!status.ok()) return status;
    const std::string_view bytes =
        std::string_view(fs_.files[path_]).substr(offset, n);
    *result = bytes;
    if (fs_.owns_the_bytes) return status;
    std::copy(bytes.begin(), bytes.end(), scratch);
    *result = std::string_view(scratch, bytes.size());
    return status;
  }
  absl::StatusOr<uint64_t> Size() const override {
    auto status = fs_.Call("size " + path_);
    if (!status.ok()) return status;
    return fs_.claimed_size.value_or(fs_.files[path_].size());
  }

 private:
  RecordingFileSystem& fs_;
  const std::string path_;
};

absl::StatusOr<std::unique_ptr<WritableFile>> RecordingFileSystem::CreateFile(
    std::string_view path) {
  auto status = Call(absl::StrCat("create ", path));
  if (!status.ok()) return status;
  if (!files.emplace(path, "").second) return absl::AlreadyExistsError(path);
  return std::make_unique<RecordingWritableFile>(*this, std::string(path));
}

absl::StatusOr<std::unique_ptr<RandomAccessFile>> RecordingFileSystem::OpenFile(
    std::string_view path) {
  auto status = Call(absl::StrCat("open ", path));
  if (!status.ok()) return status;
  if (!files.contains(std::string(path))) return absl::NotFoundError(path);
  return std::make_unique<RecordingReadFile>(*this, std::string(path));
}

// --- WriteFileAtomically -----------------------------------------------------

absl::Status Replace(RecordingFileSystem& fs) {
  return WriteFileAtomically(fs, "/db", "/db/000007.tmp", "/db/CURRENT", "new");
}

const std::vector<std::string>& Steps() {
  static const auto& steps = *new std::vector<std::string>{
      "create /db/000007.tmp",
      "write /db/000007.tmp 0",
      "sync /db/000007.tmp",
      "close /db/000007.tmp",
      "rename /db/000007.tmp /db/CURRENT",
      "sync directory /db",
  };
  return steps;
}

TEST(WriteFileAtomicallyTest, SyncsBeforeRenameAndTheDirectoryAfterIt) {
  for (const bool exists : {false, true}) {
    RecordingFileSystem fs;
    if (exists) fs.files["/db/CURRENT"] = "old";
    EXPECT_TRUE(Replace(fs).ok());
    EXPECT_EQ(fs.calls, Steps());
    EXPECT_EQ(fs.files,
              (std::map<std::string, std::string>{{"/db/CURRENT", "new"}}));
    EXPECT_EQ(fs.open_files, 0);
  }
}

TEST(WriteFileAtomicallyTest, ReturnsEachFailureAndKeepsOldOrNewWhole) {
  // Every step fails once; nothing of it is done again, and no temporary file
  // stays.
  const int rename_step = 4;
  for (int step = 0; step < static_cast<int>(Steps().size()); ++step) {
    SCOPED_TRACE(Steps()[static_cast<size_t>(step)]);
    RecordingFileSystem fs(step);
    fs.files["/db/CURRENT"] = "old";
    EXPECT_EQ(Replace(fs),
              absl::InternalError(absl::StrCat(
                  "failed: ", Steps()[static_cast<size_t>(step)])));
    EXPECT_EQ(fs.files,
              (std::map<std::string, std::string>{
                  {"/db/CURRENT", step <= rename_step ? "old" : "new"}}));
    EXPECT_EQ(fs.open_files, 0);

    std::vector<std::string> expected(Steps().begin(),
                                      Steps().begin() + step + 1);
    if (step > 0 && step <= rename_step) {
      expected.push_back("remove /db/000007.tmp");
    }
    EXPECT_EQ(fs.calls, expected);
  }
}

TEST(WriteFileAtomicallyTest, ReturnsTheFirstErrorWhenTheRemovalFailsToo) {
  RecordingFileSystem fs(2);
  fs.removals_fail = true;
  EXPECT_EQ(Replace(fs), absl::InternalError("failed: sync /db/000007.tmp"));
  EXPECT_EQ(fs.calls.back(), "remove /db/000007.tmp");
}

TEST(WriteFileAtomicallyTest, LeavesAnExistingTemporaryFileAlone) {
  RecordingFileSystem fs;
  fs.files["/db/000007.tmp"] = "of somebody else";
  EXPECT_EQ(Replace(fs).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(fs.files, (std::map<std::string, std::string>{
                          {"/db/000007.tmp", "of somebody else"}}));
}

// --- ReadFileToString --------------------------------------------------------

TEST(ReadFileToStringTest, ReadsTheWholeFile) {
  for (const bool owns : {false, true}) {
    for (const char* content : {"", "x", "some content"}) {
      RecordingFileSystem fs;
      fs.owns_the_bytes = owns;
      fs.files["/db/CURRENT"] = content;
      const auto read = ReadFileToString(fs, "/db/CURRENT", 12);
      ASSERT_TRUE(read.ok()) << read.status();
      EXPECT_EQ(*read, content);
    }
  }
}

TEST(ReadFileToStringTest, RefusesAFileOverTheLimitUnread) {
  RecordingFileSystem fs;
  fs.files["/db/CURRENT"] = "0123456789";
  EXPECT_TRUE(ReadFileToString(fs, "/db/CURRENT", 10).ok());
  EXPECT_EQ(ReadFileToString(fs, "/db/CURRENT", 9).status(),
            absl::DataLossError("/db/CURRENT at offset 9: the file has 10 "
                                "bytes, at most 9 belong there"));
  // A size that no memory could hold.
  fs.claimed_size = std::numeric_limits<uint64_t>::max();
  fs.calls.clear();
  EXPECT_EQ(ReadFileToString(fs, "/db/CURRENT", 1000).status().code(),
            absl::StatusCode::kDataLoss);
  EXPECT_EQ(fs.calls,
            (std::vector<std::string>{"open /db/CURRENT", "size /db/CURRENT"}));
}

TEST(ReadFileToStringTest, GivesWhatIsThereWhenTheFileBecameShorter) {
  RecordingFileSystem fs;
  fs.files["/db/CURRENT"] = "abc";
  fs.claimed_size = 10;
  EXPECT_EQ(ReadFileToString(fs, "/db/CURRENT", 10).value(), "abc");
}

TEST(ReadFileToStringTest, ReturnsEachFailure) {
  const std::vector<std::string> steps = {
      "open /db/CURRENT", "size /db/CURRENT", "read /db/CURRENT"};
  for (int step = 0; step < 3; ++step) {
    RecordingFileSystem fs(step);
    fs.files["/db/CURRENT"] = "abc";
    EXPECT_EQ(ReadFileToString(fs, "/db/CURRENT", 10).status(),
              absl::InternalError(
                  absl::StrCat("failed: ", steps[static_cast<size_t>(step)])));
  }
}

}  // namespace
}  // namespace holdfast
