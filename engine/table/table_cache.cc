#include "engine/table/table_cache.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/mutant.h"
#include "base/sometimes.h"
#include "base/status_util.h"
#include "engine/format/file_names.h"

namespace holdfast {
namespace {

// Tables closed at once when there are too many open files: enough that the
// next few openings find room.
constexpr int kTablesClosedForRoom = 8;

}  // namespace

TableCache::TableCache(FileSystem* file_system, std::string dir,
                       BlockCache* block_cache, EpochDomain* epochs,
                       int max_open_tables)
    : file_system_(file_system),
      dir_(std::move(dir)),
      block_cache_(block_cache),
      epochs_(epochs),
      max_open_tables_(static_cast<size_t>(max_open_tables)) {
  HF_CHECK(max_open_tables > 0);
}

TableCache::~TableCache() {
  MutexLock lock(&mu_);
  HF_CHECK(ring_.empty());
}

TableCache::Slot::~Slot() {
  TableCache* const cache = cache_.load(std::memory_order_acquire);
  if (cache != nullptr) cache->Evict(*this);
}

absl::StatusOr<const TableReader*> TableCache::Get(Slot& slot, uint64_t number,
                                                   uint64_t bytes,
                                                   uint64_t identity) {
  const TableReader* reader = slot.reader_.load(std::memory_order_acquire);
  if (reader != nullptr) [[likely]] {
    // Written only when it changes, to leave the cache line shared.
    if (!slot.referenced_.load(std::memory_order_relaxed)) {
      slot.referenced_.store(true, std::memory_order_relaxed);
    }
    return reader;
  }
  HF_ASSIGN_OR_RETURN(Owner opened, OpenWithRoom(number, bytes, identity));
  // Should another thread evict it now, the caller's guard keeps it.
  return Publish(slot, std::move(opened)).get();
}

absl::StatusOr<std::shared_ptr<const TableReader>> TableCache::Acquire(
    Slot& slot, uint64_t number, uint64_t bytes, uint64_t identity) {
  {
    MutexLock lock(&mu_);
    if (slot.owner_ != nullptr) {
      slot.referenced_.store(true, std::memory_order_relaxed);
      return slot.owner_;
    }
  }
  HF_ASSIGN_OR_RETURN(Owner opened, OpenWithRoom(number, bytes, identity));
  return Publish(slot, std::move(opened));
}

void TableCache::Evict(Slot& slot) {
  Owner owner;
  {
    MutexLock lock(&mu_);
    if (slot.owner_ != nullptr) owner = Take(slot);
  }
  if (owner != nullptr) Retire(std::move(owner));
}

void TableCache::ForgetBlocks(Slot& slot) {
  Owner owner;
  {
    MutexLock lock(&mu_);
    owner = slot.owner_;
  }
  if (owner != nullptr) owner->ForgetBlocks();
}

size_t TableCache::open_tables() const {
  MutexLock lock(&mu_);
  return ring_.size();
}

absl::StatusOr<TableCache::Owner> TableCache::Open(uint64_t number,
                                                   uint64_t bytes,
                                                   uint64_t identity) const {
  std::string path = TableFileName(dir_, number);
  absl::StatusOr<std::unique_ptr<RandomAccessFile>> file =
      file_system_->OpenFile(path);
  if (absl::IsNotFound(file.status()) &&
      !HF_MUTANT("table_cache.missing_is_damage")) {
    return DataLoss(path, 0, "the file of a table is missing");
  }
  if (!file.ok()) return file.status();
  return TableReader::Open(TableReadOptions(), *std::move(file),
                           std::move(path), number, bytes, identity,
                           block_cache_);
}

absl::StatusOr<TableCache::Owner> TableCache::OpenWithRoom(uint64_t number,
                                                           uint64_t bytes,
                                                           uint64_t identity) {
  absl::StatusOr<Owner> opened = Open(number, bytes, identity);
  if (!absl::IsResourceExhausted(opened.status())) return opened;
  HF_SOMETIMES(true, "tables are closed for want of file descriptors");
  if (HF_MUTANT("table_cache.closes_some_for_room")) return opened;
  CloseSome();
  return Open(number, bytes, identity);
}

void TableCache::CloseSome() {
  std::vector<Owner> victims;
  {
    MutexLock lock(&mu_);
    for (int i = 0; i < kTablesClosedForRoom && !ring_.empty(); ++i) {
      victims.push_back(TakeVictim());
    }
  }
  for (Owner& victim : victims) Retire(std::move(victim));
  epochs_->Reclaim();
}

TableCache::Owner TableCache::Publish(Slot& slot, Owner opened) {
  Owner victim;
  Owner published;
  {
    MutexLock lock(&mu_);
    if (slot.owner_ != nullptr) {
      return slot.owner_;  // `opened` goes when the lock is released.
    }
    HF_SOMETIMES(ring_.size() >= max_open_tables_,
                 "a table is closed for another");
    if (ring_.size() >= max_open_tables_) victim = TakeVictim();
    slot.position_ = ring_.size();
    ring_.push_back(&slot);
    slot.cache_.store(this, std::memory_order_release);
    slot.owner_ = std::move(opened);
    slot.referenced_.store(true, std::memory_order_relaxed);
    slot.reader_.store(slot.owner_.get(), std::memory_order_release);
    published = slot.owner_;
  }
  if (victim != nullptr) Retire(std::move(victim));
  return published;
}

TableCache::Owner TableCache::TakeVictim() {
  HF_CHECK(!ring_.empty());
  // Ends: each step clears a bit or returns, unless hits set bits again as fast
  // as two rounds clear them; then the third takes what it stands on.
  for (size_t step = 0;; ++step) {
    if (hand_ >= ring_.size()) hand_ = 0;
    Slot& slot = *ring_[hand_];
    const bool second_chance =
        slot.referenced_.exchange(false, std::memory_order_relaxed) &&
        step < 2 * ring_.size();
    if (!second_chance) return Take(slot);
    ++hand_;
  }
}

TableCache::Owner TableCache::Take(Slot& slot) {
  HF_CHECK(ring_[slot.position_] == &slot);  // Invariant (1).
  ring_[slot.position_] = ring_.back();
  ring_[slot.position_]->position_ = slot.position_;
  ring_.pop_back();
  slot.reader_.store(nullptr, std::memory_order_release);
  return std::move(slot.owner_);
}

void TableCache::Retire(Owner owner) {
  epochs_->Retire([owner = std::move(owner)]() mutable { owner.reset(); });
}

}  // namespace holdfast
