// Runs each scenario of the table as a test of its own name, so that
// --test_filter='HistoryBugs.LevelDb74*' finds it; then again with each step of
// the engine left out that the table says it needs, where it must fail.

#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/mutant.h"
#include "chaos/history_bugs/scenarios.h"
#include "gtest/gtest.h"

namespace holdfast::history_bugs {
namespace {

// Goal: the invariant holds.
class Holds : public testing::Test {
 public:
  explicit Holds(const Scenario& scenario) : scenario_(scenario) {}
  void TestBody() override {
    const absl::Status status = scenario_.run();
    EXPECT_TRUE(status.ok()) << status;
  }

 private:
  const Scenario& scenario_;
};

// Goal: the scenario can fail. Method: the step that it is about is left out;
// that it did not come to its situation is not good enough.
class Fails : public testing::Test {
 public:
  Fails(const Scenario& scenario, std::string mutant)
      : scenario_(scenario), mutant_(std::move(mutant)) {}
  void TestBody() override {
    const ScopedMutant mutant(mutant_);
    const absl::Status status = scenario_.run();
    EXPECT_GT(mutant.fired(), 0u) << "the step was never reached";
    EXPECT_FALSE(status.ok()) << "nobody missed the step";
    EXPECT_FALSE(absl::IsFailedPrecondition(status)) << status;
    RecordProperty("found", status.ToString());
  }

 private:
  const Scenario& scenario_;
  const std::string mutant_;
};

// Goal: docs/history_bugs.md tells of each scenario, and of the steps that it
// needs.
TEST(HistoryBugsPage, HasARowForEachScenario) {
  std::ifstream file("docs/history_bugs.md");
  const std::string page((std::istreambuf_iterator<char>(file)), {});
  for (const Scenario& scenario : AllScenarios()) {
    const std::string row = absl::StrCat(
        "| `", scenario.name, "` | `",
        absl::StrReplaceAll(scenario.kills, {{" ", "` `"}}), "` |\n");
    EXPECT_NE(page.find(row), std::string::npos) << row;
  }
}

void Register(const std::string& suite, std::string_view name,
              std::function<testing::Test*()> make) {
  testing::RegisterTest(suite.c_str(), std::string(name).c_str(), nullptr,
                        nullptr, __FILE__, __LINE__, std::move(make));
}

void RegisterAll() {
  for (const Scenario& scenario : AllScenarios()) {
    Register("HistoryBugs", scenario.name,
             [&scenario] { return new Holds(scenario); });
    // A mutant that the environment switched on must stay: chaos/mutants runs
    // the scenarios so.
    if (!kHasMutants || std::getenv("HOLDFAST_MUTANT") != nullptr) continue;
    for (std::string_view mutant :
         absl::StrSplit(scenario.kills, ' ', absl::SkipEmpty())) {
      Register("HistoryBugsWithout", absl::StrCat(scenario.name, "/", mutant),
               [&scenario, mutant] {
                 return new Fails(scenario, std::string(mutant));
               });
    }
  }
}

}  // namespace
}  // namespace holdfast::history_bugs

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  holdfast::history_bugs::RegisterAll();
  return RUN_ALL_TESTS();
}
