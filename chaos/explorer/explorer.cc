// ExploreCrashes: which states there are, in what order they are visited, and
// what is not visited twice.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "base/checksum.h"
#include "base/status_util.h"
#include "chaos/explorer/abort_report.h"
#include "chaos/explorer/call_sites.h"
#include "chaos/explorer/crash_path.h"
#include "chaos/explorer/life.h"
#include "chaos/explorer/minimize.h"
#include "chaos/explorer/timeline.h"
#include "holdfast/testing/crash_explorer.h"
#include "holdfast/testing/persistence.h"
#include "holdfast/testing/sim_disk.h"

namespace holdfast {
namespace {

// A crash on the way to the state that is being visited; a list on the stack.
// Text is made of it only when something fails.
struct Step final : PathInProgress {
  const Step* parent = nullptr;
  uint64_t calls = 0;
  std::string_view word;  // kKill, kDrop; else:
  const CrashChoice* choice = nullptr;
  const std::vector<PendingUnit>* units = nullptr;
  uint64_t hash = 0;  // Of the path.
  bool power_lost = false;
  size_t marks_before_loss = 0;
  int depth = 0;

  CrashPath Path() const {
    CrashPath path = parent != nullptr ? parent->Path() : CrashPath();
    path.push_back({.calls = calls,
                    .crash = choice != nullptr ? choice->Text(*units)
                                               : std::string(word)});
    return path;
  }
  std::string Text() const override { return PathText(Path()); }
};

// States that every crash point may have, however few there may be in all.
constexpr uint64_t kLeastOfPoint = 4;

class Explorer {
 public:
  Explorer(CrashProgram* program, const ExploreOptions& options)
      : program_(*program),
        options_(options),
        started_(std::chrono::steady_clock::now()) {}

  CrashReport Run() {
    report_.profile = std::string(options_.profile.name);
    report_.bound = Bound();
    absl::StatusOr<SimDisk> prepared = PrepareDisk(&program_, options_);
    report_.broken = prepared.status();
    if (prepared.ok()) {
      prepared_ = *std::move(prepared);
      if (options_.replay.empty()) {
        Explore();
      } else {
        Replay();
      }
    }
    report_.seconds = Seconds();
    return std::move(report_);
  }

 private:
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                         started_)
        .count();
  }

  bool limited() const {
    return options_.max_states != 0 || options_.max_seconds != 0;
  }

  bool Enough() {
    if (stop_) return true;
    stop_ =
        report_.failures.size() >= std::max<size_t>(options_.max_failures, 1) ||
        (options_.max_states != 0 && report_.states >= options_.max_states) ||
        (options_.max_seconds != 0 && Seconds() >= options_.max_seconds);
    if (stop_) return true;
    // Each pass has its share, so that the last is not left without.
    const auto share = [&](auto most) {
      return most * static_cast<unsigned>(pass_) /
             static_cast<unsigned>(std::max(options_.depth, 1));
    };
    const bool pass_ends =
        (options_.max_states != 0 &&
         report_.states >= share(options_.max_states)) ||
        (options_.max_seconds != 0 && Seconds() >= share(options_.max_seconds));
    cut_ = cut_ || pass_ends;
    return pass_ends;
  }

  void Replay() {
    absl::StatusOr<CrashPath> path = ParsePath(options_.replay);
    if (!path.ok()) {
      report_.broken = path.status();
      return;
    }
    const Walk walk = WalkPath(&program_, prepared_, options_, *path, true);
    if (!walk.fits.ok()) {
      report_.broken = walk.fits;
      return;
    }
    report_.calls = walk.lives.front().calls;
    report_.states = 1;
    report_.states_by_depth = {1};
    report_.crash_points = path->size();
    report_.timeline = Timeline(*path, walk);
    if (walk.fails()) {
      report_.failing_states = 1;
      report_.failures.push_back(FailureOf(*path, walk));
    }
  }

  void Explore() {
    const Life first =
        Live(&program_, {.disk = prepared_}, options_, {.sites = &sites_});
    report_.calls = first.calls;
    report_.broken = Annotate(first.status, "Run failed");
    if (!first.status.ok()) {
      const Walk walk = WalkPath(&program_, prepared_, options_, {}, true);
      report_.timeline = Timeline({}, walk);
      return;
    }
    const int depth = std::max(options_.depth, 1);
    report_.states_by_depth.assign(static_cast<size_t>(depth), 0);
    // Each pass crashes once more in a row than the one before, so that what is
    // found first takes the fewest crashes. The states of earlier passes are
    // recovered again to crash them; there are few of them beside the new ones.
    const std::vector<const CrashPoint*> order = Order(first.points);
    for (pass_ = 1; pass_ <= depth && !stop_; ++pass_) {
      for (const CrashPoint* point : order) {
        if (Enough()) break;
        VisitPoint(*point, first.marks, nullptr, options_.bound);
      }
    }
    report_.complete = !stop_ && !cut_;
    report_.sites = sites_.size();
    for (const auto& [site, states] : states_by_site_) {
      report_.states_by_site[sites_.Name(site)] += states;
    }
  }

  // As they came; or, when there may be no time for all, by turns of the sites,
  // of each the last one first: what a fault leads to comes late, and what
  // comes before it is like any other run.
  std::vector<const CrashPoint*> Order(const std::vector<CrashPoint>& points) {
    std::vector<const CrashPoint*> order;
    if (!limited()) {
      for (const CrashPoint& point : points) order.push_back(&point);
      return order;
    }
    std::vector<std::pair<size_t, size_t>> turns;  // Turn, steps from the end.
    absl::flat_hash_map<SiteId, size_t> seen;
    for (size_t back = 1; back <= points.size(); ++back) {
      turns.emplace_back(seen[points[points.size() - back].site]++, back);
    }
    std::sort(turns.begin(), turns.end());
    if (options_.max_states != 0) {
      most_of_point_ = std::max<uint64_t>(
          kLeastOfPoint, options_.max_states / (2 * seen.size() + 1));
    }
    for (const auto& [turn, back] : turns) {
      order.push_back(&points[points.size() - back]);
    }
    return order;
  }

  // Whether points of this depth are met for the first time: earlier passes
  // went less deep.
  bool IsNew(int depth) const { return depth == pass_; }

  void VisitPoint(const CrashPoint& point, const std::vector<CrashMark>& marks,
                  const Step* parent, const ChoiceBound& bound) {
    const absl::Span<const CrashMark> made =
        absl::MakeConstSpan(marks).first(point.marks);
    Step step;
    step.parent = parent;
    step.calls = point.calls;
    step.depth = parent != nullptr ? parent->depth + 1 : 1;
    if (IsNew(step.depth)) ++report_.crash_points;
    const uint64_t before =
        MixContext(parent != nullptr ? parent->hash : 0, point.calls);
    const uint64_t marks_key = program_.StateKey(made);

    step.power_lost = true;
    step.marks_before_loss = made.size();
    const std::vector<PendingUnit> units = point.disk.Pending();
    step.units = &units;
    uint64_t number = 0;
    const uint64_t states_before = report_.states;
    for (const CrashChoice& choice :
         EnumerateChoices(units, options_.profile, bound,
                          MixContext(options_.seed, before))) {
      if (Enough()) return;
      if (step.depth == 1 && report_.states - states_before >= most_of_point_) {
        cut_ = true;
        break;
      }
      step.choice = &choice;
      step.hash = MixContext(before, ++number);
      SimDisk left = point.disk.Crash(units, choice);
      const uint64_t key = MixContext(left.Hash(), marks_key);
      Visit(step, point.site, std::move(left), made, key);
    }
    step.choice = nullptr;

    // The cache and the disk differ for good when a sync failed or lied.
    if (std::any_of(units.begin(), units.end(),
                    [](const PendingUnit& unit) { return !unit.dirty; })) {
      step.word = kDrop;
      step.hash = MixContext(before, HashKey(kDrop));
      Visit(step, point.site, point.disk.DropCache(), made, step.hash);
    }

    // Killed processes leave what the next life sees *and* what is pending, so
    // no two of them are taken for the same.
    step.power_lost = parent != nullptr && parent->power_lost;
    step.marks_before_loss = parent != nullptr ? parent->marks_before_loss : 0;
    step.word = kKill;
    step.hash = MixContext(before, HashKey(kKill));
    Visit(step, point.site, KillProcess(point.disk), made, step.hash);
  }

  uint64_t NestOneIn(int depth) const {
    const size_t at = static_cast<size_t>(depth) - 1;
    return at < options_.nest_one_in.size() ? options_.nest_one_in[at] : 1;
  }

  // How many more crashes the recovery from a state is given in this pass.
  int Nest(const Step& step, SiteId site, uint64_t key) {
    const int more = pass_ - step.depth;
    if (more <= 0) return 0;
    const uint64_t one_in = NestOneIn(step.depth);
    if (one_in <= 1) return more;
    // The first state of each site, and then by chance.
    // Of each site the first that lost power, and the first that did not: what
    // a killed process wrote is still pending then.
    const int turn = 2 * step.depth + (step.choice == nullptr ? 1 : 0);
    const uint64_t first =
        first_of_site_.try_emplace({turn, site}, key).first->second;
    return first == key || MixContext(options_.seed, key) % one_in == 0 ? more
                                                                        : 0;
  }

  void Visit(const Step& step, SiteId site, SimDisk disk,
             absl::Span<const CrashMark> marks, uint64_t key) {
    if (Enough()) return;
    const int nest = Nest(step, site, key);
    const auto [it, is_new] = nested_.try_emplace(key, nest);
    if (!is_new) {
      if (IsNew(step.depth)) ++report_.duplicates;
      // Known, but perhaps its recovery was not crashed as often as is due.
      if (it->second >= nest) return;
      it->second = nest;
    }
    const Life life = [&] {
      const ScopedPathInProgress in_progress(&step);
      return Live(&program_,
                  {.disk = std::move(disk),
                   .marks = {marks.begin(), marks.end()},
                   .power_lost = step.power_lost,
                   .marks_before_loss = step.marks_before_loss,
                   .number = step.depth},
                  options_, {.sites = nest > 0 ? &sites_ : nullptr});
    }();
    if (is_new) {
      ++report_.states;
      ++report_.states_by_depth[static_cast<size_t>(step.depth) - 1];
      ++states_by_site_[site];
      if (!life.status.ok()) {
        ++report_.failing_states;
        Fail(step, site, life.status);
      }
    }
    if (!life.status.ok() || nest == 0) return;
    for (const CrashPoint& point : life.points) {
      if (Enough()) return;
      VisitPoint(point, life.marks, &step, options_.nested_bound);
    }
  }

  void Fail(const Step& step, SiteId site, const absl::Status& why) {
    // One of a kind is enough.
    if (!failed_.insert({site, why.ToString()}).second) return;
    const CrashPath found = step.Path();
    CrashPath path = found;
    Walk walk = WalkPath(&program_, prepared_, options_, path, true);
    if (walk.fails()) {
      path = MinimizePath(&program_, prepared_, options_, path);
      walk = WalkPath(&program_, prepared_, options_, path, true);
    }
    if (walk.fails()) {
      CrashFailure failure = FailureOf(path, walk);
      failure.site = sites_.Name(site);
      report_.failures.push_back(std::move(failure));
      return;
    }
    report_.failures.push_back(
        {.why = absl::StrCat(
             why.ToString(),
             " (but not when replayed: Run or Recover does not do the same "
             "each time, or the program object remembers)"),
         .replay = PathText(found),
         .site = sites_.Name(site)});
  }

  CrashFailure FailureOf(const CrashPath& path, const Walk& walk) const {
    return {.why = walk.verdict.ToString(),
            .replay = PathText(path),
            .timeline = Timeline(path, walk)};
  }

  std::string Bound() const {
    std::string bound = absl::StrCat(
        "  crashes between any two calls that change the disk and at the end;\n"
        "  inside of calls, since sectors, sizes and names are kept one by "
        "one;\n"
        "  as death of the process, and as loss of power under profile ",
        options_.profile.name, ":\n    ", options_.bound.Text());
    if (options_.depth > 1) {
      absl::StrAppend(&bound, "\n  ", options_.depth,
                      " crashes in a row; of recoveries are crashed ");
      std::vector<std::string> parts;
      for (int depth = 1; depth < options_.depth; ++depth) {
        const uint64_t one_in = NestOneIn(depth);
        parts.push_back(
            absl::StrCat(one_in <= 1 ? "each" : absl::StrCat("one in ", one_in),
                         " at depth ", depth));
      }
      absl::StrAppend(&bound, absl::StrJoin(parts, ", "), ":\n    ",
                      options_.nested_bound.Text());
    }
    return bound;
  }

  CrashProgram& program_;
  const ExploreOptions& options_;
  const std::chrono::steady_clock::time_point started_;

  CrashReport report_;
  SimDisk prepared_;
  CallSites sites_;
  int pass_ = 1;  // Crashes in a row in this pass.
  bool stop_ = false;
  bool cut_ = false;  // A pass or a crash point used up its share.
  uint64_t most_of_point_ = UINT64_MAX;
  // State to how many crashes in a row its recovery was given.
  absl::flat_hash_map<uint64_t, int> nested_;
  absl::flat_hash_map<std::pair<int, SiteId>, uint64_t> first_of_site_;
  absl::flat_hash_map<SiteId, uint64_t> states_by_site_;
  absl::flat_hash_set<std::pair<SiteId, std::string>> failed_;
};

}  // namespace

CrashReport ExploreCrashes(CrashProgram* program,
                           const ExploreOptions& options) {
  return Explorer(program, options).Run();
}

}  // namespace holdfast
