// The whole engine over a disk that forgets: at every call of a workload, and
// for each thing that a crash there may leave, the database opens again and is
// a prefix of what was written, no shorter than what was acknowledged as
// durable. With faults as well: whatever call fails, nothing acknowledged is
// lost and the database becomes healthy again.

#include <cstdint>
#include <cstdio>
#include <functional>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "engine/db/testing/harness.h"
#include "engine/db/testing/status_testing.h"
#include "engine/db/testing/workload.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

// Opens what crashes leave and compares it with a history. Each pair once.
class CrashChecker {
 public:
  CrashChecker(ManualEnv* env, const History* history)
      : env_(*env), history_(*history) {}

  // RETURNS empty when a crash now is survived, whatever it leaves.
  std::string Check() {
    for (const auto& outcome : env_.fs.CrashOutcomes()) {
      const std::string pair =
          absl::StrCat(history_.version(), "/", outcome.image.Fingerprint());
      if (!seen_.insert(std::hash<std::string>()(pair)).second) continue;
      ++images_;
      const absl::StatusOr<Contents> found = ContentsAfterCrash(outcome.image);
      const std::string why =
          found.ok() ? history_.WhyNot(*found) : found.status().ToString();
      if (!why.empty()) return absl::StrCat(outcome.name, ": ", why);
    }
    return "";
  }

  size_t images() const { return images_; }

 private:
  ManualEnv& env_;
  const History& history_;
  std::set<size_t> seen_;
  size_t images_ = 0;
};

void CrashEverywhere(uint64_t seed) {
  ManualEnv env;
  History history;
  CrashChecker checker(&env, &history);
  size_t calls = 0;
  std::string failure;
  env.fs.before = [&](const FsCall& call) {
    if (!call.Changes() || !failure.empty()) return absl::OkStatus();
    ++calls;
    failure = checker.Check();
    if (!failure.empty()) {
      failure = absl::StrCat("crash before call ", calls, " (", call.Text(),
                             "), ", failure);
    }
    return absl::OkStatus();
  };
  Workload workload(&env, &history, seed);
  ASSERT_OK(workload.Open());
  for (int step = 0; step < 60; ++step) ASSERT_OK(workload.Step());
  const absl::StatusOr<Contents> now = ReadAll(*workload.db());
  ASSERT_OK(now);
  EXPECT_TRUE(*now == history.now());
  ASSERT_OK(workload.Close());
  if (failure.empty()) failure = checker.Check();
  EXPECT_EQ(failure, "") << "seed " << seed;
  EXPECT_GT(calls, 100u);
  EXPECT_GT(checker.images(), 2 * calls);
}

#ifdef HOLDFAST_SANITIZER  // Slow there.
constexpr uint64_t kSeeds = 3;
constexpr int kFaultStride = 3;
#else
constexpr uint64_t kSeeds = 8;
constexpr int kFaultStride = 1;
#endif

// Goal: a write is found whole or not at all, in order, and everything that was
// acknowledged as durable, whatever a crash leaves; and no file is left over.
TEST(CrashLoopTest, EveryCrashLeavesADurablePrefix) {
  for (uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
    CrashEverywhere(seed);
  }
}

// --- Faults ------------------------------------------------------------------

struct FaultPlan {
  std::string name;
  absl::Status error;
  bool for_ever = false;       // Until healed; otherwise one call.
  bool takes_effect = false;   // The call does its work all the same.
  std::string op = "";         // Only calls of this kind,
  std::string path_part = "";  // and on such files.
};

// One run in which the n-th call that a plan is about fails.
class FaultRun {
 public:
  FaultRun(const FaultPlan& plan, uint64_t seed, int n)
      : plan_(plan),
        n_(n),
        checker_(&env_, &history_),
        workload_(&env_, &history_, seed) {
    env_.fs.before = [this](const FsCall& call) { return Before(call); };
    env_.fs.after = [this](const FsCall& call) {
      return plan_.takes_effect && Hit(call) ? plan_.error : absl::OkStatus();
    };
  }

  // RETURNS empty when all went well.
  std::string Run() {
    Settle(workload_.Open());
    for (int step = 0; step < 25 && failure_.empty(); ++step) {
      Settle(workload_.Step());
    }
    Heal();
    if (failure_.empty()) CheckCrash("at the end");
    if (failure_.empty()) Expect("Close", workload_.Close());
    if (failure_.empty()) CheckCrash("after Close");
    return failure_;
  }

  bool fired() const { return fired_; }

 private:
  absl::Status Before(const FsCall& call) {
    // Now and then, once the fault has come, a crash.
    if (fired_ && call.Changes() && ++calls_since_ % 10 == 0) {
      CheckCrash(call.Text());
    }
    return !plan_.takes_effect && Hit(call) ? plan_.error : absl::OkStatus();
  }

  bool Hit(const FsCall& call) {
    if (healed_ || !Calls(plan_.op, plan_.path_part)(call)) return false;
    const int index = seen_++;
    const bool hit = index == n_ || (plan_.for_ever && index > n_);
    fired_ = fired_ || hit;
    return hit;
  }

  void Heal() { healed_ = true; }

  void Fail(std::string why) {
    if (failure_.empty()) failure_ = std::move(why);
  }
  void Expect(std::string_view what, const absl::Status& status) {
    if (!status.ok()) Fail(absl::StrCat(what, ": ", status.ToString()));
  }
  void CheckCrash(std::string_view where) {
    const std::string why = checker_.Check();
    if (!why.empty()) Fail(absl::StrCat("crash, ", where, ": ", why));
  }
  void CheckContents(std::string_view where) {
    const absl::StatusOr<Contents> now = ReadAll(*workload_.db());
    Expect(absl::StrCat("reading ", where), now.status());
    if (now.ok() && *now != history_.now()) {
      Fail(absl::StrCat("wrong contents ", where));
    }
  }

  // After a step: when it failed, sees that the database becomes well again.
  void Settle(const absl::Status& status) {
    if (status.ok() || !failure_.empty()) return;
    if (!fired_) return Fail(absl::StrCat("no fault, but ", status.ToString()));
    if (workload_.db() == nullptr) {
      // Opening or closing failed.
      Heal();
      Expect("open after the fault", workload_.Open());
      if (failure_.empty()) CheckReopened();
      return;
    }
    // Still broken: what else is tried fails or works, but harms nothing.
    workload_.db()->Resume().IgnoreError();
    workload_.Write().IgnoreError();
    workload_.db()->Flush().IgnoreError();
    workload_.db()->WaitForBackgroundWork().IgnoreError();
    CheckCrash("while broken");
    Heal();
    if (!failure_.empty()) return;
    CheckContents("after the fault");
    if (workload_.db()->Health().state != HealthState::kHealthy) {
      Expect("Resume", workload_.db()->Resume());
      if (!failure_.empty()) return;
      history_.AllDurable();
      CheckCrash("after Resume");
      CheckContents("after Resume");
    }
    Expect("write after the fault", workload_.Write());
    if (failure_.empty()) CheckCrash("after the first write");
    Expect("Flush", workload_.db()->Flush());
    if (failure_.empty()) history_.AllDurable();
    Expect("verify", workload_.db()->VerifyChecksums());
  }

  // A process that ended and came back: what it finds is final.
  void CheckReopened() {
    const absl::StatusOr<Contents> now = ReadAll(*workload_.db());
    Expect("reading after opening", now.status());
    if (!now.ok()) return;
    const std::string why = history_.WhyNot(*now);
    if (!why.empty()) return Fail(absl::StrCat("after opening: ", why));
    if (*now != history_.now()) {
      // A failed write was found after all.
      history_.Found(*now);
    }
    history_.AllDurable();
  }

  const FaultPlan& plan_;
  const int n_;
  ManualEnv env_;
  History history_;
  CrashChecker checker_;
  Workload workload_;
  bool healed_ = false;
  bool fired_ = false;
  int seen_ = 0;
  int calls_since_ = 0;
  std::string failure_;
};

void FailEverywhere(const FaultPlan& plan) {
  int n = 0;
  for (;; n += kFaultStride) {
    FaultRun run(plan, /*seed=*/1, n);
    const std::string failure = run.Run();
    ASSERT_EQ(failure, "") << plan.name << ", call " << n;
    if (!run.fired()) break;
  }
  EXPECT_GT(n, 0) << plan.name;
}

absl::Status IoError() { return absl::InternalError("injected I/O error"); }
absl::Status NoSpace() { return absl::ResourceExhaustedError("disk full"); }

TEST(FaultLoopTest, EveryCallFailsOnce) {
  FailEverywhere({.name = "I/O error", .error = IoError()});
}

TEST(FaultLoopTest, EveryCallFailsOnceAfterItsEffect) {
  FailEverywhere({.name = "I/O error after the effect",
                  .error = IoError(),
                  .takes_effect = true});
}

TEST(FaultLoopTest, EveryCallFailsFromThenOn) {
  FailEverywhere({.name = "dead disk", .error = IoError(), .for_ever = true});
}

TEST(FaultLoopTest, EveryCallFindsTheDiskFullOnce) {
  FailEverywhere({.name = "full", .error = NoSpace()});
}

TEST(FaultLoopTest, WritesFindTheDiskFullFromThenOn) {
  FailEverywhere(
      {.name = "full", .error = NoSpace(), .for_ever = true, .op = "write"});
}

TEST(FaultLoopTest, CreationsFindTheDiskFullFromThenOn) {
  FailEverywhere(
      {.name = "full", .error = NoSpace(), .for_ever = true, .op = "create"});
}

TEST(FaultLoopTest, OnlyTablesFindTheDiskFull) {
  FailEverywhere({.name = "full for tables",
                  .error = NoSpace(),
                  .for_ever = true,
                  .op = "write",
                  .path_part = ".sst"});
}

TEST(FaultLoopTest, OnlyManifestsFindTheDiskFull) {
  FailEverywhere({.name = "full for manifests",
                  .error = NoSpace(),
                  .for_ever = true,
                  .op = "write",
                  .path_part = "MANIFEST"});
}

TEST(FaultLoopTest, OnlyLogsFindTheDiskFull) {
  FailEverywhere({.name = "full for logs",
                  .error = NoSpace(),
                  .for_ever = true,
                  .op = "write",
                  .path_part = ".wal"});
}

TEST(FaultLoopTest, SyncsFailOnceAndThenLie) {
  FailEverywhere({.name = "failed sync", .error = IoError(), .op = "sync"});
}

}  // namespace
}  // namespace holdfast
