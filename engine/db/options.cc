#include "holdfast/options.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "base/status_util.h"
#include "engine/format/table_layout.h"

namespace holdfast {
namespace {

constexpr uint64_t kKiB = uint64_t{1} << 10;
constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kGiB = uint64_t{1} << 30;
constexpr uint64_t kTiB = uint64_t{1} << 40;

absl::Status InRange(std::string_view name, uint64_t value, uint64_t smallest,
                     uint64_t largest) {
  if (value >= smallest && value <= largest) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("option ", name, " is ", value,
                                                 "; it must be from ", smallest,
                                                 " to ", largest));
}

// For int options: a negative value is out of any range, not a huge number.
absl::Status IntInRange(std::string_view name, int value, int smallest,
                        int largest) {
  if (value >= smallest && value <= largest) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("option ", name, " is ", value,
                                                 "; it must be from ", smallest,
                                                 " to ", largest));
}

}  // namespace

std::string_view CompressionName(Compression compression) {
  switch (compression) {
    case Compression::kNone:
      return "none";
    case Compression::kLz4:
      return "lz4";
    case Compression::kZstd:
      return "zstd";
  }
  return "unknown";
}

absl::Status ValidateOptions(const Options& options) {
  const Options& o = options;
  HF_RETURN_IF_ERROR(
      InRange("memtable_bytes", o.memtable_bytes, 64 * kKiB, 4 * kGiB));
  HF_RETURN_IF_ERROR(IntInRange("max_memtables", o.max_memtables, 2, 16));
  HF_RETURN_IF_ERROR(InRange("block_bytes", o.block_bytes, 256, 4 * kMiB));
  HF_RETURN_IF_ERROR(IntInRange("block_restart_interval",
                                o.block_restart_interval, 1,
                                kMaxRestartInterval));
  HF_RETURN_IF_ERROR(
      InRange("block_cache_bytes", o.block_cache_bytes, 0, kTiB));
  if (CompressionName(o.compression) == "unknown") {
    return absl::InvalidArgumentError(
        absl::StrCat("option compression is ", static_cast<int>(o.compression),
                     "; it must be kNone, kLz4 or kZstd"));
  }
  HF_RETURN_IF_ERROR(
      IntInRange("bloom_bits_per_key", o.bloom_bits_per_key, 0, 32));
  HF_RETURN_IF_ERROR(
      IntInRange("background_threads", o.background_threads, 1, 64));
  HF_RETURN_IF_ERROR(
      IntInRange("max_open_tables", o.max_open_tables, 16, 1'000'000));
  HF_RETURN_IF_ERROR(
      InRange("table_bytes", o.table_bytes, 64 * kKiB, 4 * kGiB));
  HF_RETURN_IF_ERROR(IntInRange("level0_compaction_trigger",
                                o.level0_compaction_trigger, 1, 1000));
  HF_RETURN_IF_ERROR(IntInRange("level0_slowdown_trigger",
                                o.level0_slowdown_trigger,
                                o.level0_compaction_trigger, 1000));
  HF_RETURN_IF_ERROR(IntInRange("level0_stop_trigger", o.level0_stop_trigger,
                                o.level0_slowdown_trigger, 1000));
  HF_RETURN_IF_ERROR(InRange("level1_bytes", o.level1_bytes, 64 * kKiB, kTiB));
  HF_RETURN_IF_ERROR(
      IntInRange("level_size_multiplier", o.level_size_multiplier, 2, 100));
  HF_RETURN_IF_ERROR(
      InRange("manifest_roll_bytes", o.manifest_roll_bytes, 4 * kKiB, kGiB));
  return absl::OkStatus();
}

}  // namespace holdfast
