#include "env/posix/large_memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <limits>

#include "base/poison.h"

namespace holdfast {

LargeMemory::~LargeMemory() {
  for (void* const piece : pieces_) {
    Unpoison(piece, kPieceBytes);
    ::munmap(piece, kPieceBytes);
  }
}

void* LargeMemory::Map(size_t bytes) {
  if (bytes == kPieceBytes) {
    void* const piece = TakeSpare();
    if (piece != nullptr) return piece;
  }
  if (bytes > std::numeric_limits<size_t>::max() - kPieceBytes) return nullptr;
  // Enough that the aligned part is in it; what is before and after goes back.
  void* const got = ::mmap(nullptr, bytes + kPieceBytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (got == MAP_FAILED) return nullptr;
  char* const begin = static_cast<char*>(got);
  const size_t before =
      (kPieceBytes - reinterpret_cast<uintptr_t>(got) % kPieceBytes) %
      kPieceBytes;
  if (before > 0) ::munmap(begin, before);
  ::munmap(begin + before + bytes, kPieceBytes - before);
  ::madvise(begin + before, bytes, MADV_HUGEPAGE);
  return begin + before;
}

void LargeMemory::Unmap(void* memory, size_t bytes) {
  if (bytes == kPieceBytes && KeepSpare(memory)) return;
  ::munmap(memory, bytes);
}

void* LargeMemory::TakeSpare() {
  MutexLock lock(&mu_);
  if (pieces_.empty()) return nullptr;
  void* const piece = pieces_.back();
  pieces_.pop_back();
  Unpoison(piece, kPieceBytes);
  return piece;
}

bool LargeMemory::KeepSpare(void* piece) {
  // Before it may be another's: what that writes must stay.
  if (::madvise(piece, kPieceBytes, MADV_FREE) != 0) return false;
  MutexLock lock(&mu_);
  if (pieces_.size() >= kMaxSpare) return false;
  Poison(piece, kPieceBytes);
  pieces_.push_back(piece);
  return true;
}

}  // namespace holdfast
