#include "chaos/damage/lost_sync.h"

#include <cstdio>

#include "gtest/gtest.h"

namespace holdfast {
namespace {

LostSyncOptions Options() {
  LostSyncOptions options;
#ifdef HOLDFAST_SANITIZER
  options.crash_one_in = 40;
  options.goldens = {"log-tail", "chain", "tables"};
#endif
  return options;
}

TEST(LostSyncTest, IsReportedOrLeavesAPrefix) {
  const LostSyncReport report = RunLostSyncs(Options());
  EXPECT_TRUE(report.ok()) << report.Text();
  EXPECT_GT(report.proven_by_log, 0U);
  EXPECT_GT(report.proven_by_manifest, 0U);
  EXPECT_EQ(report.by_outcome.size(), 4U) << report.Text();
  std::printf("%s", report.Text().c_str());
}

}  // namespace
}  // namespace holdfast
