#include "env/posix/large_memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/poison.h"
#include "holdfast/env/sync.h"

namespace holdfast {
namespace {

// What was given back and is still mapped.
class Spare {
 public:
  // Never destroyed: environments may be used until the process ends.
  static Spare& OfProcess() {
    static Spare* const spare = new Spare;
    return *spare;
  }

  // RETURNS a piece, or nullptr.
  void* Take() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (pieces_.empty()) return nullptr;
    void* const piece = pieces_.back();
    pieces_.pop_back();
    Unpoison(piece, kSparePieceBytes);
    return piece;
  }

  // RETURNS whether it is kept.
  bool Keep(void* piece) ABSL_LOCKS_EXCLUDED(mu_) {
    // Before it may be another's: what that writes must stay.
    if (::madvise(piece, kSparePieceBytes, MADV_FREE) != 0) return false;
    MutexLock lock(&mu_);
    if (pieces_.size() >= kMaxSparePieces) return false;
    Poison(piece, kSparePieceBytes);
    pieces_.push_back(piece);
    return true;
  }

 private:
  Mutex mu_;
  std::vector<void*> pieces_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

void* MapLargeMemory(size_t bytes, size_t alignment) {
  if (bytes == kSparePieceBytes && alignment <= kSparePieceBytes) {
    void* const piece = Spare::OfProcess().Take();
    if (piece != nullptr) return piece;
  }
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

void UnmapLargeMemory(void* memory, size_t bytes) {
  if (bytes == kSparePieceBytes &&
      reinterpret_cast<uintptr_t>(memory) % kSparePieceBytes == 0 &&
      Spare::OfProcess().Keep(memory)) {
    return;
  }
  ::munmap(memory, bytes);
}

}  // namespace holdfast
