// The counters behind DB::Stats.
//
// Thread-safe: each is a relaxed atomic, exact on its own; two read together
// may be of different moments.

#ifndef HOLDFAST_ENGINE_DB_COUNTERS_H_
#define HOLDFAST_ENGINE_DB_COUNTERS_H_

#include <atomic>
#include <cstdint>

namespace holdfast {

class Counter {
 public:
  void Add(uint64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  // Where nobody else adds at the same time.
  void AddAlone(uint64_t n) {
    value_.store(value() + n, std::memory_order_relaxed);
  }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Meanings: include/holdfast/metrics.h.
struct Counters {
  // Writers. Added to by the owner of the commit pipeline alone.
  alignas(64) Counter writes;
  Counter write_keys;
  Counter write_bytes;
  Counter wal_bytes;
  Counter wal_syncs;
  Counter stall_delays;
  Counter stall_stops;
  Counter stall_micros;
  // Readers.
  alignas(64) Counter reads;
  Counter filter_skips;
  // Background work.
  alignas(64) Counter flushes;
  Counter flush_bytes;
  Counter compactions;
  Counter moves;
  Counter compaction_read_bytes;
  Counter compaction_write_bytes;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_COUNTERS_H_
