// Memory for cached blocks, cut out of large pages: a block that is in no cache
// of the processor then costs a wait for its lines, and not as long a wait for
// the address of its page before that.
//
//   SlabPool pool(&pages, capacity_bytes);
//   void* memory = pool.Allocate(n);   // Or nullptr: take ordinary memory.
//   ...
//   SlabPool::Free(memory);
//
// A *slab* is one large page from a PagePool. It is divided into *spans*, and a
// span into places of one size, a multiple of kStepBytes. A span in which
// nothing is used any more serves another size; a slab in which no span is used
// goes back to the pages.
//
// Places of one size in a span, not cutting and joining freely, since what is
// freed by CLOCK lies anywhere: free pieces would get smaller and smaller.
// What sizes that go out of use leave behind is bounded by the capacity: when
// no more slabs are allowed, Allocate returns nullptr.
//
// Invariants:
//   (1) Places do not overlap each other nor the head of their slab, and each
//       is in use, or in the list of its span, or was never used.
//   (2) The spans with a place that is free are in the list of their size,
//       those without anything used in the list of unused ones, full ones in
//       none.
//   (3) At most capacity_bytes of slabs are taken at a time.
//
// Thread safety: thread-safe. One mutex; that of the PagePool is taken with it
// held, rarely.

#ifndef HOLDFAST_ENGINE_CACHE_SLAB_POOL_H_
#define HOLDFAST_ENGINE_CACHE_SLAB_POOL_H_

#include <cstddef>

#include "engine/cache/page_pool.h"

namespace holdfast {

class SlabPool {
 public:
  static constexpr size_t kSlabBytes = PagePool::kPageBytes;
  static constexpr size_t kSpanBytes = size_t{128} << 10;
  static constexpr size_t kStepBytes = 128;
  // More than these are not served: they would waste too much of a span.
  static constexpr size_t kMaxBytes = kSpanBytes / 4;

  // `pages` is borrowed, and must outlive the pool. Takes nothing yet.
  SlabPool(PagePool* pages, size_t capacity_bytes);
  // What is still in use stays so; its slabs are never given back.
  ~SlabPool();
  SlabPool(const SlabPool&) = delete;
  SlabPool& operator=(const SlabPool&) = delete;

  // RETURNS memory for `bytes`, aligned to kStepBytes; or nullptr when there is
  // none of this kind. REQUIRES: bytes > 0.
  void* Allocate(size_t bytes);
  // REQUIRES: `memory` is from a pool, and was not freed.
  static void Free(void* memory);

  // What is taken of the pages.
  size_t slab_bytes() const;

 private:
  struct Span;
  struct Slab;
  class Shared;

  Shared* const shared_;  // Outlives the pool when something is in use.
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_CACHE_SLAB_POOL_H_
