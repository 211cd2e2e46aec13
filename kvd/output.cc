#include "kvd/output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_util.h"

namespace holdfast::kvd {
namespace {

constexpr size_t kBufferBytes = size_t{64} << 10;

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

DescriptorSink::DescriptorSink(int descriptor, std::string name)
    : descriptor_(descriptor), name_(std::move(name)) {}

absl::Status DescriptorSink::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(descriptor_, bytes.data(), bytes.size());
    if (n >= 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
    } else if (errno == EAGAIN) {
      // Somebody made the other end of our pipe non-blocking.
      pollfd ready = {descriptor_, POLLOUT, 0};
      poll(&ready, 1, /*timeout=*/-1);
    } else if (errno != EINTR) {
      return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", name_));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<ReplacementFile>> ReplacementFile::Create(
    FileSystem& file_system, const std::string& path) {
  std::string partial_path = path + ".partial";
  absl::StatusOr<std::unique_ptr<WritableFile>> file =
      file_system.CreateFile(partial_path);
  if (absl::IsAlreadyExists(file.status())) {
    return absl::InvalidArgumentError(absl::StrCat(
        partial_path,
        " exists: another command is writing it, or was killed while it did; "
        "remove it if none runs"));
  }
  if (!file.ok()) return file.status();
  return std::unique_ptr<ReplacementFile>(new ReplacementFile(
      file_system, path, std::move(partial_path), *std::move(file)));
}

ReplacementFile::ReplacementFile(FileSystem& file_system, std::string path,
                                 std::string partial_path,
                                 std::unique_ptr<WritableFile> file)
    : file_system_(file_system),
      path_(std::move(path)),
      partial_path_(std::move(partial_path)),
      file_(std::move(file)) {}

ReplacementFile::~ReplacementFile() {
  // The file was never there for anybody: whether this works changes nothing.
  if (!committed_) (void)file_system_.RemoveFile(partial_path_);
}

absl::Status ReplacementFile::Write(std::string_view bytes) {
  HF_RETURN_IF_ERROR(file_->Write(bytes_, bytes));
  bytes_ += bytes.size();
  return absl::OkStatus();
}

absl::Status ReplacementFile::Commit() {
  HF_RETURN_IF_ERROR(file_->Sync());
  HF_RETURN_IF_ERROR(file_->Close());
  HF_RETURN_IF_ERROR(file_system_.RenameFile(partial_path_, path_));
  committed_ = true;
  return file_system_.SyncDirectory(DirectoryOf(path_));
}

absl::Status Output::Write(std::string_view bytes) {
  HF_RETURN_IF_ERROR(error_);
  buffer_.append(bytes);
  return buffer_.size() >= kBufferBytes ? Flush() : absl::OkStatus();
}

absl::Status Output::Flush() {
  HF_RETURN_IF_ERROR(error_);
  error_ = sink_.Write(buffer_);
  buffer_.clear();
  return error_;
}

}  // namespace holdfast::kvd
