// Large pages that go from hand to hand: what a flushed memtable leaves behind
// becomes slabs of the block cache and other memtables.
//
//   PagePool pages(env, /*max_idle_bytes=*/memtable_bytes);
//   void* page = pages.Take();   // Or nullptr: take ordinary memory.
//   ...
//   pages.Give(page);
//
// A page that was given back to the system costs its zeros again when it is
// taken next time, and on a virtual machine, whose host has taken it meanwhile,
// ten times as much. So some stay here, idle; what is more goes back.
//
// Thread safety: thread-safe. One mutex, a leaf; the environment is called
// without it.

#ifndef HOLDFAST_ENGINE_CACHE_PAGE_POOL_H_
#define HOLDFAST_ENGINE_CACHE_PAGE_POOL_H_

#include <cstddef>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "holdfast/env/env.h"
#include "holdfast/env/sync.h"

namespace holdfast {

class PagePool {
 public:
  static constexpr size_t kPageBytes = Env::kLargePageBytes;

  // `env` is borrowed, and must outlive the pool. Takes nothing yet.
  // `max_idle_bytes` is rounded up to pages.
  PagePool(Env* env, size_t max_idle_bytes);
  // Gives back what is idle. REQUIRES: nobody calls Give afterwards; what was
  // not given until then is never given back.
  ~PagePool();
  PagePool(const PagePool&) = delete;
  PagePool& operator=(const PagePool&) = delete;

  // RETURNS a page, aligned to its size, with anything in it; or nullptr when
  // the environment has none.
  void* Take() ABSL_LOCKS_EXCLUDED(mu_);
  // REQUIRES: `page` is from Take of this pool, and was not given back.
  void Give(void* page) ABSL_LOCKS_EXCLUDED(mu_);

  // What waits for the next Take: never more than the constructor was told.
  size_t idle_bytes() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  Env* const env_;
  const size_t max_idle_;

  mutable Mutex mu_;
  std::vector<void*> idle_ ABSL_GUARDED_BY(mu_);
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_CACHE_PAGE_POOL_H_
