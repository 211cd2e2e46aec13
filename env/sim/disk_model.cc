#include "env/sim/disk_model.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace holdfast {

DiskModel::File DiskModel::Create(const std::string& name) {
  files_.emplace_back();
  now_[name] = files_.size() - 1;
  pending_.push_back({.removes = false,
                      .sets = true,
                      .from = "",
                      .to = name,
                      .file = files_.size() - 1});
  return files_.size() - 1;
}

void DiskModel::Remove(const std::string& name) {
  pending_.push_back({.removes = true,
                      .sets = false,
                      .from = name,
                      .to = "",
                      .file = now_.at(name)});
  now_.erase(name);
}

void DiskModel::Rename(const std::string& from, const std::string& to) {
  const File file = now_.at(from);
  if (Has(to) && now_.at(to) == file) return;
  pending_.push_back(
      {.removes = true, .sets = true, .from = from, .to = to, .file = file});
  now_.erase(from);
  now_[to] = file;
}

void DiskModel::Link(const std::string& from, const std::string& to) {
  const File file = now_.at(from);
  pending_.push_back(
      {.removes = false, .sets = true, .from = "", .to = to, .file = file});
  now_[to] = file;
}

void DiskModel::SyncDirectory() {
  durable_ = now_;
  pending_.clear();
}

std::string DiskModel::SectorOf(const std::string& bytes, uint64_t sector) {
  std::string result(kSectorBytes, '\0');
  for (size_t i = 0; i < kSectorBytes; ++i) {
    const uint64_t at = sector * kSectorBytes + i;
    if (at < bytes.size()) result[i] = bytes[at];
  }
  return result;
}

void DiskModel::Touch(Content* content, uint64_t sector, bool cut) {
  Sector& touched = content->sectors[sector];
  touched.versions.push_back(
      {.when = clock_, .bytes = SectorOf(content->now, sector), .cut = cut});
  touched.dirty = true;
}

void DiskModel::Write(File file, uint64_t offset, const std::string& data) {
  ++clock_;
  Content& content = files_[file];
  const uint64_t end = offset + data.size();
  if (content.now.size() < end) {
    // In whole pages, of which the first and the last end are looked at.
    constexpr uint64_t kPage = 4096;
    std::vector<uint64_t> edges;
    for (uint64_t edge = kPage; edge < end; edge += kPage) {
      if (edge > offset && edge > content.now.size()) edges.push_back(edge);
    }
    if (!edges.empty()) content.sizes.push_back({clock_, edges.front()});
    if (edges.size() > 1) content.sizes.push_back({clock_, edges.back()});
    content.now.resize(end);
    content.sizes.push_back({clock_, end});
    content.size_dirty = true;
  }
  content.now.replace(offset, data.size(), data);
  for (uint64_t sector = offset / kSectorBytes;
       sector <= (offset + data.size() - 1) / kSectorBytes; ++sector) {
    Touch(&content, sector, /*cut=*/false);
  }
}

void DiskModel::Truncate(File file, uint64_t size) {
  ++clock_;
  Content& content = files_[file];
  if (size == content.now.size()) return;
  const bool shrinks = size < content.now.size();
  content.now.resize(size);
  content.sizes.push_back({clock_, size});
  content.size_dirty = true;
  if (!shrinks) return;
  for (auto& [number, sector] : content.sectors) {
    if ((number + 1) * kSectorBytes <= size) continue;
    const std::string zeros(kSectorBytes, '\0');
    if (sector.versions.empty() && sector.durable == zeros) continue;
    Touch(&content, number, /*cut=*/number * kSectorBytes >= size);
  }
}

void DiskModel::Sync(File file, SyncOutcome outcome) {
  ++clock_;
  Content& content = files_[file];
  const bool writes = outcome == SyncOutcome::kOk;
  const bool sizes = writes || outcome == SyncOutcome::kFailsKeepsNew;
  if (outcome == SyncOutcome::kLost) return;
  if (outcome == SyncOutcome::kFailsReverts) {
    std::string durable;
    for (uint64_t i = 0; i * kSectorBytes < content.durable_size; ++i) {
      durable += content.sectors[i].durable;
    }
    content.now = durable.substr(0, content.durable_size);
    content.sizes.clear();
    content.size_dirty = false;
    for (auto& [number, sector] : content.sectors) {
      sector = {.durable = SectorOf(content.now, number),
                .versions = {},
                .dirty = false};
    }
    return;
  }
  for (auto& [number, sector] : content.sectors) {
    if (sector.dirty && writes) {
      sector.durable = SectorOf(content.now, number);
      sector.versions.clear();
    }
    sector.dirty = false;
  }
  if (sizes && content.size_dirty) {
    content.durable_size = content.now.size();
    content.sizes.clear();
    for (auto& [number, sector] : content.sectors) {
      // Beyond a size that is certain there is nothing.
      const uint64_t begin = number * kSectorBytes;
      for (size_t i = 0; i < kSectorBytes; ++i) {
        if (begin + i >= content.durable_size) sector.durable[i] = '\0';
      }
      if (begin >= content.durable_size) sector.versions.clear();
    }
  }
  content.size_dirty = false;
}

DiskModel::Image DiskModel::Now() const {
  Image image;
  for (const auto& [name, file] : now_) image[name] = files_[file].now;
  return image;
}

std::set<DiskModel::Names> DiskModel::NamesAfterCrash() const {
  std::set<Names> found;
  const std::function<void(size_t, const Names&)> go = [&](size_t i,
                                                           const Names& names) {
    if (i == pending_.size()) {
      found.insert(names);
      return;
    }
    const Change& change = pending_[i];
    // Not done: with order, nothing after it either.
    if (profile_.ordered_names) {
      found.insert(names);
    } else {
      go(i + 1, names);
    }
    Names done = names;
    if (change.sets) done[change.to] = change.file;
    const auto old = names.find(change.from);
    const bool can_remove =
        change.removes && old != names.end() && old->second == change.file;
    if (change.removes && change.sets && profile_.rename_leaves_both) {
      go(i + 1, done);
    }
    if (can_remove) done.erase(change.from);
    go(i + 1, done);
  };
  go(0, durable_);
  return found;
}

std::vector<std::string> DiskModel::SectorAfterCrash(const Content& content,
                                                     uint64_t number,
                                                     size_t k) const {
  const auto found = content.sectors.find(number);
  if (found == content.sectors.end()) {
    return {std::string(kSectorBytes, '\0')};
  }
  const Sector& sector = found->second;
  const bool only_cuts =
      std::all_of(sector.versions.begin(), sector.versions.end(),
                  [](const Version& version) { return version.cut; });
  if (only_cuts && number * kSectorBytes >= content.now.size()) {
    return {sector.durable};
  }
  // Appended data is on the disk before the size that covers it.
  int at_least = 0;
  if (!profile_.size_apart_from_data && k > 0 && sector.dirty) {
    uint64_t smallest = content.durable_size;
    for (size_t i = 0; i < k; ++i) {
      smallest = std::min(smallest, content.sizes[i].size);
    }
    for (const Version& version : sector.versions) {
      const bool before = version.when <= content.sizes[k - 1].when;
      if ((number + 1) * kSectorBytes > smallest && before) {
        at_least = version.when;
      }
    }
  }
  std::vector<std::string> all;
  if (at_least == 0) all.push_back(sector.durable);
  for (const Version& version : sector.versions) {
    if (version.when >= at_least) all.push_back(version.bytes);
  }
  return all;
}

std::set<std::string> DiskModel::ContentsAfterCrash(
    const Content& content) const {
  std::set<std::string> found;
  for (size_t k = 0; k <= content.sizes.size(); ++k) {
    const uint64_t size =
        k == 0 ? content.durable_size : content.sizes[k - 1].size;
    std::set<std::string> begun = {""};
    for (uint64_t sector = 0; sector * kSectorBytes < size; ++sector) {
      std::set<std::string> longer;
      for (const std::string& bytes : SectorAfterCrash(content, sector, k)) {
        for (const std::string& begin : begun) longer.insert(begin + bytes);
      }
      begun = std::move(longer);
    }
    for (const std::string& bytes : begun) found.insert(bytes.substr(0, size));
  }
  return found;
}

double DiskModel::Combinations() const {
  double product = 1;
  for (const Change& change : pending_) {
    product *= change.removes && change.sets ? 3 : 2;
  }
  for (const Content& content : files_) {
    product *= static_cast<double>(content.sizes.size() + 1);
    for (const auto& [number, sector] : content.sectors) {
      product *= static_cast<double>(sector.versions.size() + 1);
    }
  }
  return product;
}

std::set<DiskModel::Image> DiskModel::Crashes() const {
  std::set<Image> found;
  for (const Names& names : NamesAfterCrash()) {
    // Two names of one file show the same content.
    std::map<File, std::set<std::string>> contents;
    for (const auto& [name, file] : names) {
      contents[file] = ContentsAfterCrash(files_[file]);
    }
    std::vector<std::map<File, std::string>> chosen = {{}};
    for (const auto& [file, all] : contents) {
      std::vector<std::map<File, std::string>> more;
      for (const auto& begin : chosen) {
        for (const std::string& bytes : all) {
          more.push_back(begin);
          more.back()[file] = bytes;
        }
      }
      chosen = std::move(more);
    }
    for (const auto& choice : chosen) {
      Image image;
      for (const auto& [name, file] : names) image[name] = choice.at(file);
      found.insert(std::move(image));
    }
  }
  return found;
}

}  // namespace holdfast
