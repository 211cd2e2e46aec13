// Every call of every reference workload fails. A failure prints the line that
// replays it.
//
// HOLDFAST_FAULTS=all tries every fault with every cure, which takes long.

#include "chaos/faults/fault_sweep.h"

#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "base/mutant.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

#ifdef HOLDFAST_SANITIZER
constexpr uint64_t kOneIn = 13;
constexpr uint64_t kSpaceBudgets = 8;
#else
constexpr uint64_t kOneIn = 1;
constexpr uint64_t kSpaceBudgets = 64;
#endif

FaultRunOptions OptionsFor(std::string_view workload) {
  FaultRunOptions options;
  options.workload = std::string(workload);
  options.one_in = kOneIn;
  options.most_space_budgets = kSpaceBudgets;
  const char* const wanted = std::getenv("HOLDFAST_FAULTS");
  if (wanted != nullptr && std::string_view(wanted) == "all") {
    options.every_cure = true;
    options.one_in = 1;
    options.most_space_budgets = 1000;
  }
  return options;
}

class EveryCallFailsTest : public testing::TestWithParam<std::string_view> {
 protected:
  void SetUp() override { PrintFaultOnAbortAndHang(); }
};

TEST_P(EveryCallFailsTest, AndNothingIsLost) {
  const FaultReport report = RunFaults(OptionsFor(GetParam()));
  EXPECT_TRUE(report.ok()) << report.Text();
  EXPECT_GT(report.calls, 20u);
  std::set<std::string> wanted = {"write eio", "all eio", "all enospc"};
  if (kOneIn > 1) wanted.clear();
  for (const std::string& what : wanted) {
    EXPECT_TRUE(report.fired.contains(what)) << what;
  }
  std::printf("%s\n", report.Text().c_str());
}

INSTANTIATE_TEST_SUITE_P(Reference, EveryCallFailsTest,
                         testing::ValuesIn(WorkloadsForFaults()),
                         [](const auto& test) {
                           return absl::StrReplaceAll(test.param, {{"-", "_"}});
                         });

TEST(FaultSweepTest, RunsMostReferenceWorkloads) {
  EXPECT_GE(WorkloadsForFaults().size(), 30u);
}

// A sweep that finds nothing must be one that would have.
TEST(FaultSweepTest, FindsPlantedBugsAndReplaysThem) {
  if (!kHasMutants || std::getenv("HOLDFAST_MUTANT") != nullptr) {
    GTEST_SKIP() << "no mutants, or another one is on";
  }
  for (const std::string_view name :
       {"commit.write_error_is_recorded", "commit.sync_error_is_recorded",
        "log_writer.failed_write_is_overwritten",
        "version_set.failed_switch_is_unknown"}) {
    FaultReport found;
    {
      const ScopedMutant mutant(name);
      found = RunFaults({.workload = "first-synced-write"});
      ASSERT_EQ(found.failures.size(), 1u) << name;
      const auto again = ReplayFault(found.failures[0].replay);
      ASSERT_TRUE(again.ok()) << again.status();
      EXPECT_FALSE(again->ok()) << found.Text();
    }
    const auto without = ReplayFault(found.failures[0].replay);
    ASSERT_TRUE(without.ok());
    EXPECT_TRUE(without->ok()) << without->Text();
  }
}

// A fault that strikes nowhere proves nothing, and is said to.
TEST(FaultSweepTest, AFaultThatNeverStrikesIsAFailure) {
  const auto report = ReplayFault("first-write resume sync *.nothing @1 eio");
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_EQ(report->failures.size(), 1u);
  EXPECT_TRUE(absl::StrContains(report->failures[0].why, "never struck"));
}

TEST(FaultSweepTest, AReplayIsMadeFromItsLine) {
  for (const std::string_view line :
       {"first-synced-write resume sync *.wal @2 fails-keeps-new",
        "\"open create; put a 1; flush\" go-on write *.sst @1 enospc",
        "flush reopen * * @30+ eio"}) {
    const auto report = ReplayFault(line);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_TRUE(report->ok()) << report->Text();
    EXPECT_EQ(report->runs, 1u);
  }
  for (const std::string_view line :
       {"", "flush", "flush mend sync * @1 eio", "nothing resume * * @1 eio",
        "flush resume sync * @one eio"}) {
    EXPECT_FALSE(ReplayFault(line).ok()) << line;
  }
}

// Resume must be what heals where it can, and not a restart.
TEST(FaultSweepTest, ResumeHealsAFailedSync) {
  const auto report =
      ReplayFault("first-synced-write resume sync *.wal @2 fails-keeps-new");
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->healings.resumed, 1u);
  EXPECT_EQ(report->healings.reopened, 0u);
  EXPECT_EQ(report->fired.count("replayed"), 1u);
}

}  // namespace
}  // namespace holdfast
