#include "chaos/damage/lost_sync.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/check.h"
#include "chaos/damage/golden.h"
#include "chaos/damage/judge.h"
#include "chaos/damage/mutation.h"
#include "engine/format/log_frame.h"
#include "holdfast/db.h"
#include "holdfast/iterator.h"
#include "holdfast/testing/file_call.h"
#include "holdfast/testing/sim_disk.h"
#include "holdfast/testing/sim_file_system.h"

namespace holdfast {
namespace {

double Seconds() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

bool IsSync(const FileCall& call) {
  return call.op == FileOp::kSync || call.op == FileOp::kSyncDirectory;
}

// Which syncs go wrong, and how.
struct Plan {
  std::string text;
  SyncOutcome outcome = SyncOutcome::kLies;
  std::function<bool(uint64_t number, const FileCall& call)> hits;
};

std::vector<Plan> PlansFor(uint64_t syncs) {
  std::vector<Plan> plans;
  for (const SyncOutcome outcome : {SyncOutcome::kLies, SyncOutcome::kLost}) {
    const std::string name(SyncOutcomeName(outcome));
    for (const uint64_t width :
         {uint64_t{1}, uint64_t{2}, uint64_t{4}, syncs}) {
      for (uint64_t first = 0; first < syncs; ++first) {
        plans.push_back({absl::StrCat(name, " syncs ", first, "+", width),
                         outcome, [=](uint64_t number, const FileCall&) {
                           return number >= first && number < first + width;
                         }});
      }
    }
    for (const char* kind : {".wal", ".sst", "MANIFEST", ".tmp"}) {
      plans.push_back({absl::StrCat(name, " syncs of ", kind), outcome,
                       [=](uint64_t, const FileCall& call) {
                         return absl::StrContains(call.path, kind);
                       }});
    }
    plans.push_back({absl::StrCat(name, " syncs of directories"), outcome,
                     [](uint64_t, const FileCall& call) {
                       return call.op == FileOp::kSyncDirectory;
                     }});
  }
  return plans;
}

// What the files of a crashed disk are, against those of the process.
ChangedFiles ChangesOf(const Golden& before, const SimDisk& after) {
  ChangedFiles changed;
  for (const auto& [name, content] : before.files) changed[name] = std::nullopt;
  for (auto& [path, content] : after.Files()) {
    const std::string name = path.substr(path.find_last_of('/') + 1);
    if (name == "LOCK") continue;
    const auto it = before.files.find(name);
    if (it != before.files.end() && it->second == content) {
      changed.erase(name);
    } else {
      changed[name] = content;
    }
  }
  return changed;
}

class Run {
 public:
  explicit Run(const LostSyncOptions& options) : options_(options) {}

  LostSyncReport All() {
    const double begin = Seconds();
    std::vector<std::string> names = options_.goldens;
    if (names.empty()) {
      names = {"empty",      "log",      "log-synced",   "log-tail",
               "log-middle", "chain",    "chain-closed", "tables",
               "levels",     "manifest", "reopened"};
    }
    for (const std::string& name : names) RunGolden(name);
    report_.seconds = Seconds() - begin;
    return std::move(report_);
  }

 private:
  void RunGolden(const std::string& name) {
    uint64_t syncs = 0;
    GoldenOptions count;
    count.before = [&](SimFileSystem&, const FileCall& call) {
      if (IsSync(call)) ++syncs;
    };
    MakeGolden(name, count);
    seen_.clear();
    for (const Plan& plan : PlansFor(syncs)) {
      if (report_.failures.size() >= options_.max_failures) return;
      RunPlan(name, plan);
    }
  }

  void RunPlan(const std::string& name, const Plan& plan) {
    ++report_.plans;
    uint64_t number = 0;
    uint64_t calls = 0;
    bool bad = false;
    GoldenOptions making;
    making.before = [&](SimFileSystem& files, const FileCall& call) {
      if (!IsSync(call) || !plan.hits(number++, call)) return;
      files.ArmNextSync(plan.outcome);
      bad = true;
    };
    making.after = [&](const FileCall& call, const Golden& now) {
      if (bad && ++calls % options_.crash_one_in == 0) {
        Crash(
            now, /*at_end=*/false,
            absl::StrCat(name, ", ", plan.text, ", crash after ", call.Text()));
      }
    };
    const Golden done = MakeGolden(name, making);
    Crash(done, /*at_end=*/true,
          absl::StrCat(name, ", ", plan.text, ", crash at the end"));
  }

  void Crash(const Golden& now, bool at_end, const std::string& what) {
    const std::vector<PendingUnit> units = now.disk.Pending();
    for (const CrashChoice& choice : EnumerateChoices(
             units, now.disk.profile(), options_.bound, /*seed=*/1)) {
      const SimDisk after = now.disk.Crash(units, choice);
      // What is acknowledged belongs to the state.
      if (!seen_.insert({after.Hash(), now.durable_writes, at_end}).second) {
        continue;
      }
      ++report_.states;
      const std::string failure = Look(now, after, at_end);
      if (failure.empty()) continue;
      report_.failures.push_back(
          {failure, absl::StrCat(what, ", ", choice.Text(units))});
      if (report_.failures.size() >= options_.max_failures) return;
    }
  }

  // RETURNS what is wrong; empty when nothing is.
  std::string Look(const Golden& now, const SimDisk& after, bool at_end) {
    const ChangedFiles changed = ChangesOf(now, after);
    const bool by_log = at_end && ALogProvesLoss(now, changed);
    const bool by_manifest = at_end && TheManifestProvesLoss(now, changed);
    if (by_log) ++report_.proven_by_log;
    if (by_manifest) ++report_.proven_by_manifest;
    SimEnv env(after);
    env.fs().set_unique_id(0x2f4a7c15d9e01b38);
    Options options = now.options;
    options.env = &env;
    absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(options, kGoldenDir);
    if (!db.ok()) {
      if (absl::IsNotFound(db.status()) && NothingIsThere(after)) {
        return Count(now, 0, /*reading=*/absl::OkStatus());
      }
      ++report_.by_outcome["reported when opening"];
      return IsLoss(db.status());
    }
    if (by_log) return "a log proves that records are lost, but it opened";
    return Read(now, by_manifest, **db);
  }

  // Of logs alone: what a manifest that lost its end needs is another question.
  static bool ALogProvesLoss(const Golden& now, const ChangedFiles& changed) {
    for (const auto& [name, content] : changed) {
      if (now.files.count(name) == 0 || !absl::EndsWith(name, ".wal")) {
        return false;
      }
    }
    return ExpectedOf(now, changed).loss;
  }

  // At the end of a workload every table that is there is one that the manifest
  // names.
  static bool TheManifestProvesLoss(const Golden& now,
                                    const ChangedFiles& changed) {
    bool table = false;
    for (const auto& [name, content] : changed) {
      if (now.files.count(name) == 0) continue;  // It was removed before.
      if (absl::EndsWith(name, ".sst")) {
        table = true;
      } else if (!absl::EndsWith(name, ".wal")) {
        return false;
      }
    }
    return table;
  }

  // No CURRENT, no table, no record: a database whose making was cut short.
  static bool NothingIsThere(const SimDisk& disk) {
    for (const auto& [path, content] : disk.Files()) {
      if (absl::EndsWith(path, "/CURRENT") || absl::EndsWith(path, ".sst") ||
          (absl::EndsWith(path, ".wal") &&
           content.size() > kLogHeaderFrameBytes)) {
        return false;
      }
    }
    return true;
  }

  static std::string IsLoss(const absl::Status& status) {
    if (absl::IsDataLoss(status) && PlaceOfLoss(status).has_value()) return "";
    return absl::StrCat("expected kDataLoss with file and offset: ",
                        status.ToString());
  }

  // All that can be read must be what one prefix of the writes had made.
  std::string Read(const Golden& now, bool table_is_lost, DB& db) {
    std::set<size_t> prefixes;
    for (size_t n = 0; n < now.states.size(); ++n) prefixes.insert(n);
    absl::Status reading;
    const auto keep = [&](const std::string& key,
                          const std::optional<std::string>& value) {
      for (auto it = prefixes.begin(); it != prefixes.end();) {
        const GoldenContents& state = now.states[*it];
        const auto entry = state.find(key);
        const bool same =
            entry == state.end() ? !value.has_value() : value == entry->second;
        it = same ? std::next(it) : prefixes.erase(it);
      }
    };
    for (const std::string& key : now.Keys()) {
      const absl::StatusOr<std::string> value = db.Get({}, key);
      if (value.ok()) {
        keep(key, *value);
      } else if (absl::IsNotFound(value.status())) {
        keep(key, std::nullopt);
      } else {
        reading = value.status();
      }
    }
    GoldenContents found;
    const std::unique_ptr<Iterator> it = db.NewIterator({});
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      found[std::string(it->key())] = std::string(it->value());
    }
    if (!it->status().ok()) reading = it->status();
    if (table_is_lost && reading.ok()) return "a lost table is not missed";
    if (prefixes.empty()) return "what is there is no prefix of the writes";
    // The last: writes that changed nothing make states that look alike.
    const size_t writes = *prefixes.rbegin();
    if (it->status().ok() && found != now.states[writes]) {
      return "an iterator shows something else than Get";
    }
    return Count(now, writes, reading);
  }

  std::string Count(const Golden& now, size_t writes,
                    const absl::Status& reading) {
    if (!reading.ok()) {
      ++report_.by_outcome["reported when reading"];
      return IsLoss(reading);
    }
    ++report_.by_outcome[writes >= now.durable_writes
                             ? "nothing durable is missing"
                             : "durable writes are missing, unproven"];
    return "";
  }

  const LostSyncOptions& options_;
  LostSyncReport report_;
  std::set<std::tuple<uint64_t, size_t, bool>> seen_;
};

}  // namespace

std::string LostSyncReport::Text() const {
  std::string text;
  for (const LostSyncFailure& failure : failures) {
    absl::StrAppend(&text, "FAILED: ", failure.why, "\n  ", failure.replay,
                    "\n");
  }
  absl::StrAppend(&text, plans, " workloads with bad syncs, ", states,
                  " states in ", absl::StrFormat("%.1f", seconds), " s, ",
                  proven_by_log, " in which a log proves a loss, ",
                  proven_by_manifest, " in which the manifest does\n");
  for (const auto& [outcome, count] : by_outcome) {
    absl::StrAppend(&text, absl::StrFormat("  %9d  %s\n", count, outcome));
  }
  return text;
}

LostSyncReport RunLostSyncs(const LostSyncOptions& options) {
  return Run(options).All();
}

}  // namespace holdfast
