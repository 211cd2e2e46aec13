// Kills real processes that write to a database on the real file system, at
// random instants and at named points, and compares what is left with what was
// acknowledged.
//
//   bazel run //chaos/kill -- --kills=5000
//
// The exit code is 0 when nothing was lost, wrong or invented, and every named
// point was reached.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "chaos/kill/kill_points.h"
#include "chaos/kill/kill_round.h"

namespace holdfast::chaos {
namespace {

struct Flags {
  KillSettings settings;
  uint64_t seed = 1;
  uint64_t kills = 100;
  uint64_t rounds = 0;  // Not 0: so many, instead of kills.
};

struct Tally {
  uint64_t kills = 0;
  uint64_t rounds = 0;
  uint64_t checks = 0;
  uint64_t acknowledged = 0;
  std::map<std::string, uint64_t> by_place;
};

// Every named point once at least, and so many kills.
bool IsEnough(const Flags& flags, const Tally& tally) {
  if (flags.rounds != 0) return tally.rounds >= flags.rounds;
  return tally.kills >= flags.kills && tally.rounds >= AllKillPoints().size();
}

std::vector<std::string> DefaultDirectories() {
  std::vector<std::string> directories;
  for (const char* name : {"TEST_TMPDIR", "TMPDIR"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && directories.empty()) directories.push_back(value);
  }
  if (directories.empty()) directories.push_back("/tmp");
  constexpr char kTmpfs[] = "/dev/shm";
  if (access(kTmpfs, W_OK) == 0) directories.push_back(kTmpfs);
  return directories;
}

// RETURNS how many named points nobody reached.
size_t Report(const Tally& tally) {
  std::printf(
      "%12d kills\n%12d rounds, each with a database of its own\n"
      "%12d checks\n%12d writes acknowledged\n",
      static_cast<int>(tally.kills), static_cast<int>(tally.rounds),
      static_cast<int>(tally.checks), static_cast<int>(tally.acknowledged));
  for (const auto& [place, kills] : tally.by_place) {
    std::printf("%12d %s\n", static_cast<int>(kills), place.c_str());
  }
  size_t missed = 0;
  for (const KillPoint& point : AllKillPoints()) {
    if (tally.by_place.contains(point.Text())) continue;
    std::printf("NEVER REACHED %s\n", point.Text().c_str());
    ++missed;
  }
  return missed;
}

int Run(const Flags& flags) {
  Tally tally;
  for (uint64_t seed = flags.seed; !IsEnough(flags, tally); ++seed) {
    KillRound round(flags.settings, seed);
    const absl::Status status = round.Run();
    ++tally.rounds;
    tally.checks += round.checks();
    tally.acknowledged += round.acknowledged();
    for (const auto& [place, kills] : round.kills()) {
      tally.kills += kills;
      tally.by_place[place] += kills;
    }
    if (status.ok()) continue;
    Report(tally);
    std::printf(
        "FAILED in the round of seed %s, at \"%s\":\n%s\n"
        "replay: bazel run //chaos/kill -- --seed=%s --rounds=1\n",
        absl::StrCat(seed).c_str(), KillRound::PointOf(seed).Text().c_str(),
        status.ToString().c_str(), absl::StrCat(seed).c_str());
    return EXIT_FAILURE;
  }
  std::printf("killed in %s\n",
              absl::StrJoin(flags.settings.directories, ", ").c_str());
  const size_t missed = Report(tally);
  // A single round is not meant to reach them all.
  if (flags.rounds == 0 && missed > 0) {
    std::printf("FAILED: %d named points were never reached (seed %s)\n",
                static_cast<int>(missed), absl::StrCat(flags.seed).c_str());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

int Main(int argc, char** argv) {
  Flags flags;
  flags.settings.directories = DefaultDirectories();
  CLI::App app("Kills writers and compares what is left.");
  app.add_option("--writer", flags.settings.writer, "The program to kill")
      ->required();
  app.add_option("--seed", flags.seed, "Of the first round");
  app.add_option("--kills", flags.kills, "At least so many");
  app.add_option("--rounds", flags.rounds, "Exactly so many, instead");
  app.add_option("--dir", flags.settings.directories,
                 "Where the databases are made; may be given again");
  CLI11_PARSE(app, argc, argv);
  return Run(flags);
}

}  // namespace
}  // namespace holdfast::chaos

int main(int argc, char** argv) { return holdfast::chaos::Main(argc, argv); }
