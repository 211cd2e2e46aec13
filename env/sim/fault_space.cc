#include "env/sim/fault_space.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace holdfast {

std::string DirectoryOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(path.substr(0, std::max<size_t>(slash, 1)));
}

void FaultSpace::SetLimit(std::optional<uint64_t> bytes) {
  limit_ = bytes;
  if (!limit_.has_value()) return;
  // Others may have changed the directories in between.
  for (auto it = names_.begin(); it != names_.end();) {
    const absl::StatusOr<uint64_t> size = base_.FileSize(it->first);
    if (size.ok()) it->second->size = *size;
    it = size.ok() ? std::next(it) : names_.erase(it);
  }
  for (const std::string& directory : directories_) Scan(directory);
}

void FaultSpace::See(std::string_view path) {
  std::string directory = DirectoryOf(path);
  if (directories_.contains(directory)) return;
  if (limit_.has_value()) Scan(directory);
  directories_.insert(std::move(directory));
}

void FaultSpace::Scan(const std::string& directory) {
  const absl::StatusOr<std::vector<std::string>> names =
      base_.ListDirectory(directory);
  if (!names.ok()) return;
  std::string prefix = directory == "." ? "" : directory;
  if (!prefix.empty() && prefix.back() != '/') prefix += '/';
  for (const std::string& name : *names) {
    const std::string path = absl::StrCat(prefix, name);
    if (names_.contains(path)) continue;
    const absl::StatusOr<uint64_t> size = base_.FileSize(path);
    // Directories have a size, too, and take none of ours.
    if (size.ok() && !base_.ListDirectory(path).ok()) Add(path)->size = *size;
  }
}

std::shared_ptr<FaultSpace::File> FaultSpace::Add(std::string_view path) {
  auto file = std::make_shared<File>();
  file->path = std::string(path);
  names_[file->path] = file;
  files_[file.get()] = file;
  return file;
}

std::shared_ptr<FaultSpace::File> FaultSpace::Find(
    std::string_view path) const {
  const auto it = names_.find(path);
  return it == names_.end() ? nullptr : it->second;
}

std::shared_ptr<FaultSpace::File> FaultSpace::Created(std::string_view path) {
  return Add(path);
}

void FaultSpace::Locked(std::string_view path) {
  // What it holds is the lock's own matter, and of a length that differs from
  // process to process.
  const std::shared_ptr<File> file = Find(path);
  (file == nullptr ? Add(path) : file)->size = 0;
}

void FaultSpace::Removed(std::string_view path) {
  const auto it = names_.find(path);
  if (it != names_.end()) names_.erase(it);
}

void FaultSpace::Renamed(std::string_view from, std::string_view to) {
  if (from == to) return;
  Linked(from, to);
  Removed(from);
}

void FaultSpace::Linked(std::string_view from, std::string_view to) {
  const std::shared_ptr<File> file = Find(from);
  Removed(to);
  if (file == nullptr) return;
  file->path = std::string(to);
  names_[file->path] = file;
}

void FaultSpace::Grown(std::string_view path, uint64_t end) {
  const std::shared_ptr<File> file = Find(path);
  if (file != nullptr) file->size = std::max(file->size, end);
}

uint64_t FaultSpace::used() const {
  uint64_t sum = 0;
  for (auto it = files_.begin(); it != files_.end();) {
    const std::shared_ptr<File> file = it->second.lock();
    if (file != nullptr) sum += file->size;
    it = file != nullptr ? std::next(it) : files_.erase(it);
  }
  return sum;
}

uint64_t FaultSpace::Fits(const File& file, uint64_t offset,
                          uint64_t bytes) const {
  if (!limit_.has_value() || offset + bytes <= file.size) return bytes;
  const uint64_t used_bytes = used();
  const uint64_t room = *limit_ > used_bytes ? *limit_ - used_bytes : 0;
  // A hole before the write counts as well.
  const uint64_t end = std::min(offset + bytes, file.size + room);
  return end > offset ? end - offset : 0;
}

uint64_t FaultSpace::Reserve(File& file, uint64_t offset, uint64_t bytes) {
  const uint64_t fits = Fits(file, offset, bytes);
  if (fits > 0) file.size = std::max(file.size, offset + fits);
  return fits;
}

}  // namespace holdfast
