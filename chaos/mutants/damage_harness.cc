// Some of the damages of chaos/damage, for a mutant to be noticed by. Ends with
// 1 at the first finding.
//
//   HOLDFAST_MUTANT=NAME bazel-bin/chaos/mutants/damage_harness

#include <cstdint>
#include <cstdio>
#include <string>

#include "chaos/damage/damage.h"
#include "chaos/mutants/progress.h"

int main() {
  // One in so many: a check that is missing is missed in many places.
  constexpr uint64_t kThin = 24;
  holdfast::TellProgressOnDeath();
  holdfast::DamageOptions options;
  options.tier.thin = kThin;
  options.max_failures = 1;
  uint64_t tried = 0;
  options.announce = [&tried](const std::string& replay) {
    holdfast::NoteProgress(tried++, replay);
  };
  const holdfast::DamageReport report = holdfast::RunDamage(options);
  for (const holdfast::DamageFailure& failure : report.failures) {
    std::printf("FAILURE: %s: %s\n", failure.replay.c_str(),
                failure.why.c_str());
  }
  holdfast::PrintStates(tried);
  return report.ok() ? 0 : 1;
}
