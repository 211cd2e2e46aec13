// Times what a crash test does with each state of a disk: bring a machine up on
// it, open the database, read all of it by iterator and some of it by Get, and
// end. The inverse is how many states a second an explorer of crashes can look
// at, if its own work costs nothing.
//
//   open_bench [flags of Google Benchmark]
//
// The states, of a tiny database: memtables of 64 KiB, no block cache, no
// threads.
//   empty    nothing: Open creates.
//   clean    some keys in the log, closed.
//   killed   the same, not closed.
//   tables   three tables, and some keys in the log, not closed.
// What is timed:
//   machine  bringing a machine up and letting it go, with nothing between.
//   close    all of it; the database is closed at the end.
//   kill     all of it; the process dies: each call of the end fails.
// Counters: calls to the file system in all, those that may change the disk,
// and these of opening alone: each is a place where opening can be crashed.

#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/check.h"
#include "bench/benchmark_flags.h"
#include "benchmark/benchmark.h"
#include "holdfast/db.h"
#include "holdfast/options.h"
#include "holdfast/testing/sim_disk.h"
#include "holdfast/testing/sim_file_system.h"

namespace holdfast::bench {
namespace {

constexpr int kGets = 10;
constexpr char kDir[] = "/db";

Options TinyOptions(SimEnv* env) {
  Options options;
  options.env = env;
  options.create_if_missing = true;
  options.memtable_bytes = 64 << 10;
  options.block_bytes = 1 << 10;
  options.block_cache_bytes = 0;
  options.max_open_tables = 16;
  return options;
}

struct State {
  std::string name;
  SimDisk disk;
  std::map<std::string, std::string> contents;
};

void PutSome(DB& db, std::string_view tag, int keys, State* state) {
  for (int i = 0; i < keys; ++i) {
    const std::string key = absl::StrFormat("key%03d", i * 3);
    const std::string value = absl::StrCat(tag, std::string(60, 'v'), i);
    HF_CHECK(db.Put({.sync = i % 4 == 0}, key, value).ok());
    state->contents[key] = value;
  }
}

State MakeState(std::string name, int tables, int logged, bool close) {
  State state{.name = std::move(name), .disk = SimDisk(), .contents = {}};
  if (tables + logged == 0) return state;
  SimEnv env;
  auto db = DB::Open(TinyOptions(&env), kDir);
  HF_CHECK(db.ok());
  for (int i = 0; i < tables; ++i) {
    PutSome(**db, absl::StrCat("table", i), 30, &state);
    HF_CHECK((*db)->Flush().ok());
  }
  PutSome(**db, "log", logged, &state);
  if (close) HF_CHECK((*db)->Close().ok());
  // Nobody has anything open, as after a crash.
  state.disk = env.fs().disk().CrashKeepingAll();
  return state;
}

void Compare(DB& db, const State& state) {
  auto expected = state.contents.begin();
  const std::unique_ptr<Iterator> it = db.NewIterator({});
  for (it->SeekToFirst(); it->Valid(); it->Next(), ++expected) {
    HF_CHECK(expected != state.contents.end());
    HF_CHECK(it->key() == expected->first);
    HF_CHECK(it->value() == expected->second);
  }
  HF_CHECK(it->status().ok());
  HF_CHECK(expected == state.contents.end());
  for (int i = 0; i < kGets; ++i) {
    const std::string key = absl::StrFormat("key%03d", i * 5);
    const absl::StatusOr<std::string> value = db.Get({}, key);
    const auto wanted = state.contents.find(key);
    if (wanted == state.contents.end()) {
      HF_CHECK(absl::IsNotFound(value.status()));
    } else {
      HF_CHECK(value.ok());
      HF_CHECK(*value == wanted->second);
    }
  }
}

enum class End { kClose, kKill };

void RunLife(benchmark::State& bench, const State& state, End end) {
  uint64_t opening = 0;
  uint64_t changing = 0;
  uint64_t calls = 0;
  for (auto _ : bench) {
    SimEnv env(state.disk);
    auto db = DB::Open(TinyOptions(&env), kDir);
    HF_CHECK(db.ok());
    opening = env.fs().changing_calls();
    Compare(**db, state);
    if (end == End::kKill) {
      env.fs().before = [](const FileCall&) {
        return absl::InternalError("the process is dead");
      };
    }
    db->reset();
    changing = env.fs().changing_calls();
    calls = env.fs().calls();
  }
  bench.counters["calls"] = static_cast<double>(calls);
  bench.counters["changing"] = static_cast<double>(changing);
  bench.counters["opening"] = static_cast<double>(opening);
}

void RunMachine(benchmark::State& bench, const State& state) {
  for (auto _ : bench) {
    SimEnv env(state.disk);
    benchmark::DoNotOptimize(env);
  }
}

void RegisterAll(const std::vector<State>& states) {
  for (const State& state : states) {
    const auto add = [&state](std::string_view what, auto run) {
      benchmark::RegisterBenchmark(
          absl::StrCat(state.name, "/", what).c_str(),
          [&state, run](benchmark::State& bench) { run(bench, state); })
          ->Unit(benchmark::kMicrosecond);
    };
    add("machine", RunMachine);
    add("close", [](benchmark::State& bench, const State& s) {
      RunLife(bench, s, End::kClose);
    });
    add("kill", [](benchmark::State& bench, const State& s) {
      RunLife(bench, s, End::kKill);
    });
  }
}

void Help() {
  std::puts(
      "open_bench times what a crash test does with each state of a disk: "
      "bring a\n"
      "machine up on it, open the database, read all of it, and end.\n"
      "\n"
      "The states: empty; clean (some keys in the log, closed); killed (not "
      "closed);\n"
      "tables (three, and keys in the log). machine: nothing between up and "
      "end;\n"
      "close: the database is closed; kill: the process dies.");
  PrintFlagsOfBenchmark();
}

}  // namespace
}  // namespace holdfast::bench

int main(int argc, char** argv) {
  using holdfast::bench::Help;
  using holdfast::bench::MakeState;
  if (!holdfast::bench::ReadBenchmarkFlags(argc, argv, Help)) return 2;
  const std::vector<holdfast::bench::State> states = {
      MakeState("empty", 0, 0, false),
      MakeState("clean", 0, 20, true),
      MakeState("killed", 0, 20, false),
      MakeState("tables", 3, 10, false),
  };
  holdfast::bench::RegisterAll(states);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
