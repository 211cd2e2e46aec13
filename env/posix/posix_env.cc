// NewPosixEnv of holdfast/env/env.h.

#include <algorithm>
#include <cstddef>
#include <memory>

#include "env/posix/large_memory.h"
#include "env/posix/posix_clock.h"
#include "env/posix/posix_executor.h"
#include "env/posix/posix_file_system.h"
#include "holdfast/env/env.h"

namespace holdfast {
namespace {

constexpr int kMinBackgroundThreads = 1;
constexpr int kMaxBackgroundThreads = 64;

class PosixEnv final : public Env {
 public:
  PosixEnv(int background_threads, bool map_logs)
      : file_system_(map_logs), executor_(background_threads) {}

  FileSystem& file_system() override { return file_system_; }
  Clock& clock() override { return clock_; }
  Executor& executor() override { return executor_; }

  void* AllocateLarge(size_t bytes) override {
    static_assert(kLargePageBytes == LargeMemory::kPieceBytes);
    return memory_.Map(bytes);
  }
  void FreeLarge(void* memory, size_t bytes) override {
    memory_.Unmap(memory, bytes);
  }

 private:
  PosixFileSystem file_system_;
  PosixClock clock_;
  LargeMemory memory_;
  // Last, so that it goes first: its tasks use the others.
  PosixExecutor executor_;
};

}  // namespace

std::unique_ptr<Env> NewPosixEnv(const PosixEnvOptions& options) {
  return std::make_unique<PosixEnv>(
      std::clamp(options.background_threads, kMinBackgroundThreads,
                 kMaxBackgroundThreads),
      options.map_logs);
}

}  // namespace holdfast
