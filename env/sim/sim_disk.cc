// What a process does on the disk. What a crash makes of it: sim_crash.cc.

#include "holdfast/testing/sim_disk.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "base/status_util.h"
#include "env/sim/sim_disk_state.h"

namespace holdfast {
namespace {

constexpr size_t kMostNameBytes = 255;

// As Linux says it; SimFileSystem puts operation and path before.
absl::Status NoEntry() {
  return absl::NotFoundError("No such file or directory");
}
absl::Status FileExists() { return absl::AlreadyExistsError("File exists"); }
absl::Status NotDirectory() { return absl::InternalError("Not a directory"); }
absl::Status IsDirectory() { return absl::InternalError("Is a directory"); }
absl::Status NotEmpty() { return absl::InternalError("Directory not empty"); }
absl::Status Busy() { return absl::InternalError("Device or resource busy"); }
absl::Status IoError() { return absl::InternalError("Input/output error"); }

// Where a path leads: the directory, the name in it, and what has that name.
struct Place {
  InodeId directory = kRootInode;
  std::string_view name;  // Empty: the root.
  InodeId inode = kNoInode;
  bool wants_directory = false;  // The path ends with "/".
};

absl::StatusOr<Place> Resolve(const DiskState& state, std::string_view path) {
  if (path.empty()) return NoEntry();
  Place place;
  place.inode = kRootInode;
  std::vector<InodeId> above;  // Of "..".
  for (const std::string_view part : absl::StrSplit(path, '/')) {
    place.wants_directory = part.empty() || part == "." || part == "..";
    if (part.empty() && place.name.empty()) continue;
    const Node* node =
        place.inode == kNoInode ? nullptr : state.Find(place.inode);
    if (node == nullptr) {
      // Only slashes may follow a name that is not there.
      if (part.empty()) continue;
      return NoEntry();
    }
    if (!node->is_directory) return NotDirectory();
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      place.inode = above.empty() ? kRootInode : above.back();
      if (!above.empty()) above.pop_back();
      continue;
    }
    if (part.size() > kMostNameBytes) {
      return absl::InternalError("File name too long");
    }
    above.push_back(place.inode);
    place.directory = place.inode;
    place.name = part;
    place.inode = node->now->Find(part);
  }
  return place;
}

absl::StatusOr<InodeId> ResolveDirectory(const DiskState& state,
                                         std::string_view path) {
  HF_ASSIGN_OR_RETURN(const Place place, Resolve(state, path));
  if (place.inode == kNoInode) return NoEntry();
  if (!state.Find(place.inode)->is_directory) return NotDirectory();
  return place.inode;
}

// Whether `directory` is `inode` or lies below it.
bool IsWithin(const DiskState& state, InodeId directory, InodeId inode) {
  if (directory == inode) return true;
  const Node* node = state.Find(inode);
  if (!node->is_directory) return false;
  return std::any_of(node->now->all.begin(), node->now->all.end(),
                     [&](const Entries::Entry& entry) {
                       return IsWithin(state, directory, entry.inode);
                     });
}

// Whether one place may be renamed to another, asked in the order of Linux.
// REQUIRES: they are not the same inode.
absl::Status CheckRename(const DiskState& state, const Place& source,
                         const Place& target) {
  const Node& from = *state.Find(source.inode);
  if (from.is_directory && IsWithin(state, target.directory, from.id)) {
    return absl::InternalError("Invalid argument");
  }
  if (target.inode == kNoInode) return absl::OkStatus();
  const Node& replaced = *state.Find(target.inode);
  if (IsWithin(state, source.directory, replaced.id)) return NotEmpty();
  if (from.is_directory && !replaced.is_directory) return NotDirectory();
  if (!from.is_directory && replaced.is_directory) return IsDirectory();
  if (replaced.is_directory && !replaced.now->all.empty()) return NotEmpty();
  return absl::OkStatus();
}

// The file of an open handle or found by name, to be changed.
Inode* MutableFile(DiskState* state, InodeId id) {
  Node* node = state->Find(id);
  HF_CHECK(node != nullptr);
  HF_CHECK(!node->is_directory);
  if (!node->file.Alone()) node->file = Ref<Inode>(new Inode(*node->file));
  return node->file.mutable_get();
}

const Inode& FileOf(const DiskState& state, InodeId id) {
  const Node* node = state.Find(id);
  HF_CHECK(node != nullptr);
  HF_CHECK(!node->is_directory);
  return *node->file;
}

}  // namespace

SimDisk::SimDisk(const PersistenceProfile& profile)
    : state_(std::make_shared<State>()) {
  state_->profile = profile;
  Node root;
  root.id = kRootInode;
  root.is_directory = true;
  root.links = 1;
  root.now = root.durable = EntriesRef(new Entries);
  state_->nodes.push_back(std::move(root));
}
SimDisk::SimDisk(std::shared_ptr<State> state) : state_(std::move(state)) {}
SimDisk::SimDisk(const SimDisk&) = default;
SimDisk& SimDisk::operator=(const SimDisk&) = default;
SimDisk::SimDisk(SimDisk&&) noexcept = default;
SimDisk& SimDisk::operator=(SimDisk&&) noexcept = default;
SimDisk::~SimDisk() = default;

SimDisk::State& SimDisk::Mutable() {
  if (state_.use_count() != 1) {
    state_ = std::make_shared<State>(*state_);
  } else {
    // use_count() orders nothing: what the last other owner read, on whatever
    // thread, happens before what we change.
    std::atomic_thread_fence(std::memory_order_acquire);
  }
  return *state_;
}

const PersistenceProfile& SimDisk::profile() const { return state_->profile; }

void SimDisk::set_profile(const PersistenceProfile& profile) {
  Mutable().profile = profile;
}

absl::StatusOr<SimDisk::InodeId> SimDisk::Create(std::string_view path) {
  HF_ASSIGN_OR_RETURN(const Place place, Resolve(*state_, path));
  if (place.wants_directory) return IsDirectory();
  if (place.inode != kNoInode) return FileExists();
  State& state = Mutable();
  Node node;
  node.file = Ref<Inode>(new Inode(KindOfName(place.name)));
  const InodeId id = state.AddNode(std::move(node)).id;
  NameChange change;
  change.inode = id;
  change.to_directory = place.directory;
  change.to_name = place.name;
  state.Change(std::move(change));
  return id;
}

absl::StatusOr<SimDisk::InodeId> SimDisk::Lookup(std::string_view path) const {
  HF_ASSIGN_OR_RETURN(const Place place, Resolve(*state_, path));
  if (place.inode == kNoInode) return NoEntry();
  if (state_->Find(place.inode)->is_directory) return IsDirectory();
  return place.inode;
}

bool SimDisk::Exists(std::string_view path) const {
  const auto place = Resolve(*state_, path);
  return place.ok() && place->inode != kNoInode;
}

absl::StatusOr<std::vector<std::string>> SimDisk::List(
    std::string_view path) const {
  HF_ASSIGN_OR_RETURN(const InodeId id, ResolveDirectory(*state_, path));
  std::vector<std::string> names;
  for (const auto& entry : state_->Find(id)->now->all) {
    names.push_back(entry.name);
  }
  return names;
}

absl::Status SimDisk::MakeDirectory(std::string_view path) {
  HF_ASSIGN_OR_RETURN(const Place place, Resolve(*state_, path));
  if (place.inode != kNoInode) return FileExists();
  State& state = Mutable();
  Node node;
  node.is_directory = true;
  NameChange change;
  change.kind = NameChange::Kind::kMakeDirectory;
  change.is_directory = true;
  change.inode = state.AddNode(std::move(node)).id;
  change.to_directory = place.directory;
  change.to_name = place.name;
  state.Change(std::move(change));
  return absl::OkStatus();
}

absl::Status SimDisk::Remove(std::string_view path) {
  HF_ASSIGN_OR_RETURN(const Place place, Resolve(*state_, path));
  if (place.inode == kNoInode) return NoEntry();
  if (state_->Find(place.inode)->is_directory) return IsDirectory();
  NameChange change;
  change.kind = NameChange::Kind::kRemove;
  change.inode = place.inode;
  change.from_directory = place.directory;
  change.from_name = place.name;
  Mutable().Change(std::move(change));
  return absl::OkStatus();
}

absl::Status SimDisk::RemoveDirectory(std::string_view path) {
  HF_ASSIGN_OR_RETURN(const InodeId id, ResolveDirectory(*state_, path));
  if (id == kRootInode) return Busy();
  if (!state_->Find(id)->now->all.empty()) return NotEmpty();
  HF_ASSIGN_OR_RETURN(const Place place, Resolve(*state_, path));
  NameChange change;
  change.kind = NameChange::Kind::kRemoveDirectory;
  change.is_directory = true;
  change.inode = id;
  change.from_directory = place.directory;
  change.from_name = place.name;
  Mutable().Change(std::move(change));
  return absl::OkStatus();
}

absl::Status SimDisk::Rename(std::string_view from, std::string_view to) {
  HF_ASSIGN_OR_RETURN(const Place source, Resolve(*state_, from));
  HF_ASSIGN_OR_RETURN(const Place target, Resolve(*state_, to));
  if (source.inode == kRootInode || target.inode == kRootInode) return Busy();
  if (source.inode == kNoInode) return NoEntry();
  const Node& node = *state_->Find(source.inode);
  if (!node.is_directory && target.wants_directory) return NotDirectory();
  if (source.inode == target.inode) return absl::OkStatus();
  HF_RETURN_IF_ERROR(CheckRename(*state_, source, target));
  NameChange change;
  change.kind = NameChange::Kind::kRename;
  change.is_directory = node.is_directory;
  change.inode = source.inode;
  change.from_directory = source.directory;
  change.from_name = source.name;
  change.to_directory = target.directory;
  change.to_name = target.name;
  change.replaced = target.inode;
  Mutable().Change(std::move(change));
  return absl::OkStatus();
}

absl::Status SimDisk::Link(std::string_view from, std::string_view to) {
  HF_ASSIGN_OR_RETURN(const Place source, Resolve(*state_, from));
  if (source.inode == kNoInode) return NoEntry();
  HF_ASSIGN_OR_RETURN(const Place target, Resolve(*state_, to));
  if (target.inode != kNoInode) return FileExists();
  if (state_->Find(source.inode)->is_directory) {
    return absl::PermissionDeniedError("Operation not permitted");
  }
  if (target.wants_directory) return NoEntry();
  NameChange change;
  change.kind = NameChange::Kind::kLink;
  change.inode = source.inode;
  change.to_directory = target.directory;
  change.to_name = target.name;
  Mutable().Change(std::move(change));
  return absl::OkStatus();
}

absl::Status SimDisk::SyncDirectory(std::string_view path,
                                    SyncOutcome outcome) {
  HF_ASSIGN_OR_RETURN(const InodeId id, ResolveDirectory(*state_, path));
  if (outcome == SyncOutcome::kLost) return absl::OkStatus();
  State& state = Mutable();
  ++state.stamp;
  if (outcome == SyncOutcome::kOk) {
    state.SyncNamesOf(id);
    return absl::OkStatus();
  }
  // There is no cache of names to revert and nothing that comes later: what
  // fails leaves the names to chance.
  state.LoseNamesOf(id);
  const bool says_ok =
      outcome == SyncOutcome::kLies || outcome == SyncOutcome::kFailsLate;
  return says_ok ? absl::OkStatus() : IoError();
}

void SimDisk::Hold(InodeId inode) { ++Mutable().Find(inode)->holds; }

void SimDisk::Release(InodeId inode) {
  State& state = Mutable();
  Node* node = state.Find(inode);
  HF_CHECK(node != nullptr);
  HF_CHECK(node->holds > 0);
  --node->holds;
  if (node->holds == 0 && node->links == 0) state.Collect();
}

void SimDisk::ReleaseAll() {
  State& state = Mutable();
  bool nameless = false;
  for (Node& node : state.nodes) {
    nameless |= node.holds > 0 && node.links == 0;
    node.holds = 0;
  }
  if (nameless) state.Collect();
}

uint64_t SimDisk::Size(InodeId inode) const {
  return FileOf(*state_, inode).size();
}

void SimDisk::Read(InodeId inode, uint64_t offset, uint64_t n, char* out,
                   uint64_t* got) const {
  *got = FileOf(*state_, inode).Read(offset, n, out);
}

void SimDisk::Write(InodeId inode, uint64_t offset, std::string_view data) {
  State& state = Mutable();
  MutableFile(&state, inode)->Write(offset, data, ++state.stamp);
}

void SimDisk::Truncate(InodeId inode, uint64_t size) {
  State& state = Mutable();
  Node* node = state.Find(inode);
  HF_CHECK(node != nullptr);
  if (size < node->file->size()) state.Freed(node->file);
  MutableFile(&state, inode)->Truncate(size, ++state.stamp);
}

absl::Status SimDisk::Sync(InodeId inode, SyncOutcome outcome) {
  State& state = Mutable();
  ++state.stamp;
  if (FileOf(state, inode).fail_next) {
    MutableFile(&state, inode)->fail_next = false;
    outcome = SyncOutcome::kFailsKeepsNew;
  }
  switch (outcome) {
    case SyncOutcome::kOk:
      if (FileOf(state, inode).HasPending()) {
        MutableFile(&state, inode)->MakeDurable();
      }
      state.SyncNameOfFile(inode);
      return absl::OkStatus();
    case SyncOutcome::kLies:
      MutableFile(&state, inode)->LoseDirty(/*keep_size=*/false);
      return absl::OkStatus();
    case SyncOutcome::kLost:
      return absl::OkStatus();
    case SyncOutcome::kFailsKeepsNew:
      MutableFile(&state, inode)->LoseDirty(/*keep_size=*/true);
      return IoError();
    case SyncOutcome::kFailsReverts:
      MutableFile(&state, inode)->Revert();
      return IoError();
    case SyncOutcome::kFailsLate: {
      Inode* file = MutableFile(&state, inode);
      file->LoseDirty(/*keep_size=*/false);
      file->fail_next = true;
      return absl::OkStatus();
    }
  }
  return absl::OkStatus();
}

void SimDisk::Put(std::string_view path, std::string_view content) {
  State& state = Mutable();
  // Makes the entry what it is now, durably, whatever was pending for it.
  const auto settle = [&] {
    state.MakeNamesDurable([](const NameChange&, bool) { return true; });
  };
  for (size_t slash = path.find('/', 1); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    if (!Exists(path.substr(0, slash))) {
      HF_CHECK(MakeDirectory(path.substr(0, slash)).ok());
    }
  }
  absl::StatusOr<InodeId> id = Lookup(path);
  if (!id.ok()) id = Create(path);
  HF_CHECK(id.ok());
  settle();
  Inode* file = MutableFile(&state, *id);
  file->Truncate(0, ++state.stamp);
  file->Write(0, content, ++state.stamp);
  file->MakeAllDurable();
}

std::map<std::string, std::string> SimDisk::Files() const {
  std::map<std::string, std::string> files;
  const std::function<void(const Node&, const std::string&)> visit =
      [&](const Node& directory, const std::string& path) {
        for (const auto& entry : directory.now->all) {
          const Node& node = *state_->Find(entry.inode);
          const std::string name = absl::StrCat(path, "/", entry.name);
          if (node.is_directory) {
            visit(node, name);
            continue;
          }
          std::string content(node.file->size(), '\0');
          node.file->Read(0, content.size(), content.data());
          files.emplace(name, std::move(content));
        }
      };
  visit(*state_->Find(kRootInode), "");
  return files;
}

std::vector<std::string> SimDisk::Directories() const {
  std::vector<std::string> directories;
  const std::function<void(const Node&, const std::string&)> visit =
      [&](const Node& directory, const std::string& path) {
        for (const auto& entry : directory.now->all) {
          const Node& node = *state_->Find(entry.inode);
          if (!node.is_directory) continue;
          directories.push_back(absl::StrCat(path, "/", entry.name));
          visit(node, directories.back());
        }
      };
  visit(*state_->Find(kRootInode), "");
  std::sort(directories.begin(), directories.end());
  return directories;
}

uint64_t SimDisk::bytes() const {
  uint64_t total = 0;
  for (const Node& node : state_->nodes) {
    if (node.file && (node.links > 0 || node.holds > 0)) {
      total += node.file->size();
    }
  }
  return total;
}

}  // namespace holdfast
