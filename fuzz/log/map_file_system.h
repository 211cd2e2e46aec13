// A directory in memory: what the readers and writers of manifests need, and
// little else. Syncs and crashes mean nothing here.
//
// Thread-compatible.

#ifndef HOLDFAST_FUZZ_LOG_MAP_FILE_SYSTEM_H_
#define HOLDFAST_FUZZ_LOG_MAP_FILE_SYSTEM_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fuzz/log/bytes_file.h"
#include "holdfast/env/file_system.h"

namespace holdfast {

// Handles must not outlive the file.
class MapFileSystem final : public FileSystem {
 public:
  // By path.
  std::map<std::string, std::string, std::less<>> files;
  // Sizes of files that need no content.
  std::map<std::string, uint64_t, std::less<>> sizes;

  absl::StatusOr<std::unique_ptr<WritableFile>> CreateFile(
      std::string_view path) override {
    const auto [file, made] = files.try_emplace(std::string(path));
    if (!made) return absl::AlreadyExistsError(path);
    return std::make_unique<BytesWriter>(&file->second, &plan_);
  }
  absl::StatusOr<std::unique_ptr<RandomAccessFile>> OpenFile(
      std::string_view path) override {
    const auto file = files.find(path);
    if (file == files.end()) return absl::NotFoundError(path);
    return std::make_unique<BytesReader>(file->second);
  }
  absl::StatusOr<uint64_t> FileSize(std::string_view path) override {
    const auto size = sizes.find(path);
    if (size != sizes.end()) return size->second;
    const auto file = files.find(path);
    if (file == files.end()) return absl::NotFoundError(path);
    return file->second.size();
  }
  absl::StatusOr<bool> FileExists(std::string_view path) override {
    return files.contains(path) || sizes.contains(path);
  }
  absl::Status RemoveFile(std::string_view path) override {
    const auto file = files.find(path);
    if (file == files.end()) return absl::NotFoundError(path);
    files.erase(file);
    return absl::OkStatus();
  }
  // The old name's content moves: no handle of it may be open.
  absl::Status RenameFile(std::string_view from, std::string_view to) override {
    const auto file = files.find(from);
    if (file == files.end()) return absl::NotFoundError(from);
    files[std::string(to)] = std::move(file->second);
    files.erase(file);
    return absl::OkStatus();
  }
  absl::Status SyncDirectory(std::string_view) override {
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> ListDirectory(
      std::string_view) override {
    return No();
  }
  absl::Status CreateDirectory(std::string_view) override { return No(); }
  absl::Status RemoveDirectory(std::string_view) override { return No(); }
  absl::Status LinkFile(std::string_view, std::string_view) override {
    return No();
  }
  absl::StatusOr<std::unique_ptr<FileLock>> LockFile(
      std::string_view) override {
    return No();
  }
  absl::StatusOr<uint64_t> UniqueId() override { return No(); }

 private:
  static absl::Status No() { return absl::UnimplementedError("not here"); }

  BytesWriter::Plan plan_;  // Without failures.
};

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_LOG_MAP_FILE_SYSTEM_H_
