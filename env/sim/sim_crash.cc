// What is pending on the disk, and what a crash makes of it.

#include <algorithm>
#include <cstring>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/random.h"
#include "env/sim/sim_disk_state.h"
#include "holdfast/testing/sim_disk.h"

namespace holdfast {
namespace {

using Alternative = PendingUnit::Alternative;
using What = Alternative::What;
using Kind = PendingUnit::Kind;

// Where a sector may be torn, besides the ends of what changed in it.
constexpr size_t kTearBytes = 64;

PageRef GarbageSector(InodeId inode, uint64_t sector) {
  PageRef bytes;
  char* out = MutablePage(&bytes, kSectorBytes);
  Random random(MixContext(inode, sector));
  for (size_t i = 0; i < kSectorBytes; i += sizeof(uint64_t)) {
    const uint64_t word = random.Next64();
    std::memcpy(out + i, &word, sizeof(word));
  }
  return bytes;
}

// Bytes of the newest version that a tear may leave before old ones: what
// differs from both is one of them.
std::vector<size_t> TearsOf(const Inode& file, uint64_t sector) {
  char old[kSectorBytes];
  char now[kSectorBytes];
  file.ReadDurableSector(sector, old);
  file.ReadSector(sector, now);
  size_t begin = 0;
  while (begin < kSectorBytes && old[begin] == now[begin]) ++begin;
  size_t end = kSectorBytes;
  while (end > begin && old[end - 1] == now[end - 1]) --end;
  std::vector<size_t> tears;
  for (size_t at = begin + 1; at < end; ++at) {
    if (at == begin + 1 || at == end - 1 || at % kTearBytes == 0) {
      tears.push_back(at);
    }
  }
  return tears;
}

// Collects the units of one disk.
class UnitCollector {
 public:
  UnitCollector(const DiskState& state, bool labels)
      : state_(state), labels_(labels) {
    if (labels) {
      NamePaths(/*durable=*/true);
      NamePaths(/*durable=*/false);
    }
  }

  std::vector<PendingUnit> Run() && {
    for (const Node& node : state_.nodes) {
      if (!node.file || !node.file->HasPending()) continue;
      if (node.links == 0 && !IsReachable(node.id)) continue;
      AddSize(node);
      AddSectors(node);
    }
    for (const PendingName& name : state_.names) AddName(name);
    const auto earlier = [](const PendingUnit& a, const PendingUnit& b) {
      const auto key = [](const PendingUnit& unit) {
        return std::tuple(unit.alternatives[1].stamp, unit.kind, unit.inode,
                          unit.sector);
      };
      return key(a) < key(b);
    };
    if (!std::is_sorted(units_.begin(), units_.end(), earlier)) {
      std::sort(units_.begin(), units_.end(), earlier);
    }
    return std::move(units_);
  }

 private:
  // Whether a file without a name may have one again after a crash.
  bool IsReachable(InodeId id) const {
    for (const PendingName& name : state_.names) {
      if (name.change->inode == id || name.change->replaced == id) return true;
    }
    for (const Node& node : state_.nodes) {
      if (!node.is_directory) continue;
      for (const auto& entry : node.durable->all) {
        if (entry.inode == id) return true;
      }
    }
    return false;
  }

  void NamePaths(bool durable) {
    std::vector<InodeId> directories = {kRootInode};
    paths_[kRootInode] = "";
    for (size_t i = 0; i < directories.size(); ++i) {
      const Node& directory = *state_.Find(directories[i]);
      const EntriesRef& entries = durable ? directory.durable : directory.now;
      for (const auto& entry : entries->all) {
        const Node* node = state_.Find(entry.inode);
        if (node == nullptr) continue;
        paths_[entry.inode] =
            absl::StrCat(paths_[directories[i]], "/", entry.name);
        if (node->is_directory &&
            std::find(directories.begin(), directories.end(), entry.inode) ==
                directories.end()) {
          directories.push_back(entry.inode);
        }
      }
    }
  }

  std::string PathOf(InodeId id) const {
    const auto path = paths_.find(id);
    return path == paths_.end() ? absl::StrCat("inode ", id) : path->second;
  }

  void AddSize(const Node& node) {
    const Inode& file = *node.file;
    if (file.sizes().empty()) return;
    PendingUnit unit;
    unit.kind = Kind::kSize;
    unit.inode = node.id;
    unit.dirty = file.size_dirty();
    unit.alternatives.reserve(file.sizes().size() + 1);
    unit.alternatives.push_back(
        {.what = What::kOld, .stamp = 0, .detail = file.durable_size()});
    for (const Inode::PendingSize& size : file.sizes()) {
      unit.alternatives.push_back(
          {.what = What::kVersion, .stamp = size.stamp, .detail = size.size});
    }
    unit.newest = unit.alternatives.size() - 1;
    if (labels_) unit.label = absl::StrCat(PathOf(node.id), " size");
    units_.push_back(std::move(unit));
  }

  void AddSectors(const Node& node) {
    const Inode& file = *node.file;
    uint64_t largest = std::max(file.size(), file.durable_size());
    for (const auto& size : file.sizes()) {
      largest = std::max(largest, size.size);
    }
    for (size_t page = 0; page < file.pending().size(); ++page) {
      if (!file.pending()[page]) continue;
      for (size_t sector = 0; sector < kPageSectors; ++sector) {
        if (!file.pending()[page]->IsPending(sector)) continue;
        const uint64_t number = page * kPageSectors + sector;
        if (number * kSectorBytes >= largest) continue;
        AddSector(node, *file.pending()[page], sector, number);
      }
    }
  }

  void AddSector(const Node& node, const PendingPage& pending, size_t within,
                 uint64_t number) {
    const Inode& file = *node.file;
    PendingUnit unit;
    unit.inode = node.id;
    unit.sector = number;
    unit.dirty = pending.IsDirty(within);
    unit.alternatives.reserve(6);
    unit.alternatives.push_back({});
    bool only_cuts = true;
    for (const auto& version : pending.versions) {
      if (version.sector != within) continue;
      only_cuts &= version.cut;
      unit.alternatives.push_back({.what = What::kVersion,
                                   .stamp = version.stamp,
                                   .detail = unit.alternatives.size() - 1});
    }
    // Cut off and nothing since: whoever sees the sector sees the old size, and
    // with it the old bytes.
    if (only_cuts && number * kSectorBytes >= file.size()) return;
    unit.newest = unit.alternatives.size() - 1;
    unit.appended = number * kSectorBytes >= file.durable_size() ||
                    (pending.unwritten >> within & 1) != 0;
    AddOthers(file, &unit);
    if (labels_) {
      unit.label = absl::StrCat(PathOf(node.id), " sector ", number);
    }
    units_.push_back(std::move(unit));
  }

  // What is neither the old nor a version.
  void AddOthers(const Inode& file, PendingUnit* unit) {
    const PersistenceProfile& profile = state_.profile;
    const uint64_t stamp = unit->alternatives[unit->newest].stamp;
    const auto add = [&](What what, uint64_t detail) {
      unit->alternatives.push_back(
          {.what = what, .stamp = stamp, .detail = detail});
    };
    if (unit->appended) {
      if (profile.appends_zeros && !file.IsDurablyZero(unit->sector)) {
        add(What::kZeros, 0);
      }
      if (profile.appends_garbage) add(What::kGarbage, 0);
      if (profile.appends_stale && state_.StaleSector(file, unit->sector)) {
        add(What::kStale, 0);
      }
    }
    if (!profile.tears_sectors) return;
    for (const size_t bytes : TearsOf(file, unit->sector)) {
      add(What::kTorn, bytes);
    }
  }

  void AddName(const PendingName& name) {
    const NameChange& change = *name.change;
    PendingUnit unit;
    unit.kind = Kind::kName;
    unit.inode = change.inode;
    unit.name_op = change.number;
    unit.dirty = name.dirty;
    const bool whole = name.remove_pending && name.set_pending;
    unit.replaces = whole && change.replaced != kNoInode;
    unit.alternatives.reserve(4);
    unit.alternatives.push_back({});
    unit.alternatives.push_back(
        {.what = What::kVersion, .stamp = change.stamp, .detail = 0});
    unit.newest = 1;
    if (whole && !change.is_directory) {
      if (state_.profile.rename_leaves_both) {
        unit.alternatives.push_back(
            {.what = What::kBoth, .stamp = change.stamp, .detail = 0});
      }
      if (state_.profile.rename_leaves_neither) {
        unit.alternatives.push_back(
            {.what = What::kNeither, .stamp = change.stamp, .detail = 0});
      }
    }
    if (labels_) unit.label = LabelOf(change);
    units_.push_back(std::move(unit));
  }

  std::string LabelOf(const NameChange& change) const {
    const std::string from =
        absl::StrCat(PathOf(change.from_directory), "/", change.from_name);
    const std::string to =
        absl::StrCat(PathOf(change.to_directory), "/", change.to_name);
    switch (change.kind) {
      case NameChange::Kind::kCreate:
        return absl::StrCat("create ", to);
      case NameChange::Kind::kLink:
        return absl::StrCat("link ", to);
      case NameChange::Kind::kMakeDirectory:
        return absl::StrCat("mkdir ", to);
      case NameChange::Kind::kRemove:
        return absl::StrCat("remove ", from);
      case NameChange::Kind::kRemoveDirectory:
        return absl::StrCat("rmdir ", from);
      case NameChange::Kind::kRename:
        return absl::StrCat("rename ", from, " -> ", to);
    }
    return "?";
  }

  const DiskState& state_;
  const bool labels_;
  std::map<InodeId, std::string> paths_;
  std::vector<PendingUnit> units_;
};

// What a crash makes of one file; nullptr of `bytes` means zeros.
Outcome::Sector SectorAfter(const DiskState& state, const Inode& file,
                            const PendingUnit& unit, size_t pick) {
  Outcome::Sector sector;
  sector.sector = unit.sector;
  const Alternative& picked = unit.alternatives[pick];
  switch (picked.what) {
    case What::kVersion:
      sector.newest = pick == unit.newest;
      if (!sector.newest) {
        sector.bytes = file.VersionBytes(unit.sector, picked.detail);
      }
      break;
    case What::kGarbage:
      sector.bytes = GarbageSector(unit.inode, unit.sector);
      break;
    case What::kStale:
      sector.bytes = state.StaleSector(file, unit.sector);
      break;
    case What::kTorn: {
      char now[kSectorBytes];
      char* out = MutablePage(&sector.bytes, kSectorBytes);
      file.ReadDurableSector(unit.sector, out);
      file.ReadSector(unit.sector, now);
      std::memcpy(out, now, picked.detail);
      break;
    }
    case What::kOld:
    case What::kZeros:
    case What::kBoth:
    case What::kNeither:
      break;
  }
  return sector;
}

// The outcome of each file that has units, by inode.
std::vector<std::pair<InodeId, Outcome>> OutcomesOf(
    const DiskState& state, absl::Span<const PendingUnit> units,
    const CrashChoice& choice) {
  std::vector<std::pair<InodeId, Outcome>> outcomes;
  const auto outcome_of = [&](InodeId inode) -> Outcome& {
    for (auto& outcome : outcomes) {
      if (outcome.first == inode) return outcome.second;
    }
    outcomes.emplace_back(inode, Outcome{});
    outcomes.back().second.size = state.Find(inode)->file->durable_size();
    return outcomes.back().second;
  };
  for (size_t i = 0; i < units.size(); ++i) {
    const PendingUnit& unit = units[i];
    if (unit.kind == Kind::kName) continue;
    Outcome& outcome = outcome_of(unit.inode);
    const size_t pick = choice.picks[i];
    if (unit.kind == Kind::kSize) {
      outcome.size = unit.alternatives[pick].detail;
    } else if (unit.alternatives[pick].what != What::kOld) {
      outcome.sectors.push_back(
          SectorAfter(state, *state.Find(unit.inode)->file, unit, pick));
    }
  }
  for (auto& [inode, outcome] : outcomes) {
    std::sort(outcome.sectors.begin(), outcome.sectors.end(),
              [](const auto& a, const auto& b) { return a.sector < b.sector; });
  }
  return outcomes;
}

uint64_t HashOfDirectory(const DiskState& state, const Node& directory) {
  uint64_t hash = directory.now->all.size();
  for (const auto& entry : directory.now->all) {
    const Node& node = *state.Find(entry.inode);
    hash = MixContext(hash, entry.name_hash);
    hash = MixContext(hash, node.is_directory ? ~HashOfDirectory(state, node)
                                              : node.file->Hash());
  }
  return hash;
}

}  // namespace

std::vector<PendingUnit> SimDisk::Pending(bool labels) const {
  return UnitCollector(*state_, labels).Run();
}

SimDisk SimDisk::Crash(absl::Span<const PendingUnit> units,
                       const CrashChoice& choice) const {
  HF_CHECK(units.size() == choice.picks.size());
  auto after = std::make_shared<State>(*state_);
  const auto outcomes = OutcomesOf(*state_, units, choice);
  for (Node& node : after->nodes) {
    node.holds = 0;
    if (node.is_directory) {
      node.now = node.durable;
      continue;
    }
    if (!node.file->HasPending() && !node.file->fail_next) continue;
    const auto outcome =
        std::find_if(outcomes.begin(), outcomes.end(),
                     [&](const auto& each) { return each.first == node.id; });
    Outcome durable;
    durable.size = node.file->durable_size();
    node.file =
        node.file->After(outcome == outcomes.end() ? durable : outcome->second);
  }
  size_t i = 0;
  for (const PendingName& name : state_->names) {
    while (i < units.size() && (units[i].kind != Kind::kName ||
                                units[i].name_op < name.change->number)) {
      ++i;
    }
    HF_CHECK(i < units.size());
    HF_CHECK(units[i].name_op == name.change->number);
    ApplyNameChange(name, units[i].alternatives[choice.picks[i]].what,
                    [&](InodeId id) { return &after->Find(id)->now; });
  }
  after->names.clear();
  after->Recount();
  for (Node& node : after->nodes) {
    if (node.is_directory) node.durable = node.now;
  }
  return SimDisk(std::move(after));
}

SimDisk SimDisk::CrashKeepingAll() const {
  const std::vector<PendingUnit> units = Pending();
  CrashChoice choice;
  for (const PendingUnit& unit : units) {
    choice.picks.push_back(static_cast<uint16_t>(unit.newest));
  }
  return Crash(units, choice);
}

SimDisk SimDisk::CrashKeepingNone() const {
  const std::vector<PendingUnit> units = Pending();
  CrashChoice choice;
  choice.picks.resize(units.size(), 0);
  return Crash(units, choice);
}

SimDisk SimDisk::DropCache() const {
  auto after = std::make_shared<State>(*state_);
  for (Node& node : after->nodes) {
    node.holds = 0;
    if (!node.file || !node.file->HasPending()) continue;
    node.file = node.file->After(node.file->WithoutCache());
  }
  after->Collect();
  return SimDisk(std::move(after));
}

void SimDisk::SyncAll() {
  State& state = Mutable();
  for (Node& node : state.nodes) {
    if (node.is_directory) {
      node.durable = node.now;
    } else if (node.file->HasPending()) {
      if (!node.file.Alone()) node.file = Ref<Inode>(new Inode(*node.file));
      node.file.mutable_get()->MakeAllDurable();
    }
  }
  state.names.clear();
  state.Collect();
}

bool SimDisk::HasPending() const {
  return !state_->names.empty() || !Pending().empty();
}

uint64_t SimDisk::Hash() const {
  return HashOfDirectory(*state_, *state_->Find(kRootInode));
}

}  // namespace holdfast
