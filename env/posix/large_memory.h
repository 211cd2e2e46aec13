// Memory in large pages, from the system and given back to it.
//
// The pages are asked for by madvise(MADV_HUGEPAGE), which fails where the
// system has none or is told to give none; it is ordinary memory then, aligned
// all the same. Reserved ones (MAP_HUGETLB) were rejected: few machines reserve
// any, and touching one that is missing is a SIGBUS.
//
// What is given back stays mapped, up to a limit for the process, under
// MADV_FREE: the system takes it when it is short of memory, and until then the
// next who asks has it without waiting for zeros, and on a virtual machine for
// the host. So a cache that shrinks and grows, and a database that is closed
// and opened again, cost no new memory.
//
// Thread-safe.

#ifndef HOLDFAST_ENV_POSIX_LARGE_MEMORY_H_
#define HOLDFAST_ENV_POSIX_LARGE_MEMORY_H_

#include <cstddef>

namespace holdfast {

// Pieces of this size, aligned to it, are kept; at most so many.
inline constexpr size_t kSparePieceBytes = size_t{2} << 20;
inline constexpr size_t kMaxSparePieces = 64;

// See Env. RETURNS nullptr when there is no memory. REQUIRES: `alignment` is a
// power of two and a multiple of the system's page; `bytes` is a multiple of
// it, and not 0.
void* MapLargeMemory(size_t bytes, size_t alignment);
void UnmapLargeMemory(void* memory, size_t bytes);

}  // namespace holdfast

#endif  // HOLDFAST_ENV_POSIX_LARGE_MEMORY_H_
