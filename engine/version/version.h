// A version: the tables that make up the database at one moment, by level.
//
// Versions never change. An edit makes a new one (version_builder.h); readers
// keep the one they began with, and with it its tables.
//
// Invariants: (1) In levels 1 and deeper tables are sorted, and no two hold
// the same user key: all versions of a user key of one level are in one table.
// (2) Level 0 is sorted by largest sequence number, newest first; its tables
// may overlap. (3) Of the versions of one user key, one in a lower-numbered
// level is newer than every one in a deeper level.
//
// Thread safety: immutable.

#ifndef HOLDFAST_ENGINE_VERSION_VERSION_H_
#define HOLDFAST_ENGINE_VERSION_VERSION_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "engine/format/internal_key.h"
#include "engine/format/version_edit.h"
#include "engine/iter/internal_iterator.h"
#include "engine/table/table_cache.h"
#include "engine/table/table_reader.h"
#include "engine/version/file_metadata.h"

namespace holdfast {

// What Version::Get found.
struct GetResult {
  TableLookup lookup;
  int tables_searched = 0;  // Tables whose range holds the key.
  int filter_skips = 0;     // Of those, the ones that their filter ruled out.
};

// The order of level 0.
bool NewerFirst(const FileMetadata& a, const FileMetadata& b);

// Empty, or why `files` cannot be a level (Invariants (1) and (2)).
std::string WhyNotALevel(int level, const FileList& files);

class Version {
 public:
  // Levels are shared between versions that have them in common.
  using Levels = std::array<std::shared_ptr<const FileList>, kNumLevels>;

  // The empty version.
  Version();
  // REQUIRES: each level non-null and a level (see WhyNotALevel).
  explicit Version(Levels levels);
  Version(const Version&) = delete;
  Version& operator=(const Version&) = delete;

  const FileList& files(int level) const { return *levels_[level]; }
  const Levels& levels() const { return levels_; }
  uint64_t level_bytes(int level) const { return level_bytes_[level]; }
  // Tables in all levels.
  size_t file_count() const { return file_count_; }

  // Looks up the newest version of a user key at or before key.sequence().
  // `key_hash` is HashKey(user key). A table that cannot be read or checked is
  // an error; it is never skipped for an older value.
  // REQUIRES: the caller holds a Guard of the cache's epoch domain, until it is
  // done with result->lookup.value, unless lookup.pin keeps that alive.
  absl::Status Get(const BlockReadOptions& options, const LookupKey& key,
                   uint64_t key_hash, TableCache& cache,
                   GetResult* result) const;

  // Appends iterators that together yield every entry: one for each table of
  // level 0, one for each deeper level that is not empty. Tables are opened
  // when an iterator first needs them; a failure shows in its status().
  // Iterators keep their tables alive; the cache must outlive them.
  void AppendIterators(
      const BlockReadOptions& options, TableCache& cache,
      std::vector<std::unique_ptr<InternalIterator>>* iterators) const;

  // The tables of a level that may hold a user key in [smallest, largest], in
  // the level's order. An absent bound is no bound.
  FileList FilesOverlapping(int level, std::optional<std::string_view> smallest,
                            std::optional<std::string_view> largest) const;

  // Whether some table of `level` or deeper may hold the user key.
  bool MayHoldAtOrBelow(int level, std::string_view user_key) const;

  // The deepest level with a table that may hold a key in the range.
  std::optional<int> DeepestLevelOverlapping(
      std::optional<std::string_view> smallest,
      std::optional<std::string_view> largest) const;

  // One line for each table, for tests and the inspection commands:
  //   "L1 #12 [\"a\"@7 .. \"c\"@3] 4096 bytes\n"
  std::string DebugString() const;

 private:
  // The index of the first table of a level >= 1 whose largest user key is at
  // or after `user_key`.
  size_t FindFile(int level, std::string_view user_key) const;

  Levels levels_;
  std::array<uint64_t, kNumLevels> level_bytes_;
  size_t file_count_ = 0;
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_VERSION_VERSION_H_
