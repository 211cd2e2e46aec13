// What a fault layer knows of the files below it: their names and sizes, for
// the limit of space; what their sectors held before they were last written;
// and who has them open for writing.
//
// A file is known when it was made through the layer, or when it was found in a
// directory in which a call named a file while a limit was in force. A file
// that has lost its last name takes space until it is closed.
//
// Thread-compatible; the layer holds its lock, also while this reads the file
// system below.

#ifndef HOLDFAST_ENV_SIM_FAULT_SPACE_H_
#define HOLDFAST_ENV_SIM_FAULT_SPACE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "holdfast/env/file_system.h"

namespace holdfast {

// "/db" of "/db/000003.wal", "." of "000003.wal".
std::string DirectoryOf(std::string_view path);

class FaultSpace {
 public:
  struct File {
    std::string path;  // One of its names, the newest.
    uint64_t size = 0;
    // By sector.
    std::map<uint64_t, std::string> before_last_write;
    std::weak_ptr<WritableFile> writer;
    bool next_sync_fails = false;
  };

  explicit FaultSpace(FileSystem* base) : base_(*base) {}

  // Puts a limit in force or ends it; looks again at all directories seen.
  void SetLimit(std::optional<uint64_t> bytes);
  std::optional<uint64_t> limit() const { return limit_; }

  // A call is about to name a file: with a limit, its directory counts.
  void See(std::string_view path);

  // nullptr when not known.
  std::shared_ptr<File> Find(std::string_view path) const;
  std::shared_ptr<File> Created(std::string_view path);
  void Locked(std::string_view path);
  void Removed(std::string_view path);
  void Renamed(std::string_view from, std::string_view to);
  void Linked(std::string_view from, std::string_view to);
  void Truncated(File& file, uint64_t size) { file.size = size; }

  // Something wrote up to `end` without asking.
  void Grown(std::string_view path, uint64_t end);

  bool IsFull() const { return limit_.has_value() && used() >= *limit_; }
  // How many bytes of a write there is room for.
  uint64_t Fits(const File& file, uint64_t offset, uint64_t bytes) const;
  // The same, and notes that so many are written.
  uint64_t Reserve(File& file, uint64_t offset, uint64_t bytes);

 private:
  uint64_t used() const;
  std::shared_ptr<File> Add(std::string_view path);
  void Scan(const std::string& directory);

  FileSystem& base_;
  std::optional<uint64_t> limit_;
  std::set<std::string> directories_;  // In which calls named files.
  std::map<std::string, std::shared_ptr<File>, std::less<>> names_;
  // Each once, whatever its names; those that are gone drop out in used().
  mutable std::map<const File*, std::weak_ptr<File>> files_;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENV_SIM_FAULT_SPACE_H_
