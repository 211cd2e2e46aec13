// How much memory a piece of code holds at most: a decoder must not allocate
// what a damaged length claims. Counts what the whole process allocates while
// the meter lives: with malloc under a sanitizer that intercepts it, else with
// operator new.
//
//   AllocationMeter meter;
//   Decode(input);
//   HF_CHECK(meter.peak_bytes() <= 64 * size + 4096);
//
// One at a time. Not thread-safe: other threads must not allocate meanwhile.

#ifndef HOLDFAST_FUZZ_SUPPORT_ALLOCATION_METER_H_
#define HOLDFAST_FUZZ_SUPPORT_ALLOCATION_METER_H_

#include <cstddef>

namespace holdfast {

class AllocationMeter {
 public:
  AllocationMeter();
  AllocationMeter(const AllocationMeter&) = delete;
  AllocationMeter& operator=(const AllocationMeter&) = delete;
  ~AllocationMeter();

  // The most that was held at any time since the meter began, without what was
  // held before.
  size_t peak_bytes() const;
};

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_SUPPORT_ALLOCATION_METER_H_
