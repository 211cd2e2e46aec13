// A layer over any FileSystem, simulated or real, that makes the calls of a
// FaultPlan go wrong and counts what it did.
//
//   FaultFileSystem faults(&env.file_system());
//   faults.SetPlan(*FaultPlan::Parse("sync *.wal @2 fails-keeps-new"));
//   ... run ...
//   EXPECT_EQ(faults.NeverFired(), "");
//
// Over a SimFileSystem a bad sync has the full effect on the disk; over a real
// file system the sync is not made and the answer is the same.

#ifndef HOLDFAST_TESTING_FAULT_FILE_SYSTEM_H_
#define HOLDFAST_TESTING_FAULT_FILE_SYSTEM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "holdfast/env/clock.h"
#include "holdfast/env/file_system.h"
#include "holdfast/testing/fault_plan.h"
#include "holdfast/testing/file_call.h"
#include "holdfast/testing/sim_file_system.h"

namespace holdfast {

// Thread-safe.
class FaultFileSystem final : public FileSystem {
 public:
  // `base` and `clock` outlive this; without a clock delays are skipped.
  // `sync_target` plays bad syncs: pass the SimFileSystem when base is one or
  // leads to one; nullptr otherwise.
  explicit FaultFileSystem(FileSystem* base,
                           SyncFaultTarget* sync_target = nullptr,
                           Clock* clock = nullptr, uint64_t seed = 0);
  ~FaultFileSystem() override;

  // Puts a plan in force, in place of the one before; counting begins anew.
  void SetPlan(FaultPlan plan);
  // No more faults. The counts stay.
  void Clear();

  // How often each rule matched (OP and PATH) and how often it struck.
  struct Count {
    uint64_t matched = 0;
    uint64_t fired = 0;
  };
  std::vector<Count> counts() const;  // By rule.
  uint64_t fired() const;             // Of all rules, and of the space limit.
  // The rules that never struck, as text; empty when each did.
  std::string NeverFired() const;
  // The first call that went wrong: "sync /db/000004.wal: fails-keeps-new".
  std::string FirstFired() const;

  int open_files() const;  // Opened through this layer, and locks.
  uint64_t calls() const;  // All, good and bad.

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

}  // namespace holdfast

#endif  // HOLDFAST_TESTING_FAULT_FILE_SYSTEM_H_
