// The crash explorer over workloads made by chance. RapidCheck draws them and
// shrinks one that fails: the smallest is what is printed.

#include <cstdint>
#include <cstdio>
#include <ostream>

#include "chaos/db/explore.h"
#include "chaos/db/generate.h"
#include "chaos/db/workload.h"
#include "gtest/gtest.h"
#include "holdfast/testing/crash_explorer.h"
#include "holdfast/testing/persistence.h"
#include "rapidcheck/gtest.h"

namespace holdfast {

// For RapidCheck.
void showValue(const Workload& workload, std::ostream& os) {
  os << workload.Text();
}

namespace {

#ifdef HOLDFAST_SANITIZER
constexpr uint64_t kMostStates = 200;
#else
constexpr uint64_t kMostStates = 1500;
#endif

rc::Gen<Workload> WorkloadGen() {
  return rc::gen::shrink(
      rc::gen::map(rc::gen::noShrink(rc::gen::arbitrary<uint64_t>()),
                   GenerateWorkload),
      [](const Workload& workload) {
        return rc::seq::fromContainer(SmallerWorkloads(workload));
      });
}

uint64_t states = 0;

void ExploreGenerated(const Workload& workload,
                      const PersistenceProfile& profile) {
  DbExploration exploration;
  exploration.workload = workload;
  exploration.options = ReducedTier();
  exploration.options.profile = profile;
  exploration.options.max_states = kMostStates;
  const CrashReport report = ExploreDb(exploration);
  states += report.states;
  if (FoundSomething(report)) {
    RC_FAIL(ExplainFailure(exploration, report));
  }
}

RC_GTEST_PROP(GeneratedTest, EveryCrashIsLegal, ()) {
  ExploreGenerated(*WorkloadGen(), PosixProfile());
}

RC_GTEST_PROP(GeneratedTest, EveryCrashIsLegalOnOtherDisks, ()) {
  const auto* name = *rc::gen::element("posix-torn", "ext4-ordered",
                                       "ext4-writeback", "xfs", "btrfs");
  ExploreGenerated(*WorkloadGen(), *FindProfile(name));
}

// Goal: the generator makes workloads that run.
TEST(GenerateTest, EachWorkloadRuns) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    DbExploration exploration;
    exploration.workload = GenerateWorkload(seed);
    exploration.options.depth = 1;
    exploration.options.max_states = 10;
    const CrashReport report = ExploreDb(exploration);
    EXPECT_TRUE(report.ok()) << ExplainFailure(exploration, report);
  }
}

class StatesPrinter final : public testing::Environment {
 public:
  void TearDown() override {
    std::printf("generated workloads: %llu states\n",
                static_cast<unsigned long long>(states));
  }
};

testing::Environment* const printer =
    testing::AddGlobalTestEnvironment(new StatesPrinter);

}  // namespace
}  // namespace holdfast
