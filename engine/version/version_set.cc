#include "engine/version/version_set.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/mutant.h"
#include "base/sometimes.h"
#include "base/status_util.h"
#include "engine/format/current_file.h"
#include "engine/format/file_names.h"
#include "engine/format/format_version.h"
#include "engine/version/version_builder.h"
#include "env/file_util.h"

namespace holdfast {

// Holds the place of the one caller that may change things.
class VersionSet::OneCaller {
 public:
  explicit OneCaller(std::atomic<bool>* busy) : busy_(*busy) {
    HF_CHECK(!busy_.exchange(true, std::memory_order_acquire));
  }
  // Pairs with the exchange: the next caller sees all that this one did.
  ~OneCaller() { busy_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool>& busy_;
};

VersionSet::VersionSet(Options options) : options_(std::move(options)) {
  HF_CHECK(options_.file_system != nullptr);
}

// --- Opening -----------------------------------------------------------------

absl::Status VersionSet::Recover() {
  const OneCaller caller(&busy_);
  HF_ASSIGN_OR_RETURN(const CurrentFile named,
                      ReadCurrent(options_.file_system, options_.dir));
  HF_ASSIGN_OR_RETURN(ManifestState state,
                      ReadManifest(options_.file_system, options_.dir, named));
  HF_RETURN_IF_ERROR(CheckTables(*state.version));
  next_file_number_.store(state.next_file_number);
  {
    MutexLock lock(&mu_);
    manifest_number_ = named.manifest_number;
  }
  Install(std::move(state));
  return absl::OkStatus();
}

void VersionSet::CreateNew(uint64_t db_id) {
  const OneCaller caller(&busy_);
  ManifestState state;
  state.db_id = db_id;
  Install(std::move(state));
}

absl::Status VersionSet::CheckTables(const Version& version) const {
  for (int level = 0; level < kNumLevels; ++level) {
    for (const FilePtr& file : version.files(level)) {
      const std::string path = TableFileName(options_.dir, file->number);
      const absl::StatusOr<uint64_t> bytes =
          options_.file_system->FileSize(path);
      if (absl::IsNotFound(bytes.status())) {
        if (HF_MUTANT("version_set.table_is_there")) continue;
        return DataLoss(path, 0, "missing, but the manifest names it");
      }
      HF_RETURN_IF_ERROR(bytes.status());
      if (*bytes != file->bytes && !HF_MUTANT("version_set.table_size")) {
        return DataLoss(path, std::min(*bytes, file->bytes),
                        absl::StrCat("has ", *bytes, " bytes, the manifest ",
                                     "says ", file->bytes));
      }
    }
  }
  return absl::OkStatus();
}

// --- State -------------------------------------------------------------------

std::shared_ptr<const Version> VersionSet::current() const {
  MutexLock lock(&mu_);
  return state_.version;
}

uint64_t VersionSet::db_id() const {
  MutexLock lock(&mu_);
  return state_.db_id;
}

uint64_t VersionSet::log_number() const {
  MutexLock lock(&mu_);
  return state_.log_number;
}

SequenceNumber VersionSet::last_sequence() const {
  MutexLock lock(&mu_);
  return state_.last_sequence;
}

std::optional<SealedLog> VersionSet::sealed_log() const {
  MutexLock lock(&mu_);
  return state_.sealed_log;
}

uint64_t VersionSet::manifest_number() const {
  MutexLock lock(&mu_);
  return manifest_number_;
}

uint64_t VersionSet::manifest_bytes() const {
  MutexLock lock(&mu_);
  return manifest_bytes_;
}

bool VersionSet::manifest_state_unknown() const {
  MutexLock lock(&mu_);
  return unknown_;
}

void VersionSet::MarkFileNumberUsed(uint64_t number) {
  uint64_t next = next_file_number_.load();
  while (next <= number &&
         !next_file_number_.compare_exchange_weak(next, number + 1)) {
  }
}

FilesInUse VersionSet::InUse() const {
  FilesInUse in_use;
  std::vector<std::shared_ptr<const Version>> alive;
  MutexLock lock(&mu_);
  in_use.manifest_state_unknown =
      unknown_ ||
      (!manifest_durable_ && !HF_MUTANT("version_set.durable_before_removal"));
  in_use.manifest_number = manifest_number_;
  in_use.log_number = state_.log_number;
  in_use.next_file_number = next_file_number();
  for (const std::weak_ptr<const Version>& weak : versions_) {
    if (HF_MUTANT("version_set.old_versions_are_in_use") &&
        weak.lock() != state_.version) {
      continue;
    }
    if (std::shared_ptr<const Version> version = weak.lock()) {
      alive.push_back(std::move(version));
    }
  }
  versions_.assign(alive.begin(), alive.end());
  for (const std::shared_ptr<const Version>& version : alive) {
    for (int level = 0; level < kNumLevels; ++level) {
      for (const FilePtr& file : version->files(level)) {
        in_use.live_tables.insert(file->number);
      }
    }
  }
  in_use.alive.assign(alive.begin(), alive.end());
  return in_use;
}

void VersionSet::Install(ManifestState next) {
  MutexLock lock(&mu_);
  if (versions_.empty() || next.version != state_.version) {
    versions_.push_back(next.version);
  }
  std::swap(state_, next);  // The old version dies after the lock is released.
}

void VersionSet::SetUnknown(bool unknown) {
  MutexLock lock(&mu_);
  unknown_ = unknown;
}

// --- Change ------------------------------------------------------------------

absl::StatusOr<ManifestState> VersionSet::Next(VersionEdit* edit) const {
  ManifestState next;
  {
    MutexLock lock(&mu_);
    next = state_;
  }
  if (edit->db_id.has_value()) {
    return absl::InvalidArgumentError("an edit cannot change the database id");
  }
  edit->next_file_number = next_file_number();
  SequenceNumber last =
      std::max(next.last_sequence, edit->last_sequence.value_or(0));
  for (const TableRecord& table : edit->added) {
    last = std::max(last, table.largest_sequence);
  }
  edit->last_sequence = last;
  if (!edit->added.empty() || !edit->removed.empty()) {
    VersionBuilder builder(*next.version);
    HF_RETURN_IF_ERROR(builder.Apply(*edit));
    HF_ASSIGN_OR_RETURN(next.version, builder.Build());
  }
  HF_RETURN_IF_ERROR(ApplyNumbers(*edit, &next));
  return next;
}

bool VersionSet::NeedsNewManifest() const {
  if (manifest_ == nullptr || manifest_state_unknown()) return true;
  HF_SOMETIMES(manifest_->bytes() >=
                   std::max(options_.manifest_roll_bytes, 2 * snapshot_bytes_),
               "the manifest is begun anew for its size");
  // Not before it has doubled: otherwise a snapshot over the limit would be
  // written again for each edit.
  return manifest_->bytes() >=
         std::max(options_.manifest_roll_bytes, 2 * snapshot_bytes_);
}

absl::Status VersionSet::LogAndApply(VersionEdit edit) {
  const OneCaller caller(&busy_);
  const bool begin = NeedsNewManifest();
  const uint64_t number = begin ? NewFileNumber() : 0;
  HF_ASSIGN_OR_RETURN(ManifestState next, Next(&edit));
  HF_RETURN_IF_ERROR(begin ? BeginManifest(number, next)
                           : AppendToManifest(edit));
  Install(std::move(next));
  return absl::OkStatus();
}

absl::Status VersionSet::AppendToManifest(const VersionEdit& edit) {
  absl::Status status = manifest_->AddRecord(EncodeVersionEdit(edit));
  if (status.ok()) {
    status = HF_STEP("version_set.edit_sync", manifest_->Sync());
  }
  if (!status.ok()) {
    HF_SOMETIMES(true, "an edit fails and leaves the manifest unknown");
    if (HF_MUTANT("version_set.failed_edit_is_unknown")) return status;
    SetUnknown(true);
    manifest_.reset();  // Invariant (3).
    return status;
  }
  MutexLock lock(&mu_);
  manifest_bytes_ = manifest_->bytes();
  return absl::OkStatus();
}

absl::Status VersionSet::BeginManifest(uint64_t number,
                                       const ManifestState& next) {
  // Up to here the old manifest, untouched, is the only one that counts.
  HF_ASSIGN_OR_RETURN(
      std::unique_ptr<LogWriter> manifest,
      CreateManifest(options_.file_system, options_.dir, number, next));
  const std::string temp = TempFileName(options_.dir, number);
  const CurrentFile current = {.version = kFormatVersion,
                               .manifest_number = number,
                               .db_id = next.db_id,
                               .manifest_bytes = manifest->synced_bytes()};
  absl::Status status =
      WriteTempFile(*options_.file_system, temp, EncodeCurrent(current));
  if (!status.ok()) {
    HF_SOMETIMES(true, "a new manifest is given up before CURRENT names it");
    if (HF_MUTANT("version_set.unnamed_manifest_removed")) return status;
    // Still only the old one. Nothing names the new one, so it may go.
    manifest->Close().IgnoreError();
    options_.file_system->RemoveFile(manifest->path()).IgnoreError();
    return status;
  }
  status = ReplaceFile(*options_.file_system, options_.dir, temp,
                       CurrentFileName(options_.dir));
  if (!status.ok()) {
    HF_SOMETIMES(true, "nobody knows which manifest CURRENT names");
    if (HF_MUTANT("version_set.failed_switch_is_unknown")) return status;
    // CURRENT may name either. The old one is not appended to any more, as
    // CURRENT may name the new one.
    SetUnknown(true);
    manifest_.reset();
    return status;
  }
  manifest_ = std::move(manifest);
  snapshot_bytes_ = manifest_->bytes();
  MutexLock lock(&mu_);
  manifest_number_ = number;
  manifest_bytes_ = snapshot_bytes_;
  manifest_durable_ = true;
  unknown_ = false;
  return absl::OkStatus();
}

absl::Status VersionSet::Close() {
  const OneCaller caller(&busy_);
  if (manifest_ == nullptr) return absl::OkStatus();
  const std::unique_ptr<LogWriter> manifest = std::move(manifest_);
  HF_RETURN_IF_ERROR(HF_STEP("version_set.close_seal", manifest->AddSeal(0)));
  HF_RETURN_IF_ERROR(HF_STEP("version_set.close_sync", manifest->Sync()));
  return manifest->Close();
}

}  // namespace holdfast
