#include "chaos/explorer/crash_path.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/checksum.h"
#include "base/status_util.h"
#include "chaos/explorer/life.h"
#include "holdfast/testing/crash_explorer.h"
#include "holdfast/testing/persistence.h"
#include "holdfast/testing/sim_disk.h"
#include "holdfast/testing/sim_file_system.h"

namespace holdfast {
namespace {

// Crashes the life that `start` begins as `step` says; *start becomes the
// beginning of the next one.
absl::Status WalkStep(CrashProgram* program, const ExploreOptions& options,
                      const CrashStep& step, bool details, LifeStart* start,
                      Walk* walk) {
  const std::string life_name = absl::StrCat("life ", start->number + 1);
  Life life =
      Live(program, *start, options, {.only = step.calls, .events = details});
  if (start->number == 0 && !life.status.ok()) {
    return Annotate(life.status, "Run failed");
  }
  if (life.points.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(life_name, " makes ", life.calls,
                     " calls that change the disk, not ", step.calls));
  }
  WalkedCrash crash{.point = life.points.front()};
  const SimDisk& disk = crash.point.disk;
  crash.units = disk.Pending(details);
  if (step.crash == kKill) {
    crash.left = KillProcess(disk);
  } else if (step.crash == kDrop) {
    crash.left = disk.DropCache();
  } else {
    absl::StatusOr<CrashChoice> choice =
        CrashChoice::Parse(step.crash, crash.units);
    if (!choice.ok()) return Annotate(choice.status(), life_name);
    crash.choice = *std::move(choice);
    crash.left = disk.Crash(crash.units, crash.choice);
  }
  start->disk = crash.left;
  start->marks = {life.marks.begin(), life.marks.begin() + crash.point.marks};
  if (step.crash != kKill) {
    start->power_lost = true;
    start->marks_before_loss = start->marks.size();
  }
  ++start->number;
  walk->lives.push_back(std::move(life));
  walk->crashes.push_back(std::move(crash));
  return absl::OkStatus();
}

}  // namespace

std::string PathText(const CrashPath& path) {
  std::string text;
  for (const CrashStep& step : path) {
    absl::StrAppend(&text, text.empty() ? "" : " ", step.calls, ":",
                    step.crash);
  }
  return text;
}

absl::StatusOr<CrashPath> ParsePath(std::string_view text) {
  CrashPath path;
  for (std::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const size_t colon = word.find(':');
    if (colon == std::string_view::npos) {
      if (path.empty()) {
        return absl::InvalidArgumentError(
            absl::StrCat("a path begins with CALLS:CRASH, not \"", word, "\""));
      }
      absl::StrAppend(&path.back().crash, " ", word);
      continue;
    }
    CrashStep step;
    step.crash = std::string(word.substr(colon + 1));
    if (!absl::SimpleAtoi(word.substr(0, colon), &step.calls) ||
        step.crash.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", word, "\" is not CALLS:CRASH"));
    }
    path.push_back(std::move(step));
  }
  if (path.empty()) return absl::InvalidArgumentError("the path is empty");
  return path;
}

absl::StatusOr<SimDisk> PrepareDisk(CrashProgram* program,
                                    const ExploreOptions& options) {
  SimEnv env(SimDisk(options.profile), options.executor_seed);
  env.fs().set_unique_id(MixContext(UINT64_MAX, 0));
  HF_RETURN_IF_ERROR(Annotate(program->Prepare(env), "Prepare failed"));
  SimDisk disk = KillProcess(env.fs().disk());
  disk.SyncAll();
  return disk;
}

SimDisk KillProcess(SimDisk disk) {
  disk.ReleaseAll();
  return disk;
}

Walk WalkPath(CrashProgram* program, const SimDisk& prepared,
              const ExploreOptions& options, const CrashPath& path,
              bool details) {
  Walk walk;
  LifeStart start{.disk = prepared};
  for (const CrashStep& step : path) {
    walk.fits = WalkStep(program, options, step, details, &start, &walk);
    if (!walk.fits.ok()) return walk;
  }
  Life last = Live(program, start, options, {.events = details});
  walk.verdict = last.status;
  walk.lives.push_back(std::move(last));
  return walk;
}

}  // namespace holdfast
