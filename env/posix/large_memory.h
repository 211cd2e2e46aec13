// Memory in large pages, from the system and given back to it.
//
// The pages are asked for by madvise(MADV_HUGEPAGE), which fails where the
// system has none or is told to give none; it is ordinary memory then, aligned
// all the same. Reserved ones (MAP_HUGETLB) were rejected: few machines reserve
// any, and touching one that is missing is a SIGBUS.
//
// What is given back stays mapped, up to a limit, under MADV_FREE: the system
// takes it when it is short of memory, and until then the next who asks has it
// without waiting for zeros, and on a virtual machine for the host. So a cache
// that shrinks and grows, and a database that is closed and opened again in the
// same environment, cost no new memory.
//
// Invariant: pieces_ has at most kMaxSpare pieces, each mapped and nobody's.
//
// Thread safety: LargeMemory is thread-safe. One mutex, a leaf.

#ifndef HOLDFAST_ENV_POSIX_LARGE_MEMORY_H_
#define HOLDFAST_ENV_POSIX_LARGE_MEMORY_H_

#include <cstddef>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "holdfast/env/sync.h"

namespace holdfast {

class LargeMemory {
 public:
  // Pieces of this size, aligned to it, are kept; at most so many.
  static constexpr size_t kPieceBytes = size_t{2} << 20;
  static constexpr size_t kMaxSpare = 64;

  LargeMemory() = default;
  // Gives back what is spare. What was not given back until then stays mapped.
  ~LargeMemory();
  LargeMemory(const LargeMemory&) = delete;
  LargeMemory& operator=(const LargeMemory&) = delete;

  // See Env. RETURNS nullptr when there is no memory. REQUIRES: `bytes` is a
  // multiple of kPieceBytes, and not 0.
  void* Map(size_t bytes) ABSL_LOCKS_EXCLUDED(mu_);
  // REQUIRES: `memory` is from Map of this object with that size.
  void Unmap(void* memory, size_t bytes) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // RETURNS a piece, or nullptr.
  void* TakeSpare() ABSL_LOCKS_EXCLUDED(mu_);
  // RETURNS whether it is kept.
  bool KeepSpare(void* piece) ABSL_LOCKS_EXCLUDED(mu_);

  Mutex mu_;
  std::vector<void*> pieces_ ABSL_GUARDED_BY(mu_);
};

}  // namespace holdfast

#endif  // HOLDFAST_ENV_POSIX_LARGE_MEMORY_H_
