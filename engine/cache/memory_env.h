// For tests: an environment that only has memory, and counts it.

#ifndef HOLDFAST_ENGINE_CACHE_MEMORY_ENV_H_
#define HOLDFAST_ENGINE_CACHE_MEMORY_ENV_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <set>

#include "base/check.h"
#include "holdfast/env/env.h"
#include "holdfast/env/sync.h"

namespace holdfast {

// The counts may be looked at when no other thread uses it.
class MemoryEnv final : public Env {
 public:
  ~MemoryEnv() override {
    for (void* const memory : taken) {
      ::operator delete (memory, std::align_val_t{kLargePageBytes});
    }
  }

  FileSystem& file_system() override { std::abort(); }
  Clock& clock() override { std::abort(); }
  Executor& executor() override { std::abort(); }

  void* AllocateLarge(size_t bytes) override {
    MutexLock lock(&mu_);
    HF_CHECK(bytes == kLargePageBytes);
    if (taken.size() >= limit) return nullptr;
    void* const memory =
        ::operator new (bytes, std::align_val_t{kLargePageBytes});
    std::memset(memory, 0, bytes);
    taken.insert(memory);
    ++asked;
    return memory;
  }
  void FreeLarge(void* memory, size_t bytes) override {
    MutexLock lock(&mu_);
    HF_CHECK(bytes == kLargePageBytes);
    HF_CHECK(taken.erase(memory) == 1);
    ::operator delete (memory, std::align_val_t{kLargePageBytes});
  }

  size_t limit = SIZE_MAX;
  std::set<void*> taken;  // And not given back.
  size_t asked = 0;       // How often there was a page.

 private:
  Mutex mu_;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_CACHE_MEMORY_ENV_H_
