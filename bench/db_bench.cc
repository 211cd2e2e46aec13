// Times storage engines side by side. A number by itself says little; the
// ratio of one run does. See docs/performance.md.
//
//   db_bench [--keys=N] [--rounds=N] [--key-bytes=N] [--value-bytes=N]
//            [--big-endian-keys] [--workloads=A,B] [--peers=FOLDER]
//            [--only=ENGINE,ENGINE] [--dir=PATH] [--json=FILE] [--html=FILE]
//            [--about=TEXT] [--holdfast=ADAPTER] [--baseline=ADAPTER]
//
// --holdfast measures the Holdfast of a shared library (//bench:adapter) in
// place of the one linked in; --baseline another one beside it, and says where
// the first is slower: exit code 3.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
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

struct Flags {
  Settings settings;
  int rounds = 3;
  std::string peers;
  std::vector<std::string> only;
  std::string json;
  std::string html;
  std::string about;
  std::string holdfast;
  std::string baseline;
};

// Empty, or what is wrong with an argument.
std::string ParseFlag(std::string_view arg, Flags* flags) {
  const auto number = [&](std::string_view text, uint64_t least, auto* to) {
    uint64_t value = 0;
    if (!absl::SimpleAtoi(text, &value) || value < least) {
      return absl::StrCat(arg, ": a number of at least ", least, " is wanted");
    }
    *to = static_cast<std::remove_reference_t<decltype(*to)>>(value);
    return std::string();
  };
  std::string_view rest = arg;
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
    for (const std::string& name : flags->settings.workloads) {
      std::vector<std::string_view> known;
      for (const WorkloadInfo& info : AllWorkloads()) {
        known.push_back(info.name);
      }
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        return absl::StrCat("--workloads: there is no \"", name,
                            "\"; there are ", absl::StrJoin(known, ", "));
      }
    }
  } else if (absl::ConsumePrefix(&rest, "--only=")) {
    flags->only = absl::StrSplit(rest, ',');
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
  } else {
    return absl::StrCat(arg, ": not known; see the head of bench/db_bench.cc");
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
    kind->version = flags.baseline;
    kinds->push_back(*std::move(kind));
  }
  return true;
}

int Main(int argc, char** argv) {
  Flags flags;
  flags.settings.dir =
      std::filesystem::temp_directory_path() / "holdfast-bench";
  for (int i = 1; i < argc; ++i) {
    const std::string problem = ParseFlag(argv[i], &flags);
    if (!problem.empty()) {
      std::fprintf(stderr, "db_bench: %s\n", problem.c_str());
      return 2;
    }
  }
  std::filesystem::create_directories(flags.settings.dir);

  std::vector<std::string> problems;
  std::vector<EngineKind> kinds;
  if (!AddHoldfast(flags, &kinds, &problems)) {
    std::fprintf(stderr, "db_bench: %s\n", problems.back().c_str());
    return 2;
  }
  if (flags.peers.empty()) {
    problems.push_back("no peers: --peers=FOLDER names their adapters");
  } else {
    for (EngineKind& peer : LoadPeers(flags.peers, &problems)) {
      if (flags.only.empty() || std::find(flags.only.begin(), flags.only.end(),
                                          peer.name) != flags.only.end()) {
        kinds.push_back(std::move(peer));
      }
    }
  }
  kinds.push_back(DeviceKind());
  for (const std::string& problem : problems) {
    std::fprintf(stderr, "db_bench: %s\n", problem.c_str());
  }

  Progress progress(flags.settings, flags.json);
  if (!progress.good()) {
    std::fprintf(stderr, "db_bench: cannot write %s\n", flags.json.c_str());
    return 2;
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
  if (!failed.empty()) return 1;
  return loses ? 3 : 0;
}

}  // namespace
}  // namespace holdfast::bench

int main(int argc, char** argv) { return holdfast::bench::Main(argc, argv); }
