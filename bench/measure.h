// What a stretch of work cost: time of each operation, CPU, bytes written to
// the device, memory and space.

#ifndef HOLDFAST_BENCH_MEASURE_H_
#define HOLDFAST_BENCH_MEASURE_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace holdfast::bench {

// Times in buckets of 3 % width: fixed memory, however many operations. Not
// thread-safe; Merge those of several threads.
class Latencies {
 public:
  void Add(uint64_t nanos);
  void Merge(const Latencies& other);
  uint64_t count() const { return count_; }
  // The time that `share` of the operations stayed below, in microseconds; the
  // upper edge of its bucket.
  double PercentileMicros(double share) const;
  double max_micros() const { return static_cast<double>(max_) / 1e3; }
  // The time spent in operations that took longer than `nanos`, in seconds.
  double SecondsAbove(uint64_t nanos) const;

 private:
  static constexpr int kStepBits = 5;  // 32 buckets to each power of two.
  static size_t BucketOf(uint64_t nanos);
  static uint64_t UpperEdge(size_t bucket);

  std::array<uint64_t, 64 << kStepBits> counts_{};
  uint64_t count_ = 0;
  uint64_t max_ = 0;
};

// What is reported of one workload. All members are plain: it crosses a pipe.
struct Sample {
  uint64_t operations = 0;
  double seconds = 0;
  double cpu_seconds = 0;    // Of all threads.
  double written_bytes = 0;  // To the device or the page cache for it.
  double space_bytes = 0;    // Of the database's files, at the end.
  double peak_memory = 0;    // Resident in the process, in bytes.
  double user_bytes = 0;     // Keys and values handed in or out.
  double p50_micros = 0;     // 0 where single operations are not timed.
  double p99_micros = 0;
  double p999_micros = 0;
  double max_micros = 0;
  double stall_seconds = 0;  // In operations of over 50 ms.

  double rate() const {
    return seconds > 0 ? static_cast<double>(operations) / seconds : 0;
  }
};

// Begins with its construction.
class Stopwatch {
 public:
  explicit Stopwatch(std::string path);
  // Fills all but operations and user_bytes. `latencies` may be nullptr.
  Sample Stop(const Latencies* latencies) const;

 private:
  const std::string path_;
  const double cpu_;
  const double written_;
  const std::chrono::steady_clock::time_point start_;
};

// Bytes that the files under `path` take on the device.
double SpaceBytes(const std::string& path);

}  // namespace holdfast::bench

#endif  // HOLDFAST_BENCH_MEASURE_H_
