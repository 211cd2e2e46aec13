// Epoch-based reclamation: readers use shared objects without a lock, writers
// free them once no reader can still hold them.
//
//   EpochDomain epochs;
//   {                                            // a reader
//     EpochDomain::Guard guard = epochs.Pin();
//     const Thing* thing = current.load(std::memory_order_acquire);
//     ... use *thing until the guard goes ...
//   }
//   Thing* old = current.exchange(fresh, std::memory_order_acq_rel);
//   epochs.Retire([old] { delete old; });        // a writer
//
// How it works. The domain has a number, the epoch. A reader pins the epoch
// that it sees, by counting itself in one of three sets of counters (set =
// epoch mod 3), each striped over cache lines. The epoch moves from e to e+1
// only when the set of e-1 counts nobody. What was retired in epoch r is freed
// once the epoch is r+2 or more.
//
// Invariants:
//   (1) A reader that is pinned in e keeps the epoch at e+1 or less: e+1 to
//       e+2 needs its set to be empty.
//   (2) A reader that may hold an object retired in r is pinned in r or
//       earlier; by (1) the epoch stays below r+2 until it is gone.
//
// Memory orders, each with its partner:
//   - (1) is a store-load question (Dekker): the reader writes its count, then
//     reads the epoch again; the reclaimer writes the epoch, then reads the
//     counts. One of the two must see the other. All four are seq_cst, so that
//     they have one order: if the second read of the epoch still gives e, it
//     stands before the store of e+1, so the count stands before it as well,
//     and the check for e+1 to e+2, which comes after that store, sees it.
//     Acquire and release alone would let both read the old state. A reader
//     that sees another epoch takes its count back, having read nothing; such
//     a stray count (of any set, as its first read may be old) delays a
//     reclaimer but never misleads it.
//   - (2): the caller unlinks the object (at least release) before Retire,
//     which reads the epoch r under mu_; the store of r+1 comes later under
//     mu_. So a reader whose second read of the epoch gives r+1 or more
//     acquires from that store and finds the object unlinked. That is why this
//     read needs acquire (seq_cst contains it), and why the unlinking itself
//     needs no fence: a reader that still finds the object after the unlinking
//     is pinned in r or earlier and therefore waited for.
//   - Unpin is a release decrement; the reclaimer that reads 0 acquires from
//     it (other read-modify-writes in between continue the release sequence):
//     all that the reader did with the object happens before its deleter.
//   - Counters are looked at one by one, not as a sum: a pinned reader keeps
//     its own counter above 0 all the time, whichever others move.
//
// Rejected: hazard pointers (a store-load per pointer, not per operation);
// per-thread records (registration of threads, and a mutable thread_local);
// a shared_mutex (readers of one cache line, and they can block).
//
// Thread safety: thread-safe. Pin and unpin are lock-free and take no lock:
// they never wait for a writer, a deleter or another reader. A thread may hold
// several guards at once. Retire may be called by a thread that holds a guard,
// and by a deleter.

#ifndef HOLDFAST_ENGINE_EPOCH_EPOCH_H_
#define HOLDFAST_ENGINE_EPOCH_EPOCH_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "holdfast/env/sync.h"

namespace holdfast {

class EpochDomain {
 public:
  // While it lives, nothing that its thread could reach when it was made is
  // freed. Belongs to the thread that made it. The domain must outlive it.
  class Guard {
   public:
    explicit Guard(EpochDomain* domain) : counter_(domain->Enter()) {}
    ~Guard() { counter_->fetch_sub(1, std::memory_order_release); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    std::atomic<uint64_t>* const counter_;
  };

  EpochDomain() = default;
  // Runs every deleter that is left, those included that deleters add.
  // REQUIRES: no guard lives and no other call is under way.
  ~EpochDomain();
  EpochDomain(const EpochDomain&) = delete;
  EpochDomain& operator=(const EpochDomain&) = delete;

  [[nodiscard]] Guard Pin() { return Guard(this); }

  // Runs `deleter` once no guard that lives now is left; in this call, in a
  // later one of Retire or Reclaim by any thread, or in the destructor. Also
  // does what Reclaim does.
  // REQUIRES: what the deleter frees can no longer be reached by a new guard.
  void Retire(absl::AnyInvocable<void()> deleter) ABSL_LOCKS_EXCLUDED(mu_);

  // Runs the deleters that are due, without the mutex held. Never waits for a
  // guard. While another call (of any thread) is running deleters it leaves
  // them to that one, which looks again before it ends: deleters never run two
  // at a time, and one that retires more does not recurse.
  void Reclaim() ABSL_LOCKS_EXCLUDED(mu_);

  // The number of deleters that were not taken up yet.
  size_t pending() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  static constexpr int kSets = 3;
  static constexpr int kStripeBits = 4;
  static constexpr int kStripes = 1 << kStripeBits;
  static constexpr size_t kCacheLineBytes = 64;

  struct alignas(kCacheLineBytes) Counter {
    std::atomic<uint64_t> pinned{0};
  };
  struct Retired {
    uint64_t epoch;
    absl::AnyInvocable<void()> deleter;
  };

  // Which stripe this thread counts in: the address of a constant of its own
  // tells threads apart.
  static size_t Stripe() {
    static thread_local const char identity = 0;
    const uint64_t hash =
        reinterpret_cast<uintptr_t>(&identity) * uint64_t{0x9e3779b97f4a7c15u};
    return static_cast<size_t>(hash >> (64 - kStripeBits));
  }

  // Counts the caller in. RETURNS the counter that it must decrement.
  std::atomic<uint64_t>* Enter() {
    const size_t stripe = Stripe();
    for (;;) {
      const uint64_t epoch = epoch_.load(std::memory_order_relaxed);
      std::atomic<uint64_t>& counter = counters_[epoch % kSets][stripe].pinned;
      counter.fetch_add(1, std::memory_order_seq_cst);
      if (epoch_.load(std::memory_order_seq_cst) == epoch) [[likely]] {
        return &counter;
      }
      counter.fetch_sub(1, std::memory_order_release);
    }
  }

  bool SetIsEmpty(uint64_t epoch) const;
  // Moves the epoch on as far as the guards and the retired allow.
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RunDue() ABSL_LOCKS_EXCLUDED(mu_);

  // From 1, so that there is an epoch before it. Written under mu_ only.
  alignas(kCacheLineBytes) std::atomic<uint64_t> epoch_{1};
  Counter counters_[kSets][kStripes];

  mutable Mutex mu_;
  // Ascending by epoch.
  std::deque<Retired> retired_ ABSL_GUARDED_BY(mu_);
  // A call is running deleters and looks at retired_ again before it ends.
  bool running_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_EPOCH_EPOCH_H_
