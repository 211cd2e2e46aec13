#include "chaos/kill/kill_points.h"

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "holdfast/testing/fault_plan.h"

namespace holdfast::chaos {
namespace {

TEST(KillPointsTest, AreDifferentAndPlansThatKill) {
  std::set<std::string> texts;
  std::set<std::string> plans;
  for (const KillPoint& point : AllKillPoints()) {
    EXPECT_TRUE(texts.insert(point.Text()).second) << point.Text();
    plans.insert(point.Plan(3));
    const absl::StatusOr<FaultPlan> plan = FaultPlan::Parse(point.Plan(3));
    ASSERT_TRUE(plan.ok()) << plan.status();
    ASSERT_EQ(plan->faults.size(), 1u);
    EXPECT_EQ(plan->faults[0].first, 3u);
    using Effect = Fault::Effect;
    constexpr Effect kEffects[] = {Effect::kKill, Effect::kTornThenKill,
                                   Effect::kDoneThenKill};
    EXPECT_EQ(plan->faults[0].effect,
              kEffects[static_cast<size_t>(point.moment)]);
    EXPECT_GE(point.calls, 1u);
  }
  EXPECT_GE(texts.size(), 80u);
}

TEST(KillPointsTest, HaveTheStepsBetweenTableAndManifestAmongThem) {
  std::set<std::string> swap;
  for (const KillPoint& point : SwapKillPoints()) {
    EXPECT_FALSE(point.recovery);
    swap.insert(point.Text());
  }
  for (const char* text :
       {"writing: after table.sync", "writing: inside table.write",
        "writing: before directory.sync", "writing: after directory.sync",
        "writing: before manifest.write", "writing: after manifest.write",
        "writing: before manifest.sync", "writing: after manifest.sync"}) {
    EXPECT_TRUE(swap.contains(text)) << text;
  }
}

}  // namespace
}  // namespace holdfast::chaos
