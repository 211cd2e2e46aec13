#include "tests/util/memory_file_system.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_util.h"

namespace holdfast {

struct MemoryFileSystem::Inode {
  mutable Mutex mu;
  std::string bytes ABSL_GUARDED_BY(mu);
};

namespace {

using Inode = MemoryFileSystem::Inode;

class MemoryWritableFile final : public WritableFile {
 public:
  explicit MemoryWritableFile(std::shared_ptr<Inode> inode)
      : inode_(std::move(inode)) {}

  absl::Status Write(uint64_t offset, std::string_view data) override {
    HF_CHECK(!closed_);
    MutexLock lock(&inode_->mu);
    std::string& bytes = inode_->bytes;
    if (bytes.size() < offset + data.size()) {
      bytes.resize(offset + data.size());
    }
    bytes.replace(offset, data.size(), data);
    return absl::OkStatus();
  }
  absl::Status Sync() override { return absl::OkStatus(); }
  absl::Status Preallocate(uint64_t, uint64_t) override {
    return absl::OkStatus();
  }
  absl::Status Truncate(uint64_t size) override {
    MutexLock lock(&inode_->mu);
    inode_->bytes.resize(size);
    return absl::OkStatus();
  }
  absl::Status Close() override {
    closed_ = true;
    return absl::OkStatus();
  }

 private:
  const std::shared_ptr<Inode> inode_;
  bool closed_ = false;
};

class MemoryRandomAccessFile final : public RandomAccessFile {
 public:
  explicit MemoryRandomAccessFile(std::shared_ptr<Inode> inode)
      : inode_(std::move(inode)) {}

  absl::Status Read(uint64_t offset, size_t n, char* scratch,
                    std::string_view* result) const override {
    MutexLock lock(&inode_->mu);
    const std::string_view rest =
        std::string_view(inode_->bytes)
            .substr(std::min<uint64_t>(offset, inode_->bytes.size()), n);
    if (!rest.empty()) std::memcpy(scratch, rest.data(), rest.size());
    *result = {scratch, rest.size()};
    return absl::OkStatus();
  }
  absl::StatusOr<uint64_t> Size() const override {
    MutexLock lock(&inode_->mu);
    return inode_->bytes.size();
  }

 private:
  const std::shared_ptr<Inode> inode_;
};

std::string_view ParentOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::Status NoSuchFile(std::string_view path) {
  return absl::NotFoundError(absl::StrCat(path, ": no such file"));
}

absl::Status Exists(std::string_view path) {
  return absl::AlreadyExistsError(absl::StrCat(path, ": exists"));
}

}  // namespace

class MemoryFileSystem::Lock final : public FileLock {
 public:
  Lock(MemoryFileSystem* owner, std::string path)
      : owner_(*owner), path_(std::move(path)) {}
  ~Lock() override {
    MutexLock lock(&owner_.mu_);
    owner_.locked_.erase(path_);
  }

 private:
  MemoryFileSystem& owner_;
  const std::string path_;
};

MemoryFileSystem::MemoryFileSystem(const MemoryFileSystem& other)
    : directories_(other.directories_), next_id_(other.next_id_) {
  for (const auto& [path, inode] : other.files_) {
    auto copy = std::make_shared<Inode>();
    copy->bytes = inode->bytes;
    files_.emplace(path, std::move(copy));
  }
}

MemoryFileSystem::~MemoryFileSystem() = default;

std::string& MemoryFileSystem::Contents(std::string_view path) {
  MutexLock lock(&mu_);
  const auto it = files_.find(path);
  HF_CHECK(it != files_.end());
  return it->second->bytes;
}

absl::StatusOr<std::shared_ptr<Inode>> MemoryFileSystem::Find(
    std::string_view path) {
  const auto it = files_.find(path);
  if (it == files_.end()) return NoSuchFile(path);
  return it->second;
}

absl::Status MemoryFileSystem::CheckParent(std::string_view path) {
  if (directories_.count(ParentOf(path)) > 0) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat(path, ": no such directory"));
}

absl::StatusOr<std::unique_ptr<WritableFile>> MemoryFileSystem::CreateFile(
    std::string_view path) {
  MutexLock lock(&mu_);
  HF_RETURN_IF_ERROR(CheckParent(path));
  const auto [it, made] =
      files_.emplace(std::string(path), std::make_shared<Inode>());
  if (!made) return Exists(path);
  return std::make_unique<MemoryWritableFile>(it->second);
}

absl::StatusOr<std::unique_ptr<RandomAccessFile>> MemoryFileSystem::OpenFile(
    std::string_view path) {
  MutexLock lock(&mu_);
  HF_ASSIGN_OR_RETURN(std::shared_ptr<Inode> inode, Find(path));
  return std::make_unique<MemoryRandomAccessFile>(std::move(inode));
}

absl::StatusOr<uint64_t> MemoryFileSystem::FileSize(std::string_view path) {
  MutexLock lock(&mu_);
  HF_ASSIGN_OR_RETURN(const std::shared_ptr<Inode> inode, Find(path));
  MutexLock inode_lock(&inode->mu);
  return inode->bytes.size();
}

absl::StatusOr<bool> MemoryFileSystem::FileExists(std::string_view path) {
  MutexLock lock(&mu_);
  return files_.count(path) > 0 || directories_.count(path) > 0;
}

absl::StatusOr<std::vector<std::string>> MemoryFileSystem::ListDirectory(
    std::string_view path) {
  MutexLock lock(&mu_);
  if (directories_.count(path) == 0) return NoSuchFile(path);
  std::vector<std::string> names;
  const std::string start = path == "/" ? "/" : absl::StrCat(path, "/");
  for (const auto& [file, inode] : files_) {
    if (ParentOf(file) == path) names.push_back(file.substr(start.size()));
  }
  for (const std::string& directory : directories_) {
    if (directory != "/" && ParentOf(directory) == path) {
      names.push_back(directory.substr(start.size()));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::Status MemoryFileSystem::CreateDirectory(std::string_view path) {
  MutexLock lock(&mu_);
  HF_RETURN_IF_ERROR(CheckParent(path));
  if (files_.count(path) > 0) return Exists(path);
  if (!directories_.emplace(path).second) return Exists(path);
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::RemoveFile(std::string_view path) {
  MutexLock lock(&mu_);
  const auto it = files_.find(path);
  if (it == files_.end()) return NoSuchFile(path);
  files_.erase(it);
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::RemoveDirectory(std::string_view path) {
  MutexLock lock(&mu_);
  const std::string start = absl::StrCat(path, "/");
  const auto file = files_.lower_bound(start);
  if (file != files_.end() && absl::StartsWith(file->first, start)) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": not empty"));
  }
  const auto it = directories_.find(path);
  if (it == directories_.end()) return NoSuchFile(path);
  directories_.erase(it);
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::RenameFile(std::string_view from,
                                          std::string_view to) {
  MutexLock lock(&mu_);
  HF_RETURN_IF_ERROR(CheckParent(to));
  HF_ASSIGN_OR_RETURN(std::shared_ptr<Inode> inode, Find(from));
  files_.erase(std::string(from));
  files_[std::string(to)] = std::move(inode);
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::LinkFile(std::string_view from,
                                        std::string_view to) {
  MutexLock lock(&mu_);
  HF_RETURN_IF_ERROR(CheckParent(to));
  HF_ASSIGN_OR_RETURN(std::shared_ptr<Inode> inode, Find(from));
  if (!files_.emplace(std::string(to), std::move(inode)).second) {
    return Exists(to);
  }
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::SyncDirectory(std::string_view) {
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<FileLock>> MemoryFileSystem::LockFile(
    std::string_view path) {
  MutexLock lock(&mu_);
  HF_RETURN_IF_ERROR(CheckParent(path));
  if (!locked_.emplace(path).second) {
    return absl::UnavailableError(absl::StrCat(path, ": locked"));
  }
  files_.emplace(std::string(path), std::make_shared<Inode>());
  return std::make_unique<Lock>(this, std::string(path));
}

absl::StatusOr<uint64_t> MemoryFileSystem::UniqueId() {
  MutexLock lock(&mu_);
  return next_id_ += 0x9e37'79b9'7f4a'7c15u;
}

}  // namespace holdfast
