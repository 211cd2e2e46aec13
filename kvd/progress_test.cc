#include "kvd/progress.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "holdfast/env/clock.h"
#include "kvd/output.h"

namespace holdfast::kvd {
namespace {

class ManualClock : public Clock {
 public:
  uint64_t NowMicros() override { return now_micros; }
  void SleepMicros(uint64_t micros) override { now_micros += micros; }

  uint64_t now_micros = 5'000'000;
};

class StringSink : public ByteSink {
 public:
  absl::Status Write(std::string_view bytes) override {
    written.append(bytes);
    return absl::OkStatus();
  }

  std::string written;
};

TEST(ProgressTest, ShowsBarRateAndTimeLeft) {
  EXPECT_EQ(RenderProgress("load", {.records = 80'000,
                                    .elapsed_micros = 500'000,
                                    .part = 47,
                                    .whole = 100}),
            "load [=========>          ]  47%  80,000 records  160,000/s  "
            "0.6 s left");
  EXPECT_EQ(RenderProgress("load", {.records = 2,
                                    .elapsed_micros = 1'000'000,
                                    .part = 200,
                                    .whole = 100}),
            "load [====================] 100%  2 records  2/s  0.0 s left");
}

TEST(ProgressTest, ShowsNoBarForAPipe) {
  EXPECT_EQ(
      RenderProgress("dump", {.records = 1'500, .elapsed_micros = 1'000'000}),
      "dump  1,500 records  1,500/s");
  EXPECT_EQ(RenderProgress("dump", {}), "dump  0 records");
}

TEST(ProgressTest, DrawsAtMostTenTimesASecondAndCleansUp) {
  ManualClock clock;
  StringSink sink;
  {
    Progress progress("load", /*visible=*/true, clock, sink);
    progress.Update(1, 0, 0);
    EXPECT_EQ(sink.written, "");
    clock.now_micros += 100'000;
    progress.Update(2, 0, 0);
    progress.Update(3, 0, 0);
    EXPECT_EQ(sink.written, "\r\x1b[Kload  2 records  20/s");
    EXPECT_EQ(progress.elapsed_micros(), 100'000u);
  }
  EXPECT_EQ(sink.written, "\r\x1b[Kload  2 records  20/s\r\x1b[K");
}

TEST(ProgressTest, WritesNothingWhenNotVisible) {
  ManualClock clock;
  StringSink sink;
  {
    Progress progress("load", /*visible=*/false, clock, sink);
    clock.now_micros += 1'000'000;
    progress.Update(1, 0, 0);
  }
  EXPECT_EQ(sink.written, "");
}

}  // namespace
}  // namespace holdfast::kvd
