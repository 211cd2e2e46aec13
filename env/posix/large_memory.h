// Memory in large pages, straight from the system and given back to it.
//
// The pages are asked for by madvise(MADV_HUGEPAGE), which fails where the
// system has none or is told to give none; it is ordinary memory then, aligned
// all the same. Reserved ones (MAP_HUGETLB) were rejected: few machines reserve
// any, and touching one that is missing is a SIGBUS.
//
// Thread-safe.

#ifndef HOLDFAST_ENV_POSIX_LARGE_MEMORY_H_
#define HOLDFAST_ENV_POSIX_LARGE_MEMORY_H_

#include <cstddef>

namespace holdfast {

// See Env. RETURNS nullptr when there is no memory. REQUIRES: `alignment` is a
// power of two and a multiple of the system's page; `bytes` is a multiple of
// it, and not 0.
void* MapLargeMemory(size_t bytes, size_t alignment);
void UnmapLargeMemory(void* memory, size_t bytes);

}  // namespace holdfast

#endif  // HOLDFAST_ENV_POSIX_LARGE_MEMORY_H_
