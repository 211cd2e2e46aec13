#include "bench/paired.h"

#include <string>
#include <vector>

#include "bench/measure.h"
#include "bench/rounds.h"
#include "gtest/gtest.h"

namespace holdfast::bench {
namespace {

Sample Took(double seconds, double cpu_seconds) {
  Sample sample;
  sample.operations = 100;
  sample.seconds = seconds;
  sample.cpu_seconds = cpu_seconds;
  return sample;
}

TEST(PairedTest, ALossIsClearWhenEveryRoundAndTheSpreadSaySo) {
  EXPECT_TRUE(ClearLoss({.median = 0.9, .least = 0.88, .most = 0.92}, 3));
  EXPECT_FALSE(ClearLoss({.median = 0.9, .least = 0.88, .most = 0.92}, 2))
      << "too few rounds";
  EXPECT_FALSE(ClearLoss({.median = 0.9, .least = 0.88, .most = 1.01}, 3))
      << "one round was won";
  EXPECT_FALSE(ClearLoss({.median = 0.96, .least = 0.95, .most = 0.97}, 3))
      << "within what is tolerated";
  EXPECT_FALSE(ClearLoss({.median = 0.85, .least = 0.6, .most = 0.99}, 3))
      << "within the spread";
  EXPECT_FALSE(ClearLoss({.median = 1.5, .least = 1.4, .most = 1.6}, 3));
}

TEST(PairedTest, RoundsAreComparedWithEachOther) {
  Results results;
  results.kinds = {{"ours", "", true, nullptr},
                   {"baseline", "", true, nullptr}};
  results.workloads = {"fillseq", "readseq", "open"};
  // The machine got slower from round to round; ours is as slow as theirs.
  results.samples["ours"]["fillseq"] = {Took(1, 1), Took(2, 2), Took(4, 4)};
  results.samples["baseline"]["fillseq"] = {Took(1, 1), Took(2, 2), Took(4, 4)};
  // As fast, but with twice the CPU.
  results.samples["ours"]["readseq"] = {Took(1, 2), Took(2, 4), Took(4, 8)};
  results.samples["baseline"]["readseq"] = {Took(1, 1), Took(2, 2), Took(4, 4)};
  results.samples["ours"]["open"] = {Took(1, 1)};

  const std::vector<PairedRatio> ratios =
      ComparePaired(results, "ours", "baseline");
  ASSERT_EQ(ratios.size(), 2u) << "the baseline did not run `open`";
  EXPECT_EQ(ratios[0].workload, "fillseq");
  EXPECT_DOUBLE_EQ(ratios[0].rate.least, 1);
  EXPECT_DOUBLE_EQ(ratios[0].rate.most, 1);
  EXPECT_FALSE(ratios[0].loses);
  EXPECT_DOUBLE_EQ(ratios[1].rate.median, 1);
  EXPECT_DOUBLE_EQ(ratios[1].cpu.median, 0.5);
  EXPECT_TRUE(ratios[1].loses);

  const std::string table = PairedTable(ratios, "baseline");
  EXPECT_NE(table.find("0.50 (0.50..0.50)     SLOWER"), std::string::npos)
      << table;
  EXPECT_EQ(table.find("SLOWER"), table.rfind("SLOWER")) << table;
  EXPECT_NE(table.find("baseline's CPU / ours"), std::string::npos) << table;
  EXPECT_NE(table.find("\n1 of 2 workloads clearly slower\n"),
            std::string::npos)
      << table;
}

}  // namespace
}  // namespace holdfast::bench
