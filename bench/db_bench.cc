// Times storage engines side by side: in each round every engine runs every
// workload, on the same keys and values, one engine after the other. Prints a
// JSON line per measurement on --json and a table of medians with the ratio to
// the peer. A number by itself says little; the ratio of one run does.
//
//   db_bench [--keys=N] [--rounds=N] [--dir=PATH] [--json]

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/random.h"
#include "bench/engine.h"

namespace holdfast::bench {
namespace {

constexpr size_t kValueBytes = 100;

struct Flags {
  uint64_t keys = 300'000;
  int rounds = 3;
  std::string dir;
  bool json = false;
};

// 16 decimal digits, as the LevelDB benchmark makes them.
std::string KeyOf(uint64_t number) { return absl::StrFormat("%016d", number); }

// Values of which half is random and half repeats: LZ4 halves them.
class ValueSource {
 public:
  explicit ValueSource(uint64_t seed) : random_(seed) {
    bytes_.resize(size_t{1} << 20);
    for (size_t i = 0; i < bytes_.size(); i += kValueBytes) {
      for (size_t j = 0; j < kValueBytes && i + j < bytes_.size(); ++j) {
        bytes_[i + j] = j < kValueBytes / 2
                            ? static_cast<char>(' ' + random_.Uniform(95))
                            : bytes_[i + j - kValueBytes / 2];
      }
    }
  }
  std::string_view Next() {
    const uint64_t slot = random_.Uniform(bytes_.size() / kValueBytes);
    return std::string_view(bytes_).substr(slot * kValueBytes, kValueBytes);
  }

 private:
  Random random_;
  std::string bytes_;
};

double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// One measurement of one workload.
struct Sample {
  uint64_t operations = 0;
  double seconds = 0;
  double cpu_seconds = 0;
  double p99_micros = 0;
  double max_micros = 0;
};

// Times operations one by one.
class Timer {
 public:
  explicit Timer(uint64_t operations) {
    sample_.operations = operations;
    micros_.reserve(operations);
  }

  template <class Operation>
  Sample Run(Operation operation) {
    const double cpu_start = CpuSeconds();
    const auto start = std::chrono::steady_clock::now();
    auto last = start;
    for (uint64_t i = 0; i < sample_.operations; ++i) {
      operation(i);
      const auto now = std::chrono::steady_clock::now();
      micros_.push_back(
          std::chrono::duration<float, std::micro>(now - last).count());
      last = now;
    }
    sample_.seconds = std::chrono::duration<double>(last - start).count();
    sample_.cpu_seconds = CpuSeconds() - cpu_start;
    std::sort(micros_.begin(), micros_.end());
    if (!micros_.empty()) {
      sample_.p99_micros = micros_[micros_.size() * 99 / 100];
      sample_.max_micros = micros_.back();
    }
    return sample_;
  }

 private:
  Sample sample_;
  std::vector<float> micros_;
};

class Runner {
 public:
  Runner(const Flags& flags, const EngineKind& kind, int round)
      : flags_(flags),
        kind_(kind),
        path_(absl::StrCat(flags.dir, "/", kind.name)),
        seed_(static_cast<uint64_t>(round) + 1) {}

  // Runs all workloads and hands out each sample.
  template <class Report>
  void RunAll(Report report) {
    const uint64_t n = flags_.keys;
    Reopen();
    report("fillseq", Fill(n, 1, false, /*random=*/false));
    Reopen();
    report("fillbatch1000", Fill(n / 1000, 1000, false, /*random=*/true));
    Reopen();
    report("fillsync", Fill(std::min<uint64_t>(n / 100, 2000), 1, true, true));
    Reopen();
    report("fillrandom", Fill(n, 1, false, /*random=*/true));
    report("overwrite", Fill(n, 1, false, /*random=*/true));
    report("readrandom-uncompacted", ReadRandom(n / 3));
    engine_->Compact();
    report("readrandom", ReadRandom(n));
    report("readmissing", ReadMissing(n));
    report("readseq", Scan(n, /*forward=*/true));
    report("readreverse", Scan(n, /*forward=*/false));
    report("seekrandom+10", SeekRandom(n / 10));
    engine_.reset();
    std::filesystem::remove_all(path_);
  }

 private:
  void Reopen() {
    engine_.reset();
    std::filesystem::remove_all(path_);
    engine_ = kind_.open(EngineOptions(), path_);
  }

  Sample Fill(uint64_t writes, uint64_t batch_size, bool sync, bool random) {
    Random numbers(seed_);
    ValueSource values(seed_);
    std::vector<std::string> keys(batch_size);
    std::vector<KeyValue> batch(batch_size);
    uint64_t next = 0;
    return Timer(writes).Run([&](uint64_t) {
      for (uint64_t i = 0; i < batch_size; ++i) {
        keys[i] = KeyOf(random ? numbers.Uniform(flags_.keys) : next++);
        batch[i] = {keys[i], values.Next()};
      }
      engine_->Write(batch, sync);
    });
  }

  Sample ReadRandom(uint64_t reads) {
    Random numbers(seed_ + 100);
    std::string value;
    return Timer(reads).Run([&](uint64_t) {
      engine_->Get(KeyOf(numbers.Uniform(flags_.keys)), &value);
    });
  }

  Sample ReadMissing(uint64_t reads) {
    Random numbers(seed_ + 200);
    std::string value;
    return Timer(reads).Run([&](uint64_t) {
      const std::string key = KeyOf(numbers.Uniform(flags_.keys)) + ".";
      if (engine_->Get(key, &value)) std::abort();
    });
  }

  Sample Scan(uint64_t steps, bool forward) {
    const auto it = engine_->NewIterator();
    forward ? it->SeekToFirst() : it->SeekToLast();
    size_t bytes = 0;
    uint64_t done = 0;
    Sample sample = Timer(1).Run([&](uint64_t) {
      for (; done < steps && it->Valid(); ++done) {
        bytes += it->Touch();
        forward ? it->Next() : it->Prev();
      }
    });
    if (bytes == 0) std::abort();
    sample.operations = done;
    return sample;
  }

  Sample SeekRandom(uint64_t seeks) {
    Random numbers(seed_ + 300);
    const auto it = engine_->NewIterator();
    size_t bytes = 0;
    return Timer(seeks).Run([&](uint64_t) {
      it->Seek(KeyOf(numbers.Uniform(flags_.keys)));
      for (int i = 0; i < 10 && it->Valid(); ++i, it->Next()) {
        bytes += it->Touch();
      }
    });
  }

  const Flags& flags_;
  const EngineKind& kind_;
  const std::string path_;
  const uint64_t seed_;
  std::unique_ptr<Engine> engine_;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Workload → engine → operations per second, one per round.
using Results =
    std::map<std::string, std::map<std::string, std::vector<double>>>;

void PrintTable(const std::vector<std::string>& order,
                const std::vector<EngineKind>& kinds, const Results& results) {
  std::printf("%-24s", "operations per second");
  for (const EngineKind& kind : kinds) {
    std::printf("%14s %15s", kind.name.c_str(), "(min..max)");
  }
  std::printf("%8s\n", "ratio");
  for (const std::string& workload : order) {
    std::printf("%-24s", workload.c_str());
    std::vector<double> medians;
    for (const EngineKind& kind : kinds) {
      std::vector<double> rates = results.at(workload).at(kind.name);
      std::sort(rates.begin(), rates.end());
      medians.push_back(Median(rates));
      std::printf(
          "%14.0f %15s", medians.back(),
          absl::StrFormat("(%.3g..%.3g)", rates.front(), rates.back()).c_str());
    }
    std::printf("%8.2f\n", medians[0] / medians[1]);
  }
}

bool ParseFlags(int argc, char** argv, Flags* flags) {
  for (int i = 1; i < argc; ++i) {
    std::string_view arg = argv[i];
    if (absl::ConsumePrefix(&arg, "--keys=")) {
      if (!absl::SimpleAtoi(arg, &flags->keys) || flags->keys < 1000) {
        return false;
      }
    } else if (absl::ConsumePrefix(&arg, "--rounds=")) {
      if (!absl::SimpleAtoi(arg, &flags->rounds) || flags->rounds < 1) {
        return false;
      }
    } else if (absl::ConsumePrefix(&arg, "--dir=")) {
      flags->dir = std::string(arg);
    } else if (arg == "--json") {
      flags->json = true;
    } else {
      return false;
    }
  }
  return true;
}

int Main(int argc, char** argv) {
  Flags flags;
  flags.dir = (std::filesystem::temp_directory_path() / "holdfast-bench");
  if (!ParseFlags(argc, argv, &flags)) {
    std::fprintf(stderr,
                 "usage: db_bench [--keys=N] [--rounds=N] [--dir=PATH] "
                 "[--json]\n  --keys at least 1000, --rounds at least 1\n");
    return 2;
  }
  std::filesystem::create_directories(flags.dir);
  const std::vector<EngineKind> kinds = {HoldfastKind(), LevelDbKind()};
  Results results;
  std::vector<std::string> order;
  for (int round = 0; round < flags.rounds; ++round) {
    for (const EngineKind& kind : kinds) {
      Runner(flags, kind, round)
          .RunAll([&](const std::string& workload, const Sample& sample) {
            if (results.count(workload) == 0) order.push_back(workload);
            const double rate =
                static_cast<double>(sample.operations) / sample.seconds;
            results[workload][kind.name].push_back(rate);
            if (!flags.json) return;
            std::printf(
                "%s\n",
                absl::StrFormat("{\"engine\":\"%s\",\"version\":\"%s\","
                                "\"workload\":\"%s\",\"round\":%d,\"keys\":%d,"
                                "\"ops_per_second\":%.1f,\"cpu_micros_per_op\":"
                                "%.3f,\"p99_micros\":%.1f,\"max_micros\":%.1f}",
                                kind.name, kind.version, workload, round,
                                flags.keys, rate,
                                sample.cpu_seconds * 1e6 /
                                    static_cast<double>(sample.operations),
                                sample.p99_micros, sample.max_micros)
                    .c_str());
          });
    }
  }
  if (!flags.json) {
    std::printf(
        "%d rounds; %d keys of 16 B, values of %d B; peer: leveldb %s\n",
        flags.rounds, static_cast<int>(flags.keys),
        static_cast<int>(kValueBytes), kinds[1].version.c_str());
    PrintTable(order, kinds, results);
  }
  return 0;
}

}  // namespace
}  // namespace holdfast::bench

int main(int argc, char** argv) { return holdfast::bench::Main(argc, argv); }
