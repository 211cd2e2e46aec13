#include "env/posix/mapped_window.h"

#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cstring>

namespace holdfast {
namespace {

// Makes the pages writable at once instead of one by one at the first store
// into each. From Linux 5.14 on; older ones refuse it, and nothing is lost.
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

}  // namespace

bool MappedWindow::MayMapFilesOf(int fd) {
  struct statfs info;
  if (::fstatfs(fd, &info) != 0) return false;
  return info.f_type == EXT4_SUPER_MAGIC || info.f_type == TMPFS_MAGIC;
}

bool MappedWindow::Map(int fd, uint64_t offset, uint64_t length) {
  Unmap();
  if (length == 0) return false;
  const uint64_t page_bytes = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  const uint64_t within = offset % page_bytes;
  const size_t bytes = static_cast<size_t>(within + length);
  void* pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                       static_cast<off_t>(offset - within));
  if (pages == MAP_FAILED) return false;
  if (::mlock(pages, bytes) != 0) {
    ::munmap(pages, bytes);
    return false;
  }
  ::madvise(pages, bytes, MADV_POPULATE_WRITE);
  pages_ = static_cast<char*>(pages);
  mapped_bytes_ = bytes;
  pages_offset_ = offset - within;
  begin_ = offset;
  end_ = offset + length;
  return true;
}

bool MappedWindow::Write(uint64_t offset, std::string_view data) {
  if (offset < begin_ || offset > end_ || data.size() > end_ - offset) {
    return false;
  }
  if (pages_ == nullptr) return false;
  std::memcpy(pages_ + (offset - pages_offset_), data.data(), data.size());
  return true;
}

void MappedWindow::Unmap() {
  if (pages_ == nullptr) return;
  ::munmap(pages_, mapped_bytes_);
  pages_ = nullptr;
  begin_ = end_ = 0;
}

}  // namespace holdfast
