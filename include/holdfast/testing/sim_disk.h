// A disk in memory that knows, for everything on it, what the running process
// sees, what is certain to survive a crash, and what lies between.
//
// A file is an inode: sectors of 512 bytes and, apart from them, a size. Since
// its last sync a sector has a list of versions. Names are entries of
// directories and point to inodes; hard links share one. Each change of a name
// is pending until its directory is synced.
//
// A SimDisk is a value. Copies share what they have in common: copying costs a
// microsecond or so, whatever is on it.
//
//   SimDisk before = file_system.disk();
//   auto units = before.Pending();
//   SimDisk after = before.Crash(units, choice);   // all of it durable
//
// Thread-compatible.

#ifndef HOLDFAST_TESTING_SIM_DISK_H_
#define HOLDFAST_TESTING_SIM_DISK_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "holdfast/testing/persistence.h"

namespace holdfast {

class SimDisk {
 public:
  using InodeId = uint64_t;

  // An empty disk with the root directory "/".
  explicit SimDisk(const PersistenceProfile& profile = PosixProfile());
  // Copyable and movable; see the head of this file.
  SimDisk(const SimDisk&);
  SimDisk& operator=(const SimDisk&);
  SimDisk(SimDisk&&) noexcept;
  SimDisk& operator=(SimDisk&&) noexcept;
  ~SimDisk();

  const PersistenceProfile& profile() const;
  void set_profile(const PersistenceProfile& profile);

  // --- What a process does (SimFileSystem calls these). Errors as in
  // holdfast/env/file_system.h; paths are absolute.
  absl::StatusOr<InodeId> Create(std::string_view path);
  absl::StatusOr<InodeId> Lookup(std::string_view path) const;  // A file.
  bool Exists(std::string_view path) const;
  absl::StatusOr<std::vector<std::string>> List(std::string_view path) const;
  absl::Status MakeDirectory(std::string_view path);
  absl::Status Remove(std::string_view path);
  absl::Status RemoveDirectory(std::string_view path);
  absl::Status Rename(std::string_view from, std::string_view to);
  absl::Status Link(std::string_view from, std::string_view to);
  absl::Status SyncDirectory(std::string_view path,
                             SyncOutcome outcome = SyncOutcome::kOk);
  // An inode without a name lives on while it is open.
  void Hold(InodeId inode);
  void Release(InodeId inode);
  // The process ends: nothing is held any more. What is pending stays so.
  void ReleaseAll();
  uint64_t Size(InodeId inode) const;
  // Appends to *out up to n bytes as the process sees them.
  void Read(InodeId inode, uint64_t offset, uint64_t n, char* out,
            uint64_t* got) const;
  void Write(InodeId inode, uint64_t offset, std::string_view data);
  void Truncate(InodeId inode, uint64_t size);
  absl::Status Sync(InodeId inode, SyncOutcome outcome = SyncOutcome::kOk);

  // --- Crashes.
  // What is not durable, in the order of time. Labels are filled only with
  // `labels`, which costs.
  std::vector<PendingUnit> Pending(bool labels = false) const;
  // What is on the disk after the power failed, with everything durable and
  // nothing open. REQUIRES: units are this disk's.
  SimDisk Crash(absl::Span<const PendingUnit> units,
                const CrashChoice& choice) const;
  // As if power failed after everything reached the disk (what the process
  // saw), or nothing that was pending did.
  SimDisk CrashKeepingAll() const;
  SimDisk CrashKeepingNone() const;
  // The process ends and the cache of the operating system is dropped without
  // a crash: names stay; data that is dirty is written, data that a failed sync
  // made clean is gone.
  SimDisk DropCache() const;

  // --- Looking at it, and preparing it.
  // What the process sees: path to content, of files.
  std::map<std::string, std::string> Files() const;
  std::vector<std::string> Directories() const;  // Sorted, without "/".
  // Puts a durable file there, or replaces its content; makes its directories.
  void Put(std::string_view path, std::string_view content);
  // Everything pending becomes durable.
  void SyncAll();
  bool HasPending() const;
  // Of names and contents as the process sees them: equal disks hash alike.
  uint64_t Hash() const;
  uint64_t bytes() const;  // Sum of the sizes of all files: what ENOSPC counts.

 private:
  struct State;

  explicit SimDisk(std::shared_ptr<State> state);
  State& Mutable();

  std::shared_ptr<State> state_;  // Shared by copies until one changes.
};

}  // namespace holdfast

#endif  // HOLDFAST_TESTING_SIM_DISK_H_
