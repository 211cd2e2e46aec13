#include "env/posix/posix_executor.h"

#include <latch>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace holdfast {
namespace {

using Lane = Executor::Lane;

// Values in the order in which tasks added them.
class Log {
 public:
  void Add(int value) {
    MutexLock lock(&mu_);
    values_.push_back(value);
  }
  std::vector<int> values() {
    MutexLock lock(&mu_);
    return values_;
  }

 private:
  Mutex mu_;
  std::vector<int> values_ ABSL_GUARDED_BY(mu_);
};

class PosixExecutorTest : public testing::TestWithParam<int> {};

TEST_P(PosixExecutorTest, RunsTasksOnAnotherThreadAndNeverInline) {
  // A task that ran inside Schedule would wait for ever for `scheduled`.
  PosixExecutor executor(GetParam());
  const std::thread::id caller = std::this_thread::get_id();
  for (Lane lane : {Lane::kFlush, Lane::kCompaction}) {
    std::latch scheduled(1);
    std::latch done(1);
    std::thread::id runner;
    executor.Schedule(lane, [&] {
      scheduled.wait();
      runner = std::this_thread::get_id();
      done.count_down();
    });
    scheduled.count_down();
    done.wait();
    EXPECT_NE(runner, caller);
  }
}

TEST_P(PosixExecutorTest, DestructorRunsAllThatIsScheduled) {
  std::latch gate(1);
  Log log;
  {
    PosixExecutor executor(GetParam());
    for (int i = 0; i < 200; ++i) {
      executor.Schedule(i % 2 == 0 ? Lane::kFlush : Lane::kCompaction,
                        [&log, &gate, i] {
                          gate.wait();
                          log.Add(i);
                        });
    }
    gate.count_down();
  }
  EXPECT_EQ(log.values().size(), 200u);
}

// Each step schedules the next in the other lane.
struct Chain {
  static constexpr int kSteps = 50;

  void Step(int i) {
    log.Add(i);
    if (i + 1 == kSteps) return;
    executor->Schedule(i % 2 == 0 ? Lane::kCompaction : Lane::kFlush,
                       [this, i] { Step(i + 1); });
  }

  Executor* executor = nullptr;
  Log log;
};

TEST_P(PosixExecutorTest, DestructorRunsWhatTasksScheduleMeanwhile) {
  Chain chain;
  {
    PosixExecutor executor(GetParam());
    chain.executor = &executor;
    executor.Schedule(Lane::kFlush, [&chain] { chain.Step(0); });
  }
  std::vector<int> expected;
  for (int i = 0; i < Chain::kSteps; ++i) expected.push_back(i);
  EXPECT_EQ(chain.log.values(), expected);
}

TEST_P(PosixExecutorTest, WhatATaskCapturedMayScheduleWhenItGoes) {
  // So a task is destroyed without the lock, and before it counts as run.
  bool ran = false;
  {
    PosixExecutor executor(GetParam());
    std::shared_ptr<void> last_words(nullptr, [&](void*) {
      executor.Schedule(Lane::kFlush, [&ran] { ran = true; });
    });
    executor.Schedule(Lane::kCompaction, [kept = std::move(last_words)] {});
  }
  EXPECT_TRUE(ran);
}

TEST_P(PosixExecutorTest, WaitReturnsAfterASignal) {
  PosixExecutor executor(GetParam());
  Mutex mu;
  CondVar cv;
  bool done = false;
  executor.Schedule(Lane::kFlush, [&] {
    MutexLock lock(&mu);
    done = true;
    cv.SignalAll();
  });
  MutexLock lock(&mu);
  while (!done) executor.Wait(&cv, &mu);
}

// Schedules tasks that log 1, 2, 3 ... while `busy` threads that serve
// compactions are held up, and returns what was logged.
std::vector<int> RunInOrder(int threads, int busy,
                            const std::vector<Lane>& lanes) {
  Log log;
  std::latch held(busy);
  std::latch release(1);
  {
    PosixExecutor executor(threads);
    for (int i = 0; i < busy; ++i) {
      executor.Schedule(Lane::kCompaction, [&] {
        held.count_down();
        release.wait();
      });
    }
    held.wait();
    int number = 0;
    for (Lane lane : lanes) {
      executor.Schedule(lane, [&log, n = ++number] { log.Add(n); });
    }
    release.count_down();
  }
  return log.values();
}

TEST(PosixExecutorLaneTest, OneThreadRunsFlushesFirstEachLaneInOrder) {
  EXPECT_EQ(RunInOrder(1, 1,
                       {Lane::kCompaction, Lane::kFlush, Lane::kCompaction,
                        Lane::kFlush}),
            (std::vector<int>{2, 4, 1, 3}));
}

TEST(PosixExecutorLaneTest, TwoThreadsRunCompactionsInOrder) {
  EXPECT_EQ(RunInOrder(2, 1, std::vector<Lane>(20, Lane::kCompaction)),
            RunInOrder(1, 1, std::vector<Lane>(20, Lane::kCompaction)));
}

TEST(PosixExecutorLaneTest, FlushNeverWaitsBehindCompactions) {
  // Every thread that serves compactions is held up, and more wait; flushes run
  // all the same, in order. If one waited, so would this test, for ever.
  for (int threads : {2, 4}) {
    std::latch release(1);
    std::latch held(threads - 1);
    std::latch flushed(10);
    Log log;
    PosixExecutor executor(threads);
    for (int i = 0; i < 20; ++i) {
      executor.Schedule(Lane::kCompaction, [&, i] {
        if (i < threads - 1) held.count_down();
        release.wait();
      });
    }
    held.wait();
    for (int i = 0; i < 10; ++i) {
      executor.Schedule(Lane::kFlush, [&log, &flushed, i] {
        log.Add(i);
        flushed.count_down();
      });
    }
    flushed.wait();
    EXPECT_EQ(log.values(), (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
    release.count_down();
  }
}

TEST(PosixExecutorLaneTest, ThreadsStayWhileARunningTaskMayScheduleMore) {
  // The thread for flushes runs the last task while the destructor waits, and
  // gives the other thread time to leave too early before it schedules a
  // compaction, which only that other one can run.
  for (int round = 0; round < 20; ++round) {
    std::latch flushing(1);
    bool ran = false;
    {
      PosixExecutor executor(2);
      executor.Schedule(Lane::kCompaction, [&] { flushing.wait(); });
      executor.Schedule(Lane::kFlush, [&] {
        flushing.count_down();
        for (int i = 0; i < 5000; ++i) std::this_thread::yield();
        executor.Schedule(Lane::kCompaction, [&ran] { ran = true; });
      });
    }
    EXPECT_TRUE(ran);
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, PosixExecutorTest,
                         testing::Values(1, 2, 3, 8));

}  // namespace
}  // namespace holdfast
