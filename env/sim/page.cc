#include "env/sim/page.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/check.h"
#include "base/checksum.h"

namespace holdfast {
namespace {

std::atomic<int64_t> live_pages{0};

constexpr uint64_t kNotComputed = 0;
constexpr uint64_t kHashOfZeros = 1;

// The first n bytes less zeros at their end.
std::string_view WithoutZeros(std::string_view bytes) {
  size_t n = bytes.size();
  while (n >= 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + n - 8, sizeof(word));
    if (word != 0) break;
    n -= 8;
  }
  while (n > 0 && bytes[n - 1] == '\0') --n;
  return bytes.substr(0, n);
}

}  // namespace

Ref<Page> Page::New(size_t capacity) {
  HF_CHECK(capacity <= kPageBytes);
  const size_t rounded =
      (capacity + kSectorBytes - 1) / kSectorBytes * kSectorBytes;
  void* memory = ::operator new(sizeof(Page) + rounded);
  Page* page = new (memory) Page(rounded);
  std::memset(page->data(), 0, rounded);
  live_pages.fetch_add(1, std::memory_order_relaxed);
  return Ref<Page>(page);
}

void Page::Destroy(Page* page) {
  page->~Page();
  ::operator delete(page);
  live_pages.fetch_sub(1, std::memory_order_relaxed);
}

int64_t Page::LiveCount() { return live_pages.load(std::memory_order_relaxed); }

uint64_t Page::Hash() const {
  // Relaxed: whoever computes it gets the same.
  uint64_t hash = hash_.load(std::memory_order_relaxed);
  if (hash != kNotComputed) return hash;
  const std::string_view content = WithoutZeros(bytes());
  hash = content.empty() ? kHashOfZeros : Checksum64(content, content.size());
  if (hash == kNotComputed) hash = kHashOfZeros + 1;
  hash_.store(hash, std::memory_order_relaxed);
  return hash;
}

char* MutablePage(PageRef* page, size_t capacity) {
  if (page->Alone() && (*page)->capacity() >= capacity) {
    Page* own = page->mutable_get();
    own->hash_.store(kNotComputed, std::memory_order_relaxed);
    return own->data();
  }
  const size_t old = *page ? (*page)->capacity() : 0;
  PageRef copy = Page::New(std::max(old, capacity));
  char* data = copy.mutable_get()->data();
  if (old > 0) std::memcpy(data, (*page)->bytes().data(), old);
  *page = std::move(copy);
  return data;
}

void CopyFromPage(const PageRef& page, size_t offset, size_t n, char* out) {
  const size_t capacity = page ? page->capacity() : 0;
  const size_t there =
      offset < capacity ? std::min(n, capacity - offset) : size_t{0};
  if (there > 0) std::memcpy(out, page->bytes().data() + offset, there);
  if (there < n) std::memset(out + there, 0, n - there);
}

bool IsZero(const PageRef& page, size_t offset, size_t n) {
  if (!page || offset >= page->capacity()) return true;
  return WithoutZeros(page->bytes().substr(offset, n)).empty();
}

uint64_t HashOf(const PageRef& page) {
  return page ? page->Hash() : kHashOfZeros;
}

}  // namespace holdfast
