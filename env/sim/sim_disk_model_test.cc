// The simulated disk against the model of it: what the process sees after each
// call, and all that a crash may leave.

#include <limits>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "env/sim/disk_model.h"
#include "gtest/gtest.h"
#include "holdfast/testing/persistence.h"
#include "holdfast/testing/sim_disk.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

// What is enumerated at most; cases with more are checked without crashes.
constexpr double kMostCombinations = 4096;

// What to do, and three numbers to do it with.
using Step = std::tuple<int, int, int, int>;

constexpr uint64_t kOffsets[] = {0, 100, 500, 512, 1000, 1024, 1500, 4095};
constexpr uint64_t kLengths[] = {1, 13, 300, 512, 700, 1100, 4100};
constexpr uint64_t kSizes[] = {0, 1, 511, 512, 600, 1024, 1300};
const std::string kNames[] = {"/a", "/b.tmp", "/b"};

// Without what a model cannot foretell.
PersistenceProfile Foreseeable(PersistenceProfile profile) {
  profile.appends_garbage = false;
  profile.appends_stale = false;
  profile.tears_sectors = false;
  return profile;
}

// The disk and the model, in step.
class Both {
 public:
  explicit Both(const PersistenceProfile& profile)
      : disk(profile), model(profile) {}

  void Do(const Step& step, bool bad_syncs) {
    const auto [what, x, y, z] = step;
    const std::string& name = kNames[x % 3];
    const std::string& other = kNames[y % 3];
    switch (what) {
      case 0:
        if (model.Has(name)) return;
        inodes_.push_back(disk.Create(name).value());
        disk.Hold(inodes_.back());  // Written to when it has no name any more.
        RC_ASSERT(model.Create(name) == inodes_.size() - 1);
        return;
      case 1:
        if (!model.Has(name)) return;
        RC_ASSERT(disk.Remove(name).ok());
        model.Remove(name);
        return;
      case 2:
        if (!model.Has(name)) return;
        RC_ASSERT(disk.Rename(name, other).ok());
        model.Rename(name, other);
        return;
      case 3:
        if (!model.Has(name) || model.Has(other)) return;
        RC_ASSERT(disk.Link(name, other).ok());
        model.Link(name, other);
        return;
      case 4:
        RC_ASSERT(disk.SyncDirectory("/").ok());
        model.SyncDirectory();
        return;
      default:
        DoToFile(what, x, y, z, bad_syncs);
    }
  }

  std::set<DiskModel::Image> CrashesOfDisk() const {
    ChoiceBound unlimited;
    unlimited.all_up_to_combinations = std::numeric_limits<size_t>::max();
    const std::vector<PendingUnit> units = disk.Pending();
    std::set<DiskModel::Image> found;
    for (const CrashChoice& choice :
         EnumerateChoices(units, disk.profile(), unlimited, 1)) {
      RC_ASSERT(IsAllowed(choice, units, disk.profile()));
      SimDisk after = disk.Crash(units, choice);
      RC_ASSERT(!after.HasPending());
      const DiskModel::Image image = after.Files();
      // What lay beyond the size does not come back when the file grows.
      for (const auto& [name, content] : image) {
        const auto inode = after.Lookup(name).value();
        const uint64_t size = after.Size(inode);  // Of a file with two names.
        after.Truncate(inode, size + 2 * kSectorBytes);
        RC_ASSERT(after.Files()[name] ==
                  content +
                      std::string(after.Size(inode) - content.size(), '\0'));
      }
      found.insert(image);
    }
    return found;
  }

  SimDisk disk;
  DiskModel model;

 private:
  void DoToFile(int what, int x, int y, int z, bool bad_syncs) {
    if (inodes_.empty()) return;
    const size_t file = static_cast<size_t>(x) % inodes_.size();
    if (what <= 7) {
      const std::string data(kLengths[z % 7], static_cast<char>('a' + fill_));
      fill_ = (fill_ + 1) % 26;
      disk.Write(inodes_[file], kOffsets[y % 8], data);
      model.Write(file, kOffsets[y % 8], data);
    } else if (what == 8) {
      disk.Truncate(inodes_[file], kSizes[y % 7]);
      model.Truncate(file, kSizes[y % 7]);
    } else {
      constexpr SyncOutcome kOutcomes[] = {
          SyncOutcome::kLies, SyncOutcome::kLost, SyncOutcome::kFailsKeepsNew,
          SyncOutcome::kFailsReverts};
      const SyncOutcome outcome =
          bad_syncs && y % 2 == 0 ? kOutcomes[z % 4] : SyncOutcome::kOk;
      const bool fails = outcome == SyncOutcome::kFailsKeepsNew ||
                         outcome == SyncOutcome::kFailsReverts;
      RC_ASSERT(disk.Sync(inodes_[file], outcome).ok() == !fails);
      model.Sync(file, outcome);
    }
  }

  std::vector<SimDisk::InodeId> inodes_;
  int fill_ = 0;
};

rc::Gen<std::vector<Step>> Steps() {
  return rc::gen::container<std::vector<Step>>(
      rc::gen::tuple(rc::gen::inRange(0, 10), rc::gen::inRange(0, 12),
                     rc::gen::inRange(0, 16), rc::gen::inRange(0, 14)));
}

void ProcessSeesWhatTheModelSays(const PersistenceProfile& profile) {
  const auto steps = *Steps();
  Both both(Foreseeable(profile));
  for (const Step& step : steps) {
    const SimDisk before = both.disk;
    const auto files = before.Files();
    both.Do(step, /*bad_syncs=*/true);
    RC_ASSERT(both.disk.Files() == both.model.Now());
    RC_ASSERT(before.Files() == files);  // A copy stays what it was.
    RC_ASSERT(both.disk.CrashKeepingAll().Files() == both.model.Now());
  }
}

void CrashLeavesWhatTheModelAllows(const PersistenceProfile& profile,
                                   bool bad_syncs) {
  const auto steps = *Steps();
  Both both(Foreseeable(profile));
  for (const Step& step : steps) {
    const SimDisk before = both.disk;
    both.Do(step, bad_syncs);
    if (both.model.Combinations() > kMostCombinations) return;
    const auto expected = both.model.Crashes();
    const auto found = both.CrashesOfDisk();
    RC_ASSERT(found == expected);
  }
}

RC_GTEST_PROP(SimDiskModelTest, ProcessSeesWhatTheModelSays, ()) {
  ProcessSeesWhatTheModelSays(PosixProfile());
}

RC_GTEST_PROP(SimDiskModelTest, CrashLeavesWhatTheModelAllows, ()) {
  CrashLeavesWhatTheModelAllows(PosixProfile(), /*bad_syncs=*/false);
}

RC_GTEST_PROP(SimDiskModelTest, CrashAfterBadSyncsLeavesWhatTheModelAllows,
              ()) {
  CrashLeavesWhatTheModelAllows(PosixProfile(), /*bad_syncs=*/true);
}

RC_GTEST_PROP(SimDiskModelTest, CrashWithNamesInOrderLeavesPrefixesOfThem, ()) {
  PersistenceProfile profile = *FindProfile("xfs");
  CrashLeavesWhatTheModelAllows(profile, /*bad_syncs=*/false);
}

RC_GTEST_PROP(SimDiskModelTest, CrashWithDataBeforeSizeLeavesNoHoles, ()) {
  PersistenceProfile profile = PosixProfile();
  profile.size_apart_from_data = false;
  CrashLeavesWhatTheModelAllows(profile, /*bad_syncs=*/false);
}

}  // namespace
}  // namespace holdfast
