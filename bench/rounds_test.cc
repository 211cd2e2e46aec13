#include "bench/rounds.h"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bench/engine.h"
#include "bench/holdfast_engine.h"
#include "bench/measure.h"
#include "bench/workloads.h"
#include "gtest/gtest.h"

namespace holdfast::bench {
namespace {

class Counter final : public RoundsObserver {
 public:
  void Measured(const EngineKind&, std::string_view workload, int,
                const Sample& sample) override {
    EXPECT_GT(sample.operations, 0u) << workload;
    EXPECT_GT(sample.seconds, 0) << workload;
    seen.insert(std::string(workload));
    ++calls;
  }

  std::multiset<std::string> seen;
  int calls = 0;
};

Settings Small() {
  Settings settings;
  settings.keys = 2000;
  settings.engine.memtable_bytes = size_t{64} << 10;
  settings.dir = testing::TempDir() + "/rounds";
  std::filesystem::create_directories(settings.dir);
  return settings;
}

TEST(RoundsTest, EveryWorkloadRunsInEveryRound) {
  Counter counter;
  std::vector<std::string> failed;
  const Settings settings = Small();
  const Results results =
      RunRounds({HoldfastKind()}, settings, 2, &counter, &failed);
  EXPECT_TRUE(failed.empty());
  for (const WorkloadInfo& info : AllWorkloads()) {
    EXPECT_EQ(counter.seen.count(std::string(info.name)), 2u) << info.name;
  }
  EXPECT_EQ(results.workloads.size(), AllWorkloads().size());
  EXPECT_TRUE(std::filesystem::is_empty(settings.dir)) << "databases are left";
}

TEST(RoundsTest, AnEngineThatFailsIsNamedAndLeftOut) {
  EngineKind broken = HoldfastKind();
  broken.name = "broken";
  broken.open = [](const EngineOptions&,
                   const std::string&) -> std::unique_ptr<Engine> {
    std::_Exit(3);
  };
  Counter counter;
  std::vector<std::string> failed;
  Settings settings = Small();
  settings.workloads = {"fillseq"};
  const Results results =
      RunRounds({HoldfastKind(), broken}, settings, 3, &counter, &failed);
  EXPECT_EQ(failed, std::vector<std::string>{"broken"});
  EXPECT_EQ(counter.calls, 3);
  EXPECT_EQ(results.Of("broken", "fillseq"), nullptr);
  ASSERT_NE(results.Of("holdfast", "fillseq"), nullptr);
  EXPECT_EQ(results.Of("holdfast", "fillseq")->size(), 3u);
}

TEST(RoundsTest, AnEngineWithoutAChoiceOfLogSkipsThatWorkload) {
  EngineKind logged = HoldfastKind();
  logged.can_skip_log = false;
  Counter counter;
  std::vector<std::string> failed;
  Settings settings = Small();
  settings.workloads = {"fillrandom-nolog", "fillseq"};
  RunRounds({logged}, settings, 1, &counter, &failed);
  EXPECT_EQ(counter.seen, std::multiset<std::string>{"fillseq"});
}

}  // namespace
}  // namespace holdfast::bench
