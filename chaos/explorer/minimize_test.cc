#include "chaos/explorer/minimize.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/status_util.h"
#include "chaos/explorer/crash_path.h"
#include "chaos/explorer/toy_programs.h"
#include "gtest/gtest.h"
#include "holdfast/env/file_system.h"
#include "holdfast/testing/crash_explorer.h"
#include "holdfast/testing/persistence.h"
#include "holdfast/testing/sim_disk.h"

namespace holdfast {
namespace {

std::string Minimized(CrashProgram* program, std::string_view path,
                      const PersistenceProfile& profile = PosixProfile()) {
  const ExploreOptions options = {.profile = profile};
  const SimDisk prepared(profile);
  const CrashPath parsed = *ParsePath(path);
  const Walk walk = WalkPath(program, prepared, options, parsed, false);
  EXPECT_TRUE(walk.fails()) << path << ": " << walk.fits << walk.verdict;
  return PathText(MinimizePath(program, prepared, options, parsed));
}

// Writes two sectors to /f and makes the name durable: 3 calls, and the units
// are the sectors and the size.
absl::Status WriteTwoSectors(CrashRun& run) {
  FileSystem& fs = run.env().file_system();
  HF_RETURN_IF_ERROR(
      WriteToy(fs, "/f", std::string(2 * kSectorBytes, 'x'), false));
  return fs.SyncDirectory("/");
}

absl::Status FailsWhenFirstSectorIsLost(CrashRun& run) {
  const auto content = ReadToy(run.env().file_system(), "/f");
  return content.ok() && !content->empty() && content->front() != 'x'
             ? absl::InternalError("lost")
             : absl::OkStatus();
}

TEST(MinimizeTest, PutsBackWhatIsNotNeeded) {
  LambdaProgram program(WriteTwoSectors, FailsWhenFirstSectorIsLost);
  EXPECT_EQ(Minimized(&program, "3:kept 0=0 1=0"), "3:kept 0=0");
}

TEST(MinimizeTest, PrefersPlainLossesToOddOnes) {
  LambdaProgram program(WriteTwoSectors, FailsWhenFirstSectorIsLost);
  EXPECT_EQ(Minimized(&program, "3:kept 0=2"), "3:kept 0=0");
}

TEST(MinimizeTest, LeavesOutCrashes) {
  LambdaProgram program(WriteTwoSectors, FailsWhenFirstSectorIsLost);
  EXPECT_EQ(Minimized(&program, "3:kept 0=0 0:kill 0:kept"), "3:kept 0=0");
}

TEST(MinimizeTest, PrefersTheDeathOfTheProcess) {
  LambdaProgram program(WriteTwoSectors, [](CrashRun& run) {
    return *run.env().file_system().FileExists("/f")
               ? absl::InternalError("there")
               : absl::OkStatus();
  });
  EXPECT_EQ(Minimized(&program, "3:none"), "3:kill");
}

// With names in order /a cannot be lost alone.
TEST(MinimizeTest, StaysWithinTheProfile) {
  LambdaProgram program(
      [](CrashRun& run) {
        HF_RETURN_IF_ERROR(run.env().file_system().CreateDirectory("/a"));
        return run.env().file_system().CreateDirectory("/b");
      },
      [](CrashRun& run) {
        return *run.env().file_system().FileExists("/a")
                   ? absl::OkStatus()
                   : absl::InternalError("gone");
      });
  EXPECT_EQ(Minimized(&program, "2:none"), "2:kept 0=0");
  EXPECT_EQ(Minimized(&program, "2:none", *FindProfile("ext4-ordered")),
            "2:none");
}

}  // namespace
}  // namespace holdfast
