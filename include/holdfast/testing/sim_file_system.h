// A FileSystem over a SimDisk, and an Env around it in which nothing happens by
// itself: no thread, no clock, no chance. A program that is given one does the
// same each time it runs.
//
//   SimEnv env;
//   options.env = &env;
//   ... run the program under test ...
//   SimDisk after = env.fs().disk().CrashKeepingNone();
//   SimEnv next(after);                    // the machine comes up again

#ifndef HOLDFAST_TESTING_SIM_FILE_SYSTEM_H_
#define HOLDFAST_TESTING_SIM_FILE_SYSTEM_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "holdfast/env/clock.h"
#include "holdfast/env/env.h"
#include "holdfast/env/executor.h"
#include "holdfast/env/file_system.h"
#include "holdfast/env/sync.h"
#include "holdfast/testing/file_call.h"
#include "holdfast/testing/persistence.h"
#include "holdfast/testing/sim_disk.h"

namespace holdfast {

// Who decides how the next sync of the calling thread goes (a fault layer above
// a file system that can play it).
class SyncFaultTarget {
 public:
  virtual ~SyncFaultTarget() = default;
  virtual void ArmNextSync(SyncOutcome outcome) = 0;
};

// Thread-safe; the hooks are called without its lock, and are set only while no
// call is under way.
class SimFileSystem final : public FileSystem, public SyncFaultTarget {
 public:
  explicit SimFileSystem(SimDisk disk = SimDisk());

  // Called before each call; when it does not return OK the call fails with
  // that and has no effect.
  std::function<absl::Status(const FileCall&)> before;
  // Called after each call that had its effect.
  std::function<void(const FileCall&)> after;

  // A copy of the disk as it is now.
  SimDisk disk() const;
  void SetDisk(SimDisk disk);

  void ArmNextSync(SyncOutcome outcome) override;

  // What UniqueId gives next; grows with each call.
  void set_unique_id(uint64_t id);

  int open_files() const;           // Files and locks: what descriptors go to.
  uint64_t calls() const;           // All so far.
  uint64_t changing_calls() const;  // Those that Changes() tells.

  absl::StatusOr<std::unique_ptr<WritableFile>> CreateFile(
      std::string_view path) override;
  absl::StatusOr<std::unique_ptr<RandomAccessFile>> OpenFile(
      std::string_view path) override;
  absl::StatusOr<uint64_t> FileSize(std::string_view path) override;
  absl::StatusOr<bool> FileExists(std::string_view path) override;
  absl::StatusOr<std::vector<std::string>> ListDirectory(
      std::string_view path) override;
  absl::Status CreateDirectory(std::string_view path) override;
  absl::Status RemoveFile(std::string_view path) override;
  absl::Status RemoveDirectory(std::string_view path) override;
  absl::Status RenameFile(std::string_view from, std::string_view to) override;
  absl::Status LinkFile(std::string_view from, std::string_view to) override;
  absl::Status SyncDirectory(std::string_view path) override;
  absl::StatusOr<std::unique_ptr<FileLock>> LockFile(
      std::string_view path) override;
  absl::StatusOr<uint64_t> UniqueId() override;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

// Stands still but for SleepMicros. Thread-safe.
class SimClock final : public Clock {
 public:
  uint64_t NowMicros() override;
  void SleepMicros(uint64_t micros) override;

 private:
  mutable Mutex mu_;
  uint64_t now_ ABSL_GUARDED_BY(mu_) = 0;
};

// Without threads: whoever waits runs a task instead. The seed decides which
// lane goes first when both have one; seed 0 always takes the oldest.
// A wait for which nothing is scheduled would never end; it ends the process.
// Thread-compatible: one thread, which is the point.
class SimExecutor final : public Executor {
 public:
  explicit SimExecutor(uint64_t seed = 0);

  void Schedule(Lane lane, Task task) override;
  void Wait(CondVar* cv, Mutex* mu) override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);

  bool RunOne();  // RETURNS false when there is none.
  void RunAll();  // Those too that tasks schedule.
  // Forgets what is scheduled, as the death of the process does.
  void Drop();
  size_t queued() const { return queue_.size(); }

 private:
  struct Item {
    Lane lane;
    Task task;
  };
  uint64_t seed_;
  uint64_t picks_ = 0;
  std::deque<Item> queue_;
};

class SimEnv final : public Env {
 public:
  explicit SimEnv(SimDisk disk = SimDisk(), uint64_t seed = 0)
      : fs_(std::move(disk)), executor_(seed) {}

  FileSystem& file_system() override { return *top_; }
  Clock& clock() override { return clock_; }
  Executor& executor() override { return executor_; }

  SimFileSystem& fs() { return fs_; }
  SimExecutor& sim_executor() { return executor_; }
  // Puts a layer, such as a FaultFileSystem, between the program and fs().
  // Not owned.
  void set_file_system(FileSystem* top) { top_ = top; }

 private:
  SimFileSystem fs_;
  SimClock clock_;
  SimExecutor executor_;
  FileSystem* top_ = &fs_;
};

}  // namespace holdfast

#endif  // HOLDFAST_TESTING_SIM_FILE_SYSTEM_H_
