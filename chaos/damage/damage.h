// Damages every file of small golden databases in every way there is, opens and
// reads each, and reports whatever is neither right nor reported as loss.
//
//   DamageReport report = RunDamage({});
//   EXPECT_TRUE(report.ok()) << report.Text();
//
// Promises D9 and D10 of docs/durability.md. Deterministic.

#ifndef HOLDFAST_CHAOS_DAMAGE_DAMAGE_H_
#define HOLDFAST_CHAOS_DAMAGE_DAMAGE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "chaos/damage/judge.h"
#include "chaos/damage/mutation.h"

namespace holdfast {

struct DamageOptions {
  // Names of golden databases; empty: all.
  std::vector<std::string> goldens;
  DamageTier tier;
  // Of all damages, those whose number leaves `shard` modulo `shards`.
  uint64_t shard = 0;
  uint64_t shards = 1;
  // "GOLDEN DAMAGE", as a failure prints it: that one alone.
  std::string replay;
  // One in so many damages is also opened again, and merged.
  uint64_t reopen_one_in = 8;
  uint64_t compact_one_in = 8;
  size_t max_failures = 10;
  // Ends early, and says so. 0: no limit.
  double max_seconds = 0;
  OpenFunction open;  // In place of DB::Open.
  // Called before each damage is tried, with its replay: what to print when the
  // process dies of it.
  std::function<void(const std::string& replay)> announce;
};

// Everything that a damage of a database may be tried with, and nothing else.
DamageOptions ThoroughDamage();

struct DamageFailure {
  std::string why;
  std::string replay;
};

struct DamageReport {
  uint64_t damages = 0;  // That changed something, and were judged.
  std::map<std::string, uint64_t> by_kind;
  std::map<std::string, uint64_t> by_golden;
  std::map<std::string, uint64_t> by_outcome;  // OutcomeName.
  // Durable writes lost without a proof, by kind of damage.
  std::map<std::string, uint64_t> unproven_by_kind;
  double seconds = 0;
  bool complete = true;
  std::vector<DamageFailure> failures;

  bool ok() const { return failures.empty() && damages > 0; }
  std::string Text() const;
};

DamageReport RunDamage(const DamageOptions& options);

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_DAMAGE_DAMAGE_H_
