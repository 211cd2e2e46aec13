// One call to a file system, as traces, fault plans and crash reports name it.

#ifndef HOLDFAST_TESTING_FILE_CALL_H_
#define HOLDFAST_TESTING_FILE_CALL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

enum class FileOp : uint8_t {
  kCreate,
  kOpen,
  kRead,
  kWrite,
  kSync,
  kTruncate,
  kPrepareSpace,
  kClose,
  kRemove,
  kRename,
  kLink,
  kSyncDirectory,
  kList,
  kStat,  // FileSize, FileExists and RandomAccessFile::Size.
  kMakeDirectory,
  kRemoveDirectory,
  kLock,
  kUniqueId,
};
inline constexpr int kFileOps = 18;

// "create", "open", "read", "write", "sync", "truncate", "prepare",
// "close", "remove", "rename", "link", "syncdir", "list", "stat", "mkdir",
// "rmdir", "lock", "id".
std::string_view FileOpName(FileOp op);
std::optional<FileOp> FileOpFromName(std::string_view name);

// Whether such a call may change what is on the disk, or what of it is certain
// to survive a crash.
bool Changes(FileOp op);

struct FileCall {
  FileOp op = FileOp::kOpen;
  std::string path;
  std::string to;  // Of a rename or link: the new name.
  uint64_t offset = 0;
  uint64_t bytes = 0;  // Of a truncation: the new size.

  // "write /db/000003.wal 4096+512", "rename /db/a -> /db/b".
  std::string Text() const;
};

}  // namespace holdfast

#endif  // HOLDFAST_TESTING_FILE_CALL_H_
