// Tells the address sanitizer what memory of our own pools is not to be
// touched. Nothing without it.

#ifndef HOLDFAST_BASE_POISON_H_
#define HOLDFAST_BASE_POISON_H_

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define HOLDFAST_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HOLDFAST_POISON 1
#endif
#endif
#ifdef HOLDFAST_POISON
#include <sanitizer/asan_interface.h>
#endif

namespace holdfast {

// Until Unpoison, whoever looks at it is told of.
inline void Poison([[maybe_unused]] void* memory,
                   [[maybe_unused]] size_t bytes) {
#ifdef HOLDFAST_POISON
  ASAN_POISON_MEMORY_REGION(memory, bytes);
#endif
}
inline void Unpoison([[maybe_unused]] void* memory,
                     [[maybe_unused]] size_t bytes) {
#ifdef HOLDFAST_POISON
  ASAN_UNPOISON_MEMORY_REGION(memory, bytes);
#endif
}

}  // namespace holdfast

#endif  // HOLDFAST_BASE_POISON_H_
