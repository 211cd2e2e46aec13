#include "bench/measure.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

namespace holdfast::bench {
namespace {

constexpr uint64_t kStallNanos = 50'000'000;

double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Forgets the peak so far, where the system can.
void ResetPeakMemory() { std::ofstream("/proc/self/clear_refs") << "5"; }

double PeakMemory() {
  std::ifstream status("/proc/self/status");
  std::string word;
  double kilobytes = 0;
  while (status >> word) {
    if (word == "VmHWM:" && status >> kilobytes) return kilobytes * 1024;
  }
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024;
}

// 0 where the system does not tell.
double WrittenBytes() {
  std::ifstream io("/proc/self/io");
  std::string name;
  double value = 0;
  while (io >> name >> value) {
    if (name == "write_bytes:") return value;
  }
  return 0;
}

}  // namespace

size_t Latencies::BucketOf(uint64_t nanos) {
  const int bits = std::bit_width(nanos);
  if (bits <= kStepBits) return nanos;
  const int shift = bits - kStepBits - 1;
  return (static_cast<size_t>(shift + 1) << kStepBits) +
         ((nanos >> shift) & ((1u << kStepBits) - 1));
}

uint64_t Latencies::UpperEdge(size_t bucket) {
  const size_t step = bucket >> kStepBits;
  if (step == 0) return bucket;
  const uint64_t low =
      (uint64_t{1} << kStepBits) + (bucket & ((size_t{1} << kStepBits) - 1));
  return ((low + 1) << (step - 1)) - 1;
}

void Latencies::Add(uint64_t nanos) {
  ++counts_[BucketOf(nanos)];
  ++count_;
  max_ = std::max(max_, nanos);
}

void Latencies::Merge(const Latencies& other) {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

double Latencies::PercentileMicros(double share) const {
  const double wanted = share * static_cast<double>(count_);
  uint64_t seen = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen > 0 && static_cast<double>(seen) >= wanted) {
      return static_cast<double>(std::min(UpperEdge(i), max_)) / 1e3;
    }
  }
  return 0;
}

double Latencies::SecondsAbove(uint64_t nanos) const {
  double seconds = 0;
  for (size_t i = BucketOf(nanos) + 1; i < counts_.size(); ++i) {
    seconds += static_cast<double>(counts_[i]) *
               static_cast<double>(UpperEdge(i)) / 1e9;
  }
  return seconds;
}

double SpaceBytes(const std::string& path) {
  double bytes = 0;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(path, error)) {
    struct stat info;
    if (stat(entry.path().c_str(), &info) == 0 && S_ISREG(info.st_mode)) {
      bytes += static_cast<double>(info.st_blocks) * 512;
    }
  }
  return bytes;
}

Stopwatch::Stopwatch(std::string path)
    : path_(std::move(path)),
      cpu_(CpuSeconds()),
      written_(WrittenBytes()),
      start_((ResetPeakMemory(), std::chrono::steady_clock::now())) {}

Sample Stopwatch::Stop(const Latencies* latencies) const {
  Sample sample;
  sample.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start_)
          .count();
  sample.cpu_seconds = CpuSeconds() - cpu_;
  sample.written_bytes = WrittenBytes() - written_;
  sample.space_bytes = SpaceBytes(path_);
  sample.peak_memory = PeakMemory();
  if (latencies != nullptr && latencies->count() > 0) {
    sample.p50_micros = latencies->PercentileMicros(0.5);
    sample.p99_micros = latencies->PercentileMicros(0.99);
    sample.p999_micros = latencies->PercentileMicros(0.999);
    sample.max_micros = latencies->max_micros();
    sample.stall_seconds = latencies->SecondsAbove(kStallNanos);
  }
  return sample;
}

}  // namespace holdfast::bench
