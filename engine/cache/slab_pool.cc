#include "engine/cache/slab_pool.h"

#include <cstdint>
#include <new>

#include "absl/base/thread_annotations.h"
#include "base/check.h"
#include "base/poison.h"
#include "holdfast/env/sync.h"

namespace holdfast {
namespace {

constexpr size_t kSpans = SlabPool::kSlabBytes / SlabPool::kSpanBytes;
constexpr size_t kSizes = SlabPool::kMaxBytes / SlabPool::kStepBytes;

// Written into a place that is free.
struct FreePlace {
  FreePlace* next;
};

}  // namespace

struct SlabPool::Span {
  // In the list that Invariant (2) says.
  Span* next = nullptr;
  Span* previous = nullptr;

  Slab* slab = nullptr;
  char* begin = nullptr;
  size_t bytes = 0;

  // Of a span that serves a size.
  size_t place_bytes = 0;
  size_t places = 0;
  size_t in_use = 0;
  size_t touched = 0;         // The places from here on were never used.
  FreePlace* free = nullptr;  // Among those before.

  bool full() const { return in_use == places; }
};

// The head of a slab, at its begin.
struct SlabPool::Slab {
  Shared* owner = nullptr;
  size_t spans_in_use = 0;
  Span spans[kSpans];
};

class SlabPool::Shared {
 public:
  Shared(PagePool* pages, size_t capacity_bytes)
      : pages_(pages), max_slabs_(capacity_bytes / kSlabBytes) {}

  void* Allocate(size_t bytes) ABSL_LOCKS_EXCLUDED(mu_) {
    HF_CHECK(bytes > 0);
    if (bytes > kMaxBytes) return nullptr;
    const size_t size = (bytes - 1) / kStepBytes;
    MutexLock lock(&mu_);
    Span* span = with_room_[size];
    if (span == nullptr) {
      span = TakeSpan((size + 1) * kStepBytes);
      if (span == nullptr) return nullptr;
      Push(&with_room_[size], span);
    }
    void* place;
    if (span->free != nullptr) {
      place = span->free;
      Unpoison(place, sizeof(FreePlace));
      span->free = span->free->next;
    } else {
      place = span->begin + span->touched++ * span->place_bytes;
    }
    ++span->in_use;
    ++in_use_;
    if (span->full()) Remove(&with_room_[size], span);  // Invariant (2).
    Unpoison(place, bytes);
    return place;
  }

  void Free(void* memory, Span* span) ABSL_LOCKS_EXCLUDED(mu_) {
    if (FreeInSpan(memory, span)) delete this;
  }

  size_t slab_bytes() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return slabs_ * kSlabBytes;
  }

  // Gives nothing back any more. RETURNS whether nothing is in use; else the
  // last Free deletes this.
  bool Close() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    closed_ = true;
    return in_use_ == 0;
  }

 private:
  static void Push(Span** list, Span* span) {
    span->previous = nullptr;
    span->next = *list;
    if (*list != nullptr) (*list)->previous = span;
    *list = span;
  }
  static void Remove(Span** list, Span* span) {
    (span->previous != nullptr ? span->previous->next : *list) = span->next;
    if (span->next != nullptr) span->next->previous = span->previous;
  }

  // RETURNS whether it was the last thing of a closed pool.
  bool FreeInSpan(void* memory, Span* span) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    const size_t size = span->place_bytes / kStepBytes - 1;
    HF_CHECK(span->in_use > 0);
    if (span->full()) Push(&with_room_[size], span);
    Unpoison(memory, sizeof(FreePlace));
    span->free = new (memory) FreePlace{span->free};
    Poison(memory, span->place_bytes);
    --in_use_;
    if (--span->in_use > 0) return false;
    Remove(&with_room_[size], span);
    Push(&unused_spans_, span);
    // The pages may be gone.
    if (closed_) return in_use_ == 0;
    if (--span->slab->spans_in_use == 0) Drop(span->slab);
    return false;
  }

  // RETURNS a span for places of that size, in no list; or nullptr.
  Span* TakeSpan(size_t place_bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (unused_spans_ == nullptr && !AddSlab()) return nullptr;
    Span* const span = unused_spans_;
    Remove(&unused_spans_, span);
    ++span->slab->spans_in_use;
    span->place_bytes = place_bytes;
    span->places = span->bytes / place_bytes;
    span->touched = 0;
    span->free = nullptr;
    return span;
  }

  bool AddSlab() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (slabs_ >= max_slabs_) return false;  // Invariant (3).
    void* const memory = pages_->Take();
    if (memory == nullptr) {
      max_slabs_ = slabs_;  // It would be no different the next time.
      return false;
    }
    ++slabs_;
    Slab* const slab = new (memory) Slab();
    slab->owner = this;
    char* const begin = static_cast<char*>(memory);
    for (size_t i = kSpans; i-- > 0;) {
      Span& span = slab->spans[i];
      const size_t head = i == 0 ? kHeadBytes : 0;  // Invariant (1).
      span.slab = slab;
      span.begin = begin + i * kSpanBytes + head;
      span.bytes = kSpanBytes - head;
      Poison(span.begin, span.bytes);
      Push(&unused_spans_, &span);
    }
    return true;
  }

  // REQUIRES: nothing of the slab is used.
  void Drop(Slab* slab) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    for (Span& span : slab->spans) Remove(&unused_spans_, &span);
    Unpoison(slab, kSlabBytes);
    --slabs_;
    pages_->Give(slab);
  }

  static constexpr size_t kHeadBytes =
      (sizeof(Slab) + kStepBytes - 1) / kStepBytes * kStepBytes;
  static_assert(kHeadBytes + kMaxBytes <= kSpanBytes);

  PagePool* const pages_;

  mutable Mutex mu_;
  size_t max_slabs_ ABSL_GUARDED_BY(mu_);
  size_t slabs_ ABSL_GUARDED_BY(mu_) = 0;
  size_t in_use_ ABSL_GUARDED_BY(mu_) = 0;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  Span* unused_spans_ ABSL_GUARDED_BY(mu_) = nullptr;
  Span* with_room_[kSizes] ABSL_GUARDED_BY(mu_) = {};
};

SlabPool::SlabPool(PagePool* pages, size_t capacity_bytes)
    : shared_(new Shared(pages, capacity_bytes)) {}

SlabPool::~SlabPool() {
  if (shared_->Close()) delete shared_;
}

void* SlabPool::Allocate(size_t bytes) { return shared_->Allocate(bytes); }

void SlabPool::Free(void* memory) {
  const uintptr_t within = reinterpret_cast<uintptr_t>(memory) % kSlabBytes;
  Slab* const slab =
      reinterpret_cast<Slab*>(static_cast<char*>(memory) - within);
  slab->owner->Free(memory, &slab->spans[within / kSpanBytes]);
}

size_t SlabPool::slab_bytes() const { return shared_->slab_bytes(); }

}  // namespace holdfast
