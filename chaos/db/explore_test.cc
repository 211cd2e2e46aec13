// The crash explorer over the reference workloads.

#include "chaos/db/explore.h"

#include <cctype>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "chaos/db/workload.h"
#include "chaos/db/workloads.h"
#include "gtest/gtest.h"
#include "holdfast/testing/crash_explorer.h"
#include "holdfast/testing/fault_plan.h"
#include "holdfast/testing/persistence.h"

namespace holdfast {
namespace {

std::string NameOf(const testing::TestParamInfo<ReferenceWorkload>& param) {
  std::string name;
  bool upper = true;
  for (const char c : param.param.name) {
    if (c == '-') {
      upper = true;
      continue;
    }
    name.push_back(upper ? static_cast<char>(std::toupper(c)) : c);
    upper = false;
  }
  return name;
}

constexpr uint64_t kMostOfLargeOnes = 1000;
constexpr int kStrideOfLargeOnes = 8;
constexpr int kMostPlans = 500;

class ExploreTest : public testing::TestWithParam<ReferenceWorkload> {
 protected:
  // RETURNS false when there is nothing more to try: the plan never struck.
  bool Explore(const ExploreOptions& options, std::string_view plan_text = "") {
    DbExploration exploration;
    exploration.workload = GetParam().Parsed();
    exploration.options = options;
    const auto plan = FaultPlan::Parse(plan_text);
    EXPECT_TRUE(plan.ok()) << plan.status();
    exploration.plan = *plan;
    const CrashReport report = ExploreDb(exploration);
    states_ += report.states;
    seconds_ += report.seconds;
    if (!plan_text.empty() && NeverStruck(report)) return false;
    EXPECT_TRUE(report.ok()) << ExplainFailure(exploration, report);
    return true;
  }

  // A plan for each sync of the first life, or for evenly spread ones: HEAD N
  // TAIL. RETURNS how many.
  int ExploreEachSync(const ExploreOptions& options, std::string_view head,
                      std::string_view tail) {
    const int stride = GetParam().large ? kStrideOfLargeOnes : 1;
    int plans = 0;
    while (!HasFailure() && plans < kMostPlans &&
           Explore(options, absl::StrCat(head, 1 + plans * stride, tail))) {
      ++plans;
    }
    EXPECT_LT(plans, kMostPlans) << "does every plan strike?";
    return plans;
  }

  void TearDown() override {
    RecordProperty("states", std::to_string(states_));
    RecordProperty("states_per_second", std::to_string(Rate()));
    std::printf("%s: %llu states, %llu a second\n",
                std::string(GetParam().name).c_str(),
                static_cast<unsigned long long>(states_),
                static_cast<unsigned long long>(Rate()));
  }

 private:
  uint64_t Rate() const {
    return seconds_ > 0
               ? static_cast<uint64_t>(static_cast<double>(states_) / seconds_)
               : 0;
  }

  uint64_t states_ = 0;
  double seconds_ = 0;
};

TEST_P(ExploreTest, Posix) {
  Explore(GetParam().large ? ReducedTier() : SmallTier());
}

TEST_P(ExploreTest, OtherProfiles) {
  for (const char* name :
       {"posix-torn", "ext4-ordered", "ext4-writeback", "xfs", "btrfs"}) {
    ExploreOptions options = ReducedTier();
    options.profile = *FindProfile(name);
    if (GetParam().large) options.max_states = kMostOfLargeOnes;
    Explore(options);
  }
}

// Goal: a disk that drops what it said it had synced is found out, or has lost
// no more than the end.
TEST_P(ExploreTest, SyncsLie) {
  ExploreOptions options = FaultTier();
  options.depth = 1;
  EXPECT_GT(ExploreEachSync(options, "sync * @", " lies"), 0);
  EXPECT_GT(ExploreEachSync(options, "syncdir * @", " lies"), 0);
  ExploreEachSync(options, "sync * @", "x3 lost");
  for (const char* file : {"*.wal", "*.sst", "MANIFEST*", "*.tmp", "*"}) {
    Explore(options, absl::StrCat("sync ", file, " @1+ lies"));
  }
}

// Goal: after a failed sync nothing that is acknowledged is lost, whatever the
// cache and the disk hold.
TEST_P(ExploreTest, SyncsFail) {
  for (const char* effect :
       {" fails-keeps-new", " fails-reverts", " fails-late"}) {
    EXPECT_GT(ExploreEachSync(FaultTier(), "sync * @", effect), 0) << effect;
  }
  EXPECT_GT(ExploreEachSync(FaultTier(), "syncdir * @", " eio"), 0);
  EXPECT_GT(ExploreEachSync(FaultTier(), "syncdir * @", " fails-keeps-new"), 0);
}

TEST(WorkloadFaultsTest, MustStrikeUnlessTheStepSaysOtherwise) {
  DbExploration exploration;
  exploration.options.max_states = 1;
  exploration.workload =
      *Workload::Parse("open create; fault write *.wal @9 eio; put a 1");
  EXPECT_TRUE(NeverStruck(ExploreDb(exploration)));
  exploration.workload =
      *Workload::Parse("open create; ?fault write *.wal @9 eio; put a 1");
  EXPECT_TRUE(ExploreDb(exploration).ok());
}

// Goal: a recovery in which a call fails shows nothing wrong, and the one after
// it misses nothing.
TEST(RecoveryFaultsTest, RecoveriesInTroubleLoseNothing) {
  for (const char* plan :
       {"sync *.sst @1 fails-keeps-new", "sync MANIFEST* @1 eio",
        "write *.sst @1 torn:70", "rename * @1 done-eio", "read * @3 eio",
        "create *.wal @1 enospc", "remove * @1 eio"}) {
    DbExploration exploration;
    exploration.workload = *Workload::Parse(
        "open create; put a 1 sync; flush; put b 2 sync; put c 3");
    exploration.recovery_plan = *FaultPlan::Parse(plan);
    exploration.options = FaultTier();
    const CrashReport report = ExploreDb(exploration);
    EXPECT_TRUE(report.ok()) << plan << "\n"
                             << ExplainFailure(exploration, report);
  }
}

INSTANTIATE_TEST_SUITE_P(Workloads, ExploreTest,
                         testing::ValuesIn(ReferenceWorkloads()), NameOf);

}  // namespace
}  // namespace holdfast
