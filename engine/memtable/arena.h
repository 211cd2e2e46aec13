// Memory for many small things that are all freed together, from any thread.
//
// Bytes are cut from the current block with one atomic addition. Blocks grow
// with what is reserved already, from 4 KiB to 1 MiB, so that an arena that
// holds little costs little; an unused one has reserved nothing. What is large
// beside a block is allocated apart, in its exact size.
//
// Invariants: (1) No two allocations overlap. (2) What lies idle is bounded: in
// a full block less than a quarter, as larger things go apart; the current
// block, which is no larger than all that was reserved before it (or the
// smallest size); and a block that was given up for a larger one, which happens
// at most once for each size: 2 MiB in all.
//
// Thread safety: thread-safe. Allocate takes a mutex only for a new block or
// for something large. What one thread wrote into its allocation must be
// published to others by other means.

#ifndef HOLDFAST_ENGINE_MEMTABLE_ARENA_H_
#define HOLDFAST_ENGINE_MEMTABLE_ARENA_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "holdfast/env/sync.h"

namespace holdfast {

class Arena {
 public:
  static constexpr size_t kAlignment = 8;
  static constexpr size_t kMinBlockBytes = 4 << 10;
  static constexpr size_t kMaxBlockBytes = 1 << 20;
  // A thing larger than this part of a block is allocated apart.
  static constexpr size_t kLargePart = 4;

  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // RETURNS `bytes` uninitialised bytes, aligned to kAlignment, which live as
  // long as the arena. REQUIRES: bytes > 0.
  char* Allocate(size_t bytes) {
    const size_t rounded = (bytes + kAlignment - 1) & ~(kAlignment - 1);
    Block* const block = current_.load(std::memory_order_acquire);
    if (block != nullptr) [[likely]] {
      if (char* p = block->Cut(rounded)) [[likely]]
        return p;
    }
    return AllocateSlow(rounded, block);
  }

  // What is reserved from the system, used or not.
  size_t memory_bytes() const {
    return memory_bytes_.load(std::memory_order_relaxed);
  }

 private:
  struct Block {
    explicit Block(size_t block_bytes)
        : size(block_bytes),
          bytes(std::make_unique_for_overwrite<char[]>(block_bytes)) {}

    // RETURNS null when n bytes are too many for (the rest of) this block.
    char* Cut(size_t n) {
      if (n > size / kLargePart) return nullptr;
      // Relaxed: the addition alone keeps allocations apart. It may go past
      // the end, by less than size / kLargePart for each try; it cannot wrap.
      const size_t offset = used.fetch_add(n, std::memory_order_relaxed);
      return offset + n <= size ? bytes.get() + offset : nullptr;
    }

    const size_t size;
    const std::unique_ptr<char[]> bytes;
    std::atomic<size_t> used{0};
  };
  static_assert(__STDCPP_DEFAULT_NEW_ALIGNMENT__ >= kAlignment);

  // `seen` is the block in which there was no room.
  char* AllocateSlow(size_t bytes, const Block* seen) ABSL_LOCKS_EXCLUDED(mu_);

  // Points into blocks_. Stored with release under mu_, so that the acquire in
  // Allocate sees the block made.
  std::atomic<Block*> current_{nullptr};
  std::atomic<size_t> memory_bytes_{0};  // Relaxed: orders nothing.

  Mutex mu_;
  std::vector<std::unique_ptr<Block>> blocks_ ABSL_GUARDED_BY(mu_);
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_MEMTABLE_ARENA_H_
