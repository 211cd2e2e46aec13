// What an open database tells about itself.

#ifndef HOLDFAST_METRICS_H_
#define HOLDFAST_METRICS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace holdfast {

enum class HealthState {
  kHealthy,   // Reads and writes work.
  kReadOnly,  // Reads work; writes fail with `cause` until Resume or reopening.
  kFailed,    // Damage was found in what background work must read; as
              // kReadOnly, but Resume cannot mend it.
  kClosed,
};

// "healthy", "read-only", "failed" or "closed".
const char* HealthStateName(HealthState state);

struct DbHealth {
  HealthState state = HealthState::kHealthy;
  absl::Status cause;  // OK when healthy.
};

struct LevelStats {
  int level = 0;
  uint64_t tables = 0;
  uint64_t bytes = 0;
  uint64_t entries = 0;  // Versions and tombstones included.
  uint64_t tombstones = 0;
};

// Counters are since the database was opened; the others are as of now.
struct DbStats {
  std::vector<LevelStats> levels;
  uint64_t last_sequence = 0;  // Number of the newest visible write.
  uint64_t memtables = 0;      // The active one included.
  uint64_t memtable_bytes = 0;
  // One a memtable, and the next one when that was made ahead.
  uint64_t wal_files = 0;
  uint64_t wal_bytes = 0;  // In the logs still needed.
  uint64_t snapshots = 0;
  uint64_t block_cache_bytes = 0;
  uint64_t open_tables = 0;

  uint64_t writes_total = 0;       // Batches.
  uint64_t write_keys_total = 0;   // Changes in them.
  uint64_t write_bytes_total = 0;  // Of keys and values.
  uint64_t wal_bytes_total = 0;    // Written to logs.
  uint64_t wal_syncs_total = 0;
  uint64_t reads_total = 0;  // Gets.
  uint64_t block_cache_hits_total = 0;
  uint64_t block_cache_misses_total = 0;
  uint64_t filter_skips_total = 0;  // Tables a filter let a Get skip.
  uint64_t flushes_total = 0;
  uint64_t flush_bytes_total = 0;
  uint64_t compactions_total = 0;
  uint64_t moves_total = 0;  // Compactions that only moved a table.
  uint64_t compaction_read_bytes_total = 0;
  uint64_t compaction_write_bytes_total = 0;
  uint64_t stall_delays_total = 0;  // Writes delayed to let work catch up.
  uint64_t stall_stops_total = 0;   // Writes that had to wait.
  uint64_t stall_micros_total = 0;
  std::string stall_reason;  // Why writes are slowed now; or empty.
};

}  // namespace holdfast

#endif  // HOLDFAST_METRICS_H_
