// What a program can see of a file system without crashing is the same on the
// real one and on the simulated one: results, error codes, messages, contents.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "env/posix/temp_directory.h"
#include "gtest/gtest.h"
#include "holdfast/env/env.h"
#include "holdfast/env/file_system.h"
#include "holdfast/testing/sim_file_system.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

// A file system and an empty directory in it.
class Place {
 public:
  virtual ~Place() = default;
  virtual FileSystem& fs() = 0;
  virtual std::string root() const = 0;
  std::string Path(std::string_view name) const {
    return absl::StrCat(root(), "/", name);
  }
  // The message with the root called "ROOT".
  std::string Text(const absl::Status& status) const {
    return absl::StrReplaceAll(status.ToString(), {{root(), "ROOT"}});
  }
};

class PosixPlace final : public Place {
 public:
  FileSystem& fs() override { return env_->file_system(); }
  std::string root() const override { return directory_.path(); }

 private:
  TempDirectory directory_;
  std::unique_ptr<Env> env_ = NewPosixEnv({.background_threads = 1});
};

class SimPlace final : public Place {
 public:
  SimPlace() { EXPECT_TRUE(fs_.CreateDirectory("/root-of-sim").ok()); }
  FileSystem& fs() override { return fs_; }
  std::string root() const override { return "/root-of-sim"; }

 private:
  SimFileSystem fs_;
};

std::string ReadAll(FileSystem& fs, const std::string& path) {
  auto file = fs.OpenFile(path);
  if (!file.ok()) return file.status().ToString();
  std::string scratch(1 << 16, '\0');
  std::string_view read;
  const absl::Status status =
      (*file)->Read(0, scratch.size(), scratch.data(), &read);
  return status.ok() ? std::string(read) : status.ToString();
}

template <typename T>
class EnvConformanceTest : public ::testing::Test {
 protected:
  FileSystem& fs() { return place_.fs(); }
  std::string Path(std::string_view name) { return place_.Path(name); }
  void Write(std::string_view name, std::string_view content) {
    auto file = fs().CreateFile(Path(name));
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE((*file)->Write(0, content).ok());
  }
  void ExpectError(const absl::Status& status, absl::StatusCode code,
                   std::string_view message) {
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(absl::StrReplaceAll(std::string(status.message()),
                                  {{place_.root(), "ROOT"}}),
              message);
  }

  T place_;
};

using Places = ::testing::Types<PosixPlace, SimPlace>;
TYPED_TEST_SUITE(EnvConformanceTest, Places);

TYPED_TEST(EnvConformanceTest, WritesAtPositionsAndReadsBack) {
  auto file = this->fs().CreateFile(this->Path("f")).value();
  EXPECT_TRUE(file->Write(1000, "end").ok());
  EXPECT_TRUE(file->Write(0, "begin").ok());
  EXPECT_TRUE(file->Write(5000, "").ok());  // Extends nothing.
  EXPECT_TRUE(file->Sync().ok());
  std::string expected = "begin" + std::string(995, '\0') + "end";
  EXPECT_EQ(ReadAll(this->fs(), this->Path("f")), expected);
  EXPECT_EQ(this->fs().FileSize(this->Path("f")).value(), 1003u);
  EXPECT_TRUE(file->Truncate(3).ok());
  EXPECT_TRUE(file->Truncate(6).ok());
  EXPECT_EQ(ReadAll(this->fs(), this->Path("f")),
            std::string("beg") + std::string(3, '\0'));
  EXPECT_TRUE(file->Close().ok());
}

TYPED_TEST(EnvConformanceTest, PreparedSpaceIsZerosThatAreWrittenOver) {
  auto file = this->fs().CreateFile(this->Path("f")).value();
  EXPECT_TRUE(file->Write(0, "0123456789").ok());
  EXPECT_TRUE(file->PrepareSpace(4, 0).ok());
  EXPECT_TRUE(file->PrepareSpace(4, 2).ok());
  std::string expected("0123\0\0006789", 10);
  EXPECT_EQ(ReadAll(this->fs(), this->Path("f")), expected);
  EXPECT_TRUE(file->PrepareSpace(10, 30'000).ok());
  expected.resize(30'010);
  EXPECT_EQ(ReadAll(this->fs(), this->Path("f")), expected);
  EXPECT_TRUE(file->Write(100, "inside").ok());
  expected.replace(100, 6, "inside");
  EXPECT_TRUE(file->Write(30'008, "over").ok());
  expected.resize(30'012);
  expected.replace(30'008, 4, "over");
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_EQ(ReadAll(this->fs(), this->Path("f")), expected);
  EXPECT_TRUE(file->Truncate(102).ok());
  EXPECT_TRUE(file->Write(103, "x").ok());
  EXPECT_EQ(ReadAll(this->fs(), this->Path("f")),
            expected.substr(0, 102) + std::string("\0x", 2));
  EXPECT_TRUE(file->Close().ok());
}

TYPED_TEST(EnvConformanceTest, ReadsAreShortOnlyAtTheEnd) {
  this->Write("f", "0123456789");
  const auto file = this->fs().OpenFile(this->Path("f")).value();
  char scratch[16];
  std::string_view read;
  ASSERT_TRUE(file->Read(7, 16, scratch, &read).ok());
  EXPECT_EQ(read, "789");
  ASSERT_TRUE(file->Read(10, 16, scratch, &read).ok());
  EXPECT_EQ(read, "");
  ASSERT_TRUE(file->Read(99, 16, scratch, &read).ok());
  EXPECT_EQ(read, "");
  ASSERT_TRUE(file->Read(2, 3, scratch, &read).ok());
  EXPECT_EQ(read, "234");
  EXPECT_EQ(file->Size().value(), 10u);
}

TYPED_TEST(EnvConformanceTest, AClosedFileRefusesEverything) {
  auto file = this->fs().CreateFile(this->Path("f")).value();
  ASSERT_TRUE(file->Close().ok());
  const auto code = absl::StatusCode::kInternal;
  this->ExpectError(file->Write(0, "x"), code,
                    "write ROOT/f: Bad file descriptor");
  this->ExpectError(file->Sync(), code, "sync ROOT/f: Bad file descriptor");
  this->ExpectError(file->Truncate(0), code,
                    "truncate ROOT/f: Bad file descriptor");
  this->ExpectError(file->PrepareSpace(0, 1), code,
                    "prepare ROOT/f: Bad file descriptor");
  this->ExpectError(file->Close(), code, "close ROOT/f: Bad file descriptor");
}

TYPED_TEST(EnvConformanceTest, WhatIsNotThereIsNotFound) {
  FileSystem& fs = this->fs();
  const std::string no = this->Path("no");
  const auto code = absl::StatusCode::kNotFound;
  const std::string cause = "ROOT/no: No such file or directory";
  this->ExpectError(fs.OpenFile(no).status(), code, "open " + cause);
  this->ExpectError(fs.FileSize(no).status(), code, "stat " + cause);
  this->ExpectError(fs.ListDirectory(no).status(), code, "list " + cause);
  this->ExpectError(fs.RemoveFile(no), code, "remove " + cause);
  this->ExpectError(fs.RemoveDirectory(no), code, "remove directory " + cause);
  this->ExpectError(fs.SyncDirectory(no), code, "sync directory " + cause);
  this->ExpectError(fs.RenameFile(no, this->Path("x")), code,
                    "rename ROOT/no to ROOT/x: No such file or directory");
  this->ExpectError(fs.LinkFile(no, this->Path("x")), code,
                    "link ROOT/no to ROOT/x: No such file or directory");
  EXPECT_FALSE(fs.FileExists(no).value());
  const std::string deep = this->Path("no/f");
  EXPECT_TRUE(absl::IsNotFound(fs.CreateFile(deep).status()));
  EXPECT_TRUE(absl::IsNotFound(fs.CreateDirectory(deep)));
  EXPECT_TRUE(absl::IsNotFound(fs.LockFile(deep).status()));
  EXPECT_FALSE(fs.FileExists(deep).value());
}

TYPED_TEST(EnvConformanceTest, WhatExistsIsNotMadeAgain) {
  FileSystem& fs = this->fs();
  this->Write("f", "1");
  ASSERT_TRUE(fs.CreateDirectory(this->Path("d")).ok());
  const auto code = absl::StatusCode::kAlreadyExists;
  this->ExpectError(fs.CreateFile(this->Path("f")).status(), code,
                    "create ROOT/f: File exists");
  EXPECT_EQ(fs.CreateFile(this->Path("d")).status().code(), code);
  EXPECT_EQ(fs.CreateDirectory(this->Path("f")).code(), code);
  this->ExpectError(fs.CreateDirectory(this->Path("d")), code,
                    "create directory ROOT/d: File exists");
  this->ExpectError(fs.LinkFile(this->Path("f"), this->Path("f")), code,
                    "link ROOT/f to ROOT/f: File exists");
  EXPECT_EQ(ReadAll(fs, this->Path("f")), "1");
}

TYPED_TEST(EnvConformanceTest, FilesAndDirectoriesAreNotMixedUp) {
  FileSystem& fs = this->fs();
  this->Write("f", "1");
  ASSERT_TRUE(fs.CreateDirectory(this->Path("d")).ok());
  this->Write("d/g", "2");
  const auto code = absl::StatusCode::kInternal;
  const std::string f = this->Path("f");
  const std::string d = this->Path("d");
  this->ExpectError(fs.OpenFile(f + "/x").status(), code,
                    "open ROOT/f/x: Not a directory");
  this->ExpectError(fs.FileExists(f + "/x").status(), code,
                    "stat ROOT/f/x: Not a directory");
  this->ExpectError(fs.ListDirectory(f).status(), code,
                    "list ROOT/f: Not a directory");
  this->ExpectError(fs.SyncDirectory(f), code,
                    "sync directory ROOT/f: Not a directory");
  this->ExpectError(fs.RemoveDirectory(f), code,
                    "remove directory ROOT/f: Not a directory");
  this->ExpectError(fs.RemoveFile(d), code, "remove ROOT/d: Is a directory");
  this->ExpectError(fs.RemoveDirectory(d), code,
                    "remove directory ROOT/d: Directory not empty");
  this->ExpectError(fs.RenameFile(f, d), code,
                    "rename ROOT/f to ROOT/d: Is a directory");
  this->ExpectError(fs.RenameFile(d, f), code,
                    "rename ROOT/d to ROOT/f: Not a directory");
  this->ExpectError(fs.RenameFile(d, d + "/e"), code,
                    "rename ROOT/d to ROOT/d/e: Invalid argument");
  this->ExpectError(fs.LinkFile(d, this->Path("x")),
                    absl::StatusCode::kPermissionDenied,
                    "link ROOT/d to ROOT/x: Operation not permitted");
  this->ExpectError(fs.LockFile(d).status(), code,
                    "lock ROOT/d: Is a directory");
  EXPECT_TRUE(fs.FileExists(d).value());
  const auto opened = fs.OpenFile(d).value();  // It can be, and not read.
  char scratch[4];
  std::string_view read;
  this->ExpectError(opened->Read(0, 4, scratch, &read), code,
                    "read ROOT/d: Is a directory");
}

TYPED_TEST(EnvConformanceTest, NamesAreLimited) {
  const std::string longest(255, 'n');
  EXPECT_TRUE(this->fs().CreateFile(this->Path(longest)).ok());
  EXPECT_EQ(this->fs().CreateFile(this->Path(longest + "n")).status().code(),
            absl::StatusCode::kInternal);
  EXPECT_TRUE(absl::IsNotFound(this->fs().CreateFile("").status()));
}

TYPED_TEST(EnvConformanceTest, PathsAreTakenPartByPart) {
  FileSystem& fs = this->fs();
  ASSERT_TRUE(fs.CreateDirectory(this->Path("d")).ok());
  this->Write("d/../d/./f", "1");
  EXPECT_EQ(ReadAll(fs, this->Path("d//f")), "1");
  EXPECT_TRUE(fs.FileExists(this->Path("d/")).value());
  EXPECT_EQ(fs.FileExists(this->Path("d/f/")).status().code(),
            absl::StatusCode::kInternal);
  EXPECT_EQ(fs.CreateFile(this->Path("g/")).status().code(),
            absl::StatusCode::kInternal);
  EXPECT_TRUE(fs.CreateDirectory(this->Path("e/")).ok());
}

TYPED_TEST(EnvConformanceTest, ListsSorted) {
  for (const char* name : {"b", "a", "c"}) this->Write(name, "");
  ASSERT_TRUE(this->fs().CreateDirectory(this->Path("aa")).ok());
  EXPECT_EQ(this->fs().ListDirectory(this->Path("")).value(),
            (std::vector<std::string>{"a", "aa", "b", "c"}));
}

TYPED_TEST(EnvConformanceTest, OpenFilesOutliveTheirNames) {
  FileSystem& fs = this->fs();
  auto file = fs.CreateFile(this->Path("f")).value();
  ASSERT_TRUE(file->Write(0, "old").ok());
  const auto reader = fs.OpenFile(this->Path("f")).value();
  this->Write("g", "other");
  ASSERT_TRUE(fs.RenameFile(this->Path("g"), this->Path("f")).ok());
  ASSERT_TRUE(file->Write(3, "er").ok());
  char scratch[8];
  std::string_view read;
  ASSERT_TRUE(reader->Read(0, 8, scratch, &read).ok());
  EXPECT_EQ(read, "older");
  EXPECT_EQ(ReadAll(fs, this->Path("f")), "other");
}

TYPED_TEST(EnvConformanceTest, LinksShareTheFile) {
  FileSystem& fs = this->fs();
  auto file = fs.CreateFile(this->Path("f")).value();
  ASSERT_TRUE(fs.LinkFile(this->Path("f"), this->Path("g")).ok());
  ASSERT_TRUE(file->Write(0, "both").ok());
  // Of two names of one file a rename does nothing.
  EXPECT_TRUE(fs.RenameFile(this->Path("f"), this->Path("g")).ok());
  ASSERT_TRUE(fs.RemoveFile(this->Path("f")).ok());
  EXPECT_EQ(ReadAll(fs, this->Path("g")), "both");
}

TYPED_TEST(EnvConformanceTest, DirectoriesAreRenamedWithWhatIsInThem) {
  FileSystem& fs = this->fs();
  ASSERT_TRUE(fs.CreateDirectory(this->Path("d")).ok());
  ASSERT_TRUE(fs.CreateDirectory(this->Path("e")).ok());
  this->Write("d/f", "1");
  EXPECT_TRUE(fs.RenameFile(this->Path("d"), this->Path("e")).ok());
  EXPECT_EQ(ReadAll(fs, this->Path("e/f")), "1");
  EXPECT_FALSE(fs.FileExists(this->Path("d")).value());
}

TYPED_TEST(EnvConformanceTest, LocksExcludeAndCreateTheirFile) {
  FileSystem& fs = this->fs();
  auto lock = fs.LockFile(this->Path("LOCK")).value();
  EXPECT_TRUE(fs.FileExists(this->Path("LOCK")).value());
  this->ExpectError(fs.LockFile(this->Path("LOCK")).status(),
                    absl::StatusCode::kUnavailable,
                    "lock ROOT/LOCK: already held (this process)");
  // The lock is the file's, not the name's.
  ASSERT_TRUE(fs.RemoveFile(this->Path("LOCK")).ok());
  const auto second = fs.LockFile(this->Path("LOCK"));
  EXPECT_TRUE(second.ok());
  lock.reset();
  EXPECT_TRUE(absl::IsUnavailable(fs.LockFile(this->Path("LOCK")).status()));
}

TYPED_TEST(EnvConformanceTest, UniqueIdsDiffer) {
  EXPECT_NE(this->fs().UniqueId().value(), this->fs().UniqueId().value());
}

// --- Any sequence of calls.

using Step = std::tuple<int, int, int, int>;

// Does steps in one place and tells what came of each.
class Player {
 public:
  explicit Player(Place* place) : place_(*place) {}

  std::string Do(const Step& step) {
    const auto [what, x, y, z] = step;
    const std::string path = PathOf(x);
    const std::string other = PathOf(y);
    FileSystem& fs = place_.fs();
    switch (what) {
      case 0: {
        auto file = fs.CreateFile(path);
        if (file.ok()) files_.push_back(*std::move(file));
        return place_.Text(file.status());
      }
      case 1:
        return place_.Text(fs.RemoveFile(path));
      case 2:
        return place_.Text(fs.RenameFile(path, other));
      case 3:
        return place_.Text(fs.LinkFile(path, other));
      case 4:
        return place_.Text(fs.CreateDirectory(path));
      case 5:
        return place_.Text(fs.RemoveDirectory(path));
      case 6:
        return place_.Text(fs.SyncDirectory(path));
      case 7: {
        auto names = fs.ListDirectory(path);
        std::string text = place_.Text(names.status());
        if (names.ok()) {
          for (const std::string& name : *names) text += " " + name;
        }
        return text;
      }
      case 8: {
        const auto exists = fs.FileExists(path);
        return place_.Text(exists.status()) +
               (exists.ok() && *exists ? " yes" : " no");
      }
      case 9: {
        const auto file = fs.OpenFile(path);
        if (!file.ok()) return place_.Text(file.status());
        std::string scratch(4096, '\0');
        std::string_view read;
        const absl::Status status = (*file)->Read(
            static_cast<uint64_t>(z) * 100, 2000, scratch.data(), &read);
        return place_.Text(status) + std::string(read);
      }
      default:
        return DoToFile(what, x, y, z);
    }
  }

 private:
  std::string PathOf(int i) const {
    constexpr const char* kNames[] = {"a",   "b",     "d",   "d/a",
                                      "d/e", "d/e/a", "b/x", ""};
    return place_.Path(kNames[i % 8]);
  }

  std::string DoToFile(int what, int x, int y, int z) {
    if (files_.empty()) return "";
    WritableFile& file = *files_[static_cast<size_t>(x) % files_.size()];
    switch (what) {
      case 10:
      case 11:
        return place_.Text(file.Write(static_cast<uint64_t>(y) * 300,
                                      std::string(static_cast<size_t>(z) * 97,
                                                  static_cast<char>('a' + y))));
      case 12:
        return place_.Text(file.Truncate(static_cast<uint64_t>(y) * 250));
      case 13:
        return place_.Text(file.Sync());
      default:
        return place_.Text(
            z % 4 == 0 ? file.Close()
                       : file.PrepareSpace(static_cast<uint64_t>(y) * 1500,
                                           static_cast<uint64_t>(z) * 3000));
    }
  }

  Place& place_;
  std::vector<std::unique_ptr<WritableFile>> files_;
};

RC_GTEST_PROP(EnvConformanceSequenceTest, BothSayTheSameToAnyCalls, ()) {
  const auto steps = *rc::gen::container<std::vector<Step>>(
      rc::gen::tuple(rc::gen::inRange(0, 15), rc::gen::inRange(0, 16),
                     rc::gen::inRange(0, 16), rc::gen::inRange(0, 12)));
  PosixPlace posix;
  SimPlace sim;
  Player in_posix(&posix);
  Player in_sim(&sim);
  for (const Step& step : steps) {
    const std::string expected = in_posix.Do(step);
    RC_ASSERT(in_sim.Do(step) == expected);
  }
}

}  // namespace
}  // namespace holdfast
