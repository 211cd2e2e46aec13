#include "chaos/faults/fault_sweep.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/check.h"
#include "base/status_util.h"
#include "chaos/db/workload.h"
#include "chaos/db/workloads.h"
#include "chaos/explorer/abort_report.h"
#include "holdfast/testing/crash_explorer.h"
#include "holdfast/testing/fault_plan.h"
#include "holdfast/testing/file_call.h"

namespace holdfast {
namespace {

// A run takes milliseconds, also on a busy machine and with sanitizers.
constexpr unsigned kHangSeconds = 100;

// Ends the process when a run does not end.
class ScopedWatch {
 public:
  ScopedWatch() { alarm(kHangSeconds); }
  ~ScopedWatch() { alarm(0); }
  ScopedWatch(const ScopedWatch&) = delete;
  ScopedWatch& operator=(const ScopedWatch&) = delete;
};

struct NamedWorkload {
  std::string name;  // Or its text, in quotation marks.
  Workload workload;
};

bool HasFaultsOfItsOwn(const Workload& workload) {
  return std::any_of(
      workload.steps.begin(), workload.steps.end(),
      [](const WorkloadStep& step) { return step.verb == "fault"; });
}

absl::StatusOr<NamedWorkload> FindWorkload(std::string_view name) {
  const ReferenceWorkload* reference = FindReferenceWorkload(name);
  if (reference != nullptr) {
    return NamedWorkload{std::string(name), reference->Parsed()};
  }
  absl::ConsumePrefix(&name, "\"");
  absl::ConsumeSuffix(&name, "\"");
  HF_ASSIGN_OR_RETURN(Workload workload, Workload::Parse(name));
  return NamedWorkload{absl::StrCat("\"", name, "\""), std::move(workload)};
}

// What the process is doing, should it die of it.
class RunInProgress final : public PathInProgress {
 public:
  explicit RunInProgress(std::string_view text) : text_(text) {}
  std::string Text() const override { return std::string(text_); }

 private:
  const std::string_view text_;
};

// One workload under many plans.
class Sweep {
 public:
  Sweep(const FaultRunOptions& options, NamedWorkload named,
        FaultReport* report)
      : options_(options), named_(std::move(named)), report_(*report) {}

  void Run() {
    const WorkloadCalls traced = CallsOf(named_.workload);
    ++report_.workloads;
    report_.calls += traced.calls.size();
    std::array<uint64_t, kFileOps> made{};
    for (size_t i = 0; i < traced.calls.size() && !done(); ++i) {
      const FileCall& call = traced.calls[i];
      const uint64_t number = ++made[static_cast<size_t>(call.op)];
      TryCall(call, i + 1, number);
    }
    TrySpace(traced.most_bytes);
  }

  void Try(const FaultPlan& plan, Cure cure, std::string_view what) {
    const std::string replay =
        absl::StrCat(named_.name, " ", CureName(cure), " ", plan.Text());
    const RunInProgress in_progress(replay);
    const ScopedPathInProgress scope(&in_progress);
    const ScopedWatch watch;
    FaultRunResult result = RunWithFaults(named_.workload, plan, cure);
    ++report_.runs;
    report_.healings.by_itself += result.healings.by_itself;
    report_.healings.resumed += result.healings.resumed;
    report_.healings.reopened += result.healings.reopened;
    if (!result.fired.empty()) ++report_.fired[std::string(what)];
    // A disk may be large enough; any other fault is for a call that is made.
    if (result.finding.ok() && result.fired.empty() &&
        !plan.space_bytes.has_value()) {
      result.finding = absl::InternalError("the fault never struck");
    }
    if (result.finding.ok()) return;
    report_.failures.push_back({absl::StrCat(result.finding.message(),
                                             "\n  the fault: ", result.fired),
                                replay});
  }

 private:
  bool done() const { return report_.failures.size() >= options_.max_failures; }

  void TryCall(const FileCall& call, uint64_t of_all, uint64_t of_its_kind) {
    const std::string_view op = FileOpName(call.op);
    for (const std::string& effect : EffectsOn(call)) {
      TryPlan(absl::StrCat(op, " * @", of_its_kind, " ", effect),
              absl::StrCat(op, " ", effect.substr(0, effect.find(':'))));
    }
    // From this call on nothing works, or nothing of its kind.
    TryPlan(absl::StrCat("* * @", of_all, "+ eio"), "all eio");
    TryPlan(absl::StrCat("* * @", of_all, "+ enospc"), "all enospc");
    if (call.op == FileOp::kSync || call.op == FileOp::kSyncDirectory) {
      TryPlan(absl::StrCat(op, " * @", of_its_kind, "+ fails-keeps-new"),
              absl::StrCat(op, " all fails-keeps-new"));
    }
  }

  void TrySpace(uint64_t most_bytes) {
    if (options_.most_space_budgets == 0) return;
    const uint64_t step =
        std::max<uint64_t>(1, most_bytes / options_.most_space_budgets);
    for (uint64_t bytes = 0; bytes < most_bytes; bytes += step) {
      TryPlan(absl::StrCat("space ", bytes), "space");
    }
  }

  void TryPlan(std::string_view text, std::string_view what) {
    if (done()) return;
    const uint64_t number = plans_++;
    if (number % options_.one_in != 0) return;
    const absl::StatusOr<FaultPlan> plan = FaultPlan::Parse(text);
    HF_CHECK(plan.ok());
    if (options_.every_cure) {
      for (const Cure cure : kCures) Try(*plan, cure, what);
    } else {
      Try(*plan, kCures[tried_++ % std::size(kCures)], what);
    }
  }

  const FaultRunOptions& options_;
  const NamedWorkload named_;
  FaultReport& report_;
  uint64_t plans_ = 0;
  uint64_t tried_ = 0;
};

}  // namespace

void PrintFaultOnAbortAndHang() {
  PrintPathOnAbort();
  std::signal(SIGALRM, [](int) { std::abort(); });
}

std::vector<std::string> EffectsOn(const FileCall& call) {
  const std::string half = absl::StrCat(call.bytes / 2);
  switch (call.op) {
    case FileOp::kCreate:
      return {"eio", "enospc", "emfile", "done-eio"};
    case FileOp::kOpen:
    case FileOp::kList:
    case FileOp::kLock:
      return {"eio", "emfile"};
    case FileOp::kRead:
      return {"eio", absl::StrCat("short:", half)};
    case FileOp::kWrite:
      return {"eio", "enospc", "done-eio", absl::StrCat("short:", half),
              absl::StrCat("torn:", half)};
    case FileOp::kSync:
    case FileOp::kSyncDirectory:
      return {"eio",           "done-eio",   "fails-keeps-new",
              "fails-reverts", "fails-late", "lost"};
    case FileOp::kPrepareSpace:
      return {"eio", "enospc", "done-eio", absl::StrCat("short:", half)};
    case FileOp::kTruncate:
    case FileOp::kRename:
    case FileOp::kLink:
    case FileOp::kMakeDirectory:
      return {"eio", "enospc", "done-eio"};
    case FileOp::kClose:
    case FileOp::kRemove:
    case FileOp::kRemoveDirectory:
      return {"eio", "done-eio"};
    case FileOp::kStat:
    case FileOp::kUniqueId:
      return {"eio"};
  }
  return {};
}

std::vector<std::string_view> WorkloadsForFaults() {
  std::vector<std::string_view> names;
  for (const ReferenceWorkload& workload : ReferenceWorkloads()) {
    if (!HasFaultsOfItsOwn(workload.Parsed())) names.push_back(workload.name);
  }
  return names;
}

FaultReport RunFaults(const FaultRunOptions& options) {
  HF_CHECK(options.one_in > 0);
  FaultReport report;
  std::vector<std::string_view> names = {options.workload};
  if (options.workload.empty()) names = WorkloadsForFaults();
  for (const std::string_view name : names) {
    absl::StatusOr<NamedWorkload> named = FindWorkload(name);
    if (!named.ok()) {
      report.failures.push_back({named.status().ToString(), ""});
    } else {
      Sweep(options, *std::move(named), &report).Run();
    }
    if (report.failures.size() >= options.max_failures) break;
  }
  return report;
}

absl::StatusOr<FaultReport> ReplayFault(std::string_view replay) {
  const size_t name_end = absl::StartsWith(replay, "\"")
                              ? replay.find('"', 1) + 1
                              : replay.find(' ');
  HF_ASSIGN_OR_RETURN(NamedWorkload named,
                      FindWorkload(replay.substr(0, name_end)));
  const std::string_view rest = absl::StripLeadingAsciiWhitespace(
      replay.substr(std::min(name_end, replay.size())));
  const std::pair<std::string_view, std::string_view> words =
      absl::StrSplit(rest, absl::MaxSplits(' ', 1));
  const std::optional<Cure> cure = CureFromName(words.first);
  if (!cure.has_value()) {
    return absl::InvalidArgumentError(
        "a replay is WORKLOAD, then go-on, resume or reopen, then a plan");
  }
  HF_ASSIGN_OR_RETURN(const FaultPlan plan, FaultPlan::Parse(words.second));
  FaultReport report;
  report.workloads = 1;
  Sweep({}, std::move(named), &report).Try(plan, *cure, "replayed");
  return report;
}

std::string FaultReport::Text() const {
  std::string text =
      absl::StrCat(runs, " runs of ", workloads, " workloads with ", calls,
                   " calls; ", healings.resumed, " healed by Resume, ",
                   healings.reopened, " by reopening, ", healings.by_itself,
                   " by space alone\nfaults that struck:");
  for (const auto& [what, times] : fired) {
    absl::StrAppend(&text, "\n  ", times, "\t", what);
  }
  for (const FaultFailure& failure : failures) {
    absl::StrAppend(&text, "\n\nFAILED: ", failure.why,
                    "\n  replay: bazel run //chaos/faults:run_faults -- '",
                    failure.replay, "'");
  }
  return text;
}

}  // namespace holdfast
