#include "engine/epoch/epoch.h"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace holdfast {
namespace {

#ifdef HOLDFAST_SANITIZER
constexpr int kScale = 1;
#else
constexpr int kScale = 10;
#endif

TEST(EpochTest, RunsDeleterAtOnceWhenNobodyIsPinned) {
  EpochDomain epochs;
  bool freed = false;
  epochs.Retire([&freed] { freed = true; });
  EXPECT_TRUE(freed);
  EXPECT_EQ(epochs.pending(), 0u);
}

TEST(EpochTest, KeepsWhatAGuardMayHold) {
  EpochDomain epochs;
  bool freed = false;
  {
    EpochDomain::Guard guard = epochs.Pin();
    epochs.Retire([&freed] { freed = true; });
    for (int i = 0; i < 10; ++i) epochs.Reclaim();
    EXPECT_FALSE(freed);
    EXPECT_EQ(epochs.pending(), 1u);
  }
  EXPECT_FALSE(freed);  // Unpinning runs nothing.
  epochs.Reclaim();
  EXPECT_TRUE(freed);
}

// Goal: the reader that pins after the epoch has moved once is waited for as
// well, and the moves before it do not shorten its protection.
TEST(EpochTest, ProtectsInEveryEpoch) {
  EpochDomain epochs;
  for (int round = 0; round < 7; ++round) {
    bool first = false;
    bool second = false;
    std::optional<EpochDomain::Guard> old_guard;
    std::optional<EpochDomain::Guard> new_guard;
    old_guard.emplace(&epochs);
    epochs.Retire([&first] { first = true; });
    new_guard.emplace(&epochs);
    epochs.Retire([&second] { second = true; });
    epochs.Reclaim();
    EXPECT_FALSE(first);
    EXPECT_FALSE(second);
    old_guard.reset();
    epochs.Reclaim();
    EXPECT_FALSE(second);  // new_guard is older than its retirement.
    new_guard.reset();
    epochs.Reclaim();
    EXPECT_TRUE(first);
    EXPECT_TRUE(second);
  }
}

// Goal: readers that come and go without a gap cannot hold things up for ever:
// a new guard does not protect what was retired long before it.
TEST(EpochTest, OverlappingGuardsDoNotStarveReclaim) {
  EpochDomain epochs;
  bool freed = false;
  std::optional<EpochDomain::Guard> guards[2];
  guards[0].emplace(&epochs);
  epochs.Retire([&freed] { freed = true; });
  for (int i = 1; i <= 3; ++i) {
    guards[i % 2].emplace(&epochs);
    guards[(i - 1) % 2].reset();
    epochs.Reclaim();
  }
  EXPECT_TRUE(freed);
}

TEST(EpochTest, NestedGuardsCountEach) {
  EpochDomain epochs;
  bool freed = false;
  {
    EpochDomain::Guard outer = epochs.Pin();
    {
      EpochDomain::Guard inner = epochs.Pin();
      epochs.Retire([&freed] { freed = true; });
    }
    epochs.Reclaim();
    EXPECT_FALSE(freed);
  }
  epochs.Reclaim();
  EXPECT_TRUE(freed);
}

TEST(EpochTest, DeleterMayRetirePinAndReclaimWithoutRecursion) {
  constexpr int kLength = 100000;  // Deep enough to overflow a stack.
  EpochDomain epochs;
  int depth = 0;
  int deepest = 0;
  int left = kLength;
  auto step = [&](auto& self) -> void {
    ++depth;
    deepest = depth > deepest ? depth : deepest;
    {
      EpochDomain::Guard guard = epochs.Pin();
      epochs.Reclaim();
    }
    if (--left > 0) epochs.Retire([&self] { self(self); });
    --depth;
  };
  epochs.Retire([&step] { step(step); });
  EXPECT_EQ(left, 0);
  EXPECT_EQ(deepest, 1);
}

TEST(EpochTest, DropsCapturesAfterEachDeleter) {
  EpochDomain epochs;
  auto shared = std::make_shared<int>(1);
  std::weak_ptr<int> watch = shared;
  bool gone_when_next_ran = false;
  {
    EpochDomain::Guard guard = epochs.Pin();
    epochs.Retire([shared = std::move(shared)] {});
    epochs.Retire([&] { gone_when_next_ran = watch.expired(); });
  }
  epochs.Reclaim();
  EXPECT_TRUE(gone_when_next_ran);
}

TEST(EpochTest, DestructorRunsWhatIsLeft) {
  int freed = 0;
  {
    EpochDomain epochs;
    EpochDomain* const domain = &epochs;
    {
      EpochDomain::Guard guard = epochs.Pin();
      epochs.Retire([&freed, domain] {
        ++freed;
        domain->Retire([&freed] { ++freed; });
      });
    }
    EXPECT_EQ(freed, 0);
  }
  EXPECT_EQ(freed, 2);
}

TEST(EpochDeathTest, DestructorRefusesALivingGuard) {
  EXPECT_DEATH(
      {
        auto epochs = std::make_unique<EpochDomain>();
        auto guard = std::make_unique<EpochDomain::Guard>(epochs.get());
        epochs.reset();
      },
      "CHECK failed");
}

// Goal: pin and unpin end while a deleter hangs, while another reader stays
// pinned, and while a writer retires. Method: all of that is held until the
// reader is through; a pin that waited for any of it would never end.
TEST(EpochTest, PinNeverWaits) {
  EpochDomain epochs;
  std::atomic<bool> deleter_runs{false};
  std::atomic<bool> reader_done{false};
  std::thread writer([&] {
    epochs.Retire([&] {
      deleter_runs.store(true);
      while (!reader_done.load()) std::this_thread::yield();
    });
  });
  while (!deleter_runs.load()) std::this_thread::yield();
  std::thread other_writer([&] {
    while (!reader_done.load()) {
      epochs.Retire([] {});
      std::this_thread::yield();
    }
  });
  {
    EpochDomain::Guard stays = epochs.Pin();
    std::thread reader([&] {
      for (int i = 0; i < 1000 * kScale; ++i) {
        EpochDomain::Guard guard = epochs.Pin();
      }
      reader_done.store(true);
    });
    reader.join();
  }
  writer.join();
  other_writer.join();
}

constexpr uint64_t kAlive = 0x600d600d600d600du;
constexpr uint64_t kDead = 0xdeaddeaddeaddeadu;

struct Canary {
  explicit Canary(std::atomic<int64_t>* counter) : living(counter) {
    living->fetch_add(1);
  }
  ~Canary() {
    value = kDead;
    living->fetch_sub(1);
  }
  // Not atomic: under TSan a read that is not ordered before the destructor is
  // a race, whatever it saw.
  volatile uint64_t value = kAlive;
  std::atomic<int64_t>* const living;
};

#ifndef HOLDFAST_SANITIZER  // Sanitizers put signals off, or forbid them.

// What the signal handler works with, as a handler has no argument for it.
std::atomic<EpochDomain*> interrupted_domain{nullptr};
std::atomic<bool> was_interrupted{false};

void MoveTheEpoch(int) {
  EpochDomain* const domain = interrupted_domain.load();
  if (domain == nullptr) return;
  domain->Retire([] {});
  was_interrupted.store(true);
}

// Goal: a reader that is stopped between its first look at the epoch and its
// count notices that the epoch has moved on, and pins again. Method: another
// thread sends signals; the handler moves the epoch, whatever instruction of
// Pin it has interrupted. Then what is unlinked under the guard must live.
TEST(EpochTest, PinNoticesThatTheEpochMovedMeanwhile) {
  constexpr int kInterruptions = 300;
  EpochDomain epochs;
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = MoveTheEpoch;
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  const pthread_t reader = pthread_self();
  std::atomic<bool> stop{false};
  std::thread sender([&] {
    while (!stop.load()) pthread_kill(reader, SIGUSR1);
  });
  int freed_early = 0;
  int never_freed = 0;
  for (int interruptions = 0; interruptions < kInterruptions;) {
    bool freed = false;
    {
      // Only Pin is interrupted: Retire would wait for the mutex it holds.
      interrupted_domain.store(&epochs, std::memory_order_relaxed);
      EpochDomain::Guard guard = epochs.Pin();
      interrupted_domain.store(nullptr, std::memory_order_relaxed);
      if (!was_interrupted.load(std::memory_order_relaxed)) continue;
      epochs.Retire([&freed] { freed = true; });
      if (freed) ++freed_early;
    }
    epochs.Reclaim();
    if (!freed) ++never_freed;
    was_interrupted.store(false);
    ++interruptions;
  }
  stop.store(true);
  sender.join();
  ASSERT_EQ(sigaction(SIGUSR1, &before, nullptr), 0);
  EXPECT_EQ(freed_early, 0);
  EXPECT_EQ(never_freed, 0);
}

#endif

// Goal: nothing is read after its deleter ran, everything is freed, with
// several writers, readers that nest, and memory that piles up nowhere.
TEST(EpochTest, StressReadersNeverSeeTheDead) {
  constexpr int kReaders = 4;
  constexpr int kWriters = 2;
  constexpr int kSwaps = 5000 * kScale;
  std::atomic<int64_t> living{0};
  std::atomic<int64_t> read_dead{0};
  std::atomic<int64_t> reads{0};
  {
    EpochDomain epochs;
    std::atomic<const Canary*> current{new Canary(&living)};
    std::atomic<bool> stop{false};
    std::vector<std::thread> readers;
    for (int r = 0; r < kReaders; ++r) {
      readers.emplace_back([&, r] {
        for (int64_t n = 0; !stop.load(std::memory_order_relaxed); ++n) {
          EpochDomain::Guard guard = epochs.Pin();
          const Canary* first = current.load(std::memory_order_acquire);
          if ((n + r) % 3 == 0) {
            EpochDomain::Guard nested = epochs.Pin();
            const Canary* second = current.load(std::memory_order_acquire);
            if (second->value != kAlive) read_dead.fetch_add(1);
          }
          if (n % 64 == 0) std::this_thread::yield();
          if (first->value != kAlive) read_dead.fetch_add(1);
          reads.fetch_add(1, std::memory_order_relaxed);
        }
      });
    }
    std::vector<std::thread> writers;
    for (int w = 0; w < kWriters; ++w) {
      writers.emplace_back([&] {
        for (int i = 0; i < kSwaps; ++i) {
          const Canary* old =
              current.exchange(new Canary(&living), std::memory_order_acq_rel);
          epochs.Retire([old] { delete old; });
          if (i % 16 == 0) epochs.Reclaim();
        }
      });
    }
    for (std::thread& writer : writers) writer.join();
    while (reads.load() < kReaders) std::this_thread::yield();
    stop.store(true);
    for (std::thread& reader : readers) reader.join();
    epochs.Reclaim();
    EXPECT_EQ(epochs.pending(), 0u);
    EXPECT_EQ(living.load(), 1);
    delete current.load();
  }
  EXPECT_EQ(living.load(), 0);
  EXPECT_EQ(read_dead.load(), 0);
}

}  // namespace
}  // namespace holdfast
