#include "env/sim/disk_state.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/checksum.h"

namespace holdfast {
namespace {

// Freed files whose bytes are remembered, one of each kind.
constexpr size_t kMostFreed = 8;

bool Contains(const std::vector<InodeId>& sorted, InodeId id) {
  return std::binary_search(sorted.begin(), sorted.end(), id);
}

void SortUnique(std::vector<InodeId>* ids) {
  std::sort(ids->begin(), ids->end());
  ids->erase(std::unique(ids->begin(), ids->end()), ids->end());
}

bool Sets(const PendingName& name, InodeId directory, std::string_view entry) {
  return name.change->to_directory == directory &&
         name.change->to_name == entry;
}

bool Removes(const PendingName& name, InodeId directory,
             std::string_view entry) {
  return name.change->from_directory == directory &&
         name.change->from_name == entry;
}

}  // namespace

InodeId Entries::Find(std::string_view name) const {
  const auto entry = std::lower_bound(
      all.begin(), all.end(), name,
      [](const Entry& a, std::string_view b) { return a.name < b; });
  return entry != all.end() && entry->name == name ? entry->inode : kNoInode;
}

void Entries::Set(std::string_view name, InodeId inode) {
  auto entry = std::lower_bound(
      all.begin(), all.end(), name,
      [](const Entry& a, std::string_view b) { return a.name < b; });
  if (entry == all.end() || entry->name != name) {
    entry = all.insert(entry, {.name = std::string(name),
                               .name_hash = Checksum64(name, name.size()),
                               .inode = kNoInode});
  }
  entry->inode = inode;
}

void Entries::Erase(std::string_view name) {
  std::erase_if(all, [&](const Entry& entry) { return entry.name == name; });
}

Entries* Mutable(EntriesRef* entries) {
  if (!entries->Alone()) *entries = EntriesRef(new Entries(**entries));
  return entries->mutable_get();
}

std::string KindOfName(std::string_view name) {
  const size_t dot = name.rfind('.');
  if (dot != std::string_view::npos) return std::string(name.substr(dot + 1));
  return std::string(name.substr(0, name.find('-')));
}

void ApplyNameChange(const PendingName& name,
                     PendingUnit::Alternative::What what,
                     const std::function<EntriesRef*(InodeId)>& entries_of) {
  using What = PendingUnit::Alternative::What;
  if (what == What::kOld) return;
  const NameChange& change = *name.change;
  const auto erase_if_it_names = [&](InodeId directory,
                                     const std::string& entry, InodeId inode) {
    EntriesRef* entries = entries_of(directory);
    if ((*entries)->Find(entry) == inode) Mutable(entries)->Erase(entry);
  };
  if (name.remove_pending && what != What::kBoth) {
    erase_if_it_names(change.from_directory, change.from_name, change.inode);
  }
  if (!name.set_pending) return;
  if (what != What::kNeither) {
    Mutable(entries_of(change.to_directory))->Set(change.to_name, change.inode);
  } else if (change.replaced != kNoInode) {
    erase_if_it_names(change.to_directory, change.to_name, change.replaced);
  }
}

const Node* DiskState::Find(InodeId id) const {
  const auto node =
      std::lower_bound(nodes.begin(), nodes.end(), id,
                       [](const Node& a, InodeId b) { return a.id < b; });
  return node != nodes.end() && node->id == id ? &*node : nullptr;
}

Node* DiskState::Find(InodeId id) {
  return const_cast<Node*>(std::as_const(*this).Find(id));
}

Node& DiskState::AddNode(Node node) {
  node.id = ++last_inode;
  if (node.is_directory) {
    node.now = node.durable = EntriesRef(new Entries);
  }
  nodes.push_back(std::move(node));
  return nodes.back();
}

void DiskState::Change(NameChange change) {
  change.number = ++last_name_change;
  change.stamp = ++stamp;
  PendingName pending;
  pending.remove_pending = change.removes();
  pending.set_pending = change.sets();
  if (change.removes()) {
    Mutable(&Find(change.from_directory)->now)->Erase(change.from_name);
    --Find(change.inode)->links;
  }
  if (change.sets()) {
    if (change.replaced != kNoInode) --Find(change.replaced)->links;
    Mutable(&Find(change.to_directory)->now)->Set(change.to_name, change.inode);
    ++Find(change.inode)->links;
  }
  for (const InodeId id : {change.inode, change.replaced}) {
    const Node* node = id == kNoInode ? nullptr : Find(id);
    if (node != nullptr && node->links == 0 && !node->is_directory) {
      Freed(node->file);
    }
  }
  pending.change = Ref<NameChange>(new NameChange(std::move(change)));
  names.push_back(std::move(pending));
}

void DiskState::MakeNamesDurable(
    const std::function<bool(const NameChange&, bool is_set)>& wanted) {
  const auto entries_of = [&](InodeId id) { return &Find(id)->durable; };
  for (size_t i = 0; i < names.size(); ++i) {
    PendingName& name = names[i];
    if (!name.dirty) continue;
    const NameChange& change = *name.change;
    PendingName now = name;
    now.remove_pending &= wanted(change, false);
    now.set_pending &= wanted(change, true);
    if (now.done()) continue;
    ApplyNameChange(now, PendingUnit::Alternative::What::kVersion, entries_of);
    name.remove_pending &= !now.remove_pending;
    name.set_pending &= !now.set_pending;
    // What older changes did to these entries can no longer happen.
    for (size_t k = 0; k < i; ++k) {
      PendingName& older = names[k];
      if (now.remove_pending) {
        older.set_pending &=
            !Sets(older, change.from_directory, change.from_name);
        older.remove_pending &=
            !Removes(older, change.from_directory, change.from_name);
      }
      if (now.set_pending) {
        older.set_pending &= !Sets(older, change.to_directory, change.to_name);
        older.remove_pending &=
            !Removes(older, change.to_directory, change.to_name);
      }
    }
  }
  std::erase_if(names, [](const PendingName& name) { return name.done(); });
  // Directories without pending changes are the same now and durably: sharing
  // makes the next copy of them cheap.
  std::vector<InodeId> pending;
  for (const PendingName& name : names) {
    if (name.remove_pending) pending.push_back(name.change->from_directory);
    if (name.set_pending) pending.push_back(name.change->to_directory);
  }
  SortUnique(&pending);
  for (Node& node : nodes) {
    if (node.is_directory && !Contains(pending, node.id)) {
      node.durable = node.now;
    }
  }
  Collect();
}

void DiskState::SyncNamesOf(InodeId directory) {
  uint64_t last = 0;  // With order: all changes up to the last of them.
  if (profile.ordered_names) {
    for (const PendingName& name : names) {
      const bool touches =
          (name.remove_pending && name.change->from_directory == directory) ||
          (name.set_pending && name.change->to_directory == directory);
      if (touches && name.dirty) last = name.change->number;
    }
  }
  MakeNamesDurable([&](const NameChange& change, bool is_set) {
    if (change.number <= last) return true;
    const InodeId own = is_set ? change.to_directory : change.from_directory;
    if (own == directory) return true;
    // The other half of a rename between two directories: "neither" and "both"
    // happen only where the profile has them.
    const InodeId other = is_set ? change.from_directory : change.to_directory;
    if (other != directory) return false;
    return is_set ? !profile.rename_leaves_neither
                  : !profile.rename_leaves_both;
  });
}

void DiskState::SyncNameOfFile(InodeId file) {
  if (!profile.file_sync_keeps_name) return;
  // The file and the directories that lead to it.
  std::vector<InodeId> wanted = {file};
  for (size_t i = 0; i < wanted.size(); ++i) {
    for (const PendingName& name : names) {
      const NameChange& change = *name.change;
      if (change.inode == wanted[i] && change.sets() &&
          std::find(wanted.begin(), wanted.end(), change.to_directory) ==
              wanted.end()) {
        wanted.push_back(change.to_directory);
      }
    }
  }
  SortUnique(&wanted);
  uint64_t last = 0;
  for (const PendingName& name : names) {
    if (name.dirty && Contains(wanted, name.change->inode)) {
      last = name.change->number;
    }
  }
  if (last == 0) return;
  MakeNamesDurable([&](const NameChange& change, bool) {
    if (profile.ordered_names) return change.number <= last;
    return Contains(wanted, change.inode);
  });
}

void DiskState::LoseNamesOf(InodeId directory) {
  for (PendingName& name : names) {
    if (name.change->from_directory == directory ||
        name.change->to_directory == directory) {
      name.dirty = false;
    }
  }
}

void DiskState::Collect() {
  std::vector<InodeId> used = {kRootInode};
  for (const PendingName& name : names) {
    const NameChange& change = *name.change;
    for (const InodeId id : {change.inode, change.from_directory,
                             change.to_directory, change.replaced}) {
      if (id != kNoInode) used.push_back(id);
    }
  }
  for (const Node& node : nodes) {
    if (node.links > 0 || node.holds > 0) used.push_back(node.id);
  }
  SortUnique(&used);
  // Durable entries of directories that are used themselves, level by level.
  std::vector<InodeId> level = used;
  while (!level.empty()) {
    std::vector<InodeId> next;
    for (const InodeId id : level) {
      const Node* node = Find(id);
      if (node == nullptr || !node->is_directory) continue;
      for (const auto& entry : node->durable->all) {
        if (!Contains(used, entry.inode)) next.push_back(entry.inode);
      }
    }
    SortUnique(&next);
    used.insert(used.end(), next.begin(), next.end());
    SortUnique(&used);
    level = std::move(next);
  }
  std::erase_if(nodes,
                [&](const Node& node) { return !Contains(used, node.id); });
}

void DiskState::Freed(const Ref<Inode>& file) {
  if (file->size() == 0) return;
  std::erase_if(freed, [&](const Ref<Inode>& other) {
    return other->kind() == file->kind();
  });
  if (freed.size() >= kMostFreed) freed.pop_back();
  freed.insert(freed.begin(), file);
}

PageRef DiskState::StaleSector(const Inode& file, uint64_t sector) const {
  const auto bytes_of = [&](const Inode& old) {
    PageRef bytes;
    const size_t page = sector / kPageSectors;
    const size_t at = sector % kPageSectors * kSectorBytes;
    if (page < old.pages().size() &&
        !IsZero(old.pages()[page], at, kSectorBytes)) {
      CopyFromPage(old.pages()[page], at, kSectorBytes,
                   MutablePage(&bytes, kSectorBytes));
    }
    return bytes;
  };
  for (const bool same_kind : {true, false}) {
    for (const Ref<Inode>& old : freed) {
      if ((old->kind() == file.kind()) != same_kind) continue;
      if (PageRef bytes = bytes_of(*old)) return bytes;
    }
  }
  return {};
}

void DiskState::Recount() {
  for (Node& node : nodes) node.links = 0;
  Find(kRootInode)->links = 1;
  std::vector<InodeId> directories = {kRootInode};
  for (size_t i = 0; i < directories.size(); ++i) {
    EntriesRef& now = Find(directories[i])->now;
    std::vector<std::string> second_names;
    for (const auto& entry : now->all) {
      Node* node = Find(entry.inode);
      HF_CHECK(node != nullptr);
      if (node->is_directory && node->links > 0) {
        second_names.push_back(entry.name);
        continue;
      }
      ++node->links;
      if (node->is_directory) directories.push_back(entry.inode);
    }
    for (const std::string& name : second_names) Mutable(&now)->Erase(name);
  }
  std::erase_if(nodes, [](const Node& node) { return node.links == 0; });
}

}  // namespace holdfast
