// The file system as the engine sees it: the few calls a storage engine needs,
// each with what a crash may leave of it. Implementations: POSIX, and test
// doubles (a simulated disk, a layer that makes calls fail).
//
// A *crash* is the loss of power or of the operating system. The death of the
// process alone loses nothing that a call below has returned OK for.
//
// Errors: kNotFound (no such file or directory), kAlreadyExists,
// kResourceExhausted (no space, quota, too many open files), kUnavailable
// (locked by another process), kPermissionDenied, kInternal (an I/O error and
// everything else). The message names the operation, the path and the cause.

#ifndef HOLDFAST_ENV_FILE_SYSTEM_H_
#define HOLDFAST_ENV_FILE_SYSTEM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace holdfast {

// A file open for writing at positions that the caller keeps.
// Thread-compatible; Sync may run beside Write on another thread.
class WritableFile {
 public:
  virtual ~WritableFile() = default;

  // Writes all of `data` at `offset`, extending the file when needed. After an
  // error any part of the range may have been written, and no byte outside it:
  // writing the same range again is allowed and is how a failed write heals.
  // Crash: without a later Sync, each 512-byte sector of the range may be old,
  // new or torn, and the size old or new, independently.
  virtual absl::Status Write(uint64_t offset, std::string_view data) = 0;

  // Makes all content written so far, and the size, durable. Does not make the
  // file's name durable: see FileSystem::SyncDirectory.
  // After an error nothing is known of the unsynced content, and calling Sync
  // again proves nothing: a kernel may report a lost write only once.
  // Crash: once it returned OK, that content survives.
  virtual absl::Status Sync() = 0;

  // Makes room for writes to come: fills [offset, offset + length) with zeros,
  // extending the file when needed, so that a Write into it needs no space and
  // a Sync after that has no size to record. It may make those writes cheaper,
  // too. Only for speed: when it failed, the range can be written all the same.
  // REQUIRES: nothing at or behind `offset` counts: after an error the file may
  // be cut there.
  // Crash: as for a Write of zeros.
  virtual absl::Status PrepareSpace(uint64_t offset, uint64_t length) = 0;

  // Cuts or extends (with zeros) the file to `size`.
  // Crash: may be lost or take effect, until Sync.
  virtual absl::Status Truncate(uint64_t size) = 0;

  // Closes the file; later calls are errors. Syncs nothing. The destructor
  // closes a file that is still open and drops the error.
  virtual absl::Status Close() = 0;
};

// A file open for reading.
// Thread-safe.
class RandomAccessFile {
 public:
  virtual ~RandomAccessFile() = default;

  // Reads up to `n` bytes at `offset`. *result points into `scratch` or into
  // memory that the file owns; it is shorter than n only at the end of the
  // file. REQUIRES: scratch holds n bytes and outlives *result.
  virtual absl::Status Read(uint64_t offset, size_t n, char* scratch,
                            std::string_view* result) const = 0;

  // The size of the file now.
  virtual absl::StatusOr<uint64_t> Size() const = 0;
};

// An exclusive lock on a file; released by the destructor.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

// Thread-safe. Paths are the operating system's; a relative one is taken from
// the current directory of the process.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // Creates a file that must not exist yet and opens it for writing.
  // Crash: the name may be lost until SyncDirectory on its directory, whether
  // or not the content was synced.
  virtual absl::StatusOr<std::unique_ptr<WritableFile>> CreateFile(
      std::string_view path) = 0;

  // Opens an existing file for reading.
  virtual absl::StatusOr<std::unique_ptr<RandomAccessFile>> OpenFile(
      std::string_view path) = 0;

  virtual absl::StatusOr<uint64_t> FileSize(std::string_view path) = 0;

  // RETURNS whether a file or directory of that name exists.
  virtual absl::StatusOr<bool> FileExists(std::string_view path) = 0;

  // The names in a directory, without "." and "..", sorted.
  virtual absl::StatusOr<std::vector<std::string>> ListDirectory(
      std::string_view path) = 0;

  // Creates one directory (not its parents). kAlreadyExists when there.
  // Crash: may be lost until SyncDirectory on its parent.
  virtual absl::Status CreateDirectory(std::string_view path) = 0;

  // Removes a file.
  // Crash: the file may be there again until SyncDirectory.
  virtual absl::Status RemoveFile(std::string_view path) = 0;

  // Removes an empty directory.
  virtual absl::Status RemoveDirectory(std::string_view path) = 0;

  // Gives the file `from` the name `to`, replacing a file of that name in one
  // step.
  // Crash: until SyncDirectory, either name, or both, may be found; `to` names
  // the old or the new file, never neither and never a mixture.
  virtual absl::Status RenameFile(std::string_view from,
                                  std::string_view to) = 0;

  // Gives a file a second name. kAlreadyExists when `to` exists.
  // Crash: may be lost until SyncDirectory.
  virtual absl::Status LinkFile(std::string_view from, std::string_view to) = 0;

  // Makes all creations, removals and renames in a directory durable.
  // Crash: once it returned OK, they survive.
  virtual absl::Status SyncDirectory(std::string_view path) = 0;

  // Takes an exclusive lock, creating the file when needed. kUnavailable, at
  // once, when this or another process holds it. The lock goes with the
  // process that holds it, however that ends.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> LockFile(
      std::string_view path) = 0;

  // A number that no other database is likely to get: entropy for identities.
  virtual absl::StatusOr<uint64_t> UniqueId() = 0;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENV_FILE_SYSTEM_H_
