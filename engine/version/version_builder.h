// Applies version edits to a version: a pure function with checks.
//
//   VersionBuilder builder(*base);
//   HF_RETURN_IF_ERROR(builder.Apply(edit));   // any number of edits
//   HF_ASSIGN_OR_RETURN(auto next, builder.Build());

#ifndef HOLDFAST_ENGINE_VERSION_VERSION_BUILDER_H_
#define HOLDFAST_ENGINE_VERSION_VERSION_BUILDER_H_

#include <cstdint>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/format/version_edit.h"
#include "engine/version/file_metadata.h"
#include "engine/version/version.h"

namespace holdfast {

// Thread-compatible.
class VersionBuilder {
 public:
  explicit VersionBuilder(const Version& base);

  // Applies the table changes of an edit. RETURNS kInvalidArgument, saying
  // which table and why, when the edit removes a table that is not there, adds
  // one that is there or was there before, or moves one and changes it. After
  // an error the builder is good for nothing.
  absl::Status Apply(const VersionEdit& edit);

  // RETURNS the version, or kInvalidArgument when tables of a level other than
  // 0 overlap. REQUIRES: called once, after the last Apply.
  absl::StatusOr<std::shared_ptr<const Version>> Build();

 private:
  struct Placed {
    int level;
    FilePtr file;
  };

  absl::Status Remove(int level, uint64_t number,
                      absl::flat_hash_map<uint64_t, Placed>* moving);
  absl::Status Add(const TableRecord& table,
                   absl::flat_hash_map<uint64_t, Placed>* moving);

  const Version::Levels base_;
  absl::flat_hash_map<uint64_t, Placed> files_;
  // Numbers that are never used again.
  absl::flat_hash_set<uint64_t> removed_;
  bool level_changed_[kNumLevels] = {};
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_VERSION_VERSION_BUILDER_H_
