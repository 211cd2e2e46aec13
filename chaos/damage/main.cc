// bazel run //chaos/damage                     what the test runs
// bazel run //chaos/damage -- --all            more of everything: for a night
// bazel run //chaos/damage -- 'GOLDEN DAMAGE'  one damage, as a failure prints
// bazel run //chaos/damage -- --golden=NAME    one golden database

#include <cstdio>
#include <string>
#include <string_view>

#include "absl/strings/match.h"
#include "chaos/damage/damage.h"

int main(int argc, char** argv) {
  holdfast::DamageOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    constexpr std::string_view kGolden = "--golden=";
    if (argument == "--all") {
      options = holdfast::ThoroughDamage();
    } else if (absl::StartsWith(argument, kGolden)) {
      options.goldens.emplace_back(argument.substr(kGolden.size()));
    } else {
      options.replay = std::string(argument);
    }
  }
  const holdfast::DamageReport report = holdfast::RunDamage(options);
  std::fputs(report.Text().c_str(), stdout);
  return report.ok() ? 0 : 1;
}
