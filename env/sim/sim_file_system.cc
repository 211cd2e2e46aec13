#include "holdfast/testing/sim_file_system.h"

#include <map>
#include <set>
#include <thread>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_util.h"

namespace holdfast {
namespace {

// Nothing that a test writes on purpose; what is larger is refused as a real
// file system refuses what it cannot hold.
constexpr uint64_t kMostFileBytes = uint64_t{1} << 36;

// What stat says of a directory.
constexpr uint64_t kDirectoryBytes = 4096;

constexpr uint64_t kUniqueIdStep = 0x9e3779b97f4a7c15u;

// "sync /db/000003.wal: Input/output error".
absl::Status Named(const absl::Status& status, std::string_view operation,
                   std::string_view path) {
  return Annotate(status, absl::StrCat(operation, " ", path));
}
template <typename T>
absl::StatusOr<T> Named(absl::StatusOr<T> value, std::string_view operation,
                        std::string_view path) {
  if (value.ok()) return value;
  return Named(value.status(), operation, path);
}

absl::Status BadDescriptor() {
  return absl::InternalError("Bad file descriptor");
}
absl::Status TooLarge() {
  return absl::ResourceExhaustedError("File too large");
}

bool IsOk(const absl::Status& status) { return status.ok(); }
template <typename T>
bool IsOk(const absl::StatusOr<T>& value) {
  return value.ok();
}

}  // namespace

struct SimFileSystem::Shared {
  class Handle;
  class Writable;
  class Readable;
  class Lock;

  explicit Shared(SimDisk initial) : disk(std::move(initial)) {}

  // One call: counts it, asks the hooks, and runs `effect` under the lock.
  template <typename Effect>
  std::invoke_result_t<Effect> Call(FileOp op, std::string_view path,
                                    const Effect& effect,
                                    std::string_view to = "",
                                    uint64_t offset = 0, uint64_t bytes = 0) {
    {
      MutexLock lock(&mu);
      ++calls;
      if (Changes(op)) ++changing_calls;
    }
    FileCall call;
    if (owner->before || owner->after) {
      call = {.op = op,
              .path = std::string(path),
              .to = std::string(to),
              .offset = offset,
              .bytes = bytes};
    }
    if (owner->before) {
      absl::Status status = owner->before(call);
      if (!status.ok()) return status;
    }
    bool has_effect = false;
    auto result = [&] {
      MutexLock lock(&mu);
      failed_with_effect = false;
      auto value = effect();
      has_effect = IsOk(value) || failed_with_effect;
      return value;
    }();
    if (owner->after && has_effect) owner->after(call);
    return result;
  }

  // The outcome that was armed for the next sync of this thread.
  SyncOutcome TakeArmed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    if (armed.empty()) return SyncOutcome::kOk;
    const auto it = armed.find(std::this_thread::get_id());
    if (it == armed.end()) return SyncOutcome::kOk;
    const SyncOutcome outcome = it->second;
    armed.erase(it);
    return outcome;
  }

  // The size of a file, or of a directory.
  absl::StatusOr<uint64_t> SizeOf(std::string_view path)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    const auto inode = disk.Lookup(path);
    if (inode.ok()) return disk.Size(*inode);
    if (disk.Exists(path)) return kDirectoryBytes;
    return inode.status();
  }

  mutable Mutex mu;
  SimFileSystem* owner = nullptr;
  SimDisk disk ABSL_GUARDED_BY(mu);
  // Handles opened on a disk that SetDisk replaced are dead: the number that
  // they remember is another.
  uint64_t disk_number ABSL_GUARDED_BY(mu) = 0;
  std::map<std::thread::id, SyncOutcome> armed ABSL_GUARDED_BY(mu);
  std::set<SimDisk::InodeId> locked ABSL_GUARDED_BY(mu);
  int open_files ABSL_GUARDED_BY(mu) = 0;
  uint64_t calls ABSL_GUARDED_BY(mu) = 0;
  uint64_t changing_calls ABSL_GUARDED_BY(mu) = 0;
  uint64_t unique_id ABSL_GUARDED_BY(mu) = kUniqueIdStep;
  // Of the call under way: a sync that failed changed the disk.
  bool failed_with_effect ABSL_GUARDED_BY(mu) = false;
};

// An open file: holds its inode until it is closed.
class SimFileSystem::Shared::Handle {
 public:
  // REQUIRES: the lock. kNoInode stands for a directory.
  Handle(std::shared_ptr<Shared> shared, SimDisk::InodeId inode,
         std::string_view path)
      : shared_(std::move(shared)), inode_(inode), path_(path) {
    shared_->mu.AssertHeld();
    disk_number_ = shared_->disk_number;
    if (inode_ != kDirectory) shared_->disk.Hold(inode_);
    ++shared_->open_files;
  }
  ~Handle() {
    MutexLock lock(&shared_->mu);
    Close();
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  static constexpr SimDisk::InodeId kDirectory = 0;

  // All but path() and shared(): REQUIRES the lock.
  bool open() const {
    shared_->mu.AssertHeld();
    return open_ && disk_number_ == shared_->disk_number;
  }
  void Close() {
    shared_->mu.AssertHeld();
    if (open() && inode_ != kDirectory) shared_->disk.Release(inode_);
    if (open()) --shared_->open_files;
    open_ = false;
  }
  SimDisk& disk() const ABSL_NO_THREAD_SAFETY_ANALYSIS { return shared_->disk; }

  Shared& shared() const { return *shared_; }
  SimDisk::InodeId inode() const { return inode_; }
  const std::string& path() const { return path_; }

 private:
  const std::shared_ptr<Shared> shared_;
  const SimDisk::InodeId inode_;
  const std::string path_;
  uint64_t disk_number_ = 0;
  bool open_ = true;
};

class SimFileSystem::Shared::Writable final : public WritableFile {
 public:
  Writable(std::shared_ptr<Shared> shared, SimDisk::InodeId inode,
           std::string_view path)
      : handle_(std::move(shared), inode, path) {}

  absl::Status Write(uint64_t offset, std::string_view data) override {
    return Call(FileOp::kWrite, "write", offset, data.size(),
                [&]() -> absl::Status {
                  if (data.empty()) return absl::OkStatus();
                  if (!handle_.open()) return BadDescriptor();
                  if (offset > kMostFileBytes ||
                      data.size() > kMostFileBytes - offset) {
                    return TooLarge();
                  }
                  handle_.disk().Write(handle_.inode(), offset, data);
                  return absl::OkStatus();
                });
  }

  absl::Status Sync() override {
    return Call(FileOp::kSync, "sync", 0, 0, [&]() -> absl::Status {
      handle_.shared().mu.AssertHeld();
      const SyncOutcome outcome = handle_.shared().TakeArmed();
      if (!handle_.open()) return BadDescriptor();
      absl::Status status = handle_.disk().Sync(handle_.inode(), outcome);
      handle_.shared().failed_with_effect = true;
      return status;
    });
  }

  absl::Status PrepareSpace(uint64_t offset, uint64_t length) override {
    return Call(
        FileOp::kPrepareSpace, "prepare", offset, length,
        [&]() -> absl::Status {
          if (length == 0) return absl::OkStatus();
          if (!handle_.open()) return BadDescriptor();
          if (offset > kMostFileBytes || length > kMostFileBytes - offset) {
            return TooLarge();
          }
          handle_.disk().Write(handle_.inode(), offset,
                               std::string(static_cast<size_t>(length), '\0'));
          return absl::OkStatus();
        });
  }

  absl::Status Truncate(uint64_t size) override {
    return Call(FileOp::kTruncate, "truncate", 0, size, [&]() -> absl::Status {
      if (!handle_.open()) return BadDescriptor();
      if (size > kMostFileBytes) return TooLarge();
      handle_.disk().Truncate(handle_.inode(), size);
      return absl::OkStatus();
    });
  }

  absl::Status Close() override {
    return Call(FileOp::kClose, "close", 0, 0, [&]() -> absl::Status {
      if (!handle_.open()) return BadDescriptor();
      handle_.Close();
      return absl::OkStatus();
    });
  }

 private:
  template <typename Effect>
  absl::Status Call(FileOp op, std::string_view operation, uint64_t offset,
                    uint64_t bytes, const Effect& effect) {
    return handle_.shared().Call(
        op, handle_.path(),
        [&]() -> absl::Status {
          const absl::Status status = effect();
          if (status.ok()) return status;
          return Named(status, operation, handle_.path());
        },
        "", offset, bytes);
  }

  Handle handle_;
};

class SimFileSystem::Shared::Readable final : public RandomAccessFile {
 public:
  Readable(std::shared_ptr<Shared> shared, SimDisk::InodeId inode,
           std::string_view path)
      : handle_(std::move(shared), inode, path) {}

  absl::Status Read(uint64_t offset, size_t n, char* scratch,
                    std::string_view* result) const override {
    return handle_.shared().Call(
        FileOp::kRead, handle_.path(),
        [&]() -> absl::Status {
          if (!handle_.open()) {
            return Named(BadDescriptor(), "read", handle_.path());
          }
          if (handle_.inode() == Handle::kDirectory && n > 0) {
            return Named(absl::InternalError("Is a directory"), "read",
                         handle_.path());
          }
          uint64_t got = 0;
          if (n > 0) {
            handle_.disk().Read(handle_.inode(), offset, n, scratch, &got);
          }
          *result = std::string_view(scratch, got);
          return absl::OkStatus();
        },
        "", offset, n);
  }

  absl::StatusOr<uint64_t> Size() const override {
    return handle_.shared().Call(
        FileOp::kStat, handle_.path(), [&]() -> absl::StatusOr<uint64_t> {
          if (!handle_.open()) {
            return Named(BadDescriptor(), "stat", handle_.path());
          }
          if (handle_.inode() == Handle::kDirectory) return kDirectoryBytes;
          return handle_.disk().Size(handle_.inode());
        });
  }

 private:
  Handle handle_;
};

class SimFileSystem::Shared::Lock final : public FileLock {
 public:
  Lock(std::shared_ptr<Shared> shared, SimDisk::InodeId inode,
       std::string_view path)
      : handle_(std::move(shared), inode, path) {
    handle_.shared().mu.AssertHeld();
    handle_.shared().locked.insert(inode);
  }
  ~Lock() override {
    MutexLock lock(&handle_.shared().mu);
    if (handle_.open()) handle_.shared().locked.erase(handle_.inode());
  }

 private:
  Handle handle_;
};

SimFileSystem::SimFileSystem(SimDisk disk)
    : shared_(std::make_shared<Shared>(std::move(disk))) {
  shared_->owner = this;
}

SimDisk SimFileSystem::disk() const {
  MutexLock lock(&shared_->mu);
  return shared_->disk;
}

void SimFileSystem::SetDisk(SimDisk disk) {
  MutexLock lock(&shared_->mu);
  shared_->disk = std::move(disk);
  ++shared_->disk_number;
  shared_->open_files = 0;
  shared_->locked.clear();
}

void SimFileSystem::ArmNextSync(SyncOutcome outcome) {
  MutexLock lock(&shared_->mu);
  shared_->armed[std::this_thread::get_id()] = outcome;
}

void SimFileSystem::set_unique_id(uint64_t id) {
  MutexLock lock(&shared_->mu);
  shared_->unique_id = id;
}

int SimFileSystem::open_files() const {
  MutexLock lock(&shared_->mu);
  return shared_->open_files;
}

uint64_t SimFileSystem::calls() const {
  MutexLock lock(&shared_->mu);
  return shared_->calls;
}

uint64_t SimFileSystem::changing_calls() const {
  MutexLock lock(&shared_->mu);
  return shared_->changing_calls;
}

absl::StatusOr<std::unique_ptr<WritableFile>> SimFileSystem::CreateFile(
    std::string_view path) {
  using Result = absl::StatusOr<std::unique_ptr<WritableFile>>;
  return shared_->Call(FileOp::kCreate, path, [&]() -> Result {
    shared_->mu.AssertHeld();
    const auto inode = shared_->disk.Create(path);
    if (!inode.ok()) return Named(inode.status(), "create", path);
    return std::make_unique<Shared::Writable>(shared_, *inode, path);
  });
}

absl::StatusOr<std::unique_ptr<RandomAccessFile>> SimFileSystem::OpenFile(
    std::string_view path) {
  using Result = absl::StatusOr<std::unique_ptr<RandomAccessFile>>;
  return shared_->Call(FileOp::kOpen, path, [&]() -> Result {
    shared_->mu.AssertHeld();
    const auto inode = shared_->disk.Lookup(path);
    // A directory can be opened, and not read.
    if (!inode.ok() && !shared_->disk.Exists(path)) {
      return Named(inode.status(), "open", path);
    }
    return std::make_unique<Shared::Readable>(
        shared_, inode.ok() ? *inode : Shared::Handle::kDirectory, path);
  });
}

absl::StatusOr<uint64_t> SimFileSystem::FileSize(std::string_view path) {
  return shared_->Call(FileOp::kStat, path, [&] {
    shared_->mu.AssertHeld();
    return Named(shared_->SizeOf(path), "stat", path);
  });
}

absl::StatusOr<bool> SimFileSystem::FileExists(std::string_view path) {
  return shared_->Call(FileOp::kStat, path, [&]() -> absl::StatusOr<bool> {
    shared_->mu.AssertHeld();
    const absl::Status status = shared_->SizeOf(path).status();
    if (status.ok()) return true;
    if (absl::IsNotFound(status)) return false;
    return Named(status, "stat", path);
  });
}

absl::StatusOr<std::vector<std::string>> SimFileSystem::ListDirectory(
    std::string_view path) {
  return shared_->Call(FileOp::kList, path, [&] {
    shared_->mu.AssertHeld();
    return Named(shared_->disk.List(path), "list", path);
  });
}

absl::Status SimFileSystem::CreateDirectory(std::string_view path) {
  return shared_->Call(FileOp::kMakeDirectory, path, [&] {
    shared_->mu.AssertHeld();
    return Named(shared_->disk.MakeDirectory(path), "create directory", path);
  });
}

absl::Status SimFileSystem::RemoveFile(std::string_view path) {
  return shared_->Call(FileOp::kRemove, path, [&] {
    shared_->mu.AssertHeld();
    return Named(shared_->disk.Remove(path), "remove", path);
  });
}

absl::Status SimFileSystem::RemoveDirectory(std::string_view path) {
  return shared_->Call(FileOp::kRemoveDirectory, path, [&] {
    shared_->mu.AssertHeld();
    return Named(shared_->disk.RemoveDirectory(path), "remove directory", path);
  });
}

absl::Status SimFileSystem::RenameFile(std::string_view from,
                                       std::string_view to) {
  return shared_->Call(
      FileOp::kRename, from,
      [&] {
        shared_->mu.AssertHeld();
        return Named(shared_->disk.Rename(from, to), "rename",
                     absl::StrCat(from, " to ", to));
      },
      to);
}

absl::Status SimFileSystem::LinkFile(std::string_view from,
                                     std::string_view to) {
  return shared_->Call(
      FileOp::kLink, from,
      [&] {
        shared_->mu.AssertHeld();
        return Named(shared_->disk.Link(from, to), "link",
                     absl::StrCat(from, " to ", to));
      },
      to);
}

absl::Status SimFileSystem::SyncDirectory(std::string_view path) {
  return shared_->Call(FileOp::kSyncDirectory, path, [&] {
    shared_->mu.AssertHeld();
    const SyncOutcome outcome = shared_->TakeArmed();
    const absl::Status status = shared_->disk.SyncDirectory(path, outcome);
    shared_->failed_with_effect = outcome != SyncOutcome::kOk;
    return Named(status, "sync directory", path);
  });
}

absl::StatusOr<std::unique_ptr<FileLock>> SimFileSystem::LockFile(
    std::string_view path) {
  using Result = absl::StatusOr<std::unique_ptr<FileLock>>;
  return shared_->Call(FileOp::kLock, path, [&]() -> Result {
    shared_->mu.AssertHeld();
    auto inode = shared_->disk.Lookup(path);
    if (absl::IsNotFound(inode.status())) inode = shared_->disk.Create(path);
    if (!inode.ok()) return Named(inode.status(), "lock", path);
    if (shared_->locked.count(*inode) > 0) {
      return absl::UnavailableError(
          absl::StrCat("lock ", path, ": already held (this process)"));
    }
    return std::make_unique<Shared::Lock>(shared_, *inode, path);
  });
}

absl::StatusOr<uint64_t> SimFileSystem::UniqueId() {
  return shared_->Call(
      FileOp::kUniqueId, "", [&]() -> absl::StatusOr<uint64_t> {
        shared_->mu.AssertHeld();
        return std::exchange(shared_->unique_id,
                             shared_->unique_id + kUniqueIdStep);
      });
}

}  // namespace holdfast
