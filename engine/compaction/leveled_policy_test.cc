#include "engine/compaction/leveled_policy.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/compaction/policy.h"
#include "engine/version/version.h"
#include "engine/version/version_builder.h"
#include "engine/version/version_testing.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

// Level 1 is full at 200 bytes, level 2 at 400; tables have 100.
LeveledOptions Small() {
  return {.level0_compaction_trigger = 2,
          .level1_bytes = 200,
          .level_size_multiplier = 2,
          .table_bytes = 100};
}

// Marks tables as being compacted.
void MakeBusy(const Version& version, const std::vector<uint64_t>& numbers) {
  for (int level = 0; level < kNumLevels; ++level) {
    for (const FilePtr& file : version.files(level)) {
      for (const uint64_t number : numbers) {
        if (file->number == number) file->being_compacted = true;
      }
    }
  }
}

TEST(LeveledPolicyTest, PicksWhatIsFullest) {
  struct Case {
    const char* name;
    const char* tables;
    std::vector<uint64_t> busy;
    const char* pointer_level_1;
    const char* decision;
  };
  const Case cases[] = {
      {"empty", "", {}, "", "nothing: no level is full"},
      {"one table of level 0 is not enough",
       "0 5 a c\n1 2 a c",
       {},
       "",
       "nothing: no level is full"},
      {"level 0 with all that overlaps, and the level below",
       "0 5 a c\n0 6 b k\n0 7 x z\n1 2 a d\n1 3 h m\n1 4 n p",
       {},
       "",
       "merge L0 #6 #5 + L1 #2 #3 -> L1: level 0 has 3 tables, trigger is 2"},
      {"level 0 chains of overlap",
       "0 5 a c\n0 6 b k\n0 7 j z",
       {},
       "",
       "merge L0 #7 #6 #5 -> L1: level 0 has 3 tables, trigger is 2"},
      {"tables in order of keys only move",
       "0 5 a c\n0 6 d f",
       {},
       "",
       "move L0 #5 -> L1: level 0 has 2 tables, trigger is 2"},
      {"busy level 0 tables block what overlaps them",
       "0 5 a c\n0 6 b k\n0 7 c e",
       {5},
       "",
       "nothing: level 0: input is busy"},
      {"the next one of level 0",
       "0 5 a c\n0 6 m n\n0 7 x z",
       {5},
       "",
       "move L0 #6 -> L1: level 0 has 3 tables, trigger is 2"},
      {"level 1 over its bytes",
       "1 5 a c\n1 6 d f\n2 4 b e",
       {},
       "",
       "merge L1 #5 #6 + L2 #4 -> L2: level 1 has 1.00 times its bytes"},
      {"the one for which least is written anew",
       "1 5 a c\n1 6 d f\n1 7 x z\n2 4 a b\n2 8 c c\n2 9 d e\n2 10 x x\n2 11 "
       "y y",
       {},
       "",
       "merge L1 #6 + L2 #9 -> L2: level 1 has 1.50 times its bytes"},
      {"of its own bytes",
       "1 5 a c 100\n1 6 d f 300\n2 4 a b\n2 9 d d\n2 10 e e",
       {},
       "",
       "merge L1 #6 + L2 #9 #10 -> L2: level 1 has 2.00 times its bytes"},
      {"comes along for free",
       "1 5 a c\n1 6 d f\n1 7 x z\n2 4 b e\n2 8 x x\n2 9 y y\n2 10 z z",
       {},
       "",
       "merge L1 #5 #6 + L2 #4 -> L2: level 1 has 1.50 times its bytes"},
      {"not when that takes another table of the level below",
       "1 5 a c\n1 6 d j\n1 7 x z\n2 4 b e\n2 8 h i\n2 9 x x\n2 10 y y",
       {},
       "",
       "merge L1 #5 + L2 #4 -> L2: level 1 has 1.50 times its bytes"},
      {"goes on after the last pick",
       "1 5 a c\n1 6 d f\n1 7 x z\n2 4 b c",
       {},
       "c",
       "move L1 #6 -> L2: level 1 has 1.50 times its bytes"},
      {"and around",
       "1 5 a c\n1 6 g i\n1 7 x z\n2 4 b c\n2 8 h i\n2 9 x y",
       {},
       "z",
       "merge L1 #5 + L2 #4 -> L2: level 1 has 1.50 times its bytes"},
      {"a busy output: the next table",
       "1 5 a c\n1 6 d f\n2 4 b c\n2 8 d d\n2 9 e e",
       {4},
       "",
       "merge L1 #6 + L2 #8 #9 -> L2: level 1 has 1.00 times its bytes"},
      {"a busy input does not count",
       "1 5 a c\n1 6 d f\n2 4 b e",
       {5},
       "",
       "nothing: no level is full"},
      {"the fuller level goes first",
       "0 9 a c\n0 10 a c\n1 5 a c\n1 6 d f\n1 7 x z",
       {},
       "",
       "move L1 #5 -> L2: level 1 has 1.50 times its bytes"},
      {"of equals, the upper one",
       "0 9 a c\n0 10 a c\n1 5 a c\n1 6 d f",
       {},
       "",
       "merge L0 #10 #9 + L1 #5 -> L1: level 0 has 2 tables, trigger is 2"},
      {"too much below it to move",
       "1 5 a c 200\n1 6 x z 200\n3 4 a b 1001",
       {},
       "",
       "merge L1 #5 -> L2: level 1 has 2.00 times its bytes"},
      {"the last level stays",
       "6 5 a c 1000000",
       {},
       "",
       "nothing: no level is full"},
  };
  for (const Case& c : cases) {
    const std::shared_ptr<const Version> version = MakeVersion(c.tables);
    MakeBusy(*version, c.busy);
    RoundRobin pointers;
    pointers[1] = c.pointer_level_1;
    EXPECT_EQ(DebugString(PickCompaction(Small(), *version, {}, pointers)),
              c.decision)
        << c.name;
  }
}

TEST(LeveledPolicyTest, KeepsOutputsOfRunningCompactionsApart) {
  // The running one writes [a, p] to level 2; table 7 lies in a hole between
  // its inputs and would put its output between theirs.
  const std::shared_ptr<const Version> version =
      MakeVersion("1 5 a c\n1 7 g h\n1 8 x z\n2 4 b d\n2 6 m p");
  const std::vector<RunningCompaction> running = {{1, 2, {"a", "p"}}};
  EXPECT_EQ(DebugString(PickCompaction(Small(), *version, running, {})),
            "move L1 #8 -> L2: level 1 has 1.50 times its bytes");
  const std::vector<RunningCompaction> all = {{1, 2, {"a", "z"}}};
  EXPECT_EQ(DebugString(PickCompaction(Small(), *version, all, {})),
            "nothing: level 1: range is busy");
  const std::vector<RunningCompaction> elsewhere = {{2, 3, {"a", "z"}}};
  EXPECT_EQ(DebugString(PickCompaction(Small(), *version, elsewhere, {})),
            "move L1 #7 -> L2: level 1 has 1.50 times its bytes");
}

TEST(LeveledPolicyTest, TombstonesGoDownSooner) {
  // Table 6 overlaps twice as much as the others.
  const std::vector<TableRecord> tables = ParseTables(
      "1 5 a c\n1 6 d f\n1 7 x z\n2 4 a b\n2 8 d d\n2 9 e e\n2 10 x x");
  const auto pick = [&](uint64_t tombstones_of_6) {
    VersionEdit edit;
    edit.added = tables;
    for (TableRecord& table : edit.added) {
      table.entries = 100;
      table.tombstones = table.number == 6 ? tombstones_of_6 : 0;
    }
    VersionBuilder builder{Version()};
    EXPECT_TRUE(builder.Apply(edit).ok());
    const Decision decision =
        PickCompaction(Small(), **builder.Build(), {}, {});
    return std::get<Merge>(decision).inputs[0]->number;
  };
  EXPECT_EQ(pick(0), 5u);
  EXPECT_EQ(pick(49), 5u);
  EXPECT_EQ(pick(51), 6u);
  EXPECT_EQ(pick(100), 6u);
}

TEST(LeveledPolicyTest, NoTableWaitsForEver) {
  // Of five tables, 12 is the dearest; it is stale when 40 more were made.
  const auto pick = [](int newest) {
    return DebugString(PickCompaction(
        Small(),
        *MakeVersion(absl::StrCat("1 20 a c\n1 12 d f\n1 ", newest,
                                  " x z\n2 11 d e\n2 13 f f")),
        {}, {}));
  };
  EXPECT_EQ(pick(51), "move L1 #20 -> L2: level 1 has 1.50 times its bytes");
  EXPECT_EQ(
      pick(52),
      "merge L1 #12 + L2 #11 #13 -> L2: level 1 has 1.50 times its bytes");
}

TEST(LeveledPolicyTest, RemembersThePickByItsInputs) {
  const std::shared_ptr<const Version> version =
      MakeVersion("1 5 a c\n1 6 d f\n1 7 x z\n2 4 b y");
  RoundRobin pointers;
  std::string picks;
  LeveledOptions options = Small();
  options.table_bytes = 1;  // Inputs do not widen.
  for (int i = 0; i < 4; ++i) {
    const Decision decision = PickCompaction(options, *version, {}, pointers);
    RememberPick(decision, &pointers);
    absl::StrAppend(&picks, std::get<Merge>(decision).inputs[0]->number, " ");
  }
  EXPECT_EQ(picks, "5 6 7 5 ");
}

TEST(LeveledPolicyTest, TargetsGrowAndDoNotOverflow) {
  LeveledOptions options;
  options.level1_bytes = uint64_t{1} << 40;
  options.level_size_multiplier = 100;
  EXPECT_EQ(LevelTargetBytes(options, 1), uint64_t{1} << 40);
  EXPECT_EQ(LevelTargetBytes(options, 2), (uint64_t{1} << 40) * 100);
  EXPECT_EQ(LevelTargetBytes(options, 6), UINT64_MAX);
}

TEST(LeveledPolicyTest, ManualStepsMergeARange) {
  const std::shared_ptr<const Version> version = MakeVersion(
      "0 9 c e\n0 10 d k\n1 5 a c\n1 6 d f\n1 7 x z\n2 4 b e\n3 8 a z");
  const auto pick = [&](int level, int output, std::optional<std::string> begin,
                        std::optional<std::string> end, bool want_blocked,
                        const std::vector<RunningCompaction>& running = {}) {
    bool blocked = false;
    const Decision decision = PickManual(Small(), *version, running, level,
                                         output, {begin, end}, &blocked);
    EXPECT_EQ(blocked, want_blocked);
    return DebugString(decision);
  };
  EXPECT_EQ(pick(0, 1, "a", "c", false),
            "merge L0 #10 #9 + L1 #5 #6 -> L1: manual");
  EXPECT_EQ(pick(0, 1, "p", {}, false), "nothing: no table in the range");
  EXPECT_EQ(pick(1, 2, {}, {}, false),
            "merge L1 #5 #6 #7 + L2 #4 -> L2: manual");
  EXPECT_EQ(pick(1, 2, "x", "x", false), "merge L1 #7 -> L2: manual");
  EXPECT_EQ(pick(3, 3, {}, {}, false), "merge L3 #8 -> L3: manual");
  EXPECT_EQ(pick(1, 2, "x", {}, true, {{1, 2, {"y", "y"}}}),
            "nothing: level 1: range is busy");
  MakeBusy(*version, {4});
  EXPECT_EQ(pick(1, 2, "a", "b", true), "nothing: level 1: output is busy");
}

TEST(LeveledPolicyTest, ManualStepsOfALongLevelGoOn) {
  std::string tables;
  for (int i = 0; i < 60; ++i) {
    absl::StrAppend(&tables, "1 ", 10 + i, " k", 100 + i, " k", 100 + i, "z\n");
  }
  const std::shared_ptr<const Version> version = MakeVersion(tables);
  std::vector<size_t> steps;
  ManualRange range;
  while (true) {
    bool blocked = false;
    const Decision decision =
        PickManual(Small(), *version, {}, 1, 2, range, &blocked);
    const Merge& merge = std::get<Merge>(decision);
    steps.push_back(merge.inputs.size());
    if (!merge.next_begin.has_value()) break;
    range.begin = merge.next_begin;
  }
  EXPECT_EQ(absl::StrJoin(steps, " "), "25 25 10");
}

TEST(LeveledPolicyTest, ManualRewritesGoAroundTablesThatAreNew) {
  const std::shared_ptr<const Version> version = MakeVersion(
      "2 20 a b\n2 4 c d\n2 5 e f\n2 21 g h\n2 22 i j\n2 6 k l\n2 23 m n");
  std::string steps;
  ManualRange range{.begin = {}, .end = {}, .before_number = 20};
  for (;;) {
    bool blocked = false;
    const Decision decision =
        PickManual(Small(), *version, {}, 2, 2, range, &blocked);
    absl::StrAppend(&steps, DebugString(decision), "\n");
    const Merge* const merge = std::get_if<Merge>(&decision);
    if (merge == nullptr || !merge->next_begin.has_value()) break;
    range.begin = merge->next_begin;
  }
  EXPECT_EQ(steps,
            "merge L2 #4 #5 -> L2: manual (goes on)\n"
            "merge L2 #6 -> L2: manual\n");
  range = {.begin = "g", .end = "j", .before_number = 20};
  bool blocked = false;
  EXPECT_EQ(
      DebugString(PickManual(Small(), *version, {}, 2, 2, range, &blocked)),
      "nothing: no table in the range");
}

// Any version, any running compactions: a decision keeps the invariants of
// policy.h, and carrying decisions out makes every level fit in the end.
RC_GTEST_PROP(LeveledPolicyProperty, DecisionsKeepTheInvariants, ()) {
  VersionBuilder builder{Version()};
  uint64_t number = 1;
  VersionEdit edit;
  for (int level = 0; level < 4; ++level) {
    int at = 0;
    for (int n = *rc::gen::inRange(0, 8); n > 0; --n) {
      const int gap = *rc::gen::inRange(1, 6);
      const int width = *rc::gen::inRange(0, 6);
      if (level == 0) at = *rc::gen::inRange(0, 40);
      edit.added.push_back(MakeTable(level, number++,
                                     absl::StrCat(1000 + at + gap),
                                     absl::StrCat(1000 + at + gap + width)));
      at += gap + width;
    }
  }
  RC_ASSERT(builder.Apply(edit).ok());
  const std::shared_ptr<const Version> version = *builder.Build();
  std::vector<RunningCompaction> running;
  RoundRobin pointers;
  for (int i = 0; i < 6; ++i) {
    const Decision decision =
        PickCompaction(Small(), *version, running, pointers);
    const std::optional<RunningCompaction> picked = RunningOf(decision);
    if (!picked.has_value()) break;
    FileList inputs;
    FileList output_inputs;
    if (const Move* move = std::get_if<Move>(&decision)) {
      inputs = {move->file};
    } else {
      inputs = std::get<Merge>(decision).inputs;
      output_inputs = std::get<Merge>(decision).output_inputs;
    }
    // Invariant (1).
    for (const FilePtr& file : inputs) RC_ASSERT(!file->being_compacted);
    for (const FilePtr& file : output_inputs) RC_ASSERT(!file->being_compacted);
    // Invariant (2).
    RC_ASSERT(
        version->FilesOverlapping(picked->output_level, picked->range.smallest,
                                  picked->range.largest) == output_inputs);
    if (picked->level == 0) {
      for (const FilePtr& file : inputs) {
        for (const FilePtr& other : version->FilesOverlapping(
                 0, file->smallest_user_key(), file->largest_user_key())) {
          RC_ASSERT(std::find(inputs.begin(), inputs.end(), other) !=
                    inputs.end());
        }
      }
    }
    // Invariant (3).
    for (const RunningCompaction& other : running) {
      RC_ASSERT(other.output_level != picked->output_level ||
                !other.range.Overlaps(picked->range));
    }
    running.push_back(*picked);
    MarkBeingCompacted(decision, true);
    RememberPick(decision, &pointers);
  }
}

}  // namespace
}  // namespace holdfast
