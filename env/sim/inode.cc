#include "env/sim/inode.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/checksum.h"

namespace holdfast {
namespace {

constexpr uint8_t Bit(size_t sector) {
  return static_cast<uint8_t>(1u << sector);
}

size_t PageCount(uint64_t size) {
  return static_cast<size_t>((size + kPageBytes - 1) / kPageBytes);
}

}  // namespace

uint64_t Inode::Hash() const {
  uint64_t hash = size_;
  for (size_t i = 0; i < PageCount(size_); ++i) {
    hash = MixContext(hash, i < now_.size() ? HashOf(now_[i]) : HashOf({}));
  }
  return hash;
}

uint64_t Inode::Read(uint64_t offset, uint64_t n, char* out) const {
  if (offset >= size_) return 0;
  n = std::min(n, size_ - offset);
  uint64_t done = 0;
  while (done < n) {
    const size_t within = (offset + done) % kPageBytes;
    const uint64_t piece = std::min<uint64_t>(n - done, kPageBytes - within);
    CopyFromPage(PageNow((offset + done) / kPageBytes), within, piece,
                 out + done);
    done += piece;
  }
  return n;
}

void Inode::ReadDurableSector(uint64_t sector, char* out) const {
  const size_t page = sector / kPageSectors;
  CopyFromPage(page < durable_.size() ? durable_[page] : PageRef(),
               sector % kPageSectors * kSectorBytes, kSectorBytes, out);
}

void Inode::ReadSector(uint64_t sector, char* out) const {
  CopyFromPage(PageNow(sector / kPageSectors),
               sector % kPageSectors * kSectorBytes, kSectorBytes, out);
}

bool Inode::IsDurablyZero(uint64_t sector) const {
  const size_t page = sector / kPageSectors;
  return page >= durable_.size() ||
         IsZero(durable_[page], sector % kPageSectors * kSectorBytes,
                kSectorBytes);
}

PageRef Inode::VersionBytes(uint64_t sector, size_t index) const {
  for (const auto& version : pending_[sector / kPageSectors]->versions) {
    if (version.sector == sector % kPageSectors && index-- == 0) {
      return version.bytes;
    }
  }
  HF_CHECK(false);
  return {};
}

PendingPage* Inode::MutablePending(size_t page) {
  if (pending_.size() <= page) pending_.resize(page + 1);
  Ref<PendingPage>& pending = pending_[page];
  if (!pending) {
    pending = Ref<PendingPage>(new PendingPage);
  } else if (!pending.Alone()) {
    pending = Ref<PendingPage>(new PendingPage(*pending));
  }
  return pending.mutable_get();
}

// Called before the sector changes: the version that was the newest gets bytes
// of its own.
void Inode::AddVersion(PendingPage* pending, size_t page, size_t sector,
                       uint64_t stamp, bool cut) {
  if (pending->IsPending(sector)) {
    const auto newest = std::find_if(
        pending->versions.rbegin(), pending->versions.rend(),
        [&](const auto& version) { return version.sector == sector; });
    HF_CHECK(newest != pending->versions.rend());
    if (!newest->cut) {
      CopyFromPage(PageNow(page), sector * kSectorBytes, kSectorBytes,
                   MutablePage(&newest->bytes, kSectorBytes));
    }
  }
  pending->versions.push_back({.sector = static_cast<uint8_t>(sector),
                               .cut = cut,
                               .stamp = stamp,
                               .bytes = {}});
  pending->pending |= Bit(sector);
  pending->dirty |= Bit(sector);
}

void Inode::SetSize(uint64_t size, uint64_t stamp) {
  if (size == size_) return;
  size_ = size;
  sizes_.push_back({.size = size, .stamp = stamp});
  size_dirty_ = true;
}

void Inode::Write(uint64_t offset, std::string_view data, uint64_t stamp) {
  if (data.empty()) return;
  const uint64_t begin = offset;
  const uint64_t end = offset + data.size();
  if (now_.size() < PageCount(end)) now_.resize(PageCount(end));
  while (!data.empty()) {
    const size_t page = offset / kPageBytes;
    const size_t within = offset % kPageBytes;
    const size_t piece = std::min(data.size(), kPageBytes - within);
    PendingPage* pending = MutablePending(page);
    for (size_t sector = within / kSectorBytes;
         sector <= (within + piece - 1) / kSectorBytes; ++sector) {
      AddVersion(pending, page, sector, stamp, /*cut=*/false);
    }
    std::memcpy(MutablePage(&now_[page], within + piece) + within, data.data(),
                piece);
    offset += piece;
    data.remove_prefix(piece);
  }
  if (end <= size_) return;
  // File systems move the size page by page. The first and the last of these
  // steps stand for all.
  const uint64_t first = (std::max(begin, size_) / kPageBytes + 1) * kPageBytes;
  const uint64_t last = (end - 1) / kPageBytes * kPageBytes;
  if (first < end) SetSize(first, stamp);
  if (first < last) SetSize(last, stamp);
  SetSize(end, stamp);
}

void Inode::CutPages(std::vector<PageRef>* pages, uint64_t size) {
  if (pages->size() > PageCount(size)) pages->resize(PageCount(size));
  const size_t within = size % kPageBytes;
  if (within == 0 || pages->size() < PageCount(size)) return;
  PageRef& last = pages->back();
  if (IsZero(last, within, kPageBytes - within)) return;
  const size_t capacity = last->capacity();
  std::memset(MutablePage(&last, capacity) + within, 0, capacity - within);
}

void Inode::Truncate(uint64_t size, uint64_t stamp) {
  if (size < size_) {
    const uint64_t last =
        (std::max(size_, durable_size_) + kSectorBytes - 1) / kSectorBytes;
    for (uint64_t sector = size / kSectorBytes; sector < last; ++sector) {
      const size_t page = sector / kPageSectors;
      const size_t within = sector % kPageSectors;
      const bool partly = sector * kSectorBytes < size;
      const bool was_pending = page < pending_.size() && pending_[page] &&
                               pending_[page]->IsPending(within);
      // Sectors that nobody ever wrote stay as they are: zeros.
      if (!was_pending &&
          IsZero(PageNow(page), within * kSectorBytes, kSectorBytes)) {
        continue;
      }
      AddVersion(MutablePending(page), page, within, stamp, !partly);
    }
    CutPages(&now_, size);
  }
  SetSize(size, stamp);
}

void Inode::DropEmptyPending() {
  lost_any_ = !sizes_.empty() && !size_dirty_;
  bool any = false;
  for (Ref<PendingPage>& pending : pending_) {
    if (!pending) continue;
    if (pending->pending == 0 && pending->unwritten == 0) {
      pending = {};
      continue;
    }
    any = true;
    lost_any_ |= pending->pending != pending->dirty;
  }
  if (!any) pending_.clear();
}

// Of a page with sectors that are not to be written.
void Inode::MakeDurablePage(size_t page) {
  PendingPage* pending = MutablePending(page);
  if (durable_.size() <= page) durable_.resize(page + 1);
  const uint8_t written = pending->dirty;
  for (size_t sector = 0; sector < kPageSectors; ++sector) {
    if (!pending->IsDirty(sector)) continue;
    CopyFromPage(PageNow(page), sector * kSectorBytes, kSectorBytes,
                 MutablePage(&durable_[page], (sector + 1) * kSectorBytes) +
                     sector * kSectorBytes);
  }
  std::erase_if(pending->versions, [&](const PendingPage::Version& version) {
    return (written & Bit(version.sector)) != 0;
  });
  pending->pending &= static_cast<uint8_t>(~written);
  pending->unwritten &= static_cast<uint8_t>(~written);
  pending->dirty = 0;
}

void Inode::MakeAllDurable() {
  durable_ = now_;
  durable_size_ = size_;
  pending_.clear();
  sizes_.clear();
  size_dirty_ = false;
  lost_any_ = false;
}

void Inode::MakeDurable() {
  if (!lost_any_) {
    MakeAllDurable();
    return;
  }
  for (size_t page = 0; page < pending_.size(); ++page) {
    if (pending_[page] && pending_[page]->dirty != 0) MakeDurablePage(page);
  }
  if (size_dirty_) MakeSizeDurable();
  DropEmptyPending();
}

// What is pending is clean: the size goes ahead of it.
void Inode::MakeSizeDurable() {
  // Nothing of what lies beyond a size that is certain can come back.
  CutPages(&durable_, size_);
  for (size_t page = 0; page < pending_.size(); ++page) {
    if (!pending_[page]) continue;
    PendingPage* pending = MutablePending(page);
    for (size_t sector = 0; sector < kPageSectors; ++sector) {
      if (!pending->IsPending(sector)) continue;
      const uint64_t begin = (page * kPageSectors + sector) * kSectorBytes;
      if (begin >= size_) {
        pending->pending &= static_cast<uint8_t>(~Bit(sector));
        pending->unwritten &= static_cast<uint8_t>(~Bit(sector));
      } else if (begin >= durable_size_) {
        pending->unwritten |= Bit(sector);
      }
    }
    std::erase_if(pending->versions, [&](const auto& version) {
      return !pending->IsPending(version.sector);
    });
  }
  durable_size_ = size_;
  sizes_.clear();
  size_dirty_ = false;
}

void Inode::LoseDirty(bool keep_size) {
  for (size_t page = 0; page < pending_.size(); ++page) {
    if (pending_[page]) MutablePending(page)->dirty = 0;
  }
  if (keep_size && size_dirty_) MakeSizeDurable();
  size_dirty_ = false;
  DropEmptyPending();
}

void Inode::Revert() {
  now_ = durable_;
  size_ = durable_size_;
  CutPages(&now_, size_);
  durable_ = now_;
  pending_.clear();
  sizes_.clear();
  size_dirty_ = false;
  lost_any_ = false;
}

Ref<Inode> Inode::After(const Outcome& outcome) const {
  Ref<Inode> result(new Inode(kind_));
  Inode* inode = result.mutable_get();
  std::vector<PageRef>& pages = inode->now_;
  pages.reserve(PageCount(outcome.size));
  pages = durable_;
  pages.resize(PageCount(outcome.size));
  const auto& sectors = outcome.sectors;
  for (size_t i = 0; i < sectors.size();) {
    const size_t page = sectors[i].sector / kPageSectors;
    size_t end = i;
    uint8_t newest = 0;
    while (end < sectors.size() && sectors[end].sector / kPageSectors == page) {
      if (sectors[end].newest) {
        newest |= Bit(sectors[end].sector % kPageSectors);
      }
      ++end;
    }
    if (page < pages.size()) {
      if (newest == pending_[page]->pending) {
        pages[page] = PageNow(page);  // Shared, not copied.
      } else {
        for (size_t k = i; k < end; ++k) {
          const size_t at = sectors[k].sector % kPageSectors * kSectorBytes;
          char* to = MutablePage(&pages[page], at + kSectorBytes) + at;
          if (sectors[k].newest) {
            CopyFromPage(PageNow(page), at, kSectorBytes, to);
          } else {
            CopyFromPage(sectors[k].bytes, 0, kSectorBytes, to);
          }
        }
      }
    }
    i = end;
  }
  CutPages(&pages, outcome.size);
  inode->size_ = outcome.size;
  inode->durable_size_ = outcome.size;
  inode->durable_ = inode->now_;
  return result;
}

Outcome Inode::WithoutCache() const {
  Outcome outcome;
  outcome.size = sizes_.empty() || size_dirty_ ? size_ : durable_size_;
  for (size_t page = 0; page < pending_.size(); ++page) {
    if (!pending_[page]) continue;
    for (size_t sector = 0; sector < kPageSectors; ++sector) {
      if (!pending_[page]->IsDirty(sector)) continue;
      outcome.sectors.push_back({.sector = page * kPageSectors + sector,
                                 .newest = true,
                                 .bytes = {}});
    }
  }
  return outcome;
}

}  // namespace holdfast
