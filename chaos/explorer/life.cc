#include "chaos/explorer/life.h"

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "base/checksum.h"
#include "chaos/explorer/call_sites.h"
#include "holdfast/testing/crash_explorer.h"
#include "holdfast/testing/file_call.h"
#include "holdfast/testing/sim_file_system.h"

namespace holdfast {
namespace {

// Sits in the hooks of a SimFileSystem.
class LifeWatcher {
 public:
  LifeWatcher(SimEnv* env, CrashRun* run, const LifeWatch& watch, Life* life)
      : env_(*env), run_(*run), watch_(watch), life_(*life) {
    marks_seen_ = run->marks().size();
    stack_depth_ = watch.sites != nullptr ? CallSites::StackDepth() : 0;
    env->fs().before = [this](const FileCall& call) {
      Before(call);
      return absl::OkStatus();
    };
    if (watch.events) {
      env->fs().after = [this](const FileCall&) {
        if (!life_.events.empty()) life_.events.back().done = true;
      };
    }
  }

  void End(int number) {
    const char* name = number == 0 ? "end of Run" : "end of Recover";
    NoteMarks();
    NotePoint(watch_.sites != nullptr ? watch_.sites->FindEnd(name) : 0);
    env_.fs().before = nullptr;
    env_.fs().after = nullptr;
  }

 private:
  void Before(const FileCall& call) {
    const bool changes = Changes(call.op);
    if (changes) {
      NotePoint(watch_.sites != nullptr ? watch_.sites->Find(call, stack_depth_)
                                        : 0);
      ++life_.calls;
    }
    if (watch_.events) {
      NoteMarks();
      life_.events.push_back(
          {.call = call, .number = changes ? life_.calls : 0});
    }
  }

  void NotePoint(SiteId site) {
    if (watch_.sites == nullptr && !watch_.points &&
        watch_.only != life_.calls) {
      return;
    }
    life_.points.push_back({.calls = life_.calls,
                            .marks = run_.marks().size(),
                            .disk = env_.fs().disk(),
                            .site = site});
  }

  void NoteMarks() {
    if (!watch_.events) return;
    for (; marks_seen_ < run_.marks().size(); ++marks_seen_) {
      life_.events.push_back(
          {.done = true, .mark = run_.marks()[marks_seen_].text});
    }
  }

  SimEnv& env_;
  CrashRun& run_;
  const LifeWatch& watch_;
  Life& life_;
  size_t marks_seen_ = 0;
  int stack_depth_ = 0;
};

}  // namespace

Life Live(CrashProgram* program, const LifeStart& start,
          const ExploreOptions& options, const LifeWatch& watch) {
  Life life;
  SimEnv env(start.disk, options.executor_seed);
  // No two lives of a chain draw the same identities.
  env.fs().set_unique_id(MixContext(static_cast<uint64_t>(start.number), 0));
  CrashRun run(&env, start.marks, start.power_lost, start.marks_before_loss);
  const bool watching = watch.sites != nullptr || watch.points ||
                        watch.only.has_value() || watch.events;
  if (!watching) {
    life.status = start.number == 0 ? program->Run(run) : program->Recover(run);
    return life;
  }
  LifeWatcher watcher(&env, &run, watch, &life);
  life.status = start.number == 0 ? program->Run(run) : program->Recover(run);
  watcher.End(start.number);
  life.marks = run.marks();
  return life;
}

}  // namespace holdfast
