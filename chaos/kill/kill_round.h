// One round of killing: a database of its own, drawn from a seed; a life of the
// writer that is killed somewhere; then one that is killed at a named point, of
// writing or of recovery. After each kill the database is recovered and
// compared with what the writer had said.
//
//   KillRound round(settings, seed);
//   absl::Status status = round.Run();   // The error is the finding.
//   ... round.kills() ...
//
// Thread-compatible.

#ifndef HOLDFAST_CHAOS_KILL_KILL_ROUND_H_
#define HOLDFAST_CHAOS_KILL_KILL_ROUND_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/random.h"
#include "chaos/kill/kill_points.h"
#include "holdfast/options.h"
#include "tests/util/numbered_writes.h"

namespace holdfast::chaos {

struct KillSettings {
  std::string writer;                    // The program that is killed.
  std::vector<std::string> directories;  // One is drawn for each round.
};

class KillRound {
 public:
  KillRound(const KillSettings& settings, uint64_t seed);
  // Removes the database.
  ~KillRound();
  KillRound(const KillRound&) = delete;
  KillRound& operator=(const KillRound&) = delete;

  // RETURNS an error when a promise was broken. That the named point was not
  // reached is none.
  absl::Status Run();

  // How often the writer was killed, by where: the text of a point, or
  // "anywhere: by its parent", "anywhere: at a call".
  const std::map<std::string, uint64_t>& kills() const { return kills_; }
  uint64_t acknowledged() const { return acknowledged_total_; }
  // How often what was left was compared.
  uint64_t checks() const { return checks_; }

  // The named point of a seed: consecutive seeds take turns.
  static const KillPoint& PointOf(uint64_t seed);

 private:
  // One process of the writer.
  struct Life {
    int writes = 0;
    bool arm_before_open = false;
    std::string plan;
    int kill_after_acks = -1;  // The parent kills, when not negative.
  };
  enum class End { kKilled, kComplete };

  absl::StatusOr<End> Live(const Life& life);
  absl::Status TakeLine(std::string_view line);
  absl::Status LiveAndDieAnywhere();
  absl::StatusOr<bool> DieAt(const KillPoint& point, uint64_t number);
  absl::Status LiveToTheEnd();

  // Compares a copy of the database, so that the next process finds it as the
  // death of the last left it.
  absl::Status CheckCopy();
  absl::Status Check(const std::string& path, int* found);

  const KillSettings& settings_;
  const uint64_t seed_;
  Random random_;
  Options options_;
  NumberedWrites writes_;
  std::string base_;  // A directory of this round's own.
  std::string database_;
  int acknowledged_ = 0;  // The last write that must be there.
  int attempted_ = 0;     // The last that may be there.
  bool opened_ = false;   // By the process that runs or ran last.
  uint64_t checks_ = 0;
  uint64_t acknowledged_total_ = 0;
  std::map<std::string, uint64_t> kills_;
};

}  // namespace holdfast::chaos

#endif  // HOLDFAST_CHAOS_KILL_KILL_ROUND_H_
