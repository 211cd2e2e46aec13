#include "bench/report.h"

#include <string>
#include <vector>

#include "bench/engine.h"
#include "bench/measure.h"
#include "bench/rounds.h"
#include "gtest/gtest.h"

namespace holdfast::bench {
namespace {

Sample Rate(double rate) {
  Sample sample;
  sample.operations = 1000;
  sample.seconds = 1000 / rate;
  return sample;
}

Results TwoEngines() {
  Results results;
  results.kinds = {{"ours", "1 <2>", true, nullptr},
                   {"theirs", "3", true, nullptr}};
  results.workloads = {"fillseq", "readseq"};
  results.samples["ours"]["fillseq"] = {Rate(100), Rate(300), Rate(200)};
  results.samples["theirs"]["fillseq"] = {Rate(100), Rate(100), Rate(900)};
  results.samples["ours"]["readseq"] = {Rate(50'000)};
  return results;
}

TEST(ReportTest, SpreadIsOfTheMiddle) {
  EXPECT_EQ(SpreadOf({3, 1, 2}).median, 2);
  EXPECT_EQ(SpreadOf({1, 2, 3, 10}).median, 2.5);
  EXPECT_EQ(SpreadOf({4, 2}).least, 2);
  EXPECT_EQ(SpreadOf({4, 2}).most, 4);
}

TEST(ReportTest, RatioIsOfMediansToTheBestPeer) {
  EXPECT_DOUBLE_EQ(RatioToBest(TwoEngines(), "fillseq", {"theirs"}), 2.0);
  EXPECT_EQ(RatioToBest(TwoEngines(), "readseq", {"theirs"}), 0)
      << "no peer ran it";
}

TEST(ReportTest, TableShowsWhatIsMissing) {
  EXPECT_EQ(TextTable(TwoEngines()),
            "operations per second         ours"
            "                      theirs                     /theirs\n"
            "fillseq                        200 (100..300)"
            "              100 (100..900)             2.00\n"
            "readseq                        50k (50k..50k)"
            "                -                           -\n");
}

TEST(ReportTest, TableSaysWhetherWhatIsWantedIsReached) {
  Results results = TwoEngines();
  results.kinds[0].name = kHoldfastName;
  results.samples["holdfast"] = results.samples["ours"];
  results.kinds[1].name = "rocksdb";
  results.samples["rocksdb"] = results.samples["theirs"];
  EXPECT_NE(TextTable(results).find("2.00      1.5 reached\n"),
            std::string::npos)
      << TextTable(results);
  results.samples["rocksdb"]["fillseq"] = {Rate(150)};
  EXPECT_NE(TextTable(results).find("1.33      1.5 missed\n"),
            std::string::npos)
      << TextTable(results);
}

TEST(ReportTest, NothingIsWantedOfAnotherEngine) {
  Results results = TwoEngines();
  results.kinds[0].name = "leveldb";
  results.samples["leveldb"] = results.samples["ours"];
  results.kinds[1].name = "rocksdb";
  results.samples["rocksdb"] = results.samples["theirs"];
  EXPECT_EQ(TextTable(results).find("wanted"), std::string::npos);
  EXPECT_EQ(TextTable(results).find("reached"), std::string::npos);
  EXPECT_EQ(HtmlPage(results, "", {}).find("reached"), std::string::npos);
}

TEST(ReportTest, LessCpuIsBetter) {
  Results results = TwoEngines();
  results.samples["ours"]["fillseq"][0].cpu_seconds = 0.002;
  results.samples["ours"]["fillseq"].resize(1);
  results.samples["theirs"]["fillseq"][0].cpu_seconds = 0.006;
  results.samples["theirs"]["fillseq"].resize(1);
  const std::string text = TextTable(results);
  const size_t cpu = text.find("\nCPU µs per operation");
  ASSERT_NE(cpu, std::string::npos) << text;
  EXPECT_NE(text.find("3.00\n", cpu), std::string::npos) << text;
}

TEST(ReportTest, WhatIsNoPeerIsNotComparedWith) {
  Results results = TwoEngines();
  results.kinds.push_back({"device", "", false, nullptr, {"fillseq"}});
  results.kinds.push_back({std::string(kBaselineName), "", true, nullptr});
  results.samples["device"]["fillseq"] = {Rate(1e6)};
  results.samples["baseline"]["fillseq"] = {Rate(1e6)};
  EXPECT_EQ(TextTable(results).find("/device"), std::string::npos);
  EXPECT_EQ(TextTable(results).find("/baseline"), std::string::npos);
  EXPECT_NE(HtmlPage(results, "", {}).find("2.00 × the best peer"),
            std::string::npos);
}

TEST(ReportTest, PageIsEscapedAndNeedsNothingElse) {
  const std::string page = HtmlPage(TwoEngines(), "A & B", {"about"});
  EXPECT_NE(page.find("<title>A &amp; B</title>"), std::string::npos);
  EXPECT_NE(page.find("1 &lt;2&gt;"), std::string::npos);
  EXPECT_NE(page.find("2.00 × the best peer"), std::string::npos);
  EXPECT_EQ(page.find("http"), std::string::npos);
}

}  // namespace
}  // namespace holdfast::bench
