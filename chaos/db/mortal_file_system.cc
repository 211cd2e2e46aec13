#include "chaos/db/mortal_file_system.h"

#include <utility>

#include "engine/format/file_names.h"

namespace holdfast {
namespace {

constexpr std::string_view kSortNames[kFileSorts] = {
    "log", "table", "manifest", "current", "temp", "other"};

absl::Status Dead() {
  return absl::AbortedError("the process that made this call is dead");
}

}  // namespace

FileSort FileSortOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash != std::string_view::npos) path.remove_prefix(slash + 1);
  FileKind kind;
  uint64_t number;
  if (!ParseFileName(path, &kind, &number)) return FileSort::kOther;
  switch (kind) {
    case FileKind::kWal:
      return FileSort::kLog;
    case FileKind::kTable:
      return FileSort::kTable;
    case FileKind::kManifest:
      return FileSort::kManifest;
    case FileKind::kCurrent:
      return FileSort::kCurrent;
    case FileKind::kTemp:
      return FileSort::kTemp;
    case FileKind::kLock:
      return FileSort::kOther;
  }
  return FileSort::kOther;
}

std::string_view FileSortName(FileSort sort) {
  return kSortNames[static_cast<int>(sort)];
}

class MortalFileSystem::Writer final : public WritableFile {
 public:
  Writer(std::unique_ptr<WritableFile> base, std::shared_ptr<Life> life,
         FileSort sort)
      : base_(std::move(base)), life_(std::move(life)), sort_(sort) {}

  absl::Status Write(uint64_t offset, std::string_view data) override {
    return Do(FileOp::kWrite, [&] { return base_->Write(offset, data); });
  }
  absl::Status Sync() override {
    return Do(FileOp::kSync, [&] { return base_->Sync(); });
  }
  absl::Status PrepareSpace(uint64_t offset, uint64_t length) override {
    return Do(FileOp::kPrepareSpace,
              [&] { return base_->PrepareSpace(offset, length); });
  }
  absl::Status Truncate(uint64_t size) override {
    return Do(FileOp::kTruncate, [&] { return base_->Truncate(size); });
  }
  absl::Status Close() override {
    return Do(FileOp::kClose, [&] { return base_->Close(); });
  }

 private:
  template <typename Work>
  absl::Status Do(FileOp op, Work work) {
    if (!life_->alive) return Dead();
    absl::Status status = work();
    if (status.ok()) {
      ++(*life_->counts)[static_cast<size_t>(op)][static_cast<size_t>(sort_)];
    }
    return status;
  }

  const std::unique_ptr<WritableFile> base_;
  const std::shared_ptr<Life> life_;
  const FileSort sort_;
};

class MortalFileSystem::Reader final : public RandomAccessFile {
 public:
  Reader(std::unique_ptr<RandomAccessFile> base, std::shared_ptr<Life> life)
      : base_(std::move(base)), life_(std::move(life)) {}

  absl::Status Read(uint64_t offset, size_t n, char* scratch,
                    std::string_view* result) const override {
    if (!life_->alive) return Dead();
    return base_->Read(offset, n, scratch, result);
  }
  absl::StatusOr<uint64_t> Size() const override {
    if (!life_->alive) return Dead();
    return base_->Size();
  }

 private:
  const std::unique_ptr<RandomAccessFile> base_;
  const std::shared_ptr<Life> life_;
};

MortalFileSystem::MortalFileSystem(FileSystem* base) : base_(*base) {
  BeBorn();
}

void MortalFileSystem::BeBorn() {
  life_ = std::make_shared<Life>();
  life_->counts = counts_.get();
}

uint64_t MortalFileSystem::count(FileOp op, FileSort sort) const {
  return (*counts_)[static_cast<size_t>(op)][static_cast<size_t>(sort)];
}

absl::Status MortalFileSystem::Counted(const absl::Status& status, FileOp op,
                                       std::string_view path) {
  if (status.ok()) {
    ++(*counts_)[static_cast<size_t>(op)]
                [static_cast<size_t>(FileSortOf(path))];
  }
  return status;
}

absl::StatusOr<std::unique_ptr<WritableFile>> MortalFileSystem::CreateFile(
    std::string_view path) {
  if (!life_->alive) return Dead();
  absl::StatusOr<std::unique_ptr<WritableFile>> file = base_.CreateFile(path);
  if (!file.ok()) return file;
  Counted(file.status(), FileOp::kCreate, path).IgnoreError();
  return std::make_unique<Writer>(*std::move(file), life_, FileSortOf(path));
}

absl::StatusOr<std::unique_ptr<RandomAccessFile>> MortalFileSystem::OpenFile(
    std::string_view path) {
  if (!life_->alive) return Dead();
  absl::StatusOr<std::unique_ptr<RandomAccessFile>> file = base_.OpenFile(path);
  if (!file.ok()) return file;
  return std::make_unique<Reader>(*std::move(file), life_);
}

absl::StatusOr<uint64_t> MortalFileSystem::FileSize(std::string_view path) {
  if (!life_->alive) return Dead();
  return base_.FileSize(path);
}

absl::StatusOr<bool> MortalFileSystem::FileExists(std::string_view path) {
  if (!life_->alive) return Dead();
  return base_.FileExists(path);
}

absl::StatusOr<std::vector<std::string>> MortalFileSystem::ListDirectory(
    std::string_view path) {
  if (!life_->alive) return Dead();
  return base_.ListDirectory(path);
}

absl::Status MortalFileSystem::CreateDirectory(std::string_view path) {
  if (!life_->alive) return Dead();
  return Counted(base_.CreateDirectory(path), FileOp::kMakeDirectory, path);
}

absl::Status MortalFileSystem::RemoveFile(std::string_view path) {
  if (!life_->alive) return Dead();
  return Counted(base_.RemoveFile(path), FileOp::kRemove, path);
}

absl::Status MortalFileSystem::RemoveDirectory(std::string_view path) {
  if (!life_->alive) return Dead();
  return Counted(base_.RemoveDirectory(path), FileOp::kRemoveDirectory, path);
}

absl::Status MortalFileSystem::RenameFile(std::string_view from,
                                          std::string_view to) {
  if (!life_->alive) return Dead();
  return Counted(base_.RenameFile(from, to), FileOp::kRename, to);
}

absl::Status MortalFileSystem::LinkFile(std::string_view from,
                                        std::string_view to) {
  if (!life_->alive) return Dead();
  return Counted(base_.LinkFile(from, to), FileOp::kLink, to);
}

absl::Status MortalFileSystem::SyncDirectory(std::string_view path) {
  if (!life_->alive) return Dead();
  return Counted(base_.SyncDirectory(path), FileOp::kSyncDirectory, path);
}

absl::StatusOr<std::unique_ptr<FileLock>> MortalFileSystem::LockFile(
    std::string_view path) {
  if (!life_->alive) return Dead();
  return base_.LockFile(path);
}

absl::StatusOr<uint64_t> MortalFileSystem::UniqueId() {
  if (!life_->alive) return Dead();
  return base_.UniqueId();
}

}  // namespace holdfast
