// A layer over a file system whose process can die: from then on no call has an
// effect, whoever makes it. Counts what was called, by operation and kind of
// file, before that.
//
// Thread-compatible.

#ifndef HOLDFAST_CHAOS_DB_MORTAL_FILE_SYSTEM_H_
#define HOLDFAST_CHAOS_DB_MORTAL_FILE_SYSTEM_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "holdfast/env/file_system.h"
#include "holdfast/testing/file_call.h"

namespace holdfast {

// What a name says about a file of a database.
enum class FileSort : uint8_t {
  kLog,       // "log"
  kTable,     // "table"
  kManifest,  // "manifest"
  kCurrent,   // "current"
  kTemp,      // "temp"
  kOther,     // "other"
};
inline constexpr int kFileSorts = 6;
FileSort FileSortOf(std::string_view path);
std::string_view FileSortName(FileSort sort);

class MortalFileSystem final : public FileSystem {
 public:
  // `base` outlives this and every file.
  explicit MortalFileSystem(FileSystem* base);

  void Die() { life_->alive = false; }
  // A new process, on the same disk. Files of the old one stay dead.
  void BeBorn();

  // Calls that returned OK.
  uint64_t count(FileOp op, FileSort sort) const;

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
  using Counts = std::array<std::array<uint64_t, kFileSorts>, kFileOps>;
  struct Life {
    bool alive = true;
    Counts* counts;
  };
  class Writer;
  class Reader;

  absl::Status Counted(const absl::Status& status, FileOp op,
                       std::string_view path);

  FileSystem& base_;
  std::unique_ptr<Counts> counts_ = std::make_unique<Counts>();
  std::shared_ptr<Life> life_;
};

}  // namespace holdfast

#endif  // HOLDFAST_CHAOS_DB_MORTAL_FILE_SYSTEM_H_
