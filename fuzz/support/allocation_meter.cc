#include "fuzz/support/allocation_meter.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || \
    __has_feature(thread_sanitizer)
#define HOLDFAST_MALLOC_HOOKS 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HOLDFAST_MALLOC_HOOKS 1
#endif

#ifdef HOLDFAST_MALLOC_HOOKS
// As <sanitizer/allocator_interface.h> declares them, which not every compiler
// has in its path.
extern "C" {
size_t __sanitizer_get_allocated_size(const volatile void* p);
int __sanitizer_install_malloc_and_free_hooks(
    void (*malloc_hook)(const volatile void*, size_t),
    void (*free_hook)(const volatile void*));
}
#else
#include <malloc.h>

#include <cstdlib>
#include <new>
#endif

namespace holdfast {
namespace {

// Signed: what was allocated before the meter began may be freed within.
struct Count {
  bool on = false;
  int64_t live = 0;
  int64_t peak = 0;
};
constinit Count count;

void Allocated(size_t bytes) {
  if (!count.on) return;
  count.live += static_cast<int64_t>(bytes);
  count.peak = std::max(count.peak, count.live);
}

void Freed(size_t bytes) {
  if (count.on) count.live -= static_cast<int64_t>(bytes);
}

#ifdef HOLDFAST_MALLOC_HOOKS
const int hooks_installed = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, size_t bytes) { Allocated(bytes); },
    [](const volatile void* p) {
      if (count.on && p != nullptr) Freed(__sanitizer_get_allocated_size(p));
    });
#endif

}  // namespace

AllocationMeter::AllocationMeter() { count = {.on = true}; }

AllocationMeter::~AllocationMeter() { count.on = false; }

size_t AllocationMeter::peak_bytes() const {
  return static_cast<size_t>(count.peak);
}

}  // namespace holdfast

#ifndef HOLDFAST_MALLOC_HOOKS
// The array and nothrow forms of the library call these. Those for types with
// more alignment than malloc gives stay as they are, and are not counted.
// Weak, since libFuzzer brings those of a static C++ library along: there they
// win, and nothing is counted.
[[gnu::weak]] void* operator new(size_t bytes) {
  void* const p = std::malloc(std::max<size_t>(bytes, 1));
  // Without exceptions in the engine, nobody could catch std::bad_alloc.
  if (p == nullptr) std::abort();
  holdfast::Allocated(malloc_usable_size(p));
  return p;
}

[[gnu::weak]] void operator delete(void* p) noexcept {
  if (p != nullptr) holdfast::Freed(malloc_usable_size(p));
  std::free(p);
}

[[gnu::weak]] void operator delete(void* p, size_t) noexcept {
  operator delete(p);
}
#endif
