// The table of docs/crash_model.md, row by row: each outcome is reached under
// posix, and not under a profile that forbids it. Then what bad syncs do.

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "holdfast/testing/persistence.h"
#include "holdfast/testing/sim_disk.h"

namespace holdfast {
namespace {

using Image = std::map<std::string, std::string>;

const std::string kZeroSector(kSectorBytes, '\0');

std::string Sectors(const std::string& letters) {
  std::string bytes;
  for (const char letter : letters) bytes += std::string(kSectorBytes, letter);
  return bytes;
}

// All that a crash may leave.
std::set<Image> Crashes(const SimDisk& disk) {
  ChoiceBound unlimited;
  unlimited.all_up_to_combinations = std::numeric_limits<size_t>::max();
  const std::vector<PendingUnit> units = disk.Pending();
  std::set<Image> found;
  for (const CrashChoice& choice :
       EnumerateChoices(units, disk.profile(), unlimited, 1)) {
    found.insert(disk.Crash(units, choice).Files());
  }
  return found;
}

// What a crash may make of /f; "-" when it is not there.
std::set<std::string> CrashesOfF(const SimDisk& disk) {
  std::set<std::string> found;
  for (const Image& image : Crashes(disk)) {
    const auto file = image.find("/f");
    found.insert(file == image.end() ? "-" : file->second);
  }
  return found;
}

std::set<std::string> NamesOf(const std::set<Image>& images) {
  std::set<std::string> found;
  for (const Image& image : images) {
    std::string names;
    for (const auto& [name, content] : image) names += name;
    found.insert(names);
  }
  return found;
}

// A durable /f, and an inode to write to.
struct F {
  explicit F(std::string_view profile, const std::string& content)
      : disk(*FindProfile(profile)) {
    disk.Put("/f", content);
    inode = disk.Lookup("/f").value();
  }
  SimDisk disk;
  SimDisk::InodeId inode;
};

TEST(CrashTableTest, OverwrittenSectorIsOldIntermediateOrNewest) {
  F f("posix", Sectors("o"));
  f.disk.Write(f.inode, 0, Sectors("i"));
  f.disk.Write(f.inode, 0, Sectors("n"));
  EXPECT_EQ(CrashesOfF(f.disk),
            (std::set<std::string>{Sectors("o"), Sectors("i"), Sectors("n")}));
}

TEST(CrashTableTest, SectorsOfOneWriteAreIndependent) {
  F f("posix", Sectors("oo"));
  f.disk.Write(f.inode, 0, Sectors("nn"));
  EXPECT_EQ(CrashesOfF(f.disk),
            (std::set<std::string>{Sectors("oo"), Sectors("on"), Sectors("no"),
                                   Sectors("nn")}));
}

TEST(CrashTableTest, SectorIsTornOnlyWhereTheProfileSaysSo) {
  const auto is_torn = [](const std::string& content) {
    const size_t cut = content.find('o');
    return cut != 0 && cut != std::string::npos &&
           content ==
               std::string(cut, 'n') + std::string(kSectorBytes - cut, 'o');
  };
  for (const std::string_view profile : {"posix", "posix-torn"}) {
    F f(profile, Sectors("o"));
    f.disk.Write(f.inode, 0, Sectors("n"));
    const auto found = CrashesOfF(f.disk);
    const auto torn = std::count_if(found.begin(), found.end(), is_torn);
    EXPECT_EQ(torn > 7, profile == "posix-torn") << torn;
    EXPECT_EQ(static_cast<size_t>(torn) + 2, found.size());
  }
}

TEST(CrashTableTest, AppendedSectorIsAbsentNewZerosGarbageOrStale) {
  SimDisk disk;
  disk.Put("/before", Sectors("ss"));
  ASSERT_TRUE(disk.Remove("/before").ok());
  disk.SyncAll();
  disk.Put("/f", Sectors("o"));
  disk.Write(disk.Lookup("/f").value(), kSectorBytes, Sectors("n"));
  std::set<std::string> found = CrashesOfF(disk);
  for (const std::string& tail :
       {std::string(), Sectors("n"), kZeroSector, Sectors("s")}) {
    EXPECT_EQ(found.erase(Sectors("o") + tail), 1u);
  }
  ASSERT_EQ(found.size(), 1u);  // What remains is garbage.
  EXPECT_EQ(found.begin()->size(), 2 * kSectorBytes);
  EXPECT_TRUE(found.begin()->starts_with(Sectors("o")));
}

TEST(CrashTableTest, StaleBytesAreOfTheSameSectorAndRatherOfTheSameKind) {
  PersistenceProfile profile = PosixProfile();
  profile.appends_garbage = false;
  SimDisk disk(profile);
  disk.Put("/1.wal", Sectors("wx"));
  disk.Put("/2.sst", Sectors("tu"));
  ASSERT_TRUE(disk.Remove("/1.wal").ok());
  ASSERT_TRUE(disk.Remove("/2.sst").ok());
  disk.SyncAll();
  const auto inode = disk.Create("/3.wal").value();
  ASSERT_TRUE(disk.SyncDirectory("/").ok());
  disk.Write(inode, 0, Sectors("nn"));
  bool seen = false;
  for (const Image& image : Crashes(disk)) {
    const std::string& content = image.at("/3.wal");
    EXPECT_EQ(content.find('t'), content.npos);
    seen |= content == Sectors("wx");
  }
  EXPECT_TRUE(seen);
}

TEST(CrashTableTest, ProfilesLimitWhatAnAppendedSectorHolds) {
  for (const std::string_view name : {"xfs", "btrfs", "ext4-ordered"}) {
    SimDisk disk(*FindProfile(name));
    disk.Put("/before", Sectors("ss"));
    ASSERT_TRUE(disk.Remove("/before").ok());
    disk.SyncAll();
    disk.Put("/f", Sectors("o"));
    disk.Write(disk.Lookup("/f").value(), kSectorBytes, Sectors("n"));
    std::set<std::string> expected = {Sectors("o"), Sectors("on")};
    if (name == "xfs") expected.insert(Sectors("o") + kZeroSector);
    EXPECT_EQ(CrashesOfF(disk), expected) << name;
  }
}

TEST(CrashTableTest, SizeIsOldOrAnyPendingApartFromTheData) {
  F f("posix", "");
  f.disk.Write(f.inode, 0, Sectors("a"));
  f.disk.Write(f.inode, kSectorBytes, Sectors("b"));
  const auto found = CrashesOfF(f.disk);
  EXPECT_EQ(found.count(""), 1u);
  EXPECT_EQ(found.count(Sectors("a")), 1u);
  EXPECT_EQ(found.count(kZeroSector), 1u);
  EXPECT_EQ(found.count(kZeroSector + Sectors("b")), 1u);
  EXPECT_EQ(found.count(Sectors("a") + kZeroSector), 1u);
  F ordered("ext4-ordered", "");
  ordered.disk.Write(ordered.inode, 0, Sectors("a"));
  ordered.disk.Write(ordered.inode, kSectorBytes, Sectors("b"));
  EXPECT_EQ(CrashesOfF(ordered.disk),
            (std::set<std::string>{"", Sectors("a"), Sectors("ab")}));
}

std::set<size_t> SizesOf(const std::set<std::string>& contents) {
  std::set<size_t> sizes;
  for (const std::string& content : contents) sizes.insert(content.size());
  return sizes;
}

// What a crash may make of /f within the bounds of every run.
std::set<std::string> BoundedCrashesOfF(const SimDisk& disk) {
  const std::vector<PendingUnit> units = disk.Pending();
  std::set<std::string> found;
  for (const CrashChoice& choice :
       EnumerateChoices(units, disk.profile(), ChoiceBound(), 1)) {
    found.insert(disk.Crash(units, choice).Files()["/f"]);
  }
  return found;
}

TEST(CrashTableTest, SizeMayStopAtTheFirstAndTheLastPageEdgeInsideAWrite) {
  const std::string old = "0123456789";
  for (const PersistenceProfile& profile : AllProfiles()) {
    F f(profile.name, old);
    const std::string data(3 * 4096, 'n');
    f.disk.Write(f.inode, old.size(), data);
    const std::set<std::string> found = BoundedCrashesOfF(f.disk);
    EXPECT_EQ(SizesOf(found), (std::set<size_t>{10, 4096, 3 * 4096, 12298}))
        << profile.name;
    const std::string whole = old + data;
    EXPECT_EQ(found.count(whole.substr(0, 4096)), 1u) << profile.name;
    EXPECT_EQ(found.count(whole.substr(0, size_t{3} * 4096)), 1u);
    // The data first, or not.
    const bool holes = std::any_of(
        found.begin(), found.end(),
        [&](const std::string& each) { return !whole.starts_with(each); });
    EXPECT_EQ(holes, profile.size_apart_from_data) << profile.name;
  }
}

TEST(CrashTableTest, SizeDoesNotStopInFrontOfAWriteOrInAShortOne) {
  F f("posix", "");
  f.disk.Write(f.inode, 8192, "x");
  EXPECT_EQ(SizesOf(CrashesOfF(f.disk)), (std::set<size_t>{0, 8193}));
  F exact("posix", "");
  exact.disk.Write(exact.inode, 4095, "x");
  EXPECT_EQ(SizesOf(CrashesOfF(exact.disk)), (std::set<size_t>{0, 4096}));
}

TEST(CrashTableTest, CreatedNameIsThereOrNot) {
  SimDisk disk;
  ASSERT_TRUE(disk.Create("/f").ok());
  EXPECT_EQ(CrashesOfF(disk), (std::set<std::string>{"-", ""}));
}

TEST(CrashTableTest, SyncOfAFileKeepsItsNameOnlyWhereTheProfileSaysSo) {
  for (const PersistenceProfile& profile : AllProfiles()) {
    SimDisk disk(profile);
    ASSERT_TRUE(disk.MakeDirectory("/d").ok());
    const auto inode = disk.Create("/d/f").value();
    disk.Write(inode, 0, "x");
    ASSERT_TRUE(disk.Sync(inode).ok());
    const bool kept = disk.CrashKeepingNone().Exists("/d/f");
    EXPECT_EQ(kept, profile.file_sync_keeps_name) << profile.name;
  }
}

TEST(CrashTableTest, RemovedNameIsGoneOrStillThere) {
  F f("posix", "x");
  ASSERT_TRUE(f.disk.Remove("/f").ok());
  EXPECT_EQ(CrashesOfF(f.disk), (std::set<std::string>{"-", "x"}));
  ASSERT_TRUE(f.disk.SyncDirectory("/").ok());
  EXPECT_EQ(CrashesOfF(f.disk), std::set<std::string>{"-"});
}

TEST(CrashTableTest, RenameLeavesOneOfTheNamesOrBothOrNeither) {
  struct Case {
    std::string profile;
    bool neither;
    std::set<std::string> names;
  };
  const Case cases[] = {
      {"posix", false, {"/a", "/b", "/a/b"}},
      {"posix", true, {"/a", "/b", "/a/b", ""}},
      {"btrfs", false, {"/a", "/b"}},
  };
  for (const Case& c : cases) {
    PersistenceProfile profile = *FindProfile(c.profile);
    profile.rename_leaves_neither = c.neither;
    SimDisk disk(profile);
    disk.Put("/a", "x");
    ASSERT_TRUE(disk.Rename("/a", "/b").ok());
    EXPECT_EQ(NamesOf(Crashes(disk)), c.names) << c.profile;
    ASSERT_TRUE(disk.SyncDirectory("/").ok());
    EXPECT_EQ(NamesOf(Crashes(disk)), std::set<std::string>{"/b"});
  }
}

TEST(CrashTableTest, RenameOverAFileLeavesTheOldOrTheNewNeverAMixture) {
  SimDisk disk;
  disk.Put("/f", "old");
  disk.Put("/tmp", "new");
  ASSERT_TRUE(disk.Rename("/tmp", "/f").ok());
  EXPECT_EQ(CrashesOfF(disk), (std::set<std::string>{"old", "new"}));
}

TEST(CrashTableTest, RenameBetweenDirectoriesIsCertainFirstInTheOneSynced) {
  SimDisk disk;
  disk.Put("/a/f", "x");
  disk.Put("/b/g", "y");
  ASSERT_TRUE(disk.Rename("/a/f", "/b/f").ok());
  SimDisk target = disk;
  ASSERT_TRUE(target.SyncDirectory("/b").ok());
  EXPECT_EQ(NamesOf(Crashes(target)),
            (std::set<std::string>{"/a/f/b/f/b/g", "/b/f/b/g"}));
  // The name cannot be lost on the way.
  SimDisk source = disk;
  ASSERT_TRUE(source.SyncDirectory("/a").ok());
  EXPECT_EQ(NamesOf(Crashes(source)), std::set<std::string>{"/b/f/b/g"});
}

TEST(CrashTableTest, NamesPersistInOrderOnlyWhereTheProfileSaysSo) {
  for (const PersistenceProfile& profile : AllProfiles()) {
    SimDisk disk(profile);
    ASSERT_TRUE(disk.Create("/1").ok());
    ASSERT_TRUE(disk.Create("/2").ok());
    EXPECT_EQ(NamesOf(Crashes(disk)).count("/2"), !profile.ordered_names)
        << profile.name;
  }
}

TEST(CrashTableTest, SafeRenameHasTheContentBeforeTheName) {
  for (const std::string_view profile : {"posix", "btrfs"}) {
    F f(profile, "old");
    const auto tmp = f.disk.Create("/tmp").value();
    f.disk.Write(tmp, 0, "new");
    ASSERT_TRUE(f.disk.Rename("/tmp", "/f").ok());
    const auto found = CrashesOfF(f.disk);
    EXPECT_EQ(found.count(""), profile == "posix") << profile;
    EXPECT_EQ(found.count("old"), 1u);
    EXPECT_EQ(found.count("new"), 1u);
  }
}

TEST(CrashTableTest, SafeRenameHasTheWholeSizeOfALongWrite) {
  for (const std::string_view profile : {"posix", "btrfs"}) {
    F f(profile, "old");
    const auto tmp = f.disk.Create("/tmp").value();
    f.disk.Write(tmp, 0, std::string(5000, 'n'));
    ASSERT_TRUE(f.disk.Rename("/tmp", "/f").ok());
    const auto found = SizesOf(BoundedCrashesOfF(f.disk));
    EXPECT_EQ(found.count(4096), profile == "posix") << profile;
    EXPECT_EQ(found.count(5000), 1u);
  }
}

TEST(CrashTableTest, TruncationIsDoneOrNotBeforeOrAfterLaterWrites) {
  F f("posix", Sectors("oo"));
  f.disk.Truncate(f.inode, 0);
  EXPECT_EQ(CrashesOfF(f.disk), (std::set<std::string>{"", Sectors("oo")}));
  f.disk.Write(f.inode, 0, Sectors("n"));
  const auto found = CrashesOfF(f.disk);
  EXPECT_EQ(found.count(""), 1u);
  EXPECT_EQ(found.count(Sectors("n")), 1u);
  EXPECT_EQ(found.count(Sectors("no")), 1u);  // The write without the cut.
  EXPECT_EQ(found.count(Sectors("o")), 1u);   // The sizes without the write.
}

TEST(CrashTableTest, SyncedDataIsCertain) {
  for (const PersistenceProfile& profile : AllProfiles()) {
    F f(profile.name, Sectors("o"));
    f.disk.Write(f.inode, 100, Sectors("nn"));
    ASSERT_TRUE(f.disk.Sync(f.inode).ok());
    EXPECT_EQ(CrashesOfF(f.disk), std::set<std::string>{f.disk.Files()["/f"]});
  }
}

// --- Bad syncs: the workload goes on, then the cache is dropped or the power
// fails.

TEST(SyncOutcomeTest, ALieLeavesOldOrNewAndNoLaterSyncHelps) {
  F f("posix", Sectors("oo"));
  f.disk.Write(f.inode, 0, Sectors("n"));
  ASSERT_TRUE(f.disk.Sync(f.inode, SyncOutcome::kLies).ok());
  f.disk.Write(f.inode, kSectorBytes, Sectors("m"));
  ASSERT_TRUE(f.disk.Sync(f.inode).ok());
  EXPECT_EQ(f.disk.Files()["/f"], Sectors("nm"));
  EXPECT_EQ(CrashesOfF(f.disk),
            (std::set<std::string>{Sectors("om"), Sectors("nm")}));
  EXPECT_EQ(f.disk.DropCache().Files()["/f"], Sectors("om"));
  // Written again, it is dirty again.
  f.disk.Write(f.inode, 1, "x");
  ASSERT_TRUE(f.disk.Sync(f.inode).ok());
  EXPECT_FALSE(f.disk.HasPending());
}

TEST(SyncOutcomeTest, WhatALieLeftUnwrittenIsNoMoreKnownWhenTheSizeIs) {
  SimDisk disk;
  disk.Put("/before", Sectors("sss"));
  ASSERT_TRUE(disk.Remove("/before").ok());
  disk.SyncAll();
  disk.Put("/f", Sectors("o"));
  const auto inode = disk.Lookup("/f").value();
  disk.Write(inode, kSectorBytes, Sectors("n"));
  ASSERT_TRUE(disk.Sync(inode, SyncOutcome::kLies).ok());
  disk.Write(inode, 2 * kSectorBytes, Sectors("m"));
  ASSERT_TRUE(disk.Sync(inode).ok());
  std::set<std::string> found = CrashesOfF(disk);
  EXPECT_EQ(found.erase(Sectors("onm")), 1u);
  EXPECT_EQ(found.erase(Sectors("o") + kZeroSector + Sectors("m")), 1u);
  EXPECT_EQ(found.erase(Sectors("osm")), 1u);
  ASSERT_EQ(found.size(), 1u);  // What remains is garbage.
  EXPECT_TRUE(found.begin()->ends_with(Sectors("m")));
}

TEST(SyncOutcomeTest, ALostSyncIsMadeGoodByTheNext) {
  F f("posix", Sectors("o"));
  f.disk.Write(f.inode, 0, Sectors("n"));
  ASSERT_TRUE(f.disk.Sync(f.inode, SyncOutcome::kLost).ok());
  EXPECT_EQ(CrashesOfF(f.disk).size(), 2u);
  EXPECT_EQ(f.disk.DropCache().Files()["/f"], Sectors("n"));
  ASSERT_TRUE(f.disk.Sync(f.inode).ok());
  EXPECT_EQ(CrashesOfF(f.disk), std::set<std::string>{Sectors("n")});
}

TEST(SyncOutcomeTest, AFailureThatKeepsTheNewMakesTheSizeCertainAndNoData) {
  F f("fsync-keeps-new", Sectors("o"));
  f.disk.Write(f.inode, kSectorBytes, Sectors("n"));
  EXPECT_FALSE(f.disk.Sync(f.inode, SyncOutcome::kFailsKeepsNew).ok());
  EXPECT_TRUE(f.disk.Sync(f.inode).ok());  // And writes nothing.
  EXPECT_EQ(f.disk.Files()["/f"], Sectors("on"));
  EXPECT_EQ(f.disk.DropCache().Files()["/f"], Sectors("o") + kZeroSector);
  const auto found = CrashesOfF(f.disk);
  EXPECT_EQ(found.count(Sectors("o")), 0u);
  EXPECT_EQ(found.count(Sectors("on")), 1u);
  EXPECT_EQ(found.count(Sectors("o") + kZeroSector), 1u);
  EXPECT_EQ(found.size(), 3u);  // And garbage.
}

TEST(SyncOutcomeTest, AFailureThatRevertsShowsTheProcessWhatTheDiskHas) {
  F f("fsync-reverts", Sectors("o"));
  f.disk.Write(f.inode, 0, Sectors("nn"));
  EXPECT_FALSE(f.disk.Sync(f.inode, SyncOutcome::kFailsReverts).ok());
  EXPECT_EQ(f.disk.Files()["/f"], Sectors("o"));
  EXPECT_FALSE(f.disk.HasPending());
  f.disk.Write(f.inode, kSectorBytes, Sectors("m"));
  ASSERT_TRUE(f.disk.Sync(f.inode).ok());
  EXPECT_EQ(CrashesOfF(f.disk), std::set<std::string>{Sectors("om")});
}

TEST(SyncOutcomeTest, ALateFailureIsToldByTheNextSync) {
  F f("fsync-late", Sectors("o"));
  f.disk.Write(f.inode, 0, Sectors("n"));
  EXPECT_TRUE(f.disk.Sync(f.inode, SyncOutcome::kFailsLate).ok());
  EXPECT_EQ(CrashesOfF(f.disk).size(), 2u);
  EXPECT_FALSE(f.disk.Sync(f.inode).ok());
  EXPECT_TRUE(f.disk.Sync(f.inode).ok());
  EXPECT_EQ(CrashesOfF(f.disk).size(), 2u);
  EXPECT_EQ(f.disk.DropCache().Files()["/f"], Sectors("o"));
}

TEST(SyncOutcomeTest, ADirectoryThatIsNotSyncedKeepsItsNamesPending) {
  for (const SyncOutcome outcome :
       {SyncOutcome::kLies, SyncOutcome::kLost, SyncOutcome::kFailsKeepsNew,
        SyncOutcome::kFailsReverts, SyncOutcome::kFailsLate}) {
    SimDisk disk;
    ASSERT_TRUE(disk.Create("/f").ok());
    const bool says_ok = disk.SyncDirectory("/", outcome).ok();
    EXPECT_EQ(says_ok, outcome == SyncOutcome::kLies ||
                           outcome == SyncOutcome::kLost ||
                           outcome == SyncOutcome::kFailsLate);
    EXPECT_EQ(CrashesOfF(disk), (std::set<std::string>{"-", ""}));
    EXPECT_TRUE(disk.DropCache().Exists("/f"));
    ASSERT_TRUE(disk.SyncDirectory("/").ok());
    EXPECT_EQ(CrashesOfF(disk).size(), outcome == SyncOutcome::kLost ? 1u : 2u);
  }
}

TEST(SyncOutcomeTest, ANameMadeDurableLaterEndsWhatWasPendingForItBefore) {
  SimDisk disk;
  ASSERT_TRUE(disk.Create("/f").ok());
  ASSERT_TRUE(disk.SyncDirectory("/", SyncOutcome::kLies).ok());
  ASSERT_TRUE(disk.Remove("/f").ok());
  ASSERT_TRUE(disk.SyncDirectory("/").ok());
  EXPECT_EQ(CrashesOfF(disk), std::set<std::string>{"-"});
}

}  // namespace
}  // namespace holdfast
