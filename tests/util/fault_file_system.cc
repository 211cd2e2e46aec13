#include "tests/util/fault_file_system.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_util.h"

namespace holdfast {

std::string_view FileOpName(FileOp op) {
  switch (op) {
    case FileOp::kCreate:
      return "create";
    case FileOp::kOpen:
      return "open";
    case FileOp::kRead:
      return "read";
    case FileOp::kWrite:
      return "write";
    case FileOp::kSync:
      return "sync";
    case FileOp::kTruncate:
      return "truncate";
    case FileOp::kPreallocate:
      return "preallocate";
    case FileOp::kClose:
      return "close";
    case FileOp::kRemove:
      return "remove";
    case FileOp::kRename:
      return "rename";
    case FileOp::kLink:
      return "link";
    case FileOp::kSyncDirectory:
      return "sync-directory";
    case FileOp::kList:
      return "list";
    case FileOp::kStat:
      return "stat";
    case FileOp::kMakeDirectory:
      return "make-directory";
    case FileOp::kRemoveDirectory:
      return "remove-directory";
    case FileOp::kLock:
      return "lock";
  }
  return "unknown";
}

namespace {

// Counts the file that has it among those that are open.
class OpenCount {
 public:
  explicit OpenCount(FaultFileSystem* faults) : faults_(*faults) {
    faults_.CountOpenFile(1);
  }
  ~OpenCount() { faults_.CountOpenFile(-1); }
  OpenCount(const OpenCount&) = delete;
  OpenCount& operator=(const OpenCount&) = delete;

 private:
  FaultFileSystem& faults_;
};

class FaultWritableFile final : public WritableFile {
 public:
  FaultWritableFile(FaultFileSystem* faults, std::string path,
                    std::unique_ptr<WritableFile> base)
      : faults_(*faults),
        path_(std::move(path)),
        base_(std::move(base)),
        count_(faults) {}

  absl::Status Write(uint64_t offset, std::string_view data) override {
    const std::optional<Fault> fault = faults_.Strike(FileOp::kWrite, path_);
    if (!fault.has_value()) return base_->Write(offset, data);
    if (fault->effect == Fault::Effect::kPartial) {
      base_->Write(offset, data.substr(0, data.size() / 2)).IgnoreError();
    }
    return fault->error;
  }
  absl::Status Sync() override {
    const std::optional<Fault> fault = faults_.Strike(FileOp::kSync, path_);
    return fault.has_value() ? fault->error : base_->Sync();
  }
  absl::Status Preallocate(uint64_t offset, uint64_t length) override {
    const std::optional<Fault> fault =
        faults_.Strike(FileOp::kPreallocate, path_);
    return fault.has_value() ? fault->error
                             : base_->Preallocate(offset, length);
  }
  absl::Status Truncate(uint64_t size) override {
    const std::optional<Fault> fault = faults_.Strike(FileOp::kTruncate, path_);
    return fault.has_value() ? fault->error : base_->Truncate(size);
  }
  absl::Status Close() override {
    const std::optional<Fault> fault = faults_.Strike(FileOp::kClose, path_);
    if (!fault.has_value()) return base_->Close();
    base_.reset();  // A descriptor is gone even when closing it fails.
    return fault->error;
  }

 private:
  FaultFileSystem& faults_;
  const std::string path_;
  std::unique_ptr<WritableFile> base_;
  const OpenCount count_;
};

class FaultRandomAccessFile final : public RandomAccessFile {
 public:
  FaultRandomAccessFile(FaultFileSystem* faults, std::string path,
                        std::unique_ptr<RandomAccessFile> base)
      : faults_(*faults),
        path_(std::move(path)),
        base_(std::move(base)),
        count_(faults) {}

  absl::Status Read(uint64_t offset, size_t n, char* scratch,
                    std::string_view* result) const override {
    const std::optional<Fault> fault = faults_.Strike(FileOp::kRead, path_);
    if (fault.has_value()) return fault->error;
    return base_->Read(offset, n, scratch, result);
  }
  absl::StatusOr<uint64_t> Size() const override {
    const std::optional<Fault> fault = faults_.Strike(FileOp::kStat, path_);
    if (fault.has_value()) return fault->error;
    return base_->Size();
  }

 private:
  FaultFileSystem& faults_;
  const std::string path_;
  const std::unique_ptr<RandomAccessFile> base_;
  const OpenCount count_;
};

class FaultFileLock final : public FileLock {
 public:
  FaultFileLock(FaultFileSystem* faults, std::unique_ptr<FileLock> base)
      : base_(std::move(base)), count_(faults) {}

 private:
  const std::unique_ptr<FileLock> base_;
  const OpenCount count_;
};

}  // namespace

void FaultFileSystem::Plan(Fault fault) {
  MutexLock lock(&mu_);
  plan_ = std::move(fault);
  calls_ = 0;
  failed_ = 0;
  first_failed_.clear();
}

void FaultFileSystem::Clear() {
  MutexLock lock(&mu_);
  plan_.reset();
}

uint64_t FaultFileSystem::calls() const {
  MutexLock lock(&mu_);
  return calls_;
}

uint64_t FaultFileSystem::failed() const {
  MutexLock lock(&mu_);
  return failed_;
}

std::string FaultFileSystem::first_failed() const {
  MutexLock lock(&mu_);
  return first_failed_;
}

std::optional<Fault> FaultFileSystem::Strike(FileOp op, std::string_view path) {
  MutexLock lock(&mu_);
  if (!plan_.has_value()) return std::nullopt;
  if (plan_->op.has_value() && *plan_->op != op) return std::nullopt;
  if (!absl::StrContains(path, plan_->path_part)) return std::nullopt;
  const uint64_t call = calls_++;
  if (call < plan_->call || call - plan_->call >= plan_->times) {
    return std::nullopt;
  }
  const std::string name = absl::StrCat(FileOpName(op), " ", path);
  if (failed_++ == 0) first_failed_ = name;
  Fault fault = *plan_;
  fault.error = Annotate(fault.error, name);
  return fault;
}

absl::Status FaultFileSystem::Check(FileOp op, std::string_view path) {
  const std::optional<Fault> fault = Strike(op, path);
  return fault.has_value() ? fault->error : absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<WritableFile>> FaultFileSystem::CreateFile(
    std::string_view path) {
  HF_RETURN_IF_ERROR(Check(FileOp::kCreate, path));
  HF_ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> file,
                      base_.CreateFile(path));
  return std::make_unique<FaultWritableFile>(this, std::string(path),
                                             std::move(file));
}

absl::StatusOr<std::unique_ptr<RandomAccessFile>> FaultFileSystem::OpenFile(
    std::string_view path) {
  HF_RETURN_IF_ERROR(Check(FileOp::kOpen, path));
  HF_ASSIGN_OR_RETURN(std::unique_ptr<RandomAccessFile> file,
                      base_.OpenFile(path));
  return std::make_unique<FaultRandomAccessFile>(this, std::string(path),
                                                 std::move(file));
}

absl::StatusOr<uint64_t> FaultFileSystem::FileSize(std::string_view path) {
  HF_RETURN_IF_ERROR(Check(FileOp::kStat, path));
  return base_.FileSize(path);
}

absl::StatusOr<bool> FaultFileSystem::FileExists(std::string_view path) {
  HF_RETURN_IF_ERROR(Check(FileOp::kStat, path));
  return base_.FileExists(path);
}

absl::StatusOr<std::vector<std::string>> FaultFileSystem::ListDirectory(
    std::string_view path) {
  HF_RETURN_IF_ERROR(Check(FileOp::kList, path));
  return base_.ListDirectory(path);
}

absl::Status FaultFileSystem::CreateDirectory(std::string_view path) {
  HF_RETURN_IF_ERROR(Check(FileOp::kMakeDirectory, path));
  return base_.CreateDirectory(path);
}

absl::Status FaultFileSystem::RemoveFile(std::string_view path) {
  HF_RETURN_IF_ERROR(Check(FileOp::kRemove, path));
  return base_.RemoveFile(path);
}

absl::Status FaultFileSystem::RemoveDirectory(std::string_view path) {
  HF_RETURN_IF_ERROR(Check(FileOp::kRemoveDirectory, path));
  return base_.RemoveDirectory(path);
}

absl::Status FaultFileSystem::RenameFile(std::string_view from,
                                         std::string_view to) {
  HF_RETURN_IF_ERROR(Check(FileOp::kRename, from));
  return base_.RenameFile(from, to);
}

absl::Status FaultFileSystem::LinkFile(std::string_view from,
                                       std::string_view to) {
  HF_RETURN_IF_ERROR(Check(FileOp::kLink, from));
  return base_.LinkFile(from, to);
}

absl::Status FaultFileSystem::SyncDirectory(std::string_view path) {
  HF_RETURN_IF_ERROR(Check(FileOp::kSyncDirectory, path));
  return base_.SyncDirectory(path);
}

absl::StatusOr<std::unique_ptr<FileLock>> FaultFileSystem::LockFile(
    std::string_view path) {
  HF_RETURN_IF_ERROR(Check(FileOp::kLock, path));
  HF_ASSIGN_OR_RETURN(std::unique_ptr<FileLock> lock, base_.LockFile(path));
  return std::make_unique<FaultFileLock>(this, std::move(lock));
}

absl::StatusOr<uint64_t> FaultFileSystem::UniqueId() {
  return base_.UniqueId();
}

}  // namespace holdfast
