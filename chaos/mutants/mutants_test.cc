// Each step of the engine that keeps a promise is left out, one at a time, and
// some harness must notice (E2 of the promises: the tests are tested).

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/mutant.h"
#include "chaos/mutants/harnesses.h"
#include "chaos/mutants/registry.h"
#include "chaos/mutants/runner.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

RunOptions Options() {
  RunOptions options;
  options.scratch = testing::TempDir();
  return options;
}

// Mutants of the sources: name to file.
std::multimap<std::string, std::string> NamesInSources() {
  static const std::regex pattern(R"re(HF_(?:MUTANT|STEP)\(\s*"([^"]*)")re");
  std::multimap<std::string, std::string> names;
  for (const char* top : {"engine", "env", "kvd"}) {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(top)) {
      const std::string path = entry.path().string();
      if (!path.ends_with(".cc") && !path.ends_with(".h")) continue;
      if (path.ends_with("_test.cc")) continue;
      std::ostringstream text;
      text << std::ifstream(path).rdbuf();
      const std::string source = text.str();
      for (std::sregex_iterator it(source.begin(), source.end(), pattern), end;
           it != end; ++it) {
        names.emplace((*it)[1].str(), path);
      }
    }
  }
  return names;
}

// Goal: no mutant is forgotten, and none is listed that is not there.
TEST(MutantRegistryTest, IsWhatTheSourcesSay) {
  const auto in_sources = NamesInSources();
  ASSERT_GE(in_sources.size(), 100u);
  std::set<std::string> listed;
  std::set<uint64_t> hashes;
  for (const Mutant& mutant : AllMutants()) {
    EXPECT_TRUE(listed.emplace(mutant.name).second) << mutant.name;
    EXPECT_TRUE(hashes.insert(MutantHash(mutant.name)).second) << mutant.name;
    EXPECT_EQ(in_sources.count(std::string(mutant.name)), 1u)
        << mutant.name << " is to stand in the sources once";
    EXPECT_FALSE(mutant.removes.empty()) << mutant.name;
    EXPECT_NE(FindHarness(mutant.killer), nullptr)
        << mutant.name << ": " << mutant.killer;
  }
  for (const auto& [name, path] : in_sources) {
    EXPECT_TRUE(listed.contains(name)) << name << " of " << path;
  }
}

std::string TestNameOf(std::string_view name) {
  std::string text(name);
  std::replace_if(
      text.begin(), text.end(),
      [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return text;
}

bool CannotRun() {
#ifdef HOLDFAST_SANITIZER
  return true;  // What notices a mutant is the same there, only slower.
#else
  return !kHasMutants;
#endif
}

class MutantTest : public testing::TestWithParam<const Mutant*> {};

std::vector<const Mutant*> Pointers() {
  std::vector<const Mutant*> pointers;
  for (const Mutant& mutant : AllMutants()) pointers.push_back(&mutant);
  return pointers;
}

// Goal: what explores finds nothing when no step is missing.
TEST(HarnessTest, ExplorersPassWithoutMutants) {
  if (CannotRun()) GTEST_SKIP() << "no mutants in this build";
  for (const Harness& harness : AllHarnesses()) {
    if (harness.is_test) continue;
    const absl::Status control = RunControl(harness, {}, Options());
    EXPECT_TRUE(control.ok()) << control;
  }
}

// Goal: the harness of the registry passes with all steps in place, and fails
// without this one.
TEST_P(MutantTest, IsKilled) {
  if (CannotRun()) GTEST_SKIP() << "no mutants in this build";
  const Mutant& mutant = *GetParam();
  const Harness* const harness = FindHarness(mutant.killer);
  ASSERT_NE(harness, nullptr);
  // Explorers have a test of their own for that.
  if (harness->is_test) {
    const absl::Status control = RunControl(*harness, mutant.filter, Options());
    ASSERT_TRUE(control.ok()) << control;
  }
  const MutantResult result = RunMutant(mutant, Options());
  EXPECT_EQ(result.outcome, MutantResult::Outcome::kKilled)
      << result.Text() << "\nWithout " << mutant.removes
      << " nothing fails: bazel run //chaos/mutants -- --mutant="
      << mutant.name;
  std::printf("%s\n", result.Text().c_str());
  EXPECT_TRUE(result.by == mutant.killer ||
              result.outcome != MutantResult::Outcome::kKilled)
      << "killed by " << result.by << ", not by " << mutant.killer
      << " as the registry says";
}

INSTANTIATE_TEST_SUITE_P(Every, MutantTest, testing::ValuesIn(Pointers()),
                         [](const testing::TestParamInfo<const Mutant*>& info) {
                           return TestNameOf(info.param->name);
                         });

}  // namespace
}  // namespace holdfast
