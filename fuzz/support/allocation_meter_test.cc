#include "fuzz/support/allocation_meter.h"

#include <cstddef>
#include <memory>
#include <string>

#include "gtest/gtest.h"

namespace holdfast {
namespace {

TEST(AllocationMeterTest, TellsThePeakAndNotTheSum) {
  // Volatile, or the compiler would do without the memory.
  volatile size_t bytes = 100'000;
  AllocationMeter meter;
  EXPECT_LT(meter.peak_bytes(), 1000u);
  for (int i = 0; i < 10; ++i) {
    const std::string held(bytes, 'x');
  }
  EXPECT_GE(meter.peak_bytes(), 100'000u);
  EXPECT_LT(meter.peak_bytes(), 200'000u);
}

TEST(AllocationMeterTest, BeginsAnewAndBearsWhatWasHeldBefore) {
  auto before = std::make_unique<std::string>(1'000'000, 'x');
  AllocationMeter meter;
  before.reset();
  const std::string small(1000, 'y');
  EXPECT_LT(meter.peak_bytes(), 10'000u);
}

}  // namespace
}  // namespace holdfast
