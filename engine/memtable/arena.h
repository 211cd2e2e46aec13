// Memory for many small things that are all freed together.
//
// A block is used from both ends: bytes without alignment are cut from its
// front, aligned nodes from its back, so that neither wastes anything on the
// other. Blocks grow with what is reserved already, from 4 KiB to 1 MiB, so
// that an arena that holds little costs little; an unused one has reserved
// nothing. From there on a block is a large page of a PagePool, if there is one
// that has any. What is large beside a block is allocated apart, in its exact
// size.
//
// Invariants: (1) No two allocations overlap. (2) What lies idle is bounded: in
// a full block less than a quarter, as larger things go apart; the current
// block, which is no larger than all that was reserved before it (or the
// smallest size); and a block that was given up for a larger one, which happens
// at most once for each size: 4 MiB in all.
//
// Thread safety: one thread at a time allocates (each after the one before, by
// means of the caller); memory_bytes from any. What was written into an
// allocation must be published to other threads by other means.

#ifndef HOLDFAST_ENGINE_MEMTABLE_ARENA_H_
#define HOLDFAST_ENGINE_MEMTABLE_ARENA_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "base/check.h"
#include "engine/cache/page_pool.h"

namespace holdfast {

class Arena {
 public:
  // Of nodes: a cache line.
  static constexpr size_t kNodeAlignment = 64;
  static constexpr size_t kMinBlockBytes = 4 << 10;
  static constexpr size_t kMaxBlockBytes = 1 << 20;
  // A thing larger than this part of a block is allocated apart.
  static constexpr size_t kLargePart = 4;

  // `pages` may be nullptr, and must outlive the arena.
  explicit Arena(PagePool* pages = nullptr) : pages_(pages) {}
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // RETURN `bytes` uninitialised bytes, which live as long as the arena; those
  // of a node are aligned to kNodeAlignment. REQUIRES: bytes > 0.
  char* Allocate(size_t bytes) {
    HF_DCHECK(bytes > 0);
    if (bytes > room_) [[unlikely]]
      return AllocateSlow(bytes);
    char* const p = front_;
    front_ += bytes;
    room_ -= bytes;
    return p;
  }
  char* AllocateNode(size_t bytes);

  // What is reserved from the system, used or not.
  size_t memory_bytes() const {
    return memory_bytes_.load(std::memory_order_relaxed);
  }

 private:
  struct Free {
    void operator()(char* p) const {
      ::operator delete[](p, std::align_val_t{kNodeAlignment});
    }
  };
  using Block = std::unique_ptr<char[], Free>;

  // RETURNS what is allocated apart, or null once there is a new block with
  // room.
  char* MakeRoom(size_t bytes);
  char* AllocateSlow(size_t bytes);
  char* NewBlock(size_t bytes);
  // RETURNS null where there is none.
  char* NewPage();

  PagePool* const pages_;

  // The rest of the current block.
  char* front_ = nullptr;
  size_t room_ = 0;

  std::vector<Block> blocks_;
  std::vector<char*> pages_taken_;
  std::atomic<size_t> memory_bytes_{0};  // Relaxed: orders nothing.
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_MEMTABLE_ARENA_H_
