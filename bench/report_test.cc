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

TEST(ReportTest, PageIsEscapedAndNeedsNothingElse) {
  const std::string page = HtmlPage(TwoEngines(), "A & B", {"about"});
  EXPECT_NE(page.find("<title>A &amp; B</title>"), std::string::npos);
  EXPECT_NE(page.find("1 &lt;2&gt;"), std::string::npos);
  EXPECT_NE(page.find("2.00 × the best peer"), std::string::npos);
  EXPECT_EQ(page.find("http"), std::string::npos);
}

}  // namespace
}  // namespace holdfast::bench
