#include "chaos/explorer/crash_wish.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "chaos/explorer/crash_path.h"
#include "chaos/explorer/toy_programs.h"
#include "gtest/gtest.h"
#include "holdfast/env/file_system.h"
#include "holdfast/testing/crash_explorer.h"
#include "holdfast/testing/persistence.h"
#include "holdfast/testing/sim_disk.h"

namespace holdfast {
namespace {

using What = CrashWish::What;

// A disk with a sector of a file, its size and its name pending, then a rename
// over another file.
SimDisk DiskWithPending(const PersistenceProfile& profile = PosixProfile()) {
  SimDisk disk(profile);
  disk.Put("/f", "old");
  const SimDisk::InodeId inode = *disk.Create("/g");
  disk.Write(inode, 0, std::string(2 * kSectorBytes, 'x'));
  EXPECT_TRUE(disk.Rename("/g", "/f").ok());
  return disk;
}

std::string TextOf(const CrashWish& wish,
                   const PersistenceProfile& profile = PosixProfile()) {
  const std::vector<PendingUnit> units = DiskWithPending(profile).Pending();
  return ChoiceOf(wish, units, profile).Text(units);
}

size_t UnitsOf(PendingUnit::Kind kind) {
  size_t count = 0;
  for (const PendingUnit& unit : DiskWithPending().Pending()) {
    count += unit.kind == kind ? 1 : 0;
  }
  return count;
}

TEST(CrashWishTest, EachWhatIsAChoiceOfItsOwn) {
  ASSERT_EQ(UnitsOf(PendingUnit::Kind::kName), 2u);
  ASSERT_EQ(UnitsOf(PendingUnit::Kind::kSize), 1u);
  ASSERT_EQ(UnitsOf(PendingUnit::Kind::kSector), 2u);
  const std::vector<PendingUnit> units = DiskWithPending().Pending();
  const auto kept = [&](const CrashWish& wish, PendingUnit::Kind kind) {
    const CrashChoice choice = ChoiceOf(wish, units, PosixProfile());
    for (size_t i = 0; i < units.size(); ++i) {
      if (units[i].kind == kind && choice.picks[i] != units[i].newest) {
        return false;
      }
    }
    return true;
  };
  EXPECT_EQ(TextOf({.what = What::kNone}), "none");
  EXPECT_EQ(TextOf({.what = What::kKept}), "kept");
  for (const auto& [what, names, sizes, sectors] :
       {std::tuple(What::kNames, true, false, false),
        std::tuple(What::kContents, false, true, true),
        std::tuple(What::kSizes, true, true, false),
        std::tuple(What::kNoSizes, true, false, true)}) {
    EXPECT_EQ(kept({.what = what}, PendingUnit::Kind::kName), names);
    EXPECT_EQ(kept({.what = what}, PendingUnit::Kind::kSize), sizes);
    EXPECT_EQ(kept({.what = what}, PendingUnit::Kind::kSector), sectors);
  }
}

TEST(CrashWishTest, ACutGoesBackInTime) {
  EXPECT_EQ(TextOf({.what = What::kCut, .amount = 0}), "kept");
  EXPECT_EQ(TextOf({.what = What::kCut, .amount = 100}), "none");
  const std::vector<PendingUnit> units = DiskWithPending().Pending();
  const SimDisk left = DiskWithPending().Crash(
      units,
      ChoiceOf({.what = What::kCut, .amount = 1}, units, PosixProfile()));
  EXPECT_EQ(left.Files().at("/f"), "old");
  EXPECT_EQ(left.Files().at("/g"), std::string(2 * kSectorBytes, 'x'));
}

TEST(CrashWishTest, ExceptionsAreBentToWhatThereIs) {
  const std::vector<PendingUnit> units = DiskWithPending().Pending();
  const size_t last = units.size() - 1;
  const CrashChoice choice = ChoiceOf(
      {.what = What::kKept,
       .exceptions = {{.back = units.size(),
                       .alternative = units[last].alternatives.size()}}},
      units, PosixProfile());
  EXPECT_EQ(choice.picks[last], 0);
  EXPECT_TRUE(ChoiceOf({.exceptions = {{.back = 3}}}, {}, PosixProfile())
                  .picks.empty());
}

TEST(CrashWishTest, NeverWhatTheProfileForbids) {
  for (const PersistenceProfile& profile : AllProfiles()) {
    const std::vector<PendingUnit> units = DiskWithPending(profile).Pending();
    for (int what = 0; what < CrashWish::kWhats; ++what) {
      for (uint64_t amount = 0; amount < 16; ++amount) {
        const CrashWish wish{
            .what = static_cast<What>(what),
            .amount = amount,
            .exceptions = {{.back = amount, .alternative = amount}}};
        EXPECT_TRUE(IsAllowed(ChoiceOf(wish, units, profile), units, profile))
            << profile.name << " " << what << " " << amount;
      }
    }
  }
}

TEST(CrashWishTest, APathThatFailsCanBeReplayed) {
  ConfigProgram program({.sync_directory = false});
  const ExploreOptions options;
  const WishedWalk walk = WalkWishes(&program, options, {{}});
  ASSERT_TRUE(walk.broken.ok()) << walk.broken;
  ASSERT_FALSE(walk.verdict.ok());
  ExploreOptions replay;
  replay.replay = PathText(walk.path);
  const CrashReport report = ExploreCrashes(&program, replay);
  ASSERT_EQ(report.failures.size(), 1u);
  EXPECT_EQ(report.failures[0].why, walk.verdict.ToString());
}

TEST(CrashWishTest, ManyCrashesOfARightProgramAreLegal) {
  ConfigProgram program({});
  size_t crashes = 0;
  for (uint64_t back = 0; back < 12; ++back) {
    for (const What what : {What::kNone, What::kRandom, What::kKill}) {
      const WishedWalk walk =
          WalkWishes(&program, {},
                     {{{.calls_back = back, .what = what, .amount = back},
                       {.calls_back = 1, .what = what},
                       {.calls_back = back, .what = What::kKept}}});
      EXPECT_TRUE(walk.broken.ok()) << walk.broken;
      EXPECT_TRUE(walk.verdict.ok()) << walk.verdict;
      crashes += walk.path.size();
    }
  }
  EXPECT_EQ(crashes, 12u * 3 * 3);
}

TEST(CrashWishTest, ARunThatFailsIsBroken) {
  LambdaProgram program([](CrashRun&) { return absl::InternalError("in Run"); },
                        [](CrashRun&) { return absl::OkStatus(); });
  const WishedWalk walk = WalkWishes(&program, {}, {{}});
  EXPECT_TRUE(absl::IsInternal(walk.broken));
  EXPECT_TRUE(walk.path.empty());
}

// The first recovery that fails is the finding, crashed later or not.
TEST(CrashWishTest, TheFirstRecoveryThatFailsEndsTheWalk) {
  LambdaProgram program(
      [](CrashRun& run) {
        return WriteToy(run.env().file_system(), "/f", "x");
      },
      [](CrashRun&) { return absl::DataLossError("lost"); });
  const WishedWalk walk = WalkWishes(&program, {}, {{{}, {}, {}}});
  EXPECT_TRUE(absl::IsDataLoss(walk.verdict));
  EXPECT_EQ(walk.path.size(), 1u);
}

}  // namespace
}  // namespace holdfast
