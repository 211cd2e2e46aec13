#include "holdfast/testing/fault_plan.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

using Effect = Fault::Effect;

Fault Rule(std::optional<FileOp> op, std::string path, Effect effect,
           int64_t argument = 0) {
  Fault fault;
  fault.op = op;
  fault.path = std::move(path);
  fault.effect = effect;
  fault.argument = argument;
  return fault;
}

TEST(FaultPlanTest, ReadsEveryEffect) {
  struct Case {
    std::string_view text;
    Fault fault;
  };
  Fault wrong_file = Rule(FileOp::kWrite, "*", Effect::kWrongFile);
  wrong_file.file = "/db/CURRENT";
  const Case cases[] = {
      {"open * @1 eio", Rule(FileOp::kOpen, "*", Effect::kEio)},
      {"create *.sst @1 enospc",
       Rule(FileOp::kCreate, "*.sst", Effect::kEnospc)},
      {"lock * @1 emfile", Rule(FileOp::kLock, "*", Effect::kEmfile)},
      {"close * @1 eintr", Rule(FileOp::kClose, "*", Effect::kEintr)},
      {"list /db @1 eacces", Rule(FileOp::kList, "/db", Effect::kEacces)},
      {"rename * @1 done-eio",
       Rule(FileOp::kRename, "*", Effect::kDoneThenEio)},
      {"read * @1 short:0", Rule(FileOp::kRead, "*", Effect::kShort, 0)},
      {"write * @1 short:7", Rule(FileOp::kWrite, "*", Effect::kShort, 7)},
      {"write * @1 torn:511", Rule(FileOp::kWrite, "*", Effect::kTorn, 511)},
      {"sync * @1 lies", Rule(FileOp::kSync, "*", Effect::kSyncLies)},
      {"syncdir * @1 lost",
       Rule(FileOp::kSyncDirectory, "*", Effect::kSyncLost)},
      {"sync * @1 fails-keeps-new",
       Rule(FileOp::kSync, "*", Effect::kSyncFailsKeepsNew)},
      {"sync * @1 fails-reverts",
       Rule(FileOp::kSync, "*", Effect::kSyncFailsReverts)},
      {"* * @1 fails-late", Rule({}, "*", Effect::kSyncFailsLate)},
      {"read * @1 flip:12", Rule(FileOp::kRead, "*", Effect::kFlip, 12)},
      {"* * @1 zero:3", Rule({}, "*", Effect::kZeroSector, 3)},
      {"read * @1 stale:0", Rule(FileOp::kRead, "*", Effect::kStaleSector, 0)},
      {"write * @1 offset:-512",
       Rule(FileOp::kWrite, "*", Effect::kWrongOffset, -512)},
      {"read * @1 offset:9223372036854775807",
       Rule(FileOp::kRead, "*", Effect::kWrongOffset, INT64_MAX)},
      {"write * @1 file:/db/CURRENT", wrong_file},
      {"stat * @1 delay:250", Rule(FileOp::kStat, "*", Effect::kDelay, 250)},
      {"remove * @1 kill", Rule(FileOp::kRemove, "*", Effect::kKill)},
      {"link ??.wal @1 done-kill",
       Rule(FileOp::kLink, "??.wal", Effect::kDoneThenKill)},
      {"write * @1 torn-kill:9",
       Rule(FileOp::kWrite, "*", Effect::kTornThenKill, 9)},
      {"prepare * @1 short:7",
       Rule(FileOp::kPrepareSpace, "*", Effect::kShort, 7)},
      {"prepare * @1 torn:7",
       Rule(FileOp::kPrepareSpace, "*", Effect::kTorn, 7)},
  };
  for (const Case& c : cases) {
    const absl::StatusOr<FaultPlan> plan = FaultPlan::Parse(c.text);
    ASSERT_TRUE(plan.ok()) << plan.status();
    ASSERT_EQ(plan->faults.size(), 1u) << c.text;
    EXPECT_EQ(plan->faults[0], c.fault) << c.text;
    EXPECT_EQ(plan->Text(), c.text);
  }
}

TEST(FaultPlanTest, ReadsWhen) {
  struct Case {
    std::string_view text;
    uint64_t first, times, one_in;
  };
  for (const Case& c : {Case{"@1", 1, 1, 0}, Case{"@17", 17, 1, 0},
                        Case{"@2+", 2, UINT64_MAX, 0}, Case{"@7x2", 7, 2, 0},
                        Case{"@18446744073709551615", UINT64_MAX, 1, 0},
                        Case{"~5", 1, 1, 5}, Case{"~1", 1, 1, 1}}) {
    const std::string text = "sync * " + std::string(c.text) + " eio";
    const absl::StatusOr<FaultPlan> plan = FaultPlan::Parse(text);
    ASSERT_TRUE(plan.ok()) << plan.status();
    const Fault& fault = plan->faults.at(0);
    EXPECT_EQ(fault.first, c.first) << text;
    EXPECT_EQ(fault.times, c.times) << text;
    EXPECT_EQ(fault.one_in, c.one_in) << text;
    EXPECT_EQ(plan->Text(), text);
  }
  // Another way to write the same.
  EXPECT_EQ(FaultPlan::Parse("sync * @3x1 eio")->Text(), "sync * @3 eio");
}

TEST(FaultPlanTest, ReadsSeveralRulesAndSpace) {
  const absl::StatusOr<FaultPlan> plan = FaultPlan::Parse(
      " sync\t*.wal @3  fails-keeps-new;space 4096;\n write *.sst @1+ enospc;");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->space_bytes, 4096u);
  EXPECT_EQ(plan->Text(),
            "sync *.wal @3 fails-keeps-new; write *.sst @1+ enospc; "
            "space 4096");
  EXPECT_EQ(FaultPlan::Parse("space unlimited")->space_bytes, std::nullopt);
  EXPECT_EQ(FaultPlan::Parse("space 0")->space_bytes, 0u);
  for (const std::string_view nothing : {"", "  ", ";", " ; ; "}) {
    EXPECT_EQ(*FaultPlan::Parse(nothing), FaultPlan()) << nothing;
  }
  EXPECT_EQ(FaultPlan().Text(), "");
}

// Each refusal names the rule, the word, and what would be right.
TEST(FaultPlanTest, RefusesWithReason) {
  struct Case {
    std::string_view text;
    std::string_view rule;
    std::string_view word;
    std::string_view hint;
  };
  const std::string_view when = "@N (the N-th call, from 1), @N+";
  for (const Case& c : {
           Case{"sink * @1 eio", "rule 1", "\"sink\": ", "*, create, open"},
           Case{"sync", "rule 1", "\"sync\": ", "four words; this has 1"},
           Case{"sync * @1", "rule 1", "\"@1\": ", "four words; this has 3"},
           Case{"sync * @1 eio now", "rule 1", "\"now\": ", "this has 5"},
           Case{"sync * 1 eio", "rule 1", "\"1\": ", when},
           Case{"sync * @0 eio", "rule 1", "\"@0\": ", when},
           Case{"sync * @ eio", "rule 1", "\"@\": ", when},
           Case{"sync * @-1 eio", "rule 1", "\"@-1\": ", when},
           Case{"sync * @+ eio", "rule 1", "\"@+\": ", when},
           Case{"sync * @1x0 eio", "rule 1", "\"@1x0\": ", when},
           Case{"sync * @1x eio", "rule 1", "\"@1x\": ", when},
           Case{"sync * @1x2+ eio", "rule 1", "\"@1x2+\": ", when},
           Case{"sync * @99999999999999999999 eio", "rule 1",
                "\"@99999999999999999999\": ", when},
           Case{"sync * ~0 eio", "rule 1", "\"~0\": ", when},
           Case{"sync * ~ eio", "rule 1", "\"~\": ", when},
           Case{"sync * @1 oops", "rule 1",
                "\"oops\": ", "the effects are eio"},
           Case{"sync * @1 eio:3", "rule 1", "\"eio:3\": ", "write eio"},
           Case{"read * @1 flip", "rule 1", "\"flip\": ", "write flip:BIT"},
           Case{"read * @1 flip:", "rule 1", "\"flip:\": ", "write flip:BIT"},
           Case{"read * @1 flip:x", "rule 1",
                "\"flip:x\": ", "write flip:BIT, a number from 0"},
           Case{"read * @1 flip:-1", "rule 1", "\"flip:-1\": ", "from 0"},
           Case{"read * @1 zero:9223372036854775808", "rule 1",
                "\"zero:", "from 0 to 2^63 - 1"},
           Case{"read * @1 offset:1.5", "rule 1",
                "\"offset:1.5\": ", "write offset:DELTA, a number from -"},
           Case{"read * @1 file:", "rule 1", "\"file:\": ", "write file:PATH"},
           Case{"write * @1 lies", "rule 1",
                "\"lies\": ", "a write can have eio"},
           Case{"sync * @1 torn:1", "rule 1",
                "\"torn:1\": ", "a sync can have eio"},
           Case{"read * @1 torn:1", "rule 1",
                "\"torn:1\": ", "a read can have eio"},
           Case{"open * @1 flip:1", "rule 1",
                "\"flip:1\": ", "an open can have eio"},
           Case{"sync * @1 eio; ; sync * @1 bad", "rule 3 \"sync * @1 bad\"",
                "\"bad\": ", "the effects are"},
           Case{"space", "rule 1", "\"space\": ", "\"space BYTES\""},
           Case{"space -1", "rule 1", "\"-1\": ", "\"space BYTES\""},
           Case{"space 1 2", "rule 1", "\"2\": ", "\"space unlimited\""},
           Case{"space 1; space 2", "rule 2", "\"space\": ", "say it once"},
       }) {
    const absl::Status error = FaultPlan::Parse(c.text).status();
    EXPECT_TRUE(absl::IsInvalidArgument(error)) << c.text;
    for (const std::string_view part : {c.rule, c.word, c.hint}) {
      EXPECT_TRUE(absl::StrContains(error.message(), part))
          << c.text << "\n  said: " << error.message()
          << "\n  without: " << part;
    }
  }
}

// --- Properties --------------------------------------------------------------

rc::Gen<std::string> Paths() {
  return rc::gen::nonEmpty(rc::gen::container<std::string>(
      rc::gen::elementOf(std::string("ab*?/.-:@~0"))));
}

rc::Gen<Fault> Faults() {
  return rc::gen::exec([] {
    // Only effects that the operation can have are plans.
    static const auto* kTexts =
        new std::vector<std::string>{"* * @1 eio",
                                     "sync * @1 enospc",
                                     "open * @1 emfile",
                                     "lock * @1 eintr",
                                     "id * @1 eacces",
                                     "rmdir * @1 done-eio",
                                     "read * @1 short:1",
                                     "* * @1 short:1",
                                     "write * @1 torn:1",
                                     "syncdir * @1 lies",
                                     "sync * @1 lost",
                                     "* * @1 fails-keeps-new",
                                     "* * @1 fails-reverts",
                                     "sync * @1 fails-late",
                                     "write * @1 flip:1",
                                     "* * @1 zero:1",
                                     "read * @1 stale:1",
                                     "read * @1 offset:1",
                                     "write * @1 file:a",
                                     "list * @1 delay:1",
                                     "mkdir * @1 kill",
                                     "stat * @1 done-kill",
                                     "write * @1 torn-kill:1",
                                     "prepare * @1 short:1"};
    Fault fault = FaultPlan::Parse(*rc::gen::elementOf(*kTexts))->faults.at(0);
    fault.path = *Paths();
    if (*rc::gen::arbitrary<bool>()) {
      fault.one_in = *rc::gen::inRange<uint64_t>(1, 100);
    } else {
      fault.first = *rc::gen::inRange<uint64_t>(1, 1000);
      fault.times = *rc::gen::element<uint64_t>(1, 2, 77, UINT64_MAX);
    }
    if (fault.effect == Effect::kWrongFile) {
      fault.file = *Paths();
    } else if (fault.argument == 1) {
      fault.argument = *rc::gen::inRange<int64_t>(0, INT64_MAX);
      if (fault.effect == Effect::kWrongOffset && *rc::gen::arbitrary<bool>()) {
        fault.argument = -fault.argument;
      }
    }
    return fault;
  });
}

RC_GTEST_PROP(FaultPlanProperty, ParsesWhatItPrints, ()) {
  FaultPlan plan;
  plan.faults = *rc::gen::container<std::vector<Fault>>(Faults());
  if (*rc::gen::arbitrary<bool>()) {
    plan.space_bytes = *rc::gen::arbitrary<uint64_t>();
  }
  const absl::StatusOr<FaultPlan> parsed = FaultPlan::Parse(plan.Text());
  if (!parsed.ok()) RC_FAIL(std::string(parsed.status().message()));
  RC_ASSERT(parsed->Text() == plan.Text());
  RC_ASSERT(*parsed == plan);
}

RC_GTEST_PROP(FaultPlanProperty, SurvivesAnyText, ()) {
  const auto text = *rc::gen::container<std::string>(rc::gen::oneOf(
      rc::gen::arbitrary<char>(),
      rc::gen::elementOf(std::string("syncread *@x+~:;0189 flip space"))));
  const absl::StatusOr<FaultPlan> plan = FaultPlan::Parse(text);
  if (plan.ok()) RC_ASSERT(*FaultPlan::Parse(plan->Text()) == *plan);
}

// Obviously right, and of exponential time.
bool SlowGlob(std::string_view glob, std::string_view text) {
  if (glob.empty()) return text.empty();
  if (glob[0] == '*') {
    return SlowGlob(glob.substr(1), text) ||
           (!text.empty() && SlowGlob(glob, text.substr(1)));
  }
  return !text.empty() && (glob[0] == '?' || glob[0] == text[0]) &&
         SlowGlob(glob.substr(1), text.substr(1));
}

RC_GTEST_PROP(GlobProperty, IsTheObviousOne, ()) {
  const auto glob =
      *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab*?")));
  const auto text =
      *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab")));
  const std::string_view short_glob = std::string_view(glob).substr(0, 8);
  const std::string_view short_text = std::string_view(text).substr(0, 14);
  RC_ASSERT(GlobMatches(short_glob, short_text) ==
            SlowGlob(short_glob, short_text));
}

// Would take longer than the universe is old with the obvious matcher.
TEST(GlobTest, IsBoundedForManyStars) {
  std::string glob;
  for (int i = 0; i < 1000; ++i) glob += "*a";
  EXPECT_FALSE(GlobMatches(glob + "b", std::string(2000, 'a')));
  EXPECT_TRUE(GlobMatches(glob + "*", std::string(2000, 'a')));
}

// --- Matching ----------------------------------------------------------------

TEST(FaultTest, MatchesOperationAndPath) {
  struct Case {
    std::string_view rule;
    FileCall call;
    bool matches;
  };
  const auto call = [](FileOp op, std::string path, std::string to = "") {
    return FileCall{op, std::move(path), std::move(to), 0, 0};
  };
  for (const Case& c : {
           Case{"sync *.wal @1 eio", call(FileOp::kSync, "/db/1.wal"), true},
           Case{"sync *.wal @1 eio", call(FileOp::kWrite, "/db/1.wal"), false},
           Case{"sync *.wal @1 eio", call(FileOp::kSync, "/db/1.sst"), false},
           // Without "/", the last component; with one, all of it.
           Case{"sync db @1 eio", call(FileOp::kSync, "/db/1.wal"), false},
           Case{"sync *db* @1 eio", call(FileOp::kSync, "/db/1.wal"), false},
           Case{"sync /db/* @1 eio", call(FileOp::kSync, "/db/1.wal"), true},
           Case{"sync /*.wal @1 eio", call(FileOp::kSync, "/a/b/1.wal"), true},
           Case{"sync b/* @1 eio", call(FileOp::kSync, "/a/b/1.wal"), false},
           Case{"syncdir db @1 eio", call(FileOp::kSyncDirectory, "/db"), true},
           Case{"sync ?.wal @1 eio", call(FileOp::kSync, "1.wal"), true},
           Case{"sync ?.wal @1 eio", call(FileOp::kSync, "12.wal"), false},
           // Either name of a rename or link, and of nothing else.
           Case{"rename CURRENT @1 eio",
                call(FileOp::kRename, "/db/1.tmp", "/db/CURRENT"), true},
           Case{"rename *.tmp @1 eio",
                call(FileOp::kRename, "/db/1.tmp", "/db/CURRENT"), true},
           Case{"link b @1 eio", call(FileOp::kLink, "/a", "/b"), true},
           Case{"sync b @1 eio", call(FileOp::kSync, "/a", "/b"), false},
           // "*" is what the effect can be of.
           Case{"* * @1 eio", call(FileOp::kUniqueId, ""), true},
           Case{"* * @1 flip:1", call(FileOp::kRead, "/a"), true},
           Case{"* * @1 flip:1", call(FileOp::kWrite, "/a"), true},
           Case{"* * @1 flip:1", call(FileOp::kSync, "/a"), false},
           Case{"* * @1 torn:1", call(FileOp::kRead, "/a"), false},
           Case{"* * @1 lies", call(FileOp::kSyncDirectory, "/a"), true},
           Case{"* * @1 lies", call(FileOp::kClose, "/a"), false},
       }) {
    const Fault fault = FaultPlan::Parse(c.rule)->faults.at(0);
    EXPECT_EQ(fault.Matches(c.call), c.matches)
        << c.rule << " of " << c.call.Text();
  }
}

}  // namespace
}  // namespace holdfast
