#include "engine/memtable/arena.h"

#include <algorithm>
#include <bit>

namespace holdfast {

Arena::~Arena() {
  for (char* const page : pages_taken_) pages_->Give(page);
}

char* Arena::NewPage() {
  if (pages_ == nullptr) return nullptr;
  char* const page = static_cast<char*>(pages_->Take());
  if (page == nullptr) return nullptr;
  pages_taken_.push_back(page);
  memory_bytes_.store(memory_bytes() + PagePool::kPageBytes,
                      std::memory_order_relaxed);
  return page;
}

char* Arena::NewBlock(size_t bytes) {
  blocks_.emplace_back(static_cast<char*>(
      ::operator new[](bytes, std::align_val_t{kNodeAlignment})));
  memory_bytes_.store(memory_bytes() + bytes, std::memory_order_relaxed);
  return blocks_.back().get();
}

char* Arena::MakeRoom(size_t bytes) {
  const size_t block_bytes = std::clamp(std::bit_floor(memory_bytes() | 1),
                                        kMinBlockBytes, kMaxBlockBytes);
  // What is apart never becomes the current block.
  if (bytes > block_bytes / kLargePart) return NewBlock(bytes);
  char* const page =
      memory_bytes() >= PagePool::kPageBytes ? NewPage() : nullptr;
  front_ = page != nullptr ? page : NewBlock(block_bytes);
  room_ = page != nullptr ? PagePool::kPageBytes : block_bytes;
  return nullptr;
}

char* Arena::AllocateSlow(size_t bytes) {
  if (char* const apart = MakeRoom(bytes)) return apart;
  return Allocate(bytes);
}

char* Arena::AllocateNode(size_t bytes) {
  HF_DCHECK(bytes > 0);
  for (;;) {
    // Down to the alignment: blocks begin and end aligned.
    const size_t end = reinterpret_cast<uintptr_t>(front_ + room_);
    const size_t cut = bytes + (end - bytes) % kNodeAlignment;
    if (cut <= room_) {
      room_ -= cut;
      return front_ + room_;
    }
    if (char* const apart = MakeRoom(bytes)) return apart;
  }
}

}  // namespace holdfast
