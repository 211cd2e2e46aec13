// A disk that says that it synced and did not: each sync of a small workload,
// several in a row, or those of one kind of file are lost or lied about; then
// the power fails.
//
//   LostSyncReport report = RunLostSyncs({});
//   EXPECT_TRUE(report.ok()) << report.Text();
//
// Promise D11 of docs/durability.md. What is left must open as some prefix of
// the writes, without a hole, or be reported as kDataLoss with file and offset;
// and it must be reported when the bytes that are left prove that more had been
// durable. That durable writes are missing without a report is counted.

#ifndef HOLDFAST_CHAOS_DAMAGE_LOST_SYNC_H_
#define HOLDFAST_CHAOS_DAMAGE_LOST_SYNC_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "holdfast/testing/persistence.h"

namespace holdfast {

struct LostSyncOptions {
  // Names of golden databases, whose making is the workload; empty: small ones.
  std::vector<std::string> goldens;
  ChoiceBound bound = {.pairs_up_to_units = 0,
                       .all_up_to_combinations = 8,
                       .singles_up_to_units = 8,
                       .prefixes = 4,
                       .random_choices = 2};
  // One in so many crash points, beside the end of the workload.
  uint64_t crash_one_in = 5;
  size_t max_failures = 10;
};

struct LostSyncFailure {
  std::string why;
  std::string replay;  // Workload, syncs, crash and choice: for people.
};

struct LostSyncReport {
  uint64_t plans = 0;   // Workloads run, each with other syncs lost.
  uint64_t states = 0;  // Different disks after the crash.
  // "reported when opening", "reported when reading", "nothing durable is
  // missing", "durable writes are missing, unproven".
  std::map<std::string, uint64_t> by_outcome;
  // Those that had to be reported: a log proves that records are lost, or the
  // manifest in force, whole, names a table that is not what it was.
  uint64_t proven_by_log = 0;
  uint64_t proven_by_manifest = 0;
  double seconds = 0;
  std::vector<LostSyncFailure> failures;

  bool ok() const { return failures.empty() && states > 0; }
  std::string Text() const;
};

LostSyncReport RunLostSyncs(const LostSyncOptions& options);

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_DAMAGE_LOST_SYNC_H_
