#include "chaos/explorer/crash_wish.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/random.h"
#include "base/status_util.h"
#include "chaos/explorer/abort_report.h"
#include "chaos/explorer/crash_path.h"
#include "chaos/explorer/life.h"
#include "holdfast/testing/crash_explorer.h"
#include "holdfast/testing/persistence.h"
#include "holdfast/testing/sim_disk.h"

namespace holdfast {
namespace {

using What = CrashWish::What;
using Kind = PendingUnit::Kind;
using Alternative = PendingUnit::Alternative;

// The newest version of the unit at `stamp`.
uint16_t AtStamp(const PendingUnit& unit, uint64_t stamp) {
  uint16_t pick = 0;
  for (size_t k = 1; k <= unit.newest; ++k) {
    if (unit.alternatives[k].stamp <= stamp) pick = static_cast<uint16_t>(k);
  }
  return pick;
}

// The stamp that comes `back` before the newest; 0 when there are fewer.
uint64_t StampBack(absl::Span<const PendingUnit> units, uint64_t back) {
  std::vector<uint64_t> stamps = {0};
  for (const PendingUnit& unit : units) {
    for (const Alternative& alternative : unit.alternatives) {
      stamps.push_back(alternative.stamp);
    }
  }
  std::sort(stamps.begin(), stamps.end());
  stamps.erase(std::unique(stamps.begin(), stamps.end()), stamps.end());
  return stamps[stamps.size() - 1 - std::min(back, stamps.size() - 1)];
}

// The alternative of that kind, the newest version when there is none; of
// tears, which there may be many of, the one that `amount` says.
uint16_t Special(const PendingUnit& unit, Alternative::What what,
                 uint64_t amount) {
  std::vector<uint16_t> found;
  for (size_t k = 0; k < unit.alternatives.size(); ++k) {
    if (unit.alternatives[k].what == what) {
      found.push_back(static_cast<uint16_t>(k));
    }
  }
  if (found.empty()) return static_cast<uint16_t>(unit.newest);
  return found[amount % found.size()];
}

bool Keeps(What what, Kind kind) {
  switch (what) {
    case What::kNames:
      return kind == Kind::kName;
    case What::kContents:
      return kind != Kind::kName;
    case What::kSizes:
      return kind != Kind::kSector;
    case What::kNoSizes:
      return kind != Kind::kSize;
    default:
      return what != What::kNone;
  }
}

uint16_t Pick(const CrashWish& wish, const PendingUnit& unit, uint64_t stamp,
              Random* random) {
  switch (wish.what) {
    case What::kCut:
      return AtStamp(unit, stamp);
    case What::kZeros:
      return Special(unit, Alternative::What::kZeros, 0);
    case What::kGarbage:
      return Special(unit, Alternative::What::kGarbage, 0);
    case What::kStale:
      return Special(unit, Alternative::What::kStale, 0);
    case What::kTorn:
      return Special(unit, Alternative::What::kTorn, wish.amount);
    case What::kBoth:
      return Special(unit, Alternative::What::kBoth, 0);
    case What::kRandom:
      return static_cast<uint16_t>(random->Uniform(unit.alternatives.size()));
    default:
      return Keeps(wish.what, unit.kind) ? static_cast<uint16_t>(unit.newest)
                                         : uint16_t{0};
  }
}

// The path so far, for a process that dies of an assertion on it.
class PathSoFar final : public PathInProgress {
 public:
  explicit PathSoFar(const CrashPath* path) : path_(*path) {}
  std::string Text() const override { return PathText(path_); }

 private:
  const CrashPath& path_;
};

// Crashes `life`, which *start began; *start becomes the beginning of the next
// one. RETURNS the step that a path takes for it.
CrashStep Crash(const Life& life, const CrashWish& wish,
                const PersistenceProfile& profile, LifeStart* start) {
  const size_t points = life.points.size();
  const CrashPoint& point =
      life.points[points - 1 - static_cast<size_t>(wish.calls_back % points)];
  CrashStep step{.calls = point.calls, .crash = {}};
  if (wish.what == What::kKill) {
    step.crash = kKill;
    start->disk = KillProcess(point.disk);
  } else if (wish.what == What::kDrop) {
    step.crash = kDrop;
    start->disk = point.disk.DropCache();
  } else {
    const std::vector<PendingUnit> units = point.disk.Pending();
    const CrashChoice choice = ChoiceOf(wish, units, profile);
    step.crash = choice.Text(units);
    start->disk = point.disk.Crash(units, choice);
  }
  start->marks = {life.marks.begin(),
                  life.marks.begin() + static_cast<ptrdiff_t>(point.marks)};
  if (wish.what != What::kKill) {
    start->power_lost = true;
    start->marks_before_loss = start->marks.size();
  }
  ++start->number;
  return step;
}

}  // namespace

CrashChoice ChoiceOf(const CrashWish& wish, absl::Span<const PendingUnit> units,
                     const PersistenceProfile& profile) {
  const uint64_t stamp =
      wish.what == What::kCut ? StampBack(units, wish.amount) : 0;
  Random random(wish.amount);
  CrashChoice choice;
  choice.picks.reserve(units.size());
  for (const PendingUnit& unit : units) {
    choice.picks.push_back(Pick(wish, unit, stamp, &random));
  }
  for (const CrashWish::Exception& exception : wish.exceptions) {
    if (units.empty()) break;
    const size_t i =
        units.size() - 1 - static_cast<size_t>(exception.back % units.size());
    choice.picks[i] = static_cast<uint16_t>(exception.alternative %
                                            units[i].alternatives.size());
  }
  return NearestAllowed(std::move(choice), units, profile);
}

WishedWalk WalkWishes(CrashProgram* program, const ExploreOptions& options,
                      absl::Span<const CrashWish> wishes) {
  WishedWalk walk;
  absl::StatusOr<SimDisk> prepared = PrepareDisk(program, options);
  walk.broken = prepared.status();
  if (!prepared.ok()) return walk;
  LifeStart start{.disk = *std::move(prepared)};
  Life life = Live(program, start, options, {.points = true});
  walk.broken = Annotate(life.status, "Run failed");
  if (!life.status.ok()) return walk;
  const PathSoFar so_far(&walk.path);
  const ScopedPathInProgress in_progress(&so_far);
  for (size_t i = 0; i < wishes.size(); ++i) {
    walk.path.push_back(Crash(life, wishes[i], options.profile, &start));
    life = Live(program, start, options, {.points = i + 1 < wishes.size()});
    walk.verdict = life.status;
    if (!life.status.ok()) break;
  }
  return walk;
}

}  // namespace holdfast
