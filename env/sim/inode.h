// A file of the simulated disk, apart from its names: what the process sees,
// what is certain, and what was written since.
//
// Invariants:
// (1) A sector of which nothing is pending is the same now and durably, as far
//     as it lies inside both sizes.
// (2) Beyond the size, `now` is zeros.
// (3) Of the versions of a sector only the newest is what the process sees; its
//     bytes are in `now`, those of the others beside their stamps.
//
// Thread safety: thread-compatible.

#ifndef HOLDFAST_ENV_SIM_INODE_H_
#define HOLDFAST_ENV_SIM_INODE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "env/sim/page.h"
#include "holdfast/testing/persistence.h"

namespace holdfast {

// What was written to the sectors of a page and is not durable.
struct PendingPage : Counted {
  struct Version {
    uint8_t sector = 0;  // In the page.
    // The sector was cut off by a truncation and reads as zeros.
    bool cut = false;
    uint64_t stamp = 0;
    PageRef bytes;  // Of a version that is not the newest: one sector.
  };
  static void Destroy(PendingPage* page) { delete page; }

  bool IsPending(size_t sector) const { return pending >> sector & 1; }
  bool IsDirty(size_t sector) const { return dirty >> sector & 1; }

  std::vector<Version> versions;  // In the order of time.
  uint8_t pending = 0;            // A bit for each sector that has versions.
  uint8_t dirty = 0;              // Those that the next sync writes.
  // Inside the durable size and never on the disk: a failed sync moved the size
  // only, or a lying one was followed by a good one.
  uint8_t unwritten = 0;
};

// What a crash makes of the sectors and the size of a file. Sectors that are
// not named keep what is durable.
struct Outcome {
  struct Sector {
    uint64_t sector = 0;
    bool newest = false;  // What the process sees; `bytes` is not used.
    PageRef bytes;        // One sector; null: zeros.
  };
  uint64_t size = 0;
  std::vector<Sector> sectors;  // In ascending order.
};

class Inode : public Counted {
 public:
  struct PendingSize {
    uint64_t size = 0;
    uint64_t stamp = 0;
  };

  // `kind` says which freed files hold bytes that may turn up in this one.
  explicit Inode(std::string kind) : kind_(std::move(kind)) {}
  static void Destroy(Inode* inode) { delete inode; }

  const std::string& kind() const { return kind_; }
  uint64_t size() const { return size_; }
  uint64_t durable_size() const { return durable_size_; }
  const std::vector<PendingSize>& sizes() const { return sizes_; }
  bool size_dirty() const { return size_dirty_; }
  // By page; null where nothing is pending.
  const std::vector<Ref<PendingPage>>& pending() const { return pending_; }
  bool HasPending() const { return !pending_.empty() || !sizes_.empty(); }
  const std::vector<PageRef>& pages() const { return now_; }

  // Of size and content as the process sees them.
  uint64_t Hash() const;
  uint64_t Read(uint64_t offset, uint64_t n, char* out) const;
  // A sector as it certainly is on the disk, and as the process sees it.
  void ReadDurableSector(uint64_t sector, char* out) const;
  void ReadSector(uint64_t sector, char* out) const;
  bool IsDurablyZero(uint64_t sector) const;
  // The bytes of a version that is not the newest; null for zeros.
  PageRef VersionBytes(uint64_t sector, size_t index) const;

  void Write(uint64_t offset, std::string_view data, uint64_t stamp);
  void Truncate(uint64_t size, uint64_t stamp);
  // What a good sync does: what is dirty becomes durable.
  void MakeDurable();
  // What no sync has to do: everything becomes durable.
  void MakeAllDurable();
  // What is dirty counts as clean from now on; with `keep_size` the size is
  // durable all the same.
  void LoseDirty(bool keep_size);
  // Back to what is durable.
  void Revert();

  // A sync that comes next fails, whatever becomes of it.
  bool fail_next = false;

  // The file after a crash: all of it durable.
  Ref<Inode> After(const Outcome& outcome) const;
  // What would be on the disk if what is dirty were written and the cache
  // dropped.
  Outcome WithoutCache() const;

 private:
  PageRef PageNow(size_t page) const {
    return page < now_.size() ? now_[page] : PageRef();
  }
  PendingPage* MutablePending(size_t page);
  void AddVersion(PendingPage* pending, size_t page, size_t sector,
                  uint64_t stamp, bool cut);
  void SetSize(uint64_t size, uint64_t stamp);
  // Drops what lies beyond a size from pages that hold it.
  static void CutPages(std::vector<PageRef>* pages, uint64_t size);
  void MakeDurablePage(size_t page);
  void MakeSizeDurable();
  void DropEmptyPending();

  const std::string kind_;
  uint64_t size_ = 0;
  uint64_t durable_size_ = 0;
  std::vector<PageRef> now_;
  std::vector<PageRef> durable_;
  std::vector<Ref<PendingPage>> pending_;
  std::vector<PendingSize> sizes_;  // Since the last sync, in order.
  bool size_dirty_ = false;
  bool lost_any_ = false;  // Something is pending and not dirty.
};

}  // namespace holdfast

#endif  // HOLDFAST_ENV_SIM_INODE_H_
