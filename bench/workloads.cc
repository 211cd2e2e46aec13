#include "bench/workloads.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/random.h"

namespace holdfast::bench {
namespace {

using Clock = std::chrono::steady_clock;

uint64_t Nanos(Clock::duration duration) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count());
}

// Does `operation` so often, timing each.
template <class Operation>
void TimeEach(uint64_t operations, Latencies* latencies, Operation operation) {
  auto last = Clock::now();
  for (uint64_t i = 0; i < operations; ++i) {
    operation();
    const auto now = Clock::now();
    latencies->Add(Nanos(now - last));
    last = now;
  }
}

class Runner;

// What the database holds before a workload.
enum class State {
  kNone,         // It may be anything, or not be there.
  kEmpty,        // Just made.
  kFilled,       // Every key written once on average, in random order.
  kOverwritten,  // And once more.
  kCompacted,    // At least one of these two, and everything compacted.
};

struct Entry {
  WorkloadInfo info;
  State needs;
  State leaves;
  Sample (Runner::*run)();
};

class Runner {
 public:
  Runner(const EngineKind& kind, const Settings& settings, int round)
      : kind_(kind),
        settings_(settings),
        n_(settings.keys),
        path_(settings.dir + "/" + kind.name),
        seed_(static_cast<uint64_t>(round) * 1000 + 1),
        entry_bytes_(settings.data.key_bytes + settings.data.value_bytes) {}

  ~Runner() { Remove(); }

  bool Can(const Entry& entry) const {
    if (!kind_.only.empty() && std::find(kind_.only.begin(), kind_.only.end(),
                                         entry.info.name) == kind_.only.end()) {
      return false;
    }
    return kind_.can_skip_log || entry.run != &Runner::FillRandomNoLog;
  }

  Sample Run(const Entry& entry) {
    Reach(entry.needs);
    const Sample sample = (this->*entry.run)();
    state_ = entry.leaves;
    return sample;
  }

  Sample FillSeq() { return Fill(n_, 1, Order::kSequential, kProcess); }
  Sample FillRandom() { return Fill(n_, 1, Order::kRandom, kProcess); }
  Sample FillRandomNoLog() { return Fill(n_, 1, Order::kRandom, kNone); }
  Sample FillBatch() { return Fill(n_ / 1000, 1000, Order::kRandom, kProcess); }
  Sample FillSync1() { return FillSync(1); }
  Sample FillSync4() { return FillSync(4); }
  Sample FillSync16() { return FillSync(16); }

  Sample ReadUncompacted() { return ReadRandom(n_ / 3, n_); }
  Sample ReadCompacted() { return ReadRandom(n_, n_); }
  Sample ReadHot() { return ReadRandom(n_, std::max<uint64_t>(1, n_ / 100)); }

  Sample ReadSmallCache() {
    EngineOptions options = settings_.engine;
    options.block_cache_bytes = size_t{8} << 20;
    engine_.reset();
    engine_ = kind_.open(options, path_);
    const Sample sample = ReadRandom(n_ / 2, n_);
    engine_.reset();
    engine_ = kind_.open(settings_.engine, path_);
    return sample;
  }

  Sample ReadMissing() {
    Random numbers(seed_ + 1);
    KeyMaker keys(settings_.data);
    std::string key;
    std::string value;
    return Single(n_, 0, [&] {
      key.assign(keys.Of(numbers.Uniform(n_)));
      key += '.';
      if (engine_->Get(key, &value)) Die("found a key that is not there");
    });
  }

  Sample ReadSeq() { return Scan(/*forward=*/true); }
  Sample ReadReverse() { return Scan(/*forward=*/false); }
  Sample SeekNext() { return SeekAndWalk(/*forward=*/true); }
  Sample SeekPrev() { return SeekAndWalk(/*forward=*/false); }

  Sample ReadWhileWriting() {
    std::atomic<bool> done{false};
    std::thread writer([&] {
      Random numbers(seed_ + 2);
      ValueMaker values(settings_.data, seed_ + 2);
      KeyMaker keys(settings_.data);
      std::vector<Change> batch(1);
      while (!done.load(std::memory_order_relaxed)) {
        batch[0] = {keys.Of(numbers.Uniform(n_)), values.Next()};
        engine_->Write(batch, kProcess);
      }
    });
    const Sample sample = ReadRandom(n_ / 3, n_);
    done.store(true);
    writer.join();
    return sample;
  }

  Sample YcsbA() { return Ycsb(0.5, 0, 0, 0); }
  Sample YcsbB() { return Ycsb(0.05, 0, 0, 0); }
  Sample YcsbC() { return Ycsb(0, 0, 0, 0); }
  Sample YcsbD() { return Ycsb(0, 0.05, 0, 0, /*latest=*/true); }
  Sample YcsbE() { return Ycsb(0, 0.05, 0.95, 0); }
  Sample YcsbF() { return Ycsb(0, 0, 0, 0.5); }

  // Seeks that must pass all the keys that were deleted since they were
  // compacted.
  Sample Tombstones() {
    Fill(n_, 1, Order::kSequential, kProcess);
    engine_->Compact();
    KeyMaker keys(settings_.data);
    std::vector<Change> batch(1);
    for (uint64_t i = 0; i + 10 < n_; ++i) {
      batch[0] = {keys.Of(i), std::nullopt};
      engine_->Write(batch, kProcess);
    }
    const auto it = engine_->NewIterator();
    Latencies latencies;
    const Stopwatch watch(path_);
    const auto start = Clock::now();
    while (latencies.count() < 1000 &&
           Clock::now() - start < std::chrono::seconds(2)) {
      TimeEach(1, &latencies, [&] { it->Seek(keys.Of(0)); });
      if (!it->Valid()) Die("lost keys");
    }
    Sample sample = watch.Stop(&latencies);
    sample.operations = latencies.count();
    return sample;
  }

  Sample Compact() {
    const Stopwatch watch(path_);
    engine_->Compact();
    Sample sample = watch.Stop(nullptr);
    sample.operations = n_;
    sample.user_bytes = static_cast<double>(n_ * entry_bytes_);
    return sample;
  }

  Sample Open() {
    engine_.reset();
    const Sample sample = Single(20, 0, [&] {
      engine_ = kind_.open(settings_.engine, path_);
      engine_.reset();
    });
    engine_ = kind_.open(settings_.engine, path_);
    return sample;
  }

  // A process dies with a log that is nearly a memtable; the next one opens.
  Sample Recover() {
    engine_.reset();
    // What a memtable takes is at most about twice what its entries hold.
    const uint64_t records = std::min<uint64_t>(
        n_, settings_.engine.memtable_bytes / (2 * entry_bytes_ + 100));
    const pid_t child = fork();
    if (child == 0) {
      engine_ = kind_.open(settings_.engine, path_);
      Fill(records, 1, Order::kRandom, kProcess);
      _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
      Die("cannot make a log to recover");
    }
    KeyMaker keys(settings_.data);
    Sample sample = Single(1, 0, [&] {
      engine_ = kind_.open(settings_.engine, path_);
      std::string value;
      engine_->Get(keys.Of(0), &value);
    });
    sample.operations = records;
    sample.user_bytes = static_cast<double>(records * entry_bytes_);
    return sample;
  }

 private:
  enum class Order { kSequential, kRandom };
  static constexpr Durability kNone = Durability::kNone;
  static constexpr Durability kProcess = Durability::kProcess;

  [[noreturn]] void Die(const char* what) const {
    std::fprintf(stderr, "%s: %s\n", kind_.name.c_str(), what);
    std::exit(1);
  }

  void Remove() {
    engine_.reset();
    std::filesystem::remove_all(path_);
  }

  // Brings the database to a state, by the same calls for every engine.
  void Reach(State wanted) {
    if (wanted == State::kNone || (wanted == state_ && wanted != State::kEmpty))
      return;
    const bool has_keys = state_ == State::kFilled ||
                          state_ == State::kOverwritten ||
                          state_ == State::kCompacted;
    if (wanted == State::kCompacted && has_keys) {
      engine_->Compact();
      return;
    }
    Remove();
    engine_ = kind_.open(settings_.engine, path_);
    if (wanted == State::kEmpty) return;
    FillRandom();
    if (wanted != State::kFilled) FillRandom();
    if (wanted == State::kCompacted) engine_->Compact();
  }

  // Times `operation` on this thread.
  template <class Operation>
  Sample Single(uint64_t operations, uint64_t user_bytes, Operation operation) {
    Latencies latencies;
    const Stopwatch watch(path_);
    TimeEach(operations, &latencies, operation);
    Sample sample = watch.Stop(&latencies);
    sample.operations = operations;
    sample.user_bytes = static_cast<double>(user_bytes);
    return sample;
  }

  Sample Fill(uint64_t writes, uint64_t batch_size, Order order,
              Durability durability) {
    Random numbers(seed_ + ++fills_);
    ValueMaker values(settings_.data, seed_);
    std::vector<KeyMaker> keys(batch_size, KeyMaker(settings_.data));
    std::vector<Change> batch(batch_size);
    uint64_t next = 0;
    Sample sample = Single(writes, writes * batch_size * entry_bytes_, [&] {
      for (uint64_t i = 0; i < batch_size; ++i) {
        const uint64_t number =
            order == Order::kRandom ? numbers.Uniform(n_) : next++;
        batch[i] = {keys[i].Of(number), values.Next()};
      }
      engine_->Write(batch, durability);
    });
    sample.operations *= batch_size;
    return sample;
  }

  Sample FillSync(int threads) {
    const uint64_t each = std::clamp<uint64_t>(n_ / 100, 100, 2000) /
                          static_cast<uint64_t>(threads);
    std::vector<Latencies> latencies(static_cast<size_t>(threads));
    std::vector<std::thread> writers;
    const Stopwatch watch(path_);
    for (int t = 0; t < threads; ++t) {
      writers.emplace_back([this, t, each, &latencies] {
        const uint64_t seed = seed_ + 10 + static_cast<uint64_t>(t);
        Random numbers(seed);
        ValueMaker values(settings_.data, seed);
        KeyMaker keys(settings_.data);
        std::vector<Change> batch(1);
        TimeEach(each, &latencies[static_cast<size_t>(t)], [&] {
          batch[0] = {keys.Of(numbers.Uniform(n_)), values.Next()};
          engine_->Write(batch, Durability::kPower);
        });
      });
    }
    for (std::thread& writer : writers) writer.join();
    for (size_t t = 1; t < latencies.size(); ++t) {
      latencies[0].Merge(latencies[t]);
    }
    Sample sample = watch.Stop(latencies.data());
    sample.operations = latencies[0].count();
    sample.user_bytes = static_cast<double>(sample.operations * entry_bytes_);
    return sample;
  }

  Sample ReadRandom(uint64_t reads, uint64_t among) {
    Random numbers(seed_ + 3);
    KeyMaker keys(settings_.data);
    std::string value;
    return Single(reads, reads * entry_bytes_, [&] {
      engine_->Get(keys.Of(numbers.Uniform(among)), &value);
    });
  }

  // Single steps are too fast to be timed.
  Sample Scan(bool forward) {
    const auto it = engine_->NewIterator();
    const Stopwatch watch(path_);
    forward ? it->SeekToFirst() : it->SeekToLast();
    uint64_t done = 0;
    size_t bytes = 0;
    for (; it->Valid(); ++done) {
      bytes += it->Touch();
      forward ? it->Next() : it->Prev();
    }
    Sample sample = watch.Stop(nullptr);
    if (done == 0) Die("nothing to scan");
    sample.operations = done;
    sample.user_bytes = static_cast<double>(bytes);
    return sample;
  }

  Sample SeekAndWalk(bool forward) {
    Random numbers(seed_ + 4);
    KeyMaker keys(settings_.data);
    const auto it = engine_->NewIterator();
    size_t bytes = 0;
    Sample sample = Single(n_ / 5, 0, [&] {
      it->Seek(keys.Of(numbers.Uniform(n_)));
      for (int i = 0; i < 10 && it->Valid(); ++i) {
        bytes += it->Touch();
        forward ? it->Next() : it->Prev();
      }
    });
    sample.user_bytes = static_cast<double>(bytes);
    return sample;
  }

  // Shares of updates, inserts, scans of 1 to 100 entries, and of a read that
  // is written back; the rest reads. Zipfian keys; "latest": recent inserts.
  Sample Ycsb(double updates, double inserts, double scans, double changes,
              bool latest = false) {
    const auto share = [](double part) {
      return static_cast<uint64_t>(part * 10'000);
    };
    Random dice(seed_ + 5);
    Zipfian zipfian(n_, seed_ + 6);
    ValueMaker values(settings_.data, seed_ + 7);
    KeyMaker keys(settings_.data);
    std::vector<Change> batch(1);
    std::string value;
    const auto put = [&](uint64_t number) {
      batch[0] = {keys.Of(number), values.Next()};
      engine_->Write(batch, kProcess);
    };
    return Single(scans > 0 ? n_ / 10 : n_ / 2, 0, [&] {
      uint64_t roll = dice.Uniform(10'000);
      const auto is = [&](double part) {
        const bool hit = roll < share(part);
        roll -= hit ? 0 : share(part);
        return hit;
      };
      if (is(inserts)) {
        put(n_ + inserted_++);
        return;
      }
      const uint64_t number =
          latest ? n_ + inserted_ - 1 - std::min(zipfian.NextRank(), n_ - 1)
                 : zipfian.Next();
      if (is(updates)) {
        put(number);
      } else if (is(changes)) {
        engine_->Get(keys.Of(number), &value);
        put(number);
      } else if (is(scans)) {
        const auto it = engine_->NewIterator();
        it->Seek(keys.Of(number));
        for (uint64_t i = dice.Uniform(100) + 1; i > 0 && it->Valid(); --i) {
          it->Touch();
          it->Next();
        }
      } else {
        engine_->Get(keys.Of(number), &value);
      }
    });
  }

  const EngineKind& kind_;
  const Settings& settings_;
  const uint64_t n_;
  const std::string path_;
  const uint64_t seed_;
  const uint64_t entry_bytes_;
  std::unique_ptr<Engine> engine_;
  State state_ = State::kNone;
  uint64_t fills_ = 0;
  uint64_t inserted_ = 0;
};

const std::vector<Entry>& Entries() {
  using enum State;
  static const auto* const entries = new std::vector<Entry>{
      {{"fillseq", "puts in the order of their keys", 1.5},
       kEmpty,
       kNone,
       &Runner::FillSeq},
      {{"fillbatch", "batches of 1,000 random puts", 2},
       kEmpty,
       kNone,
       &Runner::FillBatch},
      {{"fillrandom-nolog", "random puts without a log"},
       kEmpty,
       kNone,
       &Runner::FillRandomNoLog},
      {{"fillsync-1", "random puts, each synced", 1.3},
       kEmpty,
       kNone,
       &Runner::FillSync1},
      {{"fillsync-4", "the same from 4 threads", 1.5},
       kEmpty,
       kNone,
       &Runner::FillSync4},
      {{"fillsync-16", "the same from 16 threads"},
       kEmpty,
       kNone,
       &Runner::FillSync16},
      {{"recover", "open after the death of a process with a full log", 3},
       kEmpty,
       kNone,
       &Runner::Recover},
      {{"seek-tombstones", "seek over deleted keys, all but 10", 1000},
       kEmpty,
       kNone,
       &Runner::Tombstones},
      {{"fillrandom", "random puts", 2}, kEmpty, kFilled, &Runner::FillRandom},
      {{"overwrite", "the same once more", 1.5},
       kFilled,
       kOverwritten,
       &Runner::FillRandom},
      {{"readrandom-uncompacted", "random gets on the tree as it is then", 2.5},
       kOverwritten,
       kOverwritten,
       &Runner::ReadUncompacted},
      {{"compact", "compaction of everything, keys per second"},
       kOverwritten,
       kCompacted,
       &Runner::Compact},
      {{"readrandom", "random gets, compacted", 2.2},
       kCompacted,
       kCompacted,
       &Runner::ReadCompacted},
      {{"readrandom-8MiB", "the same with a cache of 8 MiB", 1.5},
       kCompacted,
       kCompacted,
       &Runner::ReadSmallCache},
      {{"readhot", "random gets among 1 % of the keys"},
       kCompacted,
       kCompacted,
       &Runner::ReadHot},
      {{"readmissing", "random gets of keys that are not there", 1},
       kCompacted,
       kCompacted,
       &Runner::ReadMissing},
      {{"readseq", "a scan of everything", 2},
       kCompacted,
       kCompacted,
       &Runner::ReadSeq},
      {{"readreverse", "a scan backward", 3},
       kCompacted,
       kCompacted,
       &Runner::ReadReverse},
      {{"seekrandom+10", "random seeks, 10 entries each", 2},
       kCompacted,
       kCompacted,
       &Runner::SeekNext},
      {{"seekrandom-10", "the same, 10 entries backward"},
       kCompacted,
       kCompacted,
       &Runner::SeekPrev},
      {{"open", "open and close, compacted"},
       kCompacted,
       kCompacted,
       &Runner::Open},
      {{"readwhilewriting", "random gets beside one busy writer", 3},
       kCompacted,
       kOverwritten,
       &Runner::ReadWhileWriting},
      {{"ycsb-a", "half gets, half updates, Zipfian keys", 1.5},
       kCompacted,
       kOverwritten,
       &Runner::YcsbA},
      {{"ycsb-b", "95 % gets, 5 % updates", 2},
       kCompacted,
       kOverwritten,
       &Runner::YcsbB},
      {{"ycsb-c", "gets alone"}, kCompacted, kCompacted, &Runner::YcsbC},
      {{"ycsb-d", "95 % gets of recent keys, 5 % inserts"},
       kCompacted,
       kOverwritten,
       &Runner::YcsbD},
      {{"ycsb-e", "95 % scans of up to 100 entries, 5 % inserts", 3},
       kCompacted,
       kOverwritten,
       &Runner::YcsbE},
      {{"ycsb-f", "half gets, half get and put back"},
       kCompacted,
       kOverwritten,
       &Runner::YcsbF},
  };
  return *entries;
}

}  // namespace

const std::vector<WorkloadInfo>& AllWorkloads() {
  static const auto* const infos = [] {
    auto* const made = new std::vector<WorkloadInfo>;
    for (const Entry& entry : Entries()) made->push_back(entry.info);
    return made;
  }();
  return *infos;
}

void RunWorkloads(
    const EngineKind& kind, const Settings& settings, int round,
    const std::function<void(std::string_view, const Sample&)>& report) {
  Runner runner(kind, settings, round);
  for (const Entry& entry : Entries()) {
    const bool wanted =
        settings.workloads.empty() ||
        std::find(settings.workloads.begin(), settings.workloads.end(),
                  entry.info.name) != settings.workloads.end();
    if (!wanted || !runner.Can(entry)) continue;
    report(entry.info.name, runner.Run(entry));
  }
}

}  // namespace holdfast::bench
