// Everything outside that the engine touches: files, time, background threads,
// and memory in large pages.
//
//   auto env = holdfast::NewPosixEnv({.background_threads = 2});
//   holdfast::Options options;
//   options.env = env.get();

#ifndef HOLDFAST_ENV_ENV_H_
#define HOLDFAST_ENV_ENV_H_

#include <cstddef>
#include <memory>

#include "holdfast/env/clock.h"
#include "holdfast/env/executor.h"
#include "holdfast/env/file_system.h"

namespace holdfast {

// A bundle of the parts, which belong to the implementation. One Env may
// serve many databases. It must outlive each of them.
// Thread-safe.
class Env {
 public:
  virtual ~Env() = default;

  virtual FileSystem& file_system() = 0;
  virtual Clock& clock() = 0;
  virtual Executor& executor() = 0;

  // What large memory is allocated in multiples of, and aligned to.
  static constexpr size_t kLargePageBytes = size_t{2} << 20;

  // Memory that is looked at in random order, cached blocks above all, waits
  // less when the processor finds its address in few large pages.
  // RETURNS `bytes` bytes with anything in them, in such pages as far as there
  // are any; or nullptr, and the engine takes ordinary memory: what this does
  // by itself. Give them back by FreeLarge with the same size.
  // REQUIRES: bytes is a multiple of kLargePageBytes, and not 0.
  virtual void* AllocateLarge(size_t /*bytes*/) { return nullptr; }
  virtual void FreeLarge(void* /*memory*/, size_t /*bytes*/) {}
};

struct PosixEnvOptions {
  // Threads that run flushes and compactions. Range 1..64.
  int background_threads = 2;

  // Where the file system allows it (ext4, tmpfs), the space ahead of a log is
  // mapped, so that a small write is a copy and not a system call. A store
  // cannot return an error: when the kernel has given the file system up after
  // errors of the disk, or somebody else has cut the log, the process may get
  // SIGBUS where a call would have failed. Nothing acknowledged is lost by
  // that, as by any death of the process. Who would rather have the error sets
  // this to false.
  bool map_logs = true;
};

// The operating system's files, monotonic clock and threads. The destructor
// runs what is scheduled, then joins the threads.
// Up to 128 MiB of large memory that databases gave back stay with the
// environment for the next, under MADV_FREE: the system takes them when it is
// short of memory, and counts them as resident until then.
std::unique_ptr<Env> NewPosixEnv(const PosixEnvOptions& options = {});

}  // namespace holdfast

#endif  // HOLDFAST_ENV_ENV_H_
