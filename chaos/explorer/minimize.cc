#include "chaos/explorer/minimize.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "chaos/explorer/crash_path.h"
#include "holdfast/testing/crash_explorer.h"
#include "holdfast/testing/persistence.h"
#include "holdfast/testing/sim_disk.h"

namespace holdfast {
namespace {

// Each try is a walk of the whole path. Enough for a hundred units.
constexpr int kMaxTries = 600;

constexpr size_t kFewLosses = 3;

class Minimizer {
 public:
  Minimizer(CrashProgram* program, const SimDisk& prepared,
            const ExploreOptions& options)
      : program_(*program), prepared_(prepared), options_(options) {}

  CrashPath Run(CrashPath path) {
    path = WithoutNeedlessCrashes(std::move(path));
    // The last crash first: it decides most, and changing it changes nothing
    // of what the others mean.
    for (size_t i = path.size(); i-- > 0;) path = SimplifyCrash(path, i);
    return path;
  }

 private:
  bool Fails(const CrashPath& path) {
    if (tries_++ >= kMaxTries) return false;
    return WalkPath(&program_, prepared_, options_, path, false).fails();
  }

  CrashPath WithoutNeedlessCrashes(CrashPath path) {
    for (size_t i = 0; i < path.size() && path.size() > 1;) {
      CrashPath shorter = path;
      shorter.erase(shorter.begin() + static_cast<ptrdiff_t>(i));
      if (Fails(shorter)) {
        path = std::move(shorter);
        i = 0;
      } else {
        ++i;
      }
    }
    return path;
  }

  CrashPath SimplifyCrash(const CrashPath& path, size_t step) {
    if (path[step].crash == kKill) return path;
    CrashPath killed = path;
    killed[step].crash = kKill;
    if (Fails(killed)) return killed;
    if (path[step].crash == kDrop) return path;

    const Walk walk = WalkPath(&program_, prepared_, options_, path, false);
    if (!walk.fits.ok()) return path;
    const std::vector<PendingUnit>& units = walk.crashes[step].units;
    const CrashChoice& found = walk.crashes[step].choice;
    CrashChoice lost = Toward(path, step, units, found, /*newest=*/true);
    CrashChoice kept = Toward(path, step, units, found, /*newest=*/false);
    // A reader thinks of what was lost, unless nearly everything was.
    const size_t losses = Deviations(lost, units, true);
    CrashPath result = path;
    result[step].crash =
        (losses <= kFewLosses || losses <= Deviations(kept, units, false)
             ? lost
             : kept)
            .Text(units);
    return result;
  }

  static uint16_t Target(const PendingUnit& unit, bool newest) {
    return newest ? static_cast<uint16_t>(unit.newest) : uint16_t{0};
  }

  static size_t Deviations(const CrashChoice& choice,
                           const std::vector<PendingUnit>& units, bool newest) {
    size_t count = 0;
    for (size_t i = 0; i < units.size(); ++i) {
      count += choice.picks[i] != Target(units[i], newest);
    }
    return count;
  }

  // Takes as many units as possible back to the newest, or to what was durable;
  // of those that must stay, makes plain losses of odd ones.
  CrashChoice Toward(const CrashPath& path, size_t step,
                     const std::vector<PendingUnit>& units, CrashChoice choice,
                     bool newest) {
    const auto fails_with = [&](const CrashChoice& tried) {
      if (!IsAllowed(tried, units, options_.profile)) return false;
      CrashPath changed = path;
      changed[step].crash = tried.Text(units);
      return Fails(changed);
    };
    for (size_t chunk = std::max<size_t>(units.size(), 1); chunk > 0;
         chunk /= 2) {
      bool again = true;
      while (again) {
        again = false;
        for (size_t from = 0; from < units.size(); from += chunk) {
          CrashChoice tried = choice;
          const size_t to = std::min(from + chunk, units.size());
          for (size_t i = from; i < to; ++i) {
            tried.picks[i] = Target(units[i], newest);
          }
          if (tried == choice || !fails_with(tried)) continue;
          choice = std::move(tried);
          again = chunk == 1;
        }
      }
    }
    for (size_t i = 0; i < units.size(); ++i) {
      if (choice.picks[i] == units[i].newest || choice.picks[i] == 0) continue;
      for (const uint16_t plain :
           {uint16_t{0}, static_cast<uint16_t>(units[i].newest)}) {
        CrashChoice tried = choice;
        tried.picks[i] = plain;
        if (!fails_with(tried)) continue;
        choice = std::move(tried);
        break;
      }
    }
    return choice;
  }

  CrashProgram& program_;
  const SimDisk& prepared_;
  const ExploreOptions& options_;
  int tries_ = 0;
};

}  // namespace

CrashPath MinimizePath(CrashProgram* program, const SimDisk& prepared,
                       const ExploreOptions& options, CrashPath path) {
  return Minimizer(program, prepared, options).Run(std::move(path));
}

}  // namespace holdfast
