#include "engine/version/version_builder.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/format/version_edit.h"
#include "engine/version/version.h"
#include "engine/version/version_testing.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

using Removed = std::vector<std::pair<int, uint64_t>>;

VersionEdit Edit(const Removed& removed, std::string_view added) {
  VersionEdit edit;
  edit.removed = removed;
  edit.added = ParseTables(added);
  return edit;
}

// What the edits, one after the other, make of `base`: the version or why not.
std::string Result(std::string_view base,
                   const std::vector<VersionEdit>& edits) {
  VersionBuilder builder(*MakeVersion(base));
  for (const VersionEdit& edit : edits) {
    const absl::Status status = builder.Apply(edit);
    if (!status.ok()) {
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
      return std::string(status.message());
    }
  }
  const absl::StatusOr<std::shared_ptr<const Version>> version =
      builder.Build();
  if (!version.ok()) {
    EXPECT_EQ(version.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(version.status().message());
  }
  return (*version)->DebugString();
}

TEST(VersionBuilderTest, AddsRemovesAndSorts) {
  EXPECT_EQ(Result("1 5 k p\n0 7 a z", {Edit({{1, 5}},
                                             "1 9 k m\n"
                                             "1 8 a c\n"
                                             "0 6 a b")}),
            "L0 #7 [\"a\"@79 .. \"z\"@70] 100 bytes\n"
            "L0 #6 [\"a\"@69 .. \"b\"@60] 100 bytes\n"
            "L1 #8 [\"a\"@89 .. \"c\"@80] 100 bytes\n"
            "L1 #9 [\"k\"@99 .. \"m\"@90] 100 bytes\n");
}

TEST(VersionBuilderTest, SharesLevelsThatDidNotChange) {
  const std::shared_ptr<const Version> base = MakeVersion("1 5 k p\n2 7 a z");
  VersionBuilder builder(*base);
  ASSERT_TRUE(builder.Apply(Edit({}, "1 8 a b")).ok());
  const auto next = builder.Build();
  ASSERT_TRUE(next.ok());
  EXPECT_EQ((*next)->levels()[2], base->levels()[2]);
  EXPECT_NE((*next)->levels()[1], base->levels()[1]);
  EXPECT_EQ((*next)->level_bytes(1), 200u);
  EXPECT_EQ((*next)->file_count(), 3u);
}

TEST(VersionBuilderTest, MoveKeepsTheFile) {
  const std::shared_ptr<const Version> base = MakeVersion("1 5 k p");
  VersionBuilder builder(*base);
  ASSERT_TRUE(builder.Apply(Edit({{1, 5}}, "2 5 k p")).ok());
  const auto next = builder.Build();
  ASSERT_TRUE(next.ok());
  EXPECT_TRUE((*next)->files(1).empty());
  ASSERT_EQ((*next)->files(2).size(), 1u);
  EXPECT_EQ((*next)->files(2)[0], base->files(1)[0]);
}

TEST(VersionBuilderTest, RefusesEditsThatDoNotFit) {
  const std::string_view base = "1 5 k p\n0 7 a z";
  EXPECT_EQ(Result(base, {Edit({{1, 6}}, "")}),
            "table 6: removed but not there");
  EXPECT_EQ(Result(base, {Edit({{2, 5}}, "")}),
            "table 5: removed from level 2 but is in level 1");
  EXPECT_EQ(Result(base, {Edit({{1, 5}, {1, 5}}, "")}),
            "table 5: removed but not there");
  EXPECT_EQ(Result(base, {Edit({}, "3 5 k p")}), "table 5: added twice");
  EXPECT_EQ(Result(base, {Edit({}, "3 8 a b\n4 8 a b")}),
            "table 8: added twice");
  EXPECT_EQ(Result(base, {Edit({{1, 5}}, ""), Edit({}, "1 5 k p")}),
            "table 5: added again after its removal");
  EXPECT_EQ(Result(base, {Edit({{1, 5}}, "2 5 k q")}),
            "table 5: changed by a move");
  EXPECT_EQ(Result(base, {Edit({{1, 5}}, "2 5 k p 101")}),
            "table 5: changed by a move");
  VersionEdit identity = Edit({{1, 5}}, "2 5 k p");
  ++identity.added[0].identity;
  EXPECT_EQ(Result(base, {identity}), "table 5: changed by a move");
  EXPECT_EQ(Result(base, {Edit({}, "1 8 a b 0")}),
            "table 8: table of no bytes");
}

TEST(VersionBuilderTest, RefusesOverlapBelowLevel0Only) {
  EXPECT_EQ(Result("1 5 k p", {Edit({}, "1 8 a k")}),
            "tables 8 and 5 of level 1 overlap");
  EXPECT_EQ(Result("1 5 k p", {Edit({}, "1 8 p q")}),
            "tables 5 and 8 of level 1 overlap");
  EXPECT_EQ(Result("1 5 k p", {Edit({}, "1 8 l m")}),
            "tables 5 and 8 of level 1 overlap");
  // Those of the lowest numbers, whatever the order of a hash table is.
  EXPECT_EQ(Result("1 9 k z", {Edit({}, "1 8 k m\n1 5 k p\n1 6 k l")}),
            "tables 5 and 6 of level 1 overlap");
  EXPECT_NE(Result("0 5 k p", {Edit({}, "0 8 l m")}).find("L0 #8"),
            std::string::npos);
}

// Any valid edits: the same as a map of tables, whether they are applied in one
// builder (recovery) or one at a time (running).
RC_GTEST_PROP(VersionBuilderProperty, IsAMapOfTables, ()) {
  std::map<uint64_t, TableRecord> model;
  VersionBuilder all{Version()};
  auto step = std::make_shared<const Version>();
  uint64_t number = 0;
  for (int edits = *rc::gen::inRange(0, 12); edits > 0; --edits) {
    VersionEdit edit;
    for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
      // Keys by number keep tables apart.
      const std::string key = std::to_string(1000 + ++number);
      edit.added.push_back(
          MakeTable(*rc::gen::inRange(0, kNumLevels), number, key, key + "z"));
    }
    for (const auto& [n, table] : model) {
      const int what = *rc::gen::inRange(0, 6);
      if (what > 1) continue;
      edit.removed.emplace_back(table.level, n);
      if (what == 1) {
        TableRecord moved = table;
        moved.level = (table.level + 1) % kNumLevels;
        edit.added.push_back(moved);
      }
    }
    for (const auto& [level, n] : edit.removed) model.erase(n);
    for (const TableRecord& table : edit.added) model[table.number] = table;
    RC_ASSERT(all.Apply(edit).ok());
    VersionBuilder one(*step);
    RC_ASSERT(one.Apply(edit).ok());
    const auto next = one.Build();
    RC_ASSERT(next.ok());
    step = *next;
  }
  const auto version = all.Build();
  RC_ASSERT(version.ok());
  RC_ASSERT((*version)->DebugString() == step->DebugString());
  RC_ASSERT((*version)->file_count() == model.size());
  for (int level = 0; level < kNumLevels; ++level) {
    RC_ASSERT(WhyNotALevel(level, step->files(level)).empty());
    for (const FilePtr& file : step->files(level)) {
      RC_ASSERT(file->RecordAt(level) == model[file->number]);
    }
  }
}

}  // namespace
}  // namespace holdfast
