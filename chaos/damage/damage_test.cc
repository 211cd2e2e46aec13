// Every damage of every golden database: right, or reported.

#include "chaos/damage/damage.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <string>

#include "chaos/damage/golden.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

// What was tried when the process died.
char g_replay[512];

void PrintReplay(int signal_number) {
  constexpr char kIntro[] = "died of this damage: ";
  // Nothing can be done when standard error is gone.
  (void)!write(STDERR_FILENO, kIntro, sizeof(kIntro) - 1);
  (void)!write(STDERR_FILENO, g_replay, std::strlen(g_replay));
  (void)!write(STDERR_FILENO, "\n", 1);
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

DamageOptions OptionsFor(const std::string& golden) {
  DamageOptions options;
  options.goldens = {golden};
  options.announce = [](const std::string& replay) {
    const size_t n = std::min(replay.size(), sizeof(g_replay) - 1);
    std::memcpy(g_replay, replay.data(), n);
    g_replay[n] = '\0';
  };
#ifdef HOLDFAST_SANITIZER
  options.tier.thin = 11;
  options.tier.byte_step = 997;
  options.tier.pairs_up_to = 6;
#endif
  return options;
}

class DamageTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    for (const int signal_number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE}) {
      std::signal(signal_number, PrintReplay);
    }
  }
};

TEST_P(DamageTest, IsReportedOrMakesNoDifference) {
  const DamageReport report = RunDamage(OptionsFor(GetParam()));
  EXPECT_TRUE(report.ok()) << report.Text();
  EXPECT_TRUE(report.complete);
  for (const char* kind : {"flip", "cut", "fill", "noise", "copy", "replace",
                           "grow", "remove", "exchange"}) {
    EXPECT_GT(report.by_kind.count(kind), 0) << kind;
  }
  RecordProperty("damages", static_cast<int>(report.damages));
}

// After a clean close nothing is in doubt: no damage is taken for a torn tail.
TEST_P(DamageTest, NothingOfAClosedDatabaseIsDropped) {
  if (!MakeGolden(GetParam()).closed) GTEST_SKIP() << "not a closed database";
  DamageOptions options = OptionsFor(GetParam());
  options.tier.thin = 13;
  const DamageReport report = RunDamage(options);
  for (const auto outcome :
       {DamageVerdict::Outcome::kTornTail, DamageVerdict::Outcome::kUnproven}) {
    EXPECT_EQ(report.by_outcome.count(std::string(OutcomeName(outcome))), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(All, DamageTest, testing::ValuesIn(GoldenNames()),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace holdfast
