// Says for each mutant of the engine whether some harness notices it.
//
//   bazel run //chaos/mutants                       all of them
//   bazel run //chaos/mutants -- --mutant=NAME      that one (or NAME*)
//   bazel run //chaos/mutants -- --harness=crash    with that harness alone
//   bazel run //chaos/mutants -- --list             what there is
//   bazel run //chaos/mutants -- --probes=FILE      which probes of FILE (see
//       HOLDFAST_PROBES in tests/util/mutant_switch.cc) no process reached

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/mutant.h"
#include "chaos/mutants/harnesses.h"
#include "chaos/mutants/probes.h"
#include "chaos/mutants/registry.h"
#include "chaos/mutants/runner.h"

namespace holdfast {
namespace {

bool Wanted(std::string_view pattern, std::string_view name) {
  if (absl::ConsumeSuffix(&pattern, "*")) {
    return absl::StartsWith(name, pattern);
  }
  return pattern.empty() || name == pattern;
}

int List() {
  for (const Mutant& mutant : AllMutants()) {
    std::printf("%-45s %s (%s)\n", std::string(mutant.name).c_str(),
                std::string(mutant.removes).c_str(),
                std::string(mutant.killer).c_str());
  }
  for (const Harness& harness : AllHarnesses()) {
    std::printf("harness %s\n", harness.name.c_str());
  }
  return 0;
}

int PrintProbes(const std::string& path) {
  std::ostringstream lines;
  lines << std::ifstream(path).rdbuf();
  const ProbeReport report = JoinProbes(lines.str());
  std::fputs(report.Text().c_str(), stdout);
  return report.probes > 0 ? 0 : 1;
}

int Main(int argc, char** argv) {
  std::string_view pattern;
  RunOptions options;
  for (int i = 1; i < argc; ++i) {
    std::string_view argument = argv[i];
    if (argument == "--list") return List();
    if (absl::ConsumePrefix(&argument, "--probes=")) {
      return PrintProbes(std::string(argument));
    }
    if (absl::ConsumePrefix(&argument, "--mutant=")) {
      pattern = argument;
    } else if (absl::ConsumePrefix(&argument, "--harness=")) {
      options.harness = std::string(argument);
      options.all_harnesses = false;
    } else {
      std::fprintf(stderr, "unknown argument %s\n", argv[i]);
      return 2;
    }
  }
  if (!kHasMutants) {
    std::fprintf(stderr, "this build has no mutants: not with NDEBUG\n");
    return 2;
  }
  // Bazel starts programs beside their data; others find it here.
  const std::string data = absl::StrCat(argv[0], ".runfiles/holdfast");
  if (std::filesystem::is_directory(data)) options.root = data;
  const char* const scratch = std::getenv("TEST_TMPDIR");
  if (scratch != nullptr) options.scratch = scratch;
  MutantScore score;
  for (const Mutant& mutant : AllMutants()) {
    if (!Wanted(pattern, mutant.name)) continue;
    const MutantResult result = RunMutant(mutant, options);
    score.Add(result);
    std::printf("%s\n", result.Text().c_str());
    std::fflush(stdout);
  }
  std::printf("%s\n", score.Text().c_str());
  return score.mutants > 0 && score.killed == score.mutants ? 0 : 1;
}

}  // namespace
}  // namespace holdfast

int main(int argc, char** argv) { return holdfast::Main(argc, argv); }
