// Runs harnesses with one step of the engine left out, until one notices.
//
//   const MutantResult result = RunMutant(*FindMutant("log_writer.sync"), {});
//   result.Text();   // "killed  log_writer.sync  by crash after 13 states:
//   ..."
//
// Each harness is a process of its own, so that a mutant may crash or hang:
// both count as noticed. A harness must pass when no mutant is on: RunControl.

#ifndef HOLDFAST_CHAOS_MUTANTS_RUNNER_H_
#define HOLDFAST_CHAOS_MUTANTS_RUNNER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "chaos/mutants/harnesses.h"
#include "chaos/mutants/registry.h"

namespace holdfast {

struct RunOptions {
  // Where the paths of harnesses begin.
  std::string root = ".";
  // For what harnesses write.
  std::string scratch = "/tmp";
  // Every harness when that of the registry sees nothing. Otherwise that one
  // alone.
  bool all_harnesses = true;
  // In place of that of the registry.
  std::string harness;
  double max_seconds = 120;  // For one harness.
};

struct MutantResult {
  enum class Outcome {
    kKilled,
    kSurvived,    // Its step was left out, and nobody noticed.
    kNotReached,  // No harness came to its step.
  };
  Outcome outcome = Outcome::kNotReached;
  std::string_view name;
  std::string by;       // The harness,
  std::string how;      // "failed", "died" or "hung",
  std::string what;     // and what it said: the test that failed, a verdict.
  uint64_t states = 0;  // That the harness judged before; 0: it counts none.
  uint64_t fired = 0;   // How often the step was left out, when known.
  double seconds = 0;   // Of all harnesses tried.

  std::string Text() const;
};

MutantResult RunMutant(const Mutant& mutant, const RunOptions& options);

// Runs a harness, or one case of it, with no mutant on.
absl::Status RunControl(const Harness& harness, std::string_view filter,
                        const RunOptions& options);

struct MutantScore {
  uint64_t mutants = 0;
  uint64_t killed = 0;
  uint64_t survived = 0;
  uint64_t not_reached = 0;
  double seconds = 0;

  void Add(const MutantResult& result);
  // "158 mutants: 158 killed, 0 survived, 0 not reached (61.0 s)"
  std::string Text() const;
};

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_MUTANTS_RUNNER_H_
