#include "engine/cache/page_pool.h"

#include <cstdint>

#include "base/check.h"
#include "base/poison.h"

namespace holdfast {

PagePool::PagePool(Env* env, size_t max_idle_bytes)
    : env_(env),
      max_idle_(max_idle_bytes / kPageBytes +
                (max_idle_bytes % kPageBytes != 0 ? 1 : 0)) {}

PagePool::~PagePool() {
  for (void* const page : idle_) {
    Unpoison(page, kPageBytes);
    env_->FreeLarge(page, kPageBytes);
  }
}

void* PagePool::Take() {
  {
    MutexLock lock(&mu_);
    if (!idle_.empty()) {
      // The one that was used last is the likeliest to be in a cache.
      void* const page = idle_.back();
      idle_.pop_back();
      Unpoison(page, kPageBytes);
      return page;
    }
  }
  void* const page = env_->AllocateLarge(kPageBytes);
  HF_CHECK(reinterpret_cast<uintptr_t>(page) % kPageBytes == 0);
  return page;
}

void PagePool::Give(void* page) {
  {
    MutexLock lock(&mu_);
    if (idle_.size() < max_idle_) {
      Poison(page, kPageBytes);
      idle_.push_back(page);
      return;
    }
  }
  env_->FreeLarge(page, kPageBytes);
}

size_t PagePool::idle_bytes() const {
  MutexLock lock(&mu_);
  return idle_.size() * kPageBytes;
}

}  // namespace holdfast
