#include <array>

#include "holdfast/testing/persistence.h"

namespace holdfast {
namespace {

constexpr PersistenceProfile kPosix = {
    .name = "posix",
    .about = "what POSIX promises and no more: the default of every test",
};

constexpr PersistenceProfile Posix(std::string_view name,
                                   std::string_view about,
                                   SyncOutcome bad_sync) {
  PersistenceProfile profile = kPosix;
  profile.name = name;
  profile.about = about;
  profile.bad_sync = bad_sync;
  return profile;
}

constexpr std::array<PersistenceProfile, 10> kProfiles = {{
    kPosix,
    {
        .name = "posix-torn",
        .about = "posix, and sectors may be torn at any byte",
        .tears_sectors = true,
    },
    {
        .name = "ext4-ordered",
        .about = "names in order, data of appends before the size",
        .appends_zeros = false,
        .appends_garbage = false,
        .appends_stale = false,
        .size_apart_from_data = false,
        .ordered_names = true,
        .file_sync_keeps_name = true,
        .safe_rename = true,
        .rename_leaves_both = false,
    },
    {
        .name = "ext4-writeback",
        .about = "ext4-ordered, but the size may be ahead of the data",
        .ordered_names = true,
        .file_sync_keeps_name = true,
        .safe_rename = true,
        .rename_leaves_both = false,
    },
    {
        .name = "xfs",
        .about = "names in order, the size may be ahead of the data: zeros",
        .appends_garbage = false,
        .appends_stale = false,
        .ordered_names = true,
        .rename_leaves_both = false,
    },
    {
        .name = "btrfs",
        .about = "names in any order, data of appends before the size",
        .appends_garbage = false,
        .appends_stale = false,
        .size_apart_from_data = false,
        .file_sync_keeps_name = true,
        .safe_rename = true,
        .rename_leaves_both = false,
        .bad_sync = SyncOutcome::kFailsReverts,
    },
    Posix("lying", "posix, and bad syncs return OK and do nothing",
          SyncOutcome::kLies),
    Posix("fsync-keeps-new",
          "posix; a failed sync fails once, reads show what the disk lacks",
          SyncOutcome::kFailsKeepsNew),
    Posix("fsync-reverts", "posix; a failed sync takes back what was written",
          SyncOutcome::kFailsReverts),
    Posix("fsync-late", "posix; the sync after the bad one fails",
          SyncOutcome::kFailsLate),
}};

}  // namespace

absl::Span<const PersistenceProfile> AllProfiles() { return kProfiles; }

const PersistenceProfile& PosixProfile() { return kProfiles[0]; }

const PersistenceProfile* FindProfile(std::string_view name) {
  for (const PersistenceProfile& profile : kProfiles) {
    if (profile.name == name) return &profile;
  }
  return nullptr;
}

std::string_view SyncOutcomeName(SyncOutcome outcome) {
  switch (outcome) {
    case SyncOutcome::kOk:
      return "ok";
    case SyncOutcome::kLies:
      return "lies";
    case SyncOutcome::kLost:
      return "lost";
    case SyncOutcome::kFailsKeepsNew:
      return "fails-keeps-new";
    case SyncOutcome::kFailsReverts:
      return "fails-reverts";
    case SyncOutcome::kFailsLate:
      return "fails-late";
  }
  return "?";
}

}  // namespace holdfast
