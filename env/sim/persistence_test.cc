#include "holdfast/testing/persistence.h"

#include <limits>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "holdfast/testing/sim_disk.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

using What = PendingUnit::Alternative::What;

// A disk with pending things of each kind.
SimDisk Busy(const PersistenceProfile& profile) {
  SimDisk disk(profile);
  disk.Put("/f", std::string(1500, 'o'));
  disk.Put("/g", "g");
  const auto inode = disk.Lookup("/f").value();
  disk.Write(inode, 400, std::string(300, 'a'));
  disk.Write(inode, 1400, std::string(1200, 'b'));
  const auto tmp = disk.Create("/tmp").value();
  disk.Write(tmp, 0, std::string(600, 't'));
  EXPECT_TRUE(disk.Rename("/tmp", "/g").ok());
  EXPECT_TRUE(disk.Remove("/f").ok());
  return disk;
}

RC_GTEST_PROP(CrashChoiceTest, TextParsesBack, (uint64_t seed)) {
  const SimDisk disk = Busy(PosixProfile());
  const std::vector<PendingUnit> units = disk.Pending();
  ChoiceBound bound;
  bound.random_choices = 20;
  for (const CrashChoice& choice :
       EnumerateChoices(units, PosixProfile(), bound, seed)) {
    const auto parsed = CrashChoice::Parse(choice.Text(units), units);
    RC_ASSERT(parsed.ok());
    RC_ASSERT(*parsed == choice);
  }
}

TEST(CrashChoiceTest, TextIsShortForTheEndsAndNamesDifferences) {
  const auto units = Busy(PosixProfile()).Pending();
  ASSERT_GT(units.size(), 6u);
  CrashChoice none;
  none.picks.resize(units.size(), 0);
  EXPECT_EQ(none.Text(units), "none");
  CrashChoice kept = CrashChoice::Parse("kept", units).value();
  EXPECT_EQ(kept.Text(units), "kept");
  EXPECT_TRUE(kept.Explain(units).empty());
  kept.picks[2] = 0;
  EXPECT_EQ(kept.Text(units), "kept 2=0");
  EXPECT_EQ(kept.Explain(units).size(), 1u);
}

TEST(CrashChoiceTest, ParseRefusesWhatNamesNothing) {
  const auto units = Busy(PosixProfile()).Pending();
  for (const std::string_view text :
       {"", "some", "kept 3", "kept x=1", "kept 999=0", "none 0=99",
        "kept 1=", "none -1=0"}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(CrashChoice::Parse(text, units).status()))
        << text;
  }
}

TEST(CrashChoiceTest, ExplainNamesFilesWhenThereAreLabels) {
  const SimDisk disk = Busy(PosixProfile());
  const auto units = disk.Pending(/*labels=*/true);
  const auto none = CrashChoice::Parse("none", units).value();
  const auto lines = none.Explain(units);
  const std::set<std::string> all(lines.begin(), lines.end());
  EXPECT_EQ(all.count("/f sector 2: old"), 1u);
  EXPECT_EQ(all.count("/f size: old, 1500 bytes"), 1u);
  EXPECT_EQ(all.count("rename /tmp -> /g: not done"), 1u);
  EXPECT_EQ(all.count("remove /f: not done"), 1u);
}

TEST(EnumerateChoicesTest, GivesAllowedChoicesOnceEndsFirst) {
  for (const PersistenceProfile& profile : AllProfiles()) {
    const auto units = Busy(profile).Pending();
    const auto choices = EnumerateChoices(units, profile, {}, 1);
    ASSERT_GT(choices.size(), 10u) << profile.name;
    EXPECT_EQ(choices[0].Text(units), "kept") << profile.name;
    EXPECT_EQ(choices[1].Text(units), "none") << profile.name;
    std::set<std::vector<uint16_t>> seen;
    for (const CrashChoice& choice : choices) {
      EXPECT_TRUE(IsAllowed(choice, units, profile)) << profile.name;
      EXPECT_TRUE(seen.insert(choice.picks).second) << profile.name;
    }
    EXPECT_EQ(choices, EnumerateChoices(units, profile, {}, 1));
  }
}

TEST(EnumerateChoicesTest, EachUnitIsLostAloneAndEachAlternativeTaken) {
  ChoiceBound bound;
  bound.random_choices = 0;
  const auto units = Busy(PosixProfile()).Pending();
  const auto choices = EnumerateChoices(units, PosixProfile(), bound, 1);
  for (size_t i = 0; i < units.size(); ++i) {
    // The file is removed: what is lost of it shows only when that is, too.
    for (size_t k = 0; k < units[i].alternatives.size(); ++k) {
      bool taken = false;
      for (const CrashChoice& choice : choices) taken |= choice.picks[i] == k;
      EXPECT_TRUE(taken) << i << "=" << k;
    }
  }
}

TEST(EnumerateChoicesTest, BoundedChoicesAreAmongAll) {
  SimDisk disk;
  disk.Put("/f", "o");
  disk.Write(disk.Lookup("/f").value(), 0, std::string(1000, 'n'));
  ASSERT_TRUE(disk.Rename("/f", "/g").ok());
  const auto units = disk.Pending();
  ChoiceBound unlimited;
  unlimited.all_up_to_combinations = std::numeric_limits<size_t>::max();
  ChoiceBound none;
  none.all_up_to_combinations = 0;
  std::set<uint64_t> all;
  for (const auto& choice :
       EnumerateChoices(units, PosixProfile(), unlimited, 1)) {
    all.insert(disk.Crash(units, choice).Hash());
  }
  std::set<uint64_t> bounded;
  for (const auto& choice : EnumerateChoices(units, PosixProfile(), none, 1)) {
    bounded.insert(disk.Crash(units, choice).Hash());
    EXPECT_EQ(all.count(*bounded.rbegin()), 1u);
  }
  EXPECT_GT(bounded.size(), all.size() / 2);
}

TEST(IsAllowedTest, RefusesPicksThatAreNotThere) {
  const auto units = Busy(PosixProfile()).Pending();
  CrashChoice choice = CrashChoice::Parse("kept", units).value();
  EXPECT_TRUE(IsAllowed(choice, units, PosixProfile()));
  choice.picks[0] = 99;
  EXPECT_FALSE(IsAllowed(choice, units, PosixProfile()));
  choice.picks.pop_back();
  EXPECT_FALSE(IsAllowed(choice, units, PosixProfile()));
}

TEST(NearestAllowedTest, BendsOnlyWhatIsForbidden) {
  for (const PersistenceProfile& profile : AllProfiles()) {
    const auto units = Busy(profile).Pending();
    CrashChoice choice;
    choice.picks.resize(units.size());
    for (size_t round = 0; round < 200; ++round) {
      for (size_t i = 0; i < units.size(); ++i) {
        choice.picks[i] = static_cast<uint16_t>((round * 7 + i * round) %
                                                units[i].alternatives.size());
      }
      const CrashChoice nearest = NearestAllowed(choice, units, profile);
      EXPECT_TRUE(IsAllowed(nearest, units, profile)) << profile.name;
      if (IsAllowed(choice, units, profile)) EXPECT_EQ(nearest, choice);
    }
  }
}

TEST(ProfilesTest, HaveNamesOfTheirOwnAndPosixIsFirst) {
  std::set<std::string_view> names;
  for (const PersistenceProfile& profile : AllProfiles()) {
    EXPECT_TRUE(names.insert(profile.name).second);
    EXPECT_EQ(FindProfile(profile.name), &profile);
    EXPECT_FALSE(profile.about.empty());
  }
  EXPECT_EQ(PosixProfile().name, "posix");
  EXPECT_EQ(FindProfile("fat32"), nullptr);
  EXPECT_EQ(names.size(), 10u);
}

}  // namespace
}  // namespace holdfast
