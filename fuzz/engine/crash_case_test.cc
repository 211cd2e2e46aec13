#include "fuzz/engine/crash_case.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/random.h"
#include "chaos/db/workload.h"
#include "chaos/db/workloads.h"
#include "chaos/explorer/crash_wish.h"
#include "gtest/gtest.h"
#include "holdfast/testing/fault_plan.h"
#include "holdfast/testing/persistence.h"

namespace holdfast {
namespace {

using What = CrashWish::What;

CrashCase CaseOf(std::string_view text) {
  CrashCase crash_case;
  crash_case.workload = *Workload::Parse(text);
  return crash_case;
}

std::string Again(const CrashCase& crash_case) {
  return DecodeCrashCase(EncodeCrashCase(crash_case)).workload.Text();
}

std::string RandomBytes(uint64_t seed) {
  Random random(seed);
  std::string bytes(random.Uniform(160), '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.Next64());
  return bytes;
}

TEST(CrashCaseTest, NothingIsACrashOfAnEmptyDatabase) {
  const CrashCase crash_case = DecodeCrashCase("");
  EXPECT_EQ(crash_case.workload.Text(), "open create");
  EXPECT_EQ(crash_case.profile, "posix");
  EXPECT_EQ(crash_case.crashes, std::vector<CrashWish>{{}});
}

TEST(CrashCaseTest, EveryRowOfBytesIsAWorkload) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    const CrashCase crash_case = DecodeCrashCase(RandomBytes(seed));
    const absl::StatusOr<Workload> parsed =
        Workload::Parse(crash_case.workload.Text());
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, crash_case.workload);
    EXPECT_NE(FindProfile(crash_case.profile), nullptr);
    EXPECT_GE(crash_case.crashes.size(), 1u);
    EXPECT_LE(crash_case.crashes.size(), kMostCrashes);
    EXPECT_TRUE(FaultPlan::Parse(crash_case.recovery_faults).ok());
  }
}

TEST(CrashCaseTest, EncodesWhatItDecodes) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    const CrashCase crash_case = DecodeCrashCase(RandomBytes(seed));
    const CrashCase again = DecodeCrashCase(EncodeCrashCase(crash_case));
    ASSERT_EQ(again.workload.Text(), crash_case.workload.Text());
    ASSERT_EQ(again, crash_case);
  }
}

TEST(CrashCaseTest, SaysTheStepsOfWorkloads) {
  for (const std::string_view text : {
           "open create l0=1 noauto=1; put a 1 sync; del b nolog; kill; open",
           "open create; batch a=1 b=- c=*700 sync; fill 14 5000; flush",
           "open create; put a *395; put a^900 ~700 sync; compact a c; work; "
           "idle; verify; syncwal; resume; read; close",
           "open create; snapshot s; iterator t; check s; release t; release s",
           "open create; !open; !destroy; close; destroy; open create",
           "open create; use 1; open create; put a 1; use 0; put b 2; kill; "
           "open; use 1; open",
           "open create; fault sync *.wal @1 fails-keeps-new | write * @3x2 "
           "short:70; ?put a 1 sync; ?heal; ?resume; ?put b 2",
           "fault space 4096; ?open create; ?put a 1",
       }) {
    std::string expected(text);
    const size_t fault = expected.find("fault");
    if (fault != std::string::npos) expected.insert(fault, "?");
    EXPECT_EQ(Again(CaseOf(text)), expected);
  }
}

TEST(CrashCaseTest, SaysReferenceWorkloadsButForWhatTheyExpect) {
  const std::set<std::string_view> unsaid = {"sees", "entries", "open"};
  for (const ReferenceWorkload& reference : ReferenceWorkloads()) {
    CrashCase crash_case{.workload = reference.Parsed(), .crashes = {{}}};
    std::vector<std::string> expected;
    for (const WorkloadStep& step : crash_case.workload.steps) {
      if (!unsaid.contains(step.verb)) expected.push_back(step.verb);
    }
    std::vector<std::string> said;
    crash_case = DecodeCrashCase(EncodeCrashCase(crash_case));
    for (const WorkloadStep& step : crash_case.workload.steps) {
      if (!unsaid.contains(step.verb)) said.push_back(step.verb);
    }
    EXPECT_EQ(said, expected) << reference.name;
  }
}

TEST(CrashCaseTest, SaysCrashesAndTheDisk) {
  CrashCase crash_case = CaseOf("open create; put a 1");
  crash_case.profile = "btrfs";
  crash_case.executor_seed = 7;
  crash_case.crashes = {
      {.calls_back = 191,
       .what = What::kCut,
       .amount = 15,
       .exceptions = {{.back = 3, .alternative = 1}, {.back = 200}}},
      {.calls_back = 192 + 16 * 5, .what = What::kDrop},
      {.what = What::kKill}};
  crash_case.recovery_faults = "sync *.sst @2+ eio; read * @40 emfile";
  EXPECT_EQ(DecodeCrashCase(EncodeCrashCase(crash_case)), crash_case);
}

TEST(CrashCaseTest, AWorkloadIsNeverLongerThanWeCanAfford) {
  for (const char byte : {'\x00', '\x01', '\x0c', '\x1f', '\xff'}) {
    const CrashCase crash_case = DecodeCrashCase(std::string(4096, byte));
    EXPECT_LE(crash_case.workload.steps.size(), 40u);
  }
}

}  // namespace
}  // namespace holdfast
