// A part of a file that is mapped into memory, so that a write into it is a
// copy and not a system call.
//
// A store must never fail: an error would be a signal (SIGBUS). So
//  - the window is mapped only where writing over bytes that were written
//    before needs no space (MayMapFilesOf), and the caller has written all of
//    it;
//  - it is locked in memory: no store has to read a page from the disk.
// What is left: somebody else cuts the file.
//
// A store is in the page cache at once, as after a write call: the death of the
// process loses nothing of it. fdatasync of the file makes it durable and
// reports the errors of writing it back: a store makes the page dirty in the
// page cache like a write call does, errors of write-back are kept with the
// file (mapping_set_error) whoever made the page dirty, and msync(MS_SYNC),
// which is documented for mappings, is in Linux the very function that
// fdatasync calls (vfs_fsync_range).
//
// Thread-compatible.

#ifndef HOLDFAST_ENV_POSIX_MAPPED_WINDOW_H_
#define HOLDFAST_ENV_POSIX_MAPPED_WINDOW_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast {

class MappedWindow {
 public:
  MappedWindow() = default;
  ~MappedWindow() { Unmap(); }
  MappedWindow(const MappedWindow&) = delete;
  MappedWindow& operator=(const MappedWindow&) = delete;

  // Whether the file is on a file system where overwriting needs no space and
  // no other resource that may be missing: ext4 and its forerunners, tmpfs.
  // Not where files may come to share blocks (XFS, btrfs), and not over a
  // network or on what we do not know.
  static bool MayMapFilesOf(int fd);

  // Maps [offset, offset + length) in place of what was mapped before. RETURNS
  // false, with nothing mapped, when the system does not map or does not lock
  // it (RLIMIT_MEMLOCK).
  // REQUIRES: the file is open for reading and writing, and all of the range
  // was written.
  bool Map(int fd, uint64_t offset, uint64_t length);

  // Copies `data` to `offset` of the file. RETURNS false, having done nothing,
  // unless all of it lies in the window.
  bool Write(uint64_t offset, std::string_view data);

  void Unmap();

 private:
  char* pages_ = nullptr;  // Null: nothing is mapped.
  size_t mapped_bytes_ = 0;
  uint64_t pages_offset_ = 0;  // Of the file.
  uint64_t begin_ = 0;         // The window: begin_ is not at a page.
  uint64_t end_ = 0;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENV_POSIX_MAPPED_WINDOW_H_
