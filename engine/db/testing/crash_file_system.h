// A disk in memory for the tests of this room: it keeps what is durable apart
// from what was only written, for each file and for each name, and gives what a
// crash at this moment may leave.
//
//   CrashFileSystem fs;
//   fs.before = [&](const FsCall& call) { ... };   // look, fail, or block
//   ... work ...
//   CrashFileSystem after(fs.Crash({.data = KeepNothing}));
//
// What it leaves out on purpose: sectors, more than two versions of a
// byte, faults of the disk itself.
//
// Thread-safe; `before` and `after` are called without its lock, and are set
// only while no call is under way.

#ifndef HOLDFAST_ENGINE_DB_TESTING_CRASH_FILE_SYSTEM_H_
#define HOLDFAST_ENGINE_DB_TESTING_CRASH_FILE_SYSTEM_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "holdfast/env/file_system.h"
#include "holdfast/env/sync.h"

namespace holdfast {

// One call of the engine.
struct FsCall {
  // create, open, stat, exists, list, mkdir, remove, rmdir, rename, link,
  // syncdir, lock, id; write, sync, prepare, truncate, close; read, size.
  std::string op;
  std::string path;  // Of a rename: the new one.
  uint64_t bytes = 0;

  // Without the directory: "sync 000004.wal".
  std::string Text() const;
  // Whether it may change what is on disk.
  bool Changes() const;
};

// What is on a disk while nothing runs.
struct DiskImage {
  std::map<std::string, std::string> files;
  std::set<std::string> directories;

  // Equal images give the same text.
  std::string Fingerprint() const;
};

// What becomes of the unsynced bytes of a file.
enum class Keep {
  kOld,    // Lost.
  kNew,    // Kept.
  kHalf,   // Of what changed, the first half is kept.
  kZeros,  // The size is the new one, what was added reads as zeros.
};

// What becomes of each thing that is not durable. By path.
struct CrashChoice {
  std::function<Keep(const std::string&)> data;
  // Whether the change of an entry took place (created, removed, replaced).
  std::function<bool(const std::string&)> entry;
};

class CrashFileSystem final : public FileSystem {
 public:
  // All of `image` is durable.
  explicit CrashFileSystem(const DiskImage& image = {});

  // Called before each call, which fails with its error, without effect.
  std::function<absl::Status(const FsCall&)> before;
  // Called after each call that succeeded, which fails with its error all the
  // same.
  std::function<absl::Status(const FsCall&)> after;

  // What UniqueId gives.
  uint64_t unique_id = 0x1234567890abcdef;

  // Files that are open, for reading or writing: what descriptors go to.
  int open_files() const { return open_files_.load(); }

  // The texts of all calls that took effect and change something.
  std::vector<std::string> Trace() const;
  void ClearTrace();

  // What a crash now leaves.
  DiskImage Crash(const CrashChoice& choice) const;
  // The usual choices: nothing unsynced kept, everything kept, names or
  // contents or removals lost, each unsynced thing alone kept or lost or torn.
  // Equal images are given once.
  struct Outcome {
    std::string name;
    DiskImage image;
  };
  std::vector<Outcome> CrashOutcomes() const;
  // Everything as the process saw it: its death alone.
  DiskImage Now() const;

  // Puts a durable file there, or changes one.
  void Put(const std::string& path, const std::string& content);
  // RETURNS the content of a file that is there.
  std::string Content(const std::string& path) const;
  bool Has(const std::string& path) const;
  // Names in a directory, sorted.
  std::vector<std::string> Names(const std::string& directory) const;

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
  struct Node {
    bool is_directory = false;
    std::string now;
    std::string durable;
  };
  using NodePtr = std::shared_ptr<Node>;
  using Entries = std::map<std::string, NodePtr>;
  class OpenFileCount;
  class Writer;
  class Reader;
  class Lock;

  // Runs one call: `before`, the effect under the lock, `after`.
  absl::Status Do(const FsCall& call,
                  const std::function<absl::Status()>& effect) const;
  DiskImage CrashLocked(const CrashChoice& choice) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  std::atomic<int> open_files_{0};
  mutable Mutex mu_;
  Entries entries_ ABSL_GUARDED_BY(mu_);
  Entries durable_ ABSL_GUARDED_BY(mu_);
  std::set<std::string> locked_ ABSL_GUARDED_BY(mu_);
  mutable std::vector<std::string> trace_ ABSL_GUARDED_BY(mu_);
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_DB_TESTING_CRASH_FILE_SYSTEM_H_
