// What a disk may do to unsynced data when the power fails: profiles, the
// pending things of a disk, and which of them a crash keeps. Pure data and
// functions; the disk itself is holdfast/testing/sim_disk.h.
//
//   const std::vector<PendingUnit> units = disk.Pending();
//   for (const CrashChoice& choice : EnumerateChoices(units, profile, bound)) {
//     SimDisk after = disk.Crash(units, choice);
//     ...
//   }

#ifndef HOLDFAST_TESTING_PERSISTENCE_H_
#define HOLDFAST_TESTING_PERSISTENCE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace holdfast {

inline constexpr uint64_t kSectorBytes = 512;

// What a sync does to the disk and what it says. Anything but kOk happens when
// a fault plan asks for it.
enum class SyncOutcome : uint8_t {
  kOk,
  // Returns OK and does nothing: what was dirty counts as clean, stays in the
  // cache, and no later sync writes it.
  kLies,
  // Like a sync that was never called: returns OK, all stays pending and dirty,
  // a later sync makes it durable.
  kLost,
  // Fails with an I/O error once; what was dirty counts as clean from then on,
  // reads show the new content, the disk has the old, the size is durable
  // (ext4, XFS).
  kFailsKeepsNew,
  // Fails; the cache goes back to what is on the disk (btrfs).
  kFailsReverts,
  // Returns OK like kLies; the *next* sync of that file fails (ext4
  // data=journal).
  kFailsLate,
};
std::string_view SyncOutcomeName(SyncOutcome outcome);

// A kind of disk and file system, as data. Unless a field forbids it, each
// pending thing is kept or lost independently of all others.
struct PersistenceProfile {
  std::string_view name;
  std::string_view about;

  // A sector may hold the first bytes of one version and the rest of another.
  bool tears_sectors = false;
  // What a sector may hold that lies inside the size but was never written to
  // the disk.
  bool appends_zeros = true;
  bool appends_garbage = true;
  bool appends_stale = true;
  // The size may be ahead of, or behind, the data. Otherwise appended data is
  // on the disk before the size that covers it.
  bool size_apart_from_data = true;
  // Changes of names persist in the order in which they were made.
  bool ordered_names = false;
  // Sync of a file makes its name durable (and with ordered_names all changes
  // of names before).
  bool file_sync_keeps_name = false;
  // The content of a file is on the disk before a rename over another file.
  bool safe_rename = false;
  // A rename may leave both names, or neither.
  bool rename_leaves_both = true;
  bool rename_leaves_neither = false;
  // How syncs go wrong when a plan says that they fail or lie and not how.
  SyncOutcome bad_sync = SyncOutcome::kFailsKeepsNew;
};

// posix (the default of everything), posix-torn, ext4-ordered, ext4-writeback,
// xfs, btrfs, lying, fsync-keeps-new, fsync-reverts, fsync-late.
absl::Span<const PersistenceProfile> AllProfiles();
const PersistenceProfile& PosixProfile();
// nullptr when there is none of that name.
const PersistenceProfile* FindProfile(std::string_view name);

// One thing that is not durable yet, and what a crash may make of it.
struct PendingUnit {
  enum class Kind : uint8_t { kSector, kSize, kName };

  struct Alternative {
    enum class What : uint8_t {
      kOld,      // As if the change had not happened.
      kVersion,  // One of the versions written since, the newest the last.
      kZeros,    // Offered where kOld of an appended sector is not zeros.
      kGarbage,
      kStale,
      kTorn,     // The first `detail` bytes of the newest, the rest old.
      kBoth,     // Of a rename: both names.
      kNeither,  // Of a rename: neither name.
    };
    What what = What::kOld;
    // When it was written: the number of the call. 0 for kOld.
    uint64_t stamp = 0;
    // Of kVersion: its index; of kTorn: bytes; of a kSize unit: the size.
    uint64_t detail = 0;
  };

  Kind kind = Kind::kSector;
  uint64_t inode = 0;     // Of a name: the file or directory that it names.
  uint64_t sector = 0;    // Of a sector.
  uint64_t name_op = 0;   // Of a name: which pending change.
  bool appended = false;  // A sector beyond the durable size.
  bool replaces = false;  // Of a name: a rename over another file.
  // False: a sync lied or failed, and no later one writes it.
  bool dirty = true;
  std::string label;  // "/db/000003.wal sector 7", "rename a -> b".
  // [0] is kOld, [newest] what the process saw; both always there.
  std::vector<Alternative> alternatives;
  size_t newest = 0;
};

// Which alternative each unit takes, by its position.
struct CrashChoice {
  std::vector<uint16_t> picks;

  // What is different from the more similar of "all kept" and "none kept":
  // "kept", "none", "kept 3=0 5=2". Parses back with the same number of units.
  std::string Text(absl::Span<const PendingUnit> units) const;
  static absl::StatusOr<CrashChoice> Parse(std::string_view text,
                                           absl::Span<const PendingUnit> units);
  // For people: one line for each unit that is not the newest.
  std::vector<std::string> Explain(absl::Span<const PendingUnit> units) const;

  friend bool operator==(const CrashChoice&, const CrashChoice&) = default;
};

// How far the enumeration goes. Within it, it is exhaustive.
struct ChoiceBound {
  // Each pair of units lost, and each kept, when there are at most so many.
  size_t pairs_up_to_units = 12;
  // All combinations when there are at most so many.
  size_t all_up_to_combinations = 64;
  // Each unit alone lost and alone kept (in each alternative), when there are
  // at most so many units; otherwise evenly spread ones.
  size_t singles_up_to_units = 64;
  // Cuts in the order of time: at most so many.
  size_t prefixes = 64;
  // Random choices for what is left.
  size_t random_choices = 8;

  std::string Text() const;
};

// All kept, none kept, every prefix in time, each kind of unit kept or lost
// as a whole (data without names, names without data, sizes without data, all
// appended sectors zero, garbage or stale), each unit alone lost, alone kept
// and alone in each other alternative, pairs, then random ones; without those
// that the profile forbids and without repetitions. Deterministic.
std::vector<CrashChoice> EnumerateChoices(absl::Span<const PendingUnit> units,
                                          const PersistenceProfile& profile,
                                          const ChoiceBound& bound,
                                          uint64_t seed);

// Whether a profile allows the choice: order of names, data before size.
bool IsAllowed(const CrashChoice& choice, absl::Span<const PendingUnit> units,
               const PersistenceProfile& profile);

// The choice when the profile allows it; else one near to it that it allows.
// REQUIRES: one pick for each unit, within its alternatives.
CrashChoice NearestAllowed(CrashChoice choice,
                           absl::Span<const PendingUnit> units,
                           const PersistenceProfile& profile);

}  // namespace holdfast

#endif  // HOLDFAST_TESTING_PERSISTENCE_H_
