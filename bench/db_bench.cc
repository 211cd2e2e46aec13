// Times storage engines side by side. A number by itself says little; the
// ratio of one run does. See docs/performance.md, and kHelp for the flags.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "bench/device.h"
#include "bench/engine.h"
#include "bench/holdfast_engine.h"
#include "bench/paired.h"
#include "bench/peers.h"
#include "bench/report.h"
#include "bench/rounds.h"
#include "bench/workloads.h"

namespace holdfast::bench {
namespace {

// The defaults are those of Settings and Flags; the workloads follow.
constexpr std::string_view kHelp =
    R"(db_bench times Holdfast and other engines side by side, in one run.

  db_bench [--peers=FOLDER] [--keys=N] [--rounds=N] [--workloads=A,B] ...

What is measured
  --keys=N            keys in a database, at least 1000 (default: 300000)
  --key-bytes=N       bytes of a key, at least 16 (default: 16)
  --value-bytes=N     bytes of a value, of which half compress (default: 100)
  --big-endian-keys   keys are big-endian numbers, not decimal digits
  --workloads=A,B     some of those below, in their order (default: all)
  --rounds=N          each engine does all of them so often (default: 3)

Which engines
  --peers=FOLDER      adapters of other engines, made by bench/peers/build
  --only=A,B          of the peers only these; "none": none of them
  --engines=A,B       only these at all: holdfast, device, names of peers
  --holdfast=FILE     the Holdfast of this adapter, not the one linked in
  --baseline=FILE     another Holdfast beside it, to compare with
  --baseline-version=TEXT   what the reports call that one (default: FILE)

Where to
  --dir=PATH          databases are made here and removed
                      (default: holdfast-bench below $TMPDIR or /tmp)
  --json=FILE         a line for each measurement, as it comes; replaces FILE
  --html=FILE         a page with charts; replaces FILE
  --about=TEXT        a paragraph for that page
  --help              this

Exit codes: 0 all went well; 1 an engine failed, or a file could not be
written; 2 the flags make no sense; 3 slower than the baseline for certain.

Workloads ("x 2": the rate is meant to be twice that of the better of LevelDB
and RocksDB):
)";

struct Flags {
  bool help = false;
  Settings settings;
  int rounds = 3;
  std::string peers;
  std::vector<std::string> only;
  std::vector<std::string> engines;
  std::string json;
  std::string html;
  std::string about;
  std::string holdfast;
  std::string baseline;
  std::string baseline_version;
};

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string Help() {
  std::string text(kHelp);
  for (const WorkloadInfo& info : AllWorkloads()) {
    absl::StrAppendFormat(&text, "  %-24s%s", info.name, info.what);
    if (info.target > 0) absl::StrAppendFormat(&text, "; x %g", info.target);
    text += '\n';
  }
  return text;
}

// Empty, or what is wrong with an argument.
std::string ParseFlag(std::string_view arg, Flags* flags) {
  const auto number = [&](std::string_view text, uint64_t least, auto* to) {
    uint64_t value = 0;
    if (!absl::SimpleAtoi(text, &value) || value < least) {
      return absl::StrCat(arg, ": wants a number of at least ", least);
    }
    *to = static_cast<std::remove_reference_t<decltype(*to)>>(value);
    return std::string();
  };
  std::string_view rest = arg;
  if (arg == "--help" || arg == "-h") {
    flags->help = true;
    return "";
  }
  if (absl::ConsumePrefix(&rest, "--keys=")) {
    return number(rest, 1000, &flags->settings.keys);
  }
  if (absl::ConsumePrefix(&rest, "--rounds=")) {
    return number(rest, 1, &flags->rounds);
  }
  if (absl::ConsumePrefix(&rest, "--key-bytes=")) {
    return number(rest, 16, &flags->settings.data.key_bytes);
  }
  if (absl::ConsumePrefix(&rest, "--value-bytes=")) {
    return number(rest, 1, &flags->settings.data.value_bytes);
  }
  if (arg == "--big-endian-keys") {
    flags->settings.data.key_shape = KeyShape::kBigEndian;
  } else if (absl::ConsumePrefix(&rest, "--workloads=")) {
    flags->settings.workloads = absl::StrSplit(rest, ',');
    std::vector<std::string> known;
    for (const WorkloadInfo& info : AllWorkloads()) {
      known.emplace_back(info.name);
    }
    for (const std::string& name : flags->settings.workloads) {
      if (!Contains(known, name)) {
        return absl::StrCat("--workloads: there is no \"", name,
                            "\"; there are ", absl::StrJoin(known, ", "));
      }
    }
  } else if (absl::ConsumePrefix(&rest, "--only=")) {
    flags->only = absl::StrSplit(rest, ',');
  } else if (absl::ConsumePrefix(&rest, "--engines=")) {
    flags->engines = absl::StrSplit(rest, ',');
  } else if (absl::ConsumePrefix(&rest, "--peers=")) {
    flags->peers = std::string(rest);
  } else if (absl::ConsumePrefix(&rest, "--dir=")) {
    flags->settings.dir = std::string(rest);
  } else if (absl::ConsumePrefix(&rest, "--json=")) {
    flags->json = std::string(rest);
  } else if (absl::ConsumePrefix(&rest, "--html=")) {
    flags->html = std::string(rest);
  } else if (absl::ConsumePrefix(&rest, "--about=")) {
    flags->about = std::string(rest);
  } else if (absl::ConsumePrefix(&rest, "--holdfast=")) {
    flags->holdfast = std::string(rest);
  } else if (absl::ConsumePrefix(&rest, "--baseline=")) {
    flags->baseline = std::string(rest);
  } else if (absl::ConsumePrefix(&rest, "--baseline-version=")) {
    flags->baseline_version = std::string(rest);
  } else {
    return absl::StrCat(arg, ": not known, or without its value");
  }
  return "";
}

// Empty, or what is wrong with the flags together.
std::string CheckFlags(const Flags& flags) {
  if (!flags.engines.empty() && !flags.only.empty()) {
    return "--only and --engines: one of them";
  }
  if (flags.baseline.empty()) return "";
  if (!flags.engines.empty() && !Contains(flags.engines, kHoldfastName)) {
    return "--baseline: compares with holdfast, which --engines leaves out";
  }
  return "";
}

// Tells of each measurement as it comes.
class Progress final : public RoundsObserver {
 public:
  Progress(const Settings& settings, const std::string& json)
      : settings_(settings) {
    if (!json.empty()) json_.open(json, std::ios::trunc);
  }

  bool good() const { return json_.good(); }

  void Measured(const EngineKind& kind, std::string_view workload, int round,
                const Sample& sample) override {
    std::fprintf(stderr, "round %d  %-9s %-24s %12.0f/s\n", round + 1,
                 kind.name.c_str(), std::string(workload).c_str(),
                 sample.rate());
    if (json_.is_open()) {
      json_ << JsonLine(kind, workload, round, settings_, sample) << std::endl;
    }
  }

 private:
  const Settings& settings_;
  std::ofstream json_;
};

std::string About(const Flags& flags) {
  return absl::StrFormat(
      "%d rounds, interleaved; %d keys of %d B (%s), values of %d B of which "
      "half compresses; memtable %d MiB, cache %d MiB, filters of %d bits, "
      "blocks of %d B, checksums verified everywhere.",
      flags.rounds, flags.settings.keys, flags.settings.data.key_bytes,
      flags.settings.data.key_shape == KeyShape::kDecimal ? "decimal"
                                                          : "big-endian",
      flags.settings.data.value_bytes,
      flags.settings.engine.memtable_bytes >> 20,
      flags.settings.engine.block_cache_bytes >> 20,
      flags.settings.engine.bloom_bits_per_key,
      flags.settings.engine.block_bytes);
}

// The engines that are Holdfast. RETURNS whether they could be loaded.
bool AddHoldfast(const Flags& flags, std::vector<EngineKind>* kinds,
                 std::vector<std::string>* problems) {
  kinds->push_back(HoldfastKind());
  if (!flags.holdfast.empty()) {
    const auto kind = LoadPeer(flags.holdfast, problems);
    if (!kind.has_value()) return false;
    kinds->back() = *kind;
  }
  if (!flags.baseline.empty()) {
    auto kind = LoadPeer(flags.baseline, problems);
    if (!kind.has_value()) return false;
    kind->name = std::string(kBaselineName);
    kind->version = flags.baseline_version.empty() ? flags.baseline
                                                   : flags.baseline_version;
    kinds->push_back(*std::move(kind));
  }
  return true;
}

// Whether it can run any of `workloads`; of all, when they are none.
bool CanRun(const EngineKind& kind, const std::vector<std::string>& workloads) {
  return workloads.empty() || kind.only.empty() ||
         std::any_of(workloads.begin(), workloads.end(),
                     [&](const std::string& workload) {
                       return Contains(kind.only, workload);
                     });
}

// Adds the peers to *kinds, and leaves in it what the flags want. Empty, or
// what is wrong.
std::string ChooseEngines(const Flags& flags, std::vector<EngineKind>* kinds,
                          std::vector<std::string>* problems) {
  std::vector<std::string> names = {"none"};
  if (flags.peers.empty()) {
    problems->push_back("no peers: --peers=FOLDER names their adapters");
  } else {
    for (EngineKind& peer : LoadPeers(flags.peers, problems)) {
      names.push_back(peer.name);
      if (flags.only.empty() || Contains(flags.only, peer.name)) {
        kinds->push_back(std::move(peer));
      }
    }
  }
  for (const std::string& name : flags.only) {
    if (Contains(names, name) || name == kHoldfastName) continue;
    problems->push_back(
        absl::StrCat("--only: there is no peer \"", name, "\""));
  }
  EngineKind device = DeviceKind();
  if (CanRun(device, flags.settings.workloads) ||
      Contains(flags.engines, device.name)) {
    kinds->push_back(std::move(device));
  }
  if (flags.engines.empty()) return "";

  names.clear();
  for (const EngineKind& kind : *kinds) names.push_back(kind.name);
  for (const std::string& name : flags.engines) {
    if (!Contains(names, name)) {
      return absl::StrCat("--engines: there is no \"", name, "\"; there are ",
                          absl::StrJoin(names, ", "));
    }
  }
  std::erase_if(*kinds, [&](const EngineKind& kind) {
    return kind.name != kBaselineName && !Contains(flags.engines, kind.name);
  });
  return "";
}

int Wrong(std::string_view problem) {
  std::fprintf(stderr, "db_bench: %s\ndb_bench: --help lists the flags\n",
               std::string(problem).c_str());
  return 2;
}

int Main(int argc, char** argv) {
  Flags flags;
  flags.settings.dir =
      std::filesystem::temp_directory_path() / "holdfast-bench";
  for (int i = 1; i < argc; ++i) {
    const std::string problem = ParseFlag(argv[i], &flags);
    if (!problem.empty()) return Wrong(problem);
  }
  if (flags.help) {
    std::printf("%s", Help().c_str());
    return 0;
  }
  if (const std::string problem = CheckFlags(flags); !problem.empty()) {
    return Wrong(problem);
  }

  std::vector<std::string> problems;
  std::vector<EngineKind> kinds;
  if (!AddHoldfast(flags, &kinds, &problems)) {
    std::fprintf(stderr, "db_bench: %s\n", problems.back().c_str());
    return 2;
  }
  const std::string wrong = ChooseEngines(flags, &kinds, &problems);
  for (const std::string& problem : problems) {
    std::fprintf(stderr, "db_bench: %s\n", problem.c_str());
  }
  if (!wrong.empty()) return Wrong(wrong);
  std::error_code error;
  std::filesystem::create_directories(flags.settings.dir, error);
  if (error) {
    return Wrong(
        absl::StrCat("--dir=", flags.settings.dir, ": ", error.message()));
  }

  // Now, not after an hour.
  if (!flags.html.empty() && !std::ofstream(flags.html, std::ios::app)) {
    return Wrong(absl::StrCat("--html=", flags.html, ": cannot be written"));
  }
  Progress progress(flags.settings, flags.json);
  if (!progress.good()) {
    return Wrong(absl::StrCat("--json=", flags.json, ": cannot be written"));
  }
  std::vector<std::string> failed;
  const Results results =
      RunRounds(kinds, flags.settings, flags.rounds, &progress, &failed);

  std::printf("%s\n", About(flags).c_str());
  for (const EngineKind& kind : kinds) {
    std::printf("  %s: %s\n", kind.name.c_str(), kind.version.c_str());
  }
  std::printf("\n%s", TextTable(results).c_str());
  bool loses = false;
  if (!flags.baseline.empty()) {
    const std::vector<PairedRatio> ratios =
        ComparePaired(results, kinds[0].name, std::string(kBaselineName));
    for (const PairedRatio& ratio : ratios) loses |= ratio.loses;
    std::printf("\n%s",
                PairedTable(ratios, std::string(kBaselineName)).c_str());
  }
  for (const std::string& name : failed) {
    std::fprintf(stderr, "db_bench: %s failed\n", name.c_str());
  }
  if (!flags.html.empty()) {
    std::ofstream html(flags.html, std::ios::trunc);
    std::vector<std::string> about = {About(flags)};
    if (!flags.about.empty()) about.push_back(flags.about);
    html << HtmlPage(results, "Holdfast beside its peers", about);
    html.close();
    if (!html.good()) {
      std::fprintf(stderr, "db_bench: cannot write %s\n", flags.html.c_str());
      return 1;
    }
  }
  for (const std::string& file : {flags.html, flags.json}) {
    if (!file.empty()) std::printf("%s\n", file.c_str());
  }
  if (!failed.empty()) return 1;
  return loses ? 3 : 0;
}

}  // namespace
}  // namespace holdfast::bench

int main(int argc, char** argv) { return holdfast::bench::Main(argc, argv); }
