#include "engine/memtable/arena.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.h"

namespace holdfast {

char* Arena::AllocateSlow(size_t bytes, const Block* seen) {
  HF_CHECK(bytes > 0);
  MutexLock lock(&mu_);
  Block* const current = current_.load(std::memory_order_relaxed);
  if (current != seen) {  // Another thread made a block in the meantime.
    if (char* p = current->Cut(bytes)) return p;
  }
  const size_t reserved = memory_bytes_.load(std::memory_order_relaxed);
  const size_t next_bytes =
      std::clamp(std::bit_floor(reserved | 1), kMinBlockBytes, kMaxBlockBytes);
  const bool large = bytes > next_bytes / kLargePart;
  auto block = std::make_unique<Block>(large ? bytes : next_bytes);
  Block* const made = block.get();
  blocks_.push_back(std::move(block));
  memory_bytes_.store(reserved + made->size, std::memory_order_relaxed);
  if (large) return made->bytes.get();  // Never becomes the current one.
  char* const p = made->Cut(bytes);
  HF_CHECK(p != nullptr);
  current_.store(made, std::memory_order_release);
  return p;
}

}  // namespace holdfast
