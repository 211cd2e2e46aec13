// The same faults over the real and over the simulated file system. Each test
// asserts that its faults fired.

#include "holdfast/testing/fault_file_system.h"

#include <csignal>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "env/posix/temp_directory.h"
#include "gtest/gtest.h"
#include "holdfast/env/env.h"
#include "holdfast/env/file_system.h"
#include "holdfast/testing/fault_plan.h"
#include "holdfast/testing/sim_disk.h"
#include "holdfast/testing/sim_file_system.h"

namespace holdfast {
namespace {

enum class Below { kPosix, kSim };

class FaultFileSystemTest : public testing::TestWithParam<Below> {
 protected:
  FaultFileSystemTest() {
    if (GetParam() == Below::kPosix) {
      posix_ = NewPosixEnv({.background_threads = 1});
      base_ = &posix_->file_system();
      dir_ = temp_.File("d");
    } else {
      base_ = &sim_.fs();
      dir_ = "/d";
    }
    EXPECT_TRUE(base_->CreateDirectory(dir_).ok());
    EXPECT_TRUE(base_->SyncDirectory(simulated() ? "/" : temp_.path()).ok());
    faults_ = std::make_unique<FaultFileSystem>(
        base_, GetParam() == Below::kSim ? &sim_.fs() : nullptr, &clock_);
  }

  bool simulated() const { return GetParam() == Below::kSim; }
  std::string Path(std::string_view name) const {
    return absl::StrCat(dir_, "/", name);
  }
  void Plan(std::string_view text) {
    const absl::StatusOr<FaultPlan> plan = FaultPlan::Parse(text);
    ASSERT_TRUE(plan.ok()) << plan.status();
    faults_->SetPlan(*plan);
  }
  std::unique_ptr<WritableFile> Create(std::string_view name) {
    auto file = faults_->CreateFile(Path(name));
    EXPECT_TRUE(file.ok()) << file.status();
    return file.ok() ? *std::move(file) : nullptr;
  }
  // What is below the layer; "-" when there is no such file.
  std::string Content(std::string_view name) const {
    return ContentOf(*base_, name);
  }
  std::string ContentOf(FileSystem& fs, std::string_view name) const {
    const auto file = fs.OpenFile(Path(name));
    if (!file.ok()) return "-";
    std::string scratch(*(*file)->Size(), '?');
    std::string_view got;
    EXPECT_TRUE((*file)->Read(0, scratch.size(), scratch.data(), &got).ok());
    return std::string(got);
  }
  // Puts a file there without the layer.
  void Put(std::string_view name, std::string_view content) {
    const auto file = base_->CreateFile(Path(name));
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE((*file)->Write(0, content).ok());
    ASSERT_TRUE((*file)->Sync().ok());
    ASSERT_TRUE(base_->SyncDirectory(dir_).ok());
  }
  // Reads through the layer.
  std::string Read(std::string_view name, uint64_t offset, size_t n) {
    const auto file = faults_->OpenFile(Path(name));
    EXPECT_TRUE(file.ok()) << file.status();
    if (!file.ok()) return "";
    std::string scratch(n, '?');
    std::string_view got;
    const absl::Status status = (*file)->Read(offset, n, scratch.data(), &got);
    return status.ok() ? std::string(got) : status.ToString();
  }
  void ExpectAllFired() const { EXPECT_EQ(faults_->NeverFired(), ""); }

  // Every call that there is, on a file system of its own kind.
  static std::vector<std::pair<FileOp, std::function<absl::Status()>>>
  EveryCall(FileSystem& fs, const std::string& dir, WritableFile& out,
            RandomAccessFile& in) {
    const auto path = [dir](std::string_view name) {
      return absl::StrCat(dir, "/", name);
    };
    return {
        {FileOp::kCreate,
         [&fs, path] { return fs.CreateFile(path("new")).status(); }},
        {FileOp::kOpen,
         [&fs, path] { return fs.OpenFile(path("in")).status(); }},
        {FileOp::kRead,
         [&in] {
           char scratch[4];
           std::string_view got;
           return in.Read(0, 4, scratch, &got);
         }},
        {FileOp::kWrite, [&out] { return out.Write(0, "data"); }},
        {FileOp::kSync, [&out] { return out.Sync(); }},
        {FileOp::kTruncate, [&out] { return out.Truncate(2); }},
        {FileOp::kPrepareSpace, [&out] { return out.PrepareSpace(2, 1); }},
        {FileOp::kRemove, [&fs, path] { return fs.RemoveFile(path("old")); }},
        {FileOp::kRename,
         [&fs, path] { return fs.RenameFile(path("a"), path("b")); }},
        {FileOp::kLink,
         [&fs, path] { return fs.LinkFile(path("in"), path("in2")); }},
        {FileOp::kSyncDirectory, [&fs, dir] { return fs.SyncDirectory(dir); }},
        {FileOp::kList, [&fs, dir] { return fs.ListDirectory(dir).status(); }},
        {FileOp::kStat,
         [&fs, path] { return fs.FileSize(path("in")).status(); }},
        {FileOp::kStat,
         [&fs, path] { return fs.FileExists(path("in")).status(); }},
        {FileOp::kStat, [&in] { return in.Size().status(); }},
        {FileOp::kMakeDirectory,
         [&fs, path] { return fs.CreateDirectory(path("newdir")); }},
        {FileOp::kRemoveDirectory,
         [&fs, path] { return fs.RemoveDirectory(path("olddir")); }},
        {FileOp::kLock,
         [&fs, path] { return fs.LockFile(path("LOCK")).status(); }},
        {FileOp::kUniqueId, [&fs] { return fs.UniqueId().status(); }},
        {FileOp::kClose, [&out] { return out.Close(); }},
    };
  }
  void PrepareForEveryCall() {
    for (const std::string_view name : {"in", "old", "a"}) Put(name, "1234");
    ASSERT_TRUE(base_->CreateDirectory(Path("olddir")).ok());
  }
  std::vector<std::string> Listing() const {
    return *base_->ListDirectory(dir_);
  }

  TempDirectory temp_;
  std::unique_ptr<Env> posix_;
  SimEnv sim_;
  SimClock clock_;
  FileSystem* base_ = nullptr;
  std::string dir_;
  std::unique_ptr<FaultFileSystem> faults_;
};

INSTANTIATE_TEST_SUITE_P(Below, FaultFileSystemTest,
                         testing::Values(Below::kPosix, Below::kSim),
                         [](const auto& info) {
                           return info.param == Below::kPosix ? "Posix" : "Sim";
                         });

// --- Calls that fail ---------------------------------------------------------

TEST_P(FaultFileSystemTest, WithoutPlanPassesEveryCallOn) {
  PrepareForEveryCall();
  auto out = Create("out");
  const auto in = *faults_->OpenFile(Path("in"));
  uint64_t calls = faults_->calls();
  EXPECT_EQ(calls, 2u);
  for (const auto& [op, call] : EveryCall(*faults_, dir_, *out, *in)) {
    EXPECT_TRUE(call().ok()) << FileOpName(op);
    EXPECT_EQ(faults_->calls(), ++calls) << FileOpName(op);
  }
  EXPECT_EQ(Listing(), (std::vector<std::string>{"LOCK", "b", "in", "in2",
                                                 "new", "newdir", "out"}));
  EXPECT_EQ(Content("out"), std::string("da\0", 3));
  EXPECT_EQ(faults_->fired(), 0u);
  EXPECT_EQ(faults_->FirstFired(), "");
  EXPECT_EQ(faults_->NeverFired(), "");
}

TEST_P(FaultFileSystemTest, FailsEveryCallWithEveryErrorAndWithoutEffect) {
  PrepareForEveryCall();
  const std::vector<std::string> before = [&] {
    auto out = Create("out");
    return Listing();
  }();
  struct Error {
    std::string_view effect;
    absl::StatusCode code;
    std::string_view cause;
  };
  for (const Error& error : {
           Error{"eio", absl::StatusCode::kInternal, "Input/output error"},
           Error{"enospc", absl::StatusCode::kResourceExhausted,
                 "No space left on device"},
           Error{"emfile", absl::StatusCode::kResourceExhausted,
                 "Too many open files"},
           Error{"eintr", absl::StatusCode::kInternal,
                 "Interrupted system call"},
           Error{"eacces", absl::StatusCode::kPermissionDenied,
                 "Permission denied"},
       }) {
    ASSERT_TRUE(base_->RemoveFile(Path("out")).ok());
    faults_->Clear();
    auto out = Create("out");
    const auto in = *faults_->OpenFile(Path("in"));
    for (const auto& [op, call] : EveryCall(*faults_, dir_, *out, *in)) {
      Plan(absl::StrCat(FileOpName(op), " * @1 ", error.effect));
      const absl::Status status = call();
      EXPECT_EQ(status.code(), error.code) << status;
      EXPECT_TRUE(status.message().ends_with(absl::StrCat(": ", error.cause)))
          << status;
      EXPECT_EQ(faults_->fired(), 1u);
      ExpectAllFired();
    }
    EXPECT_EQ(Listing(), before);
    EXPECT_EQ(Content("out"), "");
    EXPECT_EQ(Content("in"), "1234");
  }
}

// What env/posix says and what the layer says is the same to the letter.
TEST_P(FaultFileSystemTest, SpeaksAsTheRealFileSystemDoes) {
  PrepareForEveryCall();
  const auto missing = [&](FileSystem& fs, bool plan) {
    std::vector<std::string> said;
    const auto say = [&](const absl::Status& status) {
      std::string text(status.message());
      said.push_back(text.substr(0, text.rfind(": ")));
      EXPECT_FALSE(status.ok());
    };
    if (plan) Plan("* * @1+ eacces");
    say(fs.OpenFile(Path("x/y")).status());
    say(fs.CreateFile(Path("x/y")).status());
    say(fs.FileSize(Path("x/y")).status());
    say(fs.ListDirectory(Path("x/y")).status());
    say(fs.CreateDirectory(Path("x/y")));
    say(fs.RemoveFile(Path("x/y")));
    say(fs.RemoveDirectory(Path("x/y")));
    say(fs.RenameFile(Path("x/y"), Path("x/z")));
    say(fs.LinkFile(Path("x/y"), Path("x/z")));
    say(fs.SyncDirectory(Path("x/y")));
    say(fs.LockFile(Path("x/y")).status());
    return said;
  };
  EXPECT_EQ(missing(*faults_, true), missing(*base_, false));
  ExpectAllFired();
  // Of open files: those of which no call is made below fail by themselves.
  const auto closed = [&](FileSystem& fs, std::string_view name, bool plan) {
    std::vector<std::string> said;
    faults_->Clear();
    auto file = *fs.CreateFile(Path(name));
    if (plan) {
      Plan("* * @1+ eio");
    } else {
      EXPECT_TRUE(file->Close().ok());
    }
    for (const absl::Status& status :
         {file->Write(0, "a"), file->Sync(), file->Truncate(0),
          file->PrepareSpace(0, 1), file->Close()}) {
      std::string text(status.message());
      text = text.substr(0, text.rfind(": "));
      EXPECT_TRUE(text.ends_with(name)) << text;
      said.push_back(text.substr(0, text.size() - name.size()));
    }
    return said;
  };
  EXPECT_EQ(closed(*faults_, "faulty", true), closed(*base_, "good", false));
  ExpectAllFired();
}

TEST_P(FaultFileSystemTest, DoneEioTakesEffectAndFails) {
  PrepareForEveryCall();
  auto out = Create("out");
  const auto in = *faults_->OpenFile(Path("in"));
  for (const auto& [op, call] : EveryCall(*faults_, dir_, *out, *in)) {
    Plan(absl::StrCat(FileOpName(op), " * @1 done-eio"));
    const absl::Status status = call();
    EXPECT_TRUE(absl::IsInternal(status)) << FileOpName(op) << status;
    EXPECT_TRUE(status.message().ends_with(": Input/output error")) << status;
    ExpectAllFired();
  }
  EXPECT_EQ(Listing(), (std::vector<std::string>{"LOCK", "b", "in", "in2",
                                                 "new", "newdir", "out"}));
  EXPECT_EQ(Content("out"), std::string("da\0", 3));
  // The lock and the files that nobody got are not held.
  EXPECT_TRUE(base_->LockFile(Path("LOCK")).ok());
  EXPECT_EQ(faults_->open_files(), 1);  // in
}

// --- When --------------------------------------------------------------------

TEST_P(FaultFileSystemTest, StrikesWhenItIsDue) {
  const auto struck = [&](std::string_view when, int calls) {
    Plan(absl::StrCat("stat f @1 eio; stat f ", when, " eacces"));
    std::string text;
    for (int i = 0; i < calls; ++i) {
      const absl::Status status = faults_->FileExists(Path("f")).status();
      text += status.ok() ? '.' : absl::IsInternal(status) ? 'i' : 'x';
      EXPECT_TRUE(faults_->FileExists(Path("other")).ok());
    }
    return text;
  };
  EXPECT_EQ(struck("@2", 5), "ix...");
  EXPECT_EQ(struck("@3+", 6), "i.xxxx");
  EXPECT_EQ(struck("@3x2", 6), "i.xx..");
  // Every rule counts all of its calls; the first that is due decides.
  EXPECT_EQ(struck("@1", 3), "i..");
  EXPECT_EQ(faults_->NeverFired(), "stat f @1 eacces");
  const std::vector<FaultFileSystem::Count> counts = faults_->counts();
  ASSERT_EQ(counts.size(), 2u);
  EXPECT_EQ(counts[0].matched, 3u);
  EXPECT_EQ(counts[0].fired, 1u);
  EXPECT_EQ(counts[1].matched, 3u);
  EXPECT_EQ(counts[1].fired, 0u);
  EXPECT_EQ(faults_->fired(), 1u);
  EXPECT_EQ(faults_->FirstFired(), absl::StrCat("stat ", Path("f"), ": eio"));
}

TEST_P(FaultFileSystemTest, StrikesByChanceFromTheSeed) {
  const auto struck = [&](FaultFileSystem& faults) {
    faults.SetPlan(*FaultPlan::Parse("stat * ~4 eio"));
    std::string text;
    for (int i = 0; i < 400; ++i) {
      text += faults.FileExists(Path("f")).ok() ? '.' : 'x';
    }
    EXPECT_GT(faults.fired(), 50u);
    EXPECT_LT(faults.fired(), 150u);
    return text;
  };
  FaultFileSystem other(base_, nullptr, nullptr, /*seed=*/2);
  const std::string first = struck(*faults_);
  EXPECT_EQ(struck(*faults_), first);
  EXPECT_NE(struck(other), first);
}

TEST_P(FaultFileSystemTest, ClearEndsFaultsAndKeepsCounts) {
  Plan("stat * @1+ eio; sync * @1 eio; space 100");
  EXPECT_FALSE(faults_->FileExists(Path("f")).ok());
  faults_->Clear();
  EXPECT_TRUE(faults_->FileExists(Path("f")).ok());
  EXPECT_TRUE(Create("f")->Write(0, std::string(1000, 'a')).ok());
  EXPECT_EQ(faults_->fired(), 1u);
  EXPECT_EQ(faults_->NeverFired(), "sync * @1 eio; space 100");
  Plan("sync * @1 eio");
  EXPECT_EQ(faults_->fired(), 0u);
  EXPECT_EQ(faults_->FirstFired(), "");
}

// --- Bytes -------------------------------------------------------------------

TEST_P(FaultFileSystemTest, ShortReadGivesLess) {
  Put("f", "0123456789");
  Plan("read f @1x2 short:4; read f @3 short:10");
  EXPECT_EQ(Read("f", 0, 10), "0123");
  EXPECT_EQ(Read("f", 8, 10), "89");  // Is short by itself: nothing fired.
  EXPECT_EQ(faults_->counts()[0].fired, 1u);
  EXPECT_EQ(Read("f", 0, 10), "0123456789");
  EXPECT_EQ(faults_->NeverFired(), "read f @3 short:10");
}

TEST_P(FaultFileSystemTest, ShortAndTornWritesDoTheirPart) {
  auto file = Create("f");
  Plan("write f @1 short:3; write f @2 torn:5; write f @3 torn:0");
  EXPECT_TRUE(absl::IsResourceExhausted(file->Write(0, "abcdef")));
  EXPECT_EQ(Content("f"), "abc");
  EXPECT_TRUE(absl::IsInternal(file->Write(3, "ABCDEF")));
  EXPECT_EQ(Content("f"), "abcABCDE");
  EXPECT_TRUE(absl::IsInternal(file->Write(0, "xxxxxx")));
  EXPECT_EQ(Content("f"), "abcABCDE");
  ExpectAllFired();
}

TEST_P(FaultFileSystemTest, FlipsOneBit) {
  Put("f", "aaaa");
  Plan("read f @1 flip:9; read f @2 flip:33; read f @3 flip:0");
  EXPECT_EQ(Read("f", 0, 4), "acaa");
  EXPECT_EQ(Read("f", 0, 4), "caaa");  // Modulo the 32 bits.
  EXPECT_EQ(Read("f", 9, 4), "");      // Nothing to flip.
  EXPECT_EQ(faults_->NeverFired(), "read f @3 flip:0");
  EXPECT_EQ(Content("f"), "aaaa");
  auto file = Create("g");
  Plan("write g @1 flip:8; write g @2 flip:1");
  EXPECT_TRUE(file->Write(0, "aaaa").ok());
  EXPECT_EQ(Content("g"), "a`aa");
  EXPECT_TRUE(file->Write(0, "").ok());
  EXPECT_EQ(faults_->NeverFired(), "write g @2 flip:1");
}

TEST_P(FaultFileSystemTest, ZeroesOneSector) {
  const std::string content(1500, 'a');
  Put("f", content);
  Plan("read f @1 zero:1; read f @2 zero:5");
  std::string expected = content;
  expected.replace(512, 512, std::string(512, '\0'));
  EXPECT_EQ(Read("f", 0, 1500), expected);
  // [1000, 1200) lies in sectors 1 and 2; the fifth of these is 2.
  EXPECT_EQ(Read("f", 1000, 200),
            std::string(24, 'a') + std::string(176, '\0'));
  ExpectAllFired();
  auto file = Create("g");
  Plan("write g @1 zero:2");
  EXPECT_TRUE(file->Write(0, content).ok());
  EXPECT_EQ(Content("g"), content.substr(0, 1024) + std::string(476, '\0'));
  ExpectAllFired();
}

TEST_P(FaultFileSystemTest, ReadsAStaleSector) {
  Plan("read f @1 stale:1; read f @2 stale:0; read f @3 stale:2");
  auto file = Create("f");
  EXPECT_TRUE(file->Write(0, std::string(1000, 'a')).ok());
  EXPECT_TRUE(file->Write(600, std::string(200, 'b')).ok());
  EXPECT_TRUE(base_->RenameFile(Path("f"), Path("g")).ok());
  EXPECT_TRUE(base_->RenameFile(Path("g"), Path("f")).ok());
  // Before its last write sector 1 had 'a' alone, and sector 0 was not there.
  EXPECT_EQ(Read("f", 0, 1000), std::string(1000, 'a'));
  EXPECT_EQ(Read("f", 0, 600), std::string(512, '\0') + std::string(88, 'a'));
  EXPECT_EQ(faults_->counts()[0].fired, 1u);
  EXPECT_EQ(faults_->counts()[1].fired, 1u);
  // Of a file that was there before, nothing older is known.
  Put("h", "old");
  Plan("read h @1 stale:0");
  EXPECT_EQ(Read("h", 0, 3), "old");
  EXPECT_EQ(faults_->NeverFired(), "read h @1 stale:0");
}

TEST_P(FaultFileSystemTest, LeavesASectorStaleInAWrite) {
  auto file = Create("f");
  EXPECT_TRUE(file->Write(0, std::string(1024, 'a')).ok());
  Plan("write * @1 stale:1");
  EXPECT_TRUE(faults_->RenameFile(Path("f"), Path("g")).ok());
  EXPECT_TRUE(file->Write(256, std::string(1024, 'b')).ok());
  EXPECT_EQ(Content("g"), std::string(256, 'a') + std::string(256, 'b') +
                              std::string(512, 'a') + std::string(256, 'b'));
  ExpectAllFired();
}

TEST_P(FaultFileSystemTest, MisdirectsToAnotherOffset) {
  Put("f", "0123456789");
  Plan("read f @1 offset:2; read f @2 offset:-100");
  EXPECT_EQ(Read("f", 4, 3), "678");
  EXPECT_EQ(Read("f", 4, 3), "012");
  ExpectAllFired();
  auto file = Create("g");
  EXPECT_TRUE(file->Write(0, "..........").ok());
  Plan("write g @1 offset:-3");
  EXPECT_TRUE(file->Write(5, "ab").ok());
  EXPECT_EQ(Content("g"), "..ab......");
  ExpectAllFired();
}

TEST_P(FaultFileSystemTest, MisdirectsToAnotherFile) {
  Put("f", "0123456789");
  Put("other", "abcdefghij");
  Plan(absl::StrCat("read f @1 file:other; read f @2 file:", Path("other")));
  EXPECT_EQ(Read("f", 4, 3), "efg");
  EXPECT_EQ(Read("f", 0, 99), "abcdefghij");
  ExpectAllFired();
  auto file = Create("g");
  auto open = Create("open");
  EXPECT_TRUE(open->Write(0, "....").ok());
  Plan("write g @1 file:other; write g @2 file:open; write g @3 file:new");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(file->Write(1, "XY").ok());
  EXPECT_EQ(Content("g"), "");
  EXPECT_EQ(Content("other"), "aXYdefghij");
  EXPECT_EQ(Content("open"), ".XY.");
  EXPECT_EQ(Content("new"), std::string("\0XY", 3));
  EXPECT_TRUE(open->Write(3, "!").ok());
  EXPECT_EQ(Content("open"), ".XY!");
  ExpectAllFired();
}

TEST_P(FaultFileSystemTest, DelaysOnItsClock) {
  Put("f", "abc");
  Plan("read f @1 delay:250; sync g @1 delay:50");
  EXPECT_EQ(Read("f", 0, 3), "abc");
  EXPECT_EQ(clock_.NowMicros(), 250u);
  EXPECT_TRUE(Create("g")->Sync().ok());
  EXPECT_EQ(clock_.NowMicros(), 300u);
  ExpectAllFired();
  FaultFileSystem timeless(base_);
  timeless.SetPlan(*FaultPlan::Parse("stat * @1 delay:1000000000"));
  EXPECT_TRUE(timeless.FileExists(Path("f")).ok());
  EXPECT_EQ(timeless.NeverFired(), "stat * @1 delay:1000000000");
}

// --- Syncs -------------------------------------------------------------------

struct SyncCase {
  std::string_view effect;
  std::string_view answers;  // Of three syncs: '.' good, 'x' an I/O error.
  std::string_view sim_content_after_crash;  // After the syncs.
};
constexpr SyncCase kSyncCases[] = {
    {"lies", "...", "old"},
    {"lost", "...", "new"},
    {"fails-keeps-new", "x..", "old"},
    {"fails-reverts", "x..", "old"},
    {"fails-late", ".x.", "old"},
};

TEST_P(FaultFileSystemTest, SyncsOfFilesGoWrong) {
  for (const SyncCase& c : kSyncCases) {
    faults_->Clear();
    const std::string name(c.effect);
    auto file = Create(name);
    ASSERT_TRUE(file->Write(0, "old").ok());
    ASSERT_TRUE(file->Sync().ok());
    ASSERT_TRUE(faults_->SyncDirectory(dir_).ok());
    ASSERT_TRUE(file->Write(0, "new").ok());
    Plan(absl::StrCat("sync ", name, " @1 ", c.effect));
    std::string answers;
    for (int i = 0; i < 3; ++i) {
      const absl::Status status = file->Sync();
      answers += status.ok() ? '.' : 'x';
      if (status.ok()) continue;
      EXPECT_EQ(status, absl::InternalError(absl::StrCat(
                            "sync ", Path(name), ": Input/output error")));
    }
    EXPECT_EQ(answers, c.answers) << c.effect;
    EXPECT_EQ(faults_->FirstFired(),
              absl::StrCat("sync ", Path(name), ": ", c.effect));
    ExpectAllFired();
    if (!simulated()) {
      EXPECT_EQ(Content(name), "new");
      continue;
    }
    SimFileSystem after(sim_.fs().disk().CrashKeepingNone());
    EXPECT_EQ(ContentOf(after, name), c.sim_content_after_crash) << c.effect;
    EXPECT_EQ(Content(name), c.effect == "fails-reverts" ? "old" : "new");
  }
}

TEST_P(FaultFileSystemTest, SyncsOfDirectoriesGoWrong) {
  for (const SyncCase& c : kSyncCases) {
    faults_->Clear();
    Create(c.effect);
    Plan(absl::StrCat("syncdir d @1 ", c.effect));
    std::string answers;
    for (int i = 0; i < 3; ++i) {
      answers += faults_->SyncDirectory(dir_).ok() ? '.' : 'x';
    }
    EXPECT_EQ(answers, c.answers) << c.effect;
    ExpectAllFired();
  }
}

// Over a real file system a bad sync must not be a good one by accident.
TEST(FaultFileSystemOverSim, BadSyncWithoutTargetMakesNoSync) {
  for (const SyncCase& c : kSyncCases) {
    SimEnv env;
    FaultFileSystem faults(&env.fs());
    auto file = *faults.CreateFile("/f");
    ASSERT_TRUE(faults.SyncDirectory("/").ok());
    ASSERT_TRUE(file->Write(0, "new").ok());
    faults.SetPlan(*FaultPlan::Parse(absl::StrCat("sync f @1 ", c.effect)));
    EXPECT_EQ(file->Sync().ok(), c.answers[0] == '.');
    EXPECT_EQ(env.fs().disk().CrashKeepingNone().Files().at("/f"), "");
    EXPECT_EQ(faults.NeverFired(), "");
  }
}

TEST_P(FaultFileSystemTest, PreparingSpaceIsShortOrTorn) {
  auto file = Create("f");
  EXPECT_TRUE(file->Write(0, "data").ok());
  Plan("prepare f @1 short:3; prepare f @2 torn:5; prepare f @3 eio");
  EXPECT_EQ(file->PrepareSpace(4, 9),
            absl::ResourceExhaustedError(absl::StrCat(
                "prepare ", Path("f"), ": No space left on device")));
  EXPECT_EQ(Content("f"), std::string("data\0\0\0", 7));
  EXPECT_EQ(file->PrepareSpace(4, 9),
            absl::InternalError(
                absl::StrCat("prepare ", Path("f"), ": Input/output error")));
  EXPECT_EQ(Content("f"), std::string("data\0\0\0\0\0", 9));
  EXPECT_FALSE(file->PrepareSpace(4, 9).ok());
  EXPECT_EQ(Content("f").size(), 9u);
  EXPECT_TRUE(file->PrepareSpace(4, 9).ok());
  EXPECT_EQ(Content("f").size(), 13u);
  ExpectAllFired();
}

// --- Space -------------------------------------------------------------------

TEST_P(FaultFileSystemTest, SpaceEndsInTheMiddleOfAWrite) {
  Put("old", std::string(40, 'o'));
  Plan("space 100");
  auto file = Create("f");  // "old" counts from here on.
  EXPECT_TRUE(file->Write(0, std::string(50, 'a')).ok());
  EXPECT_EQ(faults_->NeverFired(), "space 100");
  const absl::Status full = file->Write(50, "0123456789abc");
  EXPECT_EQ(full, absl::ResourceExhaustedError(absl::StrCat(
                      "write ", Path("f"), ": No space left on device")));
  EXPECT_EQ(Content("f"), std::string(50, 'a') + "0123456789");
  EXPECT_EQ(faults_->FirstFired(),
            absl::StrCat("write ", Path("f"), " 50+13: space 100"));
  ExpectAllFired();
  // What is there can be written over; nothing grows.
  EXPECT_TRUE(file->Write(0, std::string(60, 'b')).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(file->Write(60, "c")));
  EXPECT_TRUE(absl::IsResourceExhausted(file->Write(70, "")) == false);
  EXPECT_TRUE(absl::IsResourceExhausted(file->Truncate(61)));
  EXPECT_TRUE(absl::IsResourceExhausted(file->PrepareSpace(50, 11)));
  EXPECT_EQ(Content("f"), std::string(60, 'b'));
  EXPECT_TRUE(
      absl::IsResourceExhausted(faults_->CreateFile(Path("g")).status()));
  EXPECT_TRUE(absl::IsResourceExhausted(faults_->CreateDirectory(Path("e"))));
  EXPECT_EQ(Content("g"), "-");
  EXPECT_EQ(*base_->FileSize(Path("f")), 60u);
}

TEST_P(FaultFileSystemTest, SpaceComesBack) {
  Put("old", std::string(40, 'o'));
  Plan("space 100");
  auto file = Create("f");
  auto held = Create("held");
  EXPECT_TRUE(file->Write(0, std::string(30, 'a')).ok());
  EXPECT_TRUE(held->Write(0, std::string(30, 'a')).ok());
  const auto room = [&] {
    const absl::Status status = file->Write(30, std::string(100, 'r'));
    EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
    const uint64_t size = *base_->FileSize(Path("f"));
    EXPECT_TRUE(file->Truncate(30).ok());
    return size - 30;
  };
  EXPECT_EQ(room(), 0u);
  ASSERT_TRUE(faults_->RemoveFile(Path("old")).ok());
  EXPECT_EQ(room(), 40u);
  ASSERT_TRUE(held->Truncate(5).ok());
  EXPECT_EQ(room(), 65u);
  // A file without a name takes space until it is closed.
  ASSERT_TRUE(faults_->RemoveFile(Path("held")).ok());
  EXPECT_EQ(room(), 65u);
  held.reset();
  EXPECT_EQ(room(), 70u);
  // A second name costs nothing, and the file stays until the last is gone.
  ASSERT_TRUE(faults_->LinkFile(Path("f"), Path("f2")).ok());
  EXPECT_EQ(room(), 70u);
  // A rename over a file gives back that file.
  auto other = Create("other");
  EXPECT_TRUE(other->Write(0, std::string(20, 'b')).ok());
  other.reset();
  EXPECT_EQ(room(), 50u);
  ASSERT_TRUE(faults_->RenameFile(Path("f2"), Path("other")).ok());
  EXPECT_EQ(room(), 70u);
  ExpectAllFired();
  Plan("space unlimited");
  EXPECT_TRUE(file->Write(30, std::string(100, 'r')).ok());
}

TEST_P(FaultFileSystemTest, SpaceCountsWhatWasWrittenBeforeTheLimit) {
  auto file = Create("f");
  EXPECT_TRUE(file->Write(0, std::string(90, 'a')).ok());
  Put("behind", "12345");  // Not through the layer, but seen.
  Plan("space 100");
  EXPECT_TRUE(absl::IsResourceExhausted(file->Write(90, "123456")));
  EXPECT_EQ(*base_->FileSize(Path("f")), 95u);
  EXPECT_TRUE(file->Write(50, "over").ok());
  // A hole takes space as well.
  Plan("space 200");
  EXPECT_TRUE(absl::IsResourceExhausted(file->Write(300, "x")));
  EXPECT_EQ(*base_->FileSize(Path("f")), 95u);
  ExpectAllFired();
}

// --- Ends --------------------------------------------------------------------

TEST_P(FaultFileSystemTest, KillsBeforeOrAfterTheCall) {
  testing::GTEST_FLAG(death_test_style) = "fast";
  const auto die = [&](std::string_view plan) {
    Plan(plan);
    auto file = faults_->CreateFile(Path("f"));
    (*file)->Write(0, "abc").IgnoreError();
    (*file)->Sync().IgnoreError();
    (*file)->Close().IgnoreError();
  };
  for (const std::string_view op : {"create", "write", "sync", "close"}) {
    for (const std::string_view effect : {"kill", "done-kill"}) {
      EXPECT_EXIT(die(absl::StrCat(op, " f @1 ", effect)),
                  testing::KilledBySignal(SIGKILL), "");
      if (simulated()) continue;  // Its disk died with the process.
      const bool created = op != "create" || effect == "done-kill";
      const bool written =
          created && op != "create" && (op != "write" || effect == "done-kill");
      EXPECT_EQ(Content("f"), written   ? "abc"
                              : created ? ""
                                        : "-")
          << op << " " << effect;
      base_->RemoveFile(Path("f")).IgnoreError();
    }
  }
}

// --- Around ------------------------------------------------------------------

TEST_P(FaultFileSystemTest, CountsWhatIsOpen) {
  EXPECT_EQ(faults_->open_files(), 0);
  auto file = Create("f");
  auto in = *faults_->OpenFile(Path("f"));
  auto lock = *faults_->LockFile(Path("LOCK"));
  EXPECT_EQ(faults_->open_files(), 3);
  EXPECT_TRUE(file->Close().ok());
  EXPECT_EQ(faults_->open_files(), 2);
  file.reset();
  in.reset();
  EXPECT_EQ(faults_->open_files(), 1);
  lock.reset();
  EXPECT_EQ(faults_->open_files(), 0);
  // Closing fails, and the file is closed.
  file = Create("g");
  Plan("close g @1 eio");
  EXPECT_FALSE(file->Close().ok());
  EXPECT_EQ(faults_->open_files(), 0);
  if (simulated()) EXPECT_EQ(sim_.fs().open_files(), 0);
  ExpectAllFired();
}

TEST_P(FaultFileSystemTest, FilesOutliveTheLayer) {
  auto file = Create("f");
  auto in = *faults_->OpenFile(Path("f"));
  Plan("write f @2 eio");
  faults_.reset();
  EXPECT_TRUE(file->Write(0, "abc").ok());
  EXPECT_FALSE(file->Write(0, "abc").ok());
  EXPECT_EQ(*in->Size(), 3u);
}

TEST_P(FaultFileSystemTest, ServesManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kWrites = 200;
  Plan("write * @100x50 eio; sync * ~3 lost; space 1000000");
  std::vector<std::thread> threads;
  std::vector<int> failed(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      auto file = Create(absl::StrCat(t));
      for (int i = 0; i < kWrites; ++i) {
        failed[t] += !file->Write(i * 10, "0123456789").ok();
        EXPECT_TRUE(file->Sync().ok());
        if (i % 50 == 0) static_cast<void>(faults_->NeverFired());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  int sum = 0;
  for (const int n : failed) sum += n;
  EXPECT_EQ(sum, 50);
  EXPECT_EQ(faults_->counts()[0].matched, uint64_t{kThreads * kWrites});
  EXPECT_EQ(faults_->counts()[0].fired, 50u);
  EXPECT_GT(faults_->counts()[1].fired, 0u);
  EXPECT_EQ(faults_->NeverFired(), "space 1000000");
}

}  // namespace
}  // namespace holdfast
