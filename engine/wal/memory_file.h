// A file in memory with a few faults on demand, for the tests of those who
// write and read single files.
//
//   MemoryFile file;
//   LogWriter log(file.NewWriter(), "log", identity);
//   file.fail_writes = 1;
//   ...
//   LogReader reader(file.NewReader().get(), ...);
//
// The handles share the MemoryFile, which must outlive them.
// Thread-compatible.

#ifndef HOLDFAST_ENGINE_WAL_MEMORY_FILE_H_
#define HOLDFAST_ENGINE_WAL_MEMORY_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "holdfast/env/file_system.h"

namespace holdfast {

class MemoryFile {
 public:
  std::unique_ptr<WritableFile> NewWriter();
  std::unique_ptr<RandomAccessFile> NewReader() const;

  std::string content;
  // The content at the last Sync that succeeded.
  std::string synced;

  // The next so many calls fail.
  int fail_writes = 0;
  int fail_syncs = 0;
  int fail_prepares = 0;
  // What a write that fails still puts into the file.
  size_t failed_write_bytes = 0;
  // Reads that touch this offset fail; reads are cut to so many bytes.
  uint64_t unreadable_offset = UINT64_MAX;
  size_t max_read_bytes = SIZE_MAX;

  // Calls so far, failed ones as well.
  int writes = 0;
  int syncs = 0;
  int closes = 0;
  int prepares = 0;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_WAL_MEMORY_FILE_H_
