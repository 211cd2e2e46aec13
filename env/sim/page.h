// Bytes that copies of a disk share: a counted reference, and the page of a
// file. What is referred to more than once is never changed.
//
//   PageRef page = Page::New(kPageBytes);      // zeros
//   char* bytes = MutablePage(&page, 1024);    // a copy, when it is shared
//
// A page may be shorter than kPageBytes: what is missing at its end is zeros,
// and a null reference is a page of zeros. So small files stay small.
//
// Thread safety: references may be copied and dropped on any thread; a page may
// be changed by whoever holds the only reference.

#ifndef HOLDFAST_ENV_SIM_PAGE_H_
#define HOLDFAST_ENV_SIM_PAGE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "holdfast/testing/persistence.h"

namespace holdfast {

inline constexpr size_t kPageBytes = 4096;
inline constexpr size_t kPageSectors = kPageBytes / kSectorBytes;

// The count inside the object: one allocation, one word for a reference. A
// std::shared_ptr cannot tell for sure that it is the only one, which changing
// in place needs.
class Counted {
 public:
  Counted() = default;
  // A copy of the object begins with no references.
  Counted(const Counted&) {}
  Counted& operator=(const Counted&) = delete;

 private:
  template <typename T>
  friend class Ref;
  mutable std::atomic<uint32_t> references_{0};
};

template <typename T>
class Ref {
 public:
  Ref() = default;
  explicit Ref(T* object) : object_(object) { Acquire(); }
  Ref(const Ref& other) : object_(other.object_) { Acquire(); }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    // Release and acquire: what other owners read happens before the deletion.
    if (object_ != nullptr &&
        object_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      T::Destroy(object_);
    }
  }

  const T* get() const { return object_; }
  const T* operator->() const { return object_; }
  const T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  friend bool operator==(const Ref& a, const Ref& b) {
    return a.object_ == b.object_;
  }

  // Whether this is the only reference. Pairs with the release in ~Ref.
  bool Alone() const {
    return object_ != nullptr &&
           object_->references_.load(std::memory_order_acquire) == 1;
  }
  // REQUIRES: Alone().
  T* mutable_get() { return object_; }

 private:
  void Acquire() {
    if (object_ != nullptr) {
      object_->references_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  T* object_ = nullptr;
};

class Page : public Counted {
 public:
  // `capacity` bytes of zeros, rounded up to sectors.
  static Ref<Page> New(size_t capacity);
  static void Destroy(Page* page);

  size_t capacity() const { return capacity_; }
  std::string_view bytes() const { return {data(), capacity_}; }
  // Of the bytes without zeros at their end, so that it does not depend on the
  // capacity.
  uint64_t Hash() const;

  // Pages that live, in the whole process: what tests of sharing count.
  static int64_t LiveCount();

 private:
  friend char* MutablePage(Ref<Page>* page, size_t capacity);

  explicit Page(size_t capacity) : capacity_(capacity) {}
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }
  char* data() { return reinterpret_cast<char*>(this + 1); }

  const size_t capacity_;
  // Of the content; 0 while not computed.
  mutable std::atomic<uint64_t> hash_{0};
};
using PageRef = Ref<Page>;

// The bytes of *page, to be changed: *page becomes a page of at least that
// capacity to which there is no other reference.
char* MutablePage(PageRef* page, size_t capacity);

// Copies n bytes at `offset` of a page, which may be null or short.
void CopyFromPage(const PageRef& page, size_t offset, size_t n, char* out);

// Whether n bytes at `offset` are all zero.
bool IsZero(const PageRef& page, size_t offset, size_t n);

uint64_t HashOf(const PageRef& page);

}  // namespace holdfast

#endif  // HOLDFAST_ENV_SIM_PAGE_H_
