// The explorer on programs whose faults are known: each must be found, by a
// small state, and right programs must pass.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_util.h"
#include "chaos/explorer/toy_programs.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "holdfast/env/file_system.h"
#include "holdfast/testing/crash_explorer.h"
#include "holdfast/testing/persistence.h"
#include "holdfast/testing/sim_file_system.h"

namespace holdfast {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// The one failure of an exploration that must find one; replays it on the way.
CrashFailure Found(CrashProgram* program, ExploreOptions options = {}) {
  const CrashReport report = ExploreCrashes(program, options);
  EXPECT_FALSE(report.ok());
  EXPECT_TRUE(report.broken.ok()) << report.broken;
  if (report.failures.empty()) {
    ADD_FAILURE() << report.Text();
    return {};
  }
  const CrashFailure& failure = report.failures.front();
  options.replay = failure.replay;
  const CrashReport again = ExploreCrashes(program, options);
  EXPECT_EQ(again.failures.size(), 1u) << again.Text();
  if (!again.failures.empty()) {
    EXPECT_EQ(again.failures.front().why, failure.why);
    EXPECT_EQ(again.failures.front().timeline, failure.timeline);
  }
  EXPECT_EQ(again.timeline, failure.timeline);
  return failure;
}

CrashFailure FoundInConfig(const ConfigProgram::Steps& steps) {
  ConfigProgram program(steps);
  return Found(&program);
}

TEST(CrashExplorerTest, PassesARightProgramUnderEveryProfile) {
  for (const PersistenceProfile& profile : AllProfiles()) {
    ConfigProgram program({});
    const CrashReport report = ExploreCrashes(&program, {.profile = profile});
    EXPECT_TRUE(report.ok()) << profile.name << "\n" << report.Text();
    EXPECT_TRUE(report.complete);
    EXPECT_EQ(report.profile, profile.name);
    ASSERT_EQ(report.states_by_depth.size(), 3u);
    for (const uint64_t states : report.states_by_depth) EXPECT_GT(states, 10u);
    EXPECT_THAT(report.Text(), HasSubstr("complete within the bound"));
  }
}

TEST(CrashExplorerTest, FindsAMissingSyncOfTheFile) {
  const CrashFailure failure = FoundInConfig({.sync_file = false});
  EXPECT_THAT(failure.why, HasSubstr("/app.conf is not version"));
  // One unit is enough, and it is content or size.
  EXPECT_THAT(failure.timeline, HasSubstr("/app.conf"));
}

TEST(CrashExplorerTest, FindsAMissingSyncOfTheDirectory) {
  const CrashFailure failure = FoundInConfig({.sync_directory = false});
  EXPECT_EQ(failure.replay, "4:kept 1=0");
}

TEST(CrashExplorerTest, FindsAMissingRename) {
  FoundInConfig({.rename = false});
}

TEST(CrashExplorerTest, FindsALeftoverThatIsNotRemoved) {
  const CrashFailure failure = FoundInConfig({.remove_leftover = false});
  EXPECT_THAT(failure.why, HasSubstr("/app.conf.new"));
}

// Nothing is lost when the process dies, so what recovery finds may be pending.
// Showing it is a promise that a loss of power right after breaks.
TEST(CrashExplorerTest, FindsWhatIsShownBeforeItIsDurable) {
  const CrashFailure failure = FoundInConfig({.sync_before_showing = false});
  EXPECT_THAT(failure.replay, HasSubstr(":kill 0:"));
  EXPECT_THAT(failure.timeline, HasSubstr("-- showed version"));
}

TEST(CrashExplorerTest, FindsALogWithoutChecksums) {
  LogProgram right(true);
  const CrashReport report = ExploreCrashes(&right, {});
  EXPECT_TRUE(report.ok()) << report.Text();
  LogProgram wrong(false);
  EXPECT_THAT(Found(&wrong).why, HasSubstr("was never written"));
}

TEST(CrashExplorerTest, FindsRecoveryThatMayNotBeCrashed) {
  for (const int crashes : {2, 3}) {
    TiresProgram program(static_cast<size_t>(crashes) - 1);
    const CrashReport shallow =
        ExploreCrashes(&program, {.depth = crashes - 1});
    EXPECT_TRUE(shallow.ok()) << crashes << "\n" << shallow.Text();
    const CrashFailure failure = Found(&program, {.depth = crashes});
    EXPECT_EQ(std::count(failure.replay.begin(), failure.replay.end(), ':'),
              crashes)
        << failure.replay;
    EXPECT_THAT(failure.timeline,
                HasSubstr(absl::StrCat("life ", crashes + 1, ": Recover")));
  }
}

TEST(CrashExplorerTest, FindsARenameOfWhichBothNamesStay) {
  LambdaProgram program(
      [](CrashRun& run) {
        FileSystem& fs = run.env().file_system();
        HF_RETURN_IF_ERROR(WriteToy(fs, "/a", "x"));
        HF_RETURN_IF_ERROR(fs.SyncDirectory("/"));
        return fs.RenameFile("/a", "/b");
      },
      [](CrashRun& run) {
        FileSystem& fs = run.env().file_system();
        return *fs.FileExists("/a") && *fs.FileExists("/b")
                   ? absl::InternalError("both")
                   : absl::OkStatus();
      });
  Found(&program);
  PersistenceProfile profile = PosixProfile();
  profile.rename_leaves_both = false;
  const CrashReport report = ExploreCrashes(&program, {.profile = profile});
  EXPECT_TRUE(report.ok()) << report.Text();
}

TEST(CrashExplorerTest, ProfilesDecide) {
  LambdaProgram program(
      [](CrashRun& run) {
        HF_RETURN_IF_ERROR(WriteToy(run.env().file_system(), "/f", "x"));
        run.Mark("written");
        return absl::OkStatus();
      },
      [](CrashRun& run) {
        return run.marks().empty() || *run.env().file_system().FileExists("/f")
                   ? absl::OkStatus()
                   : absl::InternalError("lost");
      });
  const CrashReport report =
      ExploreCrashes(&program, {.profile = *FindProfile("ext4-ordered")});
  EXPECT_TRUE(report.ok()) << report.Text();
  EXPECT_EQ(Found(&program).replay, "3:none");
}

// What a life finds, as "absent" or the content of /f.
std::string Content(CrashRun& run) {
  const absl::StatusOr<std::string> content =
      ReadToy(run.env().file_system(), "/f");
  return content.ok() ? *content : "absent";
}

// Every state that the table of the crash model allows is visited, and no
// other.
TEST(CrashExplorerTest, VisitsWhatTheDiskMayLeave) {
  std::set<std::string> found;
  LambdaProgram program(
      [](CrashRun& run) {
        HF_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file,
                            run.env().file_system().CreateFile("/f"));
        HF_RETURN_IF_ERROR(run.env().file_system().SyncDirectory("/"));
        HF_RETURN_IF_ERROR(file->Write(0, "1"));
        HF_RETURN_IF_ERROR(file->Write(0, "2"));
        return file->Sync();
      },
      [&](CrashRun& run) {
        found.insert(Content(run));
        return absl::OkStatus();
      });
  PersistenceProfile profile = PosixProfile();
  profile.appends_garbage = false;
  profile.appends_stale = false;
  const CrashReport report =
      ExploreCrashes(&program, {.profile = profile, .depth = 1});
  EXPECT_TRUE(report.ok()) << report.Text();
  EXPECT_THAT(found, ::testing::ElementsAre("", std::string(1, '\0'), "1", "2",
                                            "absent"));
  EXPECT_EQ(report.calls, 5u);
  EXPECT_EQ(report.crash_points, 6u);
}

TEST(CrashExplorerTest, KillingTheProcessLosesNothing) {
  bool killed = false;
  bool lost = false;
  LambdaProgram program(
      [](CrashRun& run) {
        HF_RETURN_IF_ERROR(WriteToy(run.env().file_system(), "/f", "x", false));
        run.Mark("written");
        return absl::OkStatus();
      },
      [&](CrashRun& run) {
        if (run.marks().empty()) return absl::OkStatus();
        (run.power_lost() ? lost : killed) |= Content(run) != "x";
        return absl::OkStatus();
      });
  const CrashReport report = ExploreCrashes(&program, {});
  EXPECT_TRUE(report.ok()) << report.Text();
  EXPECT_FALSE(killed);
  EXPECT_TRUE(lost);
}

// A kill, and the kill of its recovery, do not make pending things durable.
TEST(CrashExplorerTest, PowerMayFailAfterKills) {
  std::set<std::string> after_two_kills;
  LambdaProgram program(
      [](CrashRun& run) {
        return WriteToy(run.env().file_system(), "/f", "x", false);
      },
      [&](CrashRun& run) {
        const size_t lives = run.marks().size();
        if (lives == 2 && run.power_lost())
          after_two_kills.insert(Content(run));
        run.Mark(run.power_lost() ? "power" : "alive");
        return absl::OkStatus();
      });
  const CrashReport report = ExploreCrashes(&program, {.nest_one_in = {1, 1}});
  EXPECT_TRUE(report.ok()) << report.Text();
  EXPECT_TRUE(after_two_kills.contains("x"));
  EXPECT_TRUE(after_two_kills.contains("absent"));
}

TEST(CrashExplorerTest, TellsStatesApartByMarks) {
  const auto run = [](CrashRun& life) {
    HF_RETURN_IF_ERROR(WriteToy(life.env().file_system(), "/f", "x"));
    HF_RETURN_IF_ERROR(life.env().file_system().SyncDirectory("/"));
    life.Mark("a promise that nothing keeps");
    return absl::OkStatus();
  };
  const auto recover = [](CrashRun& life) {
    return life.marks().empty() || !life.power_lost()
               ? absl::OkStatus()
               : absl::InternalError("broken promise");
  };
  LambdaProgram program(run, recover);
  const CrashFailure failure = Found(&program);
  EXPECT_EQ(failure.replay, "4:kept");

  // The key of the program decides: with one for all, the disk alone counts.
  LambdaProgram blind(run, recover);
  blind.key = [](absl::Span<const CrashMark>) { return uint64_t{7}; };
  const CrashReport report = ExploreCrashes(&blind, {});
  EXPECT_TRUE(report.ok()) << report.Text();
  EXPECT_GT(report.duplicates, 0u);
}

// Of twenty sectors two matter; the report names them and no others.
TEST(CrashExplorerTest, LeavesOnlyTheUnitsThatMatter) {
  LambdaProgram program(
      [](CrashRun& run) {
        const std::string content(20 * kSectorBytes, 'x');
        HF_RETURN_IF_ERROR(
            WriteToy(run.env().file_system(), "/f", content, false));
        return run.env().file_system().SyncDirectory("/");
      },
      [](CrashRun& run) {
        const std::string content = Content(run);
        return content.size() == 20 * kSectorBytes &&
                       content[7 * kSectorBytes] != 'x' &&
                       content[13 * kSectorBytes] != 'x'
                   ? absl::InternalError("two sectors")
                   : absl::OkStatus();
      });
  const CrashFailure failure = Found(&program);
  EXPECT_EQ(std::count(failure.replay.begin(), failure.replay.end(), '='), 2)
      << failure.replay;
  EXPECT_THAT(failure.timeline, HasSubstr("/f sector 7"));
  EXPECT_THAT(failure.timeline, HasSubstr("/f sector 13"));
}

TEST(CrashExplorerTest, SaysWhenALimitEndedIt) {
  ConfigProgram program({});
  const CrashReport report = ExploreCrashes(&program, {.max_states = 10});
  EXPECT_TRUE(report.ok()) << report.Text();
  EXPECT_EQ(report.states, 10u);
  EXPECT_FALSE(report.complete);
  EXPECT_THAT(report.Text(), HasSubstr("ENDED EARLY"));
}

// A hundred writes in a loop and one other call: with a limit that does not
// suffice for the writes, the other has its turn.
TEST(CrashExplorerTest, RareSitesComeFirst) {
  LambdaProgram program(
      [](CrashRun& run) {
        FileSystem& fs = run.env().file_system();
        HF_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file,
                            fs.CreateFile("/f"));
        HF_RETURN_IF_ERROR(fs.SyncDirectory("/"));
        for (uint64_t i = 0; i < 100; ++i) {
          HF_RETURN_IF_ERROR(file->Write(i, "x"));
        }
        return fs.CreateDirectory("/d");
      },
      [](CrashRun&) { return absl::OkStatus(); });
  const CrashReport report =
      ExploreCrashes(&program, {.depth = 1, .max_states = 60});
  bool found = false;
  for (const auto& [site, states] : report.states_by_site) {
    found |= absl::StartsWith(site, "mkdir d") && states > 0;
  }
  EXPECT_TRUE(found) << report.Text();
  EXPECT_FALSE(report.complete);
}

TEST(CrashExplorerTest, TellsBrokenTestsFromFindings) {
  LambdaProgram program(
      [](CrashRun& run) {
        HF_RETURN_IF_ERROR(WriteToy(run.env().file_system(), "/f", "x"));
        return absl::InternalError("oops");
      },
      [](CrashRun&) { return absl::OkStatus(); });
  const CrashReport report = ExploreCrashes(&program, {});
  EXPECT_FALSE(report.ok());
  EXPECT_TRUE(report.failures.empty());
  EXPECT_THAT(report.Text(), HasSubstr("Run failed: oops"));
  EXPECT_THAT(report.Text(), HasSubstr("       1  create /f"));
}

TEST(CrashExplorerTest, RefusesPathsThatLeadNowhere) {
  ConfigProgram program({});
  for (const std::string_view path :
       {"nonsense", "1000:none", "4:none 1000:kept", "4:kept 999=0",
        "x:none"}) {
    const CrashReport report =
        ExploreCrashes(&program, {.replay = std::string(path)});
    EXPECT_FALSE(report.broken.ok()) << path << "\n" << report.Text();
  }
}

TEST(CrashExplorerTest, ReplaysStatesThatAreLegal) {
  ConfigProgram program({});
  const CrashReport report =
      ExploreCrashes(&program, {.replay = "4:kill 2:none"});
  EXPECT_TRUE(report.ok()) << report.Text();
  EXPECT_THAT(report.timeline, HasSubstr("life 3: Recover"));
  EXPECT_THAT(report.timeline, HasSubstr("LEGAL"));
}

TEST(CrashExplorerTest, DoesTheSameEachTime) {
  for (int i = 0; i < 2; ++i) {
    ConfigProgram program({});
    CrashReport a = ExploreCrashes(&program, {});
    CrashReport b = ExploreCrashes(&program, {});
    a.seconds = b.seconds = 0;
    EXPECT_EQ(a.Text(), b.Text());
    EXPECT_EQ(a.states_by_site, b.states_by_site);
  }
}

TEST(CrashExplorerTest, GivesSeveralFailuresOfDifferentKinds) {
  LambdaProgram program(
      [](CrashRun& run) {
        return WriteToy(run.env().file_system(), "/f", "x");
      },
      [](CrashRun& run) {
        return absl::InternalError(absl::StrCat("found ", Content(run).size()));
      });
  const CrashReport report =
      ExploreCrashes(&program, {.depth = 1, .max_failures = 4});
  EXPECT_EQ(report.failures.size(), 4u) << report.Text();
  EXPECT_GE(report.failing_states, 4u);
}

// One failure of a kind is enough.
TEST(CrashExplorerTest, GivesTheSameFailureOnce) {
  LambdaProgram program(
      [](CrashRun& run) {
        return WriteToy(run.env().file_system(), "/f", "x");
      },
      [](CrashRun&) { return absl::InternalError("always"); });
  const CrashReport report =
      ExploreCrashes(&program, {.depth = 1, .max_failures = 100});
  EXPECT_EQ(report.failures.size(), report.sites) << report.Text();
  EXPECT_GT(report.failing_states, report.failures.size());
}

// A chance of nearly nothing: the first of each call site is crashed anyway.
TEST(CrashExplorerTest, SamplesEachCallSite) {
  TiresProgram program(1);
  Found(&program, {.nest_one_in = {uint64_t{1} << 60}});
}

TEST(CrashExplorerTest, NoTwoLivesDrawTheSameIdentity) {
  LambdaProgram program(
      [](CrashRun& run) {
        run.Mark("id", *run.env().file_system().UniqueId());
        return WriteToy(run.env().file_system(), "/f", "x");
      },
      [](CrashRun& run) {
        const uint64_t id = *run.env().file_system().UniqueId();
        for (const CrashMark& mark : run.marks()) {
          if (mark.value == id) return absl::InternalError("same identity");
        }
        run.Mark("id", id);
        return run.env().file_system().SyncDirectory("/");
      });
  const CrashReport report = ExploreCrashes(&program, {.nest_one_in = {1, 1}});
  EXPECT_TRUE(report.ok()) << report.Text();
  EXPECT_GT(report.states_by_depth.back(), 0u);
}

// After a sync that failed, the cache shows what is not on the disk. It may be
// dropped without a crash.
TEST(CrashExplorerTest, DropsTheCacheAfterAFailedSync) {
  LambdaProgram program(
      [](CrashRun& run) {
        FileSystem& fs = run.env().file_system();
        HF_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file,
                            fs.CreateFile("/f"));
        HF_RETURN_IF_ERROR(fs.SyncDirectory("/"));
        HF_RETURN_IF_ERROR(file->Write(0, "x"));
        run.env().fs().ArmNextSync(SyncOutcome::kFailsKeepsNew);
        EXPECT_FALSE(file->Sync().ok());
        run.Mark("failed");
        return absl::OkStatus();
      },
      [](CrashRun&) { return absl::OkStatus(); });
  const CrashReport dropped = ExploreCrashes(&program, {.replay = "4:drop"});
  EXPECT_THAT(dropped.timeline, HasSubstr("cache of the operating system"));

  // Losses of power that leave the same are visited once, so that a second
  // visit after the mark is that of the dropped cache.
  int visits = 0;
  LambdaProgram looks([&](CrashRun& run) { return program.Run(run); },
                      [&](CrashRun& run) {
                        visits += !run.marks().empty() && run.power_lost() &&
                                  Content(run) == std::string(1, '\0');
                        return absl::OkStatus();
                      });
  ExploreCrashes(&looks, {.depth = 1});
  EXPECT_EQ(visits, 2);
}

TEST(CrashExplorerTest, KeysOfStatesTakeAllOfTheMarks) {
  ConfigProgram program({});
  const std::vector<std::vector<CrashMark>> marks = {
      {},
      {{.text = "a", .value = 1}},
      {{.text = "a", .value = 2}},
      {{.text = "b", .value = 1}},
      {{.text = "a", .value = 1}, {.text = "b", .value = 1}},
      {{.text = "b", .value = 1}, {.text = "a", .value = 1}}};
  std::set<uint64_t> keys;
  for (const std::vector<CrashMark>& some : marks) {
    keys.insert(program.CrashProgram::StateKey(some));
  }
  EXPECT_EQ(keys.size(), marks.size());
}

TEST(CrashExplorerDeathTest, NamesTheStateInWhichAnAssertionFailed) {
  LambdaProgram program(
      [](CrashRun& run) {
        return WriteToy(run.env().file_system(), "/f", "x");
      },
      [](CrashRun& run) {
        if (Content(run) == "x") std::abort();
        return absl::OkStatus();
      });
  EXPECT_DEATH(
      {
        PrintPathOnAbort();
        PrintPathOnAbort();  // Nor does that keep the process from ending.
        ExploreCrashes(&program, {});
      },
      "while recovering the state of replay: 2:kept");
}

// The whole text that a person gets.
TEST(CrashExplorerTest, TellsTheStory) {
  const CrashFailure failure = FoundInConfig({.sync_directory = false});
  EXPECT_EQ(failure.timeline, R"(life 1: Run
       1  create /app.conf.new
       2  write /app.conf.new 0+540
       3  sync /app.conf.new
       4  rename /app.conf.new -> /app.conf
          -- saved version 1
  POWER FAILS after call 4; of 2 changes that are not durable:
    rename /app.conf.new -> /app.conf: not done
    kept: create /app.conf.new
  LEFT: /app.conf (540 bytes), /app.conf.new (540 bytes)
life 2: Recover
       1  syncdir /
          open /app.conf
          stat /app.conf
          read /app.conf 0+540
  WRONG: INTERNAL: /app.conf is not version 1 or later
)");
}

// Many calls of one kind are a line; of many lines the last ones are shown.
TEST(CrashExplorerTest, TellsLongStoriesBriefly) {
  LambdaProgram program(
      [](CrashRun& run) {
        FileSystem& fs = run.env().file_system();
        for (int i = 0; i < 50; ++i) {
          HF_RETURN_IF_ERROR(fs.CreateDirectory(absl::StrCat("/d", i)));
        }
        HF_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file,
                            fs.CreateFile("/f"));
        for (uint64_t i = 0; i < 100; ++i) {
          HF_RETURN_IF_ERROR(file->Write(i, "x"));
        }
        EXPECT_FALSE(fs.CreateDirectory("/d0").ok());
        return absl::OkStatus();
      },
      [](CrashRun&) { return absl::OkStatus(); });
  const CrashReport report = ExploreCrashes(&program, {.replay = "152:none"});
  EXPECT_THAT(report.timeline, StartsWith("life 1: Run\n"
                                          "          ... 13 lines before\n"
                                          "      14  mkdir /d13\n"));
  EXPECT_THAT(report.timeline,
              HasSubstr("      51  create /f\n"
                        "  52-151  write /f 0+1 and 99 more\n"
                        "     152  mkdir /d0 (fails)\n"
                        "  POWER FAILS after call 152; of 53"));
  EXPECT_THAT(report.timeline, HasSubstr("    mkdir /d15: not done\n"
                                         "    ... and 37 more\n"
                                         "  LEFT: no files\n"));
}

TEST(CrashExplorerTest, TellsTheStoryOfSeveralLives) {
  const CrashFailure failure = FoundInConfig({.sync_before_showing = false});
  EXPECT_EQ(failure.timeline, R"(life 1: Run
       1  create /app.conf.new
       2  write /app.conf.new 0+540
       3  sync /app.conf.new
       4  rename /app.conf.new -> /app.conf
  KILLED after call 4; 2 changes are not durable, and not lost yet
  LEFT: /app.conf (540 bytes)
life 2: Recover
          open /app.conf
          stat /app.conf
          read /app.conf 0+540
          -- showed version 1
          stat /app.conf.new
  POWER FAILS before call 1; of 2 changes that are not durable:
    rename /app.conf.new -> /app.conf: not done
    kept: create /app.conf.new
  LEFT: /app.conf (540 bytes), /app.conf.new (540 bytes)
life 3: Recover
          open /app.conf
          stat /app.conf
          read /app.conf 0+540
  WRONG: INTERNAL: /app.conf is not version 1 or later
)");
}

}  // namespace
}  // namespace holdfast
