#include "bench/measure.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace holdfast::bench {
namespace {

TEST(LatenciesTest, PercentilesAreWithinThreePercentAbove) {
  Latencies latencies;
  for (uint64_t i = 1; i <= 100'000; ++i) latencies.Add(i * 1000);
  for (const double share : {0.001, 0.5, 0.99, 0.999, 1.0}) {
    const double exact = share * 100'000;
    EXPECT_GE(latencies.PercentileMicros(share), exact) << share;
    EXPECT_LE(latencies.PercentileMicros(share), exact * 1.04) << share;
  }
  EXPECT_EQ(latencies.max_micros(), 100'000);
}

TEST(LatenciesTest, SmallAndHugeTimesHaveBuckets) {
  Latencies latencies;
  for (uint64_t nanos = 0; nanos < 64; ++nanos) latencies.Add(nanos);
  EXPECT_DOUBLE_EQ(latencies.PercentileMicros(1.0), 0.063);
  latencies.Add(UINT64_MAX);
  EXPECT_EQ(latencies.count(), 65u);
  EXPECT_GT(latencies.PercentileMicros(1.0), 1e15);
}

TEST(LatenciesTest, MergingAddsUpAndStallsAreCounted) {
  Latencies one;
  Latencies other;
  one.Add(1000);
  other.Add(100'000'000);
  other.Add(1000);
  one.Merge(other);
  EXPECT_EQ(one.count(), 3u);
  EXPECT_NEAR(one.SecondsAbove(50'000'000), 0.1, 0.004);
  EXPECT_EQ(one.max_micros(), 100'000);
}

TEST(StopwatchTest, TellsTheSpaceOfFiles) {
  const std::string path = testing::TempDir() + "/space";
  std::filesystem::create_directories(path + "/inner");
  std::ofstream(path + "/inner/file") << std::string(100'000, 'x');
  const Sample sample = Stopwatch(path).Stop(nullptr);
  EXPECT_GE(sample.space_bytes, 100'000);
  EXPECT_LT(sample.space_bytes, 200'000);
  EXPECT_GT(sample.peak_memory, 0);
  EXPECT_EQ(sample.p50_micros, 0);
}

}  // namespace
}  // namespace holdfast::bench
