// What a SimDisk consists of: inodes, directories, and the changes of names
// that are not durable.
//
// Invariants:
// (1) `nodes` has each inode that some directory, now or durably, a pending
//     change of names, or an open file refers to; see Collect.
// (2) The durable entries of a directory and its pending changes, applied in
//     order, give its entries now.
//
// Thread safety: thread-compatible.

#ifndef HOLDFAST_ENV_SIM_DISK_STATE_H_
#define HOLDFAST_ENV_SIM_DISK_STATE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "env/sim/inode.h"
#include "env/sim/page.h"
#include "holdfast/testing/persistence.h"

namespace holdfast {

using InodeId = uint64_t;
inline constexpr InodeId kNoInode = 0;
inline constexpr InodeId kRootInode = 1;

// Of a directory, sorted by name.
struct Entries : Counted {
  struct Entry {
    std::string name;
    uint64_t name_hash = 0;
    InodeId inode = kNoInode;
  };
  static void Destroy(Entries* entries) { delete entries; }

  // kNoInode when there is none.
  InodeId Find(std::string_view name) const;
  void Set(std::string_view name, InodeId inode);
  void Erase(std::string_view name);

  std::vector<Entry> all;
};
using EntriesRef = Ref<Entries>;

// *entries to be changed; a copy, when it is shared.
Entries* Mutable(EntriesRef* entries);

struct Node {
  InodeId id = kNoInode;
  bool is_directory = false;
  uint32_t links = 0;  // Names that the process sees.
  uint32_t holds = 0;  // Open files.
  Ref<Inode> file;     // Of a file.
  EntriesRef now;      // Of a directory.
  EntriesRef durable;
};

// A change of names. It removes the entry `from`, sets the entry `to`, or both.
struct NameChange : Counted {
  enum class Kind : uint8_t {
    kCreate,
    kLink,
    kMakeDirectory,
    kRemove,
    kRemoveDirectory,
    kRename,
  };
  static void Destroy(NameChange* change) { delete change; }

  bool removes() const { return from_directory != kNoInode; }
  bool sets() const { return to_directory != kNoInode; }

  Kind kind = Kind::kCreate;
  uint64_t number = 0;
  uint64_t stamp = 0;
  InodeId inode = kNoInode;
  bool is_directory = false;
  InodeId from_directory = kNoInode;
  std::string from_name;
  InodeId to_directory = kNoInode;
  std::string to_name;
  InodeId replaced = kNoInode;  // What `to` named before.
};

struct PendingName {
  bool done() const { return !remove_pending && !set_pending; }

  Ref<NameChange> change;
  bool remove_pending = false;
  bool set_pending = false;
  bool dirty = true;  // False: a sync of the directory lied or failed.
};

struct DiskState {
  Node* Find(InodeId id);
  const Node* Find(InodeId id) const;
  Node& AddNode(Node node);

  // Puts the change in force for the process and notes it as pending.
  void Change(NameChange change);
  // Makes durable what `wanted` tells of the changes that are dirty.
  void MakeNamesDurable(
      const std::function<bool(const NameChange&, bool is_set)>& wanted);
  // What a good sync of a directory and of a file does for names.
  void SyncNamesOf(InodeId directory);
  void SyncNameOfFile(InodeId file);
  // Their directory counts as clean.
  void LoseNamesOf(InodeId directory);

  // Drops what nobody refers to.
  void Collect();
  // Its bytes may turn up in other files.
  void Freed(const Ref<Inode>& file);
  // The sector of a freed file, of the same kind when there is one; null when
  // there is none that is not zeros.
  PageRef StaleSector(const Inode& file, uint64_t sector) const;
  // Counts the names of each inode anew, from the root; a directory that two
  // names lead to keeps the first. Drops what no name leads to.
  void Recount();

  PersistenceProfile profile;
  uint64_t stamp = 0;  // Of the last change.
  uint64_t last_name_change = 0;
  InodeId last_inode = kRootInode;
  std::vector<Node> nodes;  // Sorted by id.
  std::vector<PendingName> names;
  std::vector<Ref<Inode>> freed;  // The newest first, one of each kind.
};

// What freed files a new one may get the blocks of, by its name: "wal",
// "MANIFEST".
std::string KindOfName(std::string_view name);

// Applies to durable entries what `alternative` makes of a pending change.
// `entries_of` gives the entries of a directory, to be changed.
void ApplyNameChange(const PendingName& name,
                     PendingUnit::Alternative::What what,
                     const std::function<EntriesRef*(InodeId)>& entries_of);

}  // namespace holdfast

#endif  // HOLDFAST_ENV_SIM_DISK_STATE_H_
