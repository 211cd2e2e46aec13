#include "env/posix/large_memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <limits>

namespace holdfast {

void* MapLargeMemory(size_t bytes, size_t alignment) {
  if (bytes > std::numeric_limits<size_t>::max() - alignment) return nullptr;
  // Enough that the aligned part is in it; what is before and after goes back.
  const size_t mapped = bytes + alignment;
  void* const got = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (got == MAP_FAILED) return nullptr;
  char* const begin = static_cast<char*>(got);
  const size_t before =
      (alignment - reinterpret_cast<uintptr_t>(got) % alignment) % alignment;
  if (before > 0) ::munmap(begin, before);
  ::munmap(begin + before + bytes, alignment - before);
  ::madvise(begin + before, bytes, MADV_HUGEPAGE);
  return begin + before;
}

void UnmapLargeMemory(void* memory, size_t bytes) { ::munmap(memory, bytes); }

}  // namespace holdfast
