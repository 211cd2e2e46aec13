#include "engine/db/testing/crash_file_system.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace holdfast {
namespace {

std::string ParentOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

std::string_view NameOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == path.npos ? path : path.substr(slash + 1);
}

absl::Status NotFound(std::string_view what, std::string_view path) {
  return absl::NotFoundError(absl::StrCat(what, " ", path));
}

std::string Survives(const std::string& old_bytes, const std::string& new_bytes,
                     Keep keep) {
  switch (keep) {
    case Keep::kOld:
      return old_bytes;
    case Keep::kNew:
      return new_bytes;
    case Keep::kHalf: {
      size_t begin = 0;
      while (begin < old_bytes.size() && begin < new_bytes.size() &&
             old_bytes[begin] == new_bytes[begin]) {
        ++begin;
      }
      const size_t cut = begin + (new_bytes.size() - begin) / 2;
      std::string result = new_bytes.substr(0, cut);
      if (old_bytes.size() > cut) result += old_bytes.substr(cut);
      return result;
    }
    case Keep::kZeros: {
      std::string result = old_bytes;
      result.resize(new_bytes.size(), '\0');
      return result;
    }
  }
  HF_CHECK(false);
  return {};
}

}  // namespace

std::string FsCall::Text() const { return absl::StrCat(op, " ", NameOf(path)); }

bool FsCall::Changes() const {
  static constexpr std::string_view kChanging[] = {
      "create",  "mkdir", "remove", "rmdir",    "rename", "link",
      "syncdir", "write", "sync",   "truncate", "prepare"};
  return std::find(std::begin(kChanging), std::end(kChanging), op) !=
         std::end(kChanging);
}

std::string DiskImage::Fingerprint() const {
  std::string text;
  for (const std::string& directory : directories) {
    absl::StrAppend(&text, directory, "\n");
  }
  for (const auto& [path, content] : files) {
    absl::StrAppend(&text, path, " ", content.size(), "\n", content);
  }
  return text;
}

// One of the open files, until it is closed.
class CrashFileSystem::OpenFileCount {
 public:
  explicit OpenFileCount(CrashFileSystem* fs) : fs_(*fs) { ++fs_.open_files_; }
  ~OpenFileCount() { Close(); }
  void Close() {
    if (open_) --fs_.open_files_;
    open_ = false;
  }

 private:
  CrashFileSystem& fs_;
  bool open_ = true;
};

class CrashFileSystem::Writer final : public WritableFile {
 public:
  Writer(CrashFileSystem* fs, std::string path, NodePtr node)
      : fs_(*fs), path_(std::move(path)), node_(std::move(node)), count_(fs) {}

  absl::Status Write(uint64_t offset, std::string_view data) override {
    return fs_.Do({"write", path_, data.size()}, [&] {
      std::string& now = node_->now;
      now.resize(std::max<size_t>(now.size(), offset + data.size()));
      std::memcpy(now.data() + offset, data.data(), data.size());
      return absl::OkStatus();
    });
  }
  absl::Status Sync() override {
    return fs_.Do({"sync", path_}, [&] {
      node_->durable = node_->now;
      return absl::OkStatus();
    });
  }
  absl::Status PrepareSpace(uint64_t offset, uint64_t length) override {
    return fs_.Do({"prepare", path_, length}, [&] {
      std::string& now = node_->now;
      now.resize(std::max<size_t>(now.size(), offset + length));
      std::memset(now.data() + offset, 0, length);
      return absl::OkStatus();
    });
  }
  absl::Status Truncate(uint64_t size) override {
    return fs_.Do({"truncate", path_, size}, [&] {
      node_->now.resize(size);
      return absl::OkStatus();
    });
  }
  absl::Status Close() override {
    count_.Close();
    return fs_.Do({"close", path_}, [] { return absl::OkStatus(); });
  }

 private:
  CrashFileSystem& fs_;
  const std::string path_;
  const NodePtr node_;
  OpenFileCount count_;
};

class CrashFileSystem::Reader final : public RandomAccessFile {
 public:
  Reader(CrashFileSystem* fs, std::string path, NodePtr node)
      : fs_(*fs), path_(std::move(path)), node_(std::move(node)), count_(fs) {}

  absl::Status Read(uint64_t offset, size_t n, char* scratch,
                    std::string_view* result) const override {
    return fs_.Do({"read", path_, n}, [&] {
      const std::string& now = node_->now;
      const size_t begin = std::min<uint64_t>(offset, now.size());
      const size_t length = std::min(n, now.size() - begin);
      std::memcpy(scratch, now.data() + begin, length);
      *result = std::string_view(scratch, length);
      return absl::OkStatus();
    });
  }
  absl::StatusOr<uint64_t> Size() const override {
    uint64_t size = 0;
    absl::Status status = fs_.Do({"size", path_}, [&] {
      size = node_->now.size();
      return absl::OkStatus();
    });
    if (!status.ok()) return status;
    return size;
  }

 private:
  CrashFileSystem& fs_;
  const std::string path_;
  const NodePtr node_;
  OpenFileCount count_;
};

class CrashFileSystem::Lock final : public FileLock {
 public:
  Lock(CrashFileSystem* fs, std::string path)
      : fs_(*fs), path_(std::move(path)) {}
  ~Lock() override {
    MutexLock lock(&fs_.mu_);
    fs_.locked_.erase(path_);
  }

 private:
  CrashFileSystem& fs_;
  const std::string path_;
};

CrashFileSystem::CrashFileSystem(const DiskImage& image) {
  for (const std::string& directory : image.directories) {
    entries_[directory] = std::make_shared<Node>(Node{true, "", ""});
  }
  for (const auto& [path, content] : image.files) {
    entries_[path] = std::make_shared<Node>(Node{false, content, content});
  }
  durable_ = entries_;
}

absl::Status CrashFileSystem::Do(
    const FsCall& call, const std::function<absl::Status()>& effect) const {
  if (before) {
    absl::Status status = before(call);
    if (!status.ok()) return status;
  }
  {
    MutexLock lock(&mu_);
    absl::Status status = effect();
    if (!status.ok()) return status;
    if (call.Changes()) trace_.push_back(call.Text());
  }
  return after ? after(call) : absl::OkStatus();
}

std::vector<std::string> CrashFileSystem::Trace() const {
  MutexLock lock(&mu_);
  return trace_;
}

void CrashFileSystem::ClearTrace() {
  MutexLock lock(&mu_);
  trace_.clear();
}

// --- Crash -------------------------------------------------------------------

DiskImage CrashFileSystem::CrashLocked(const CrashChoice& choice) const {
  std::set<std::string> paths;
  for (const auto& [path, node] : entries_) paths.insert(path);
  for (const auto& [path, node] : durable_) paths.insert(path);
  DiskImage image;
  // In order, so that a directory comes before what is in it.
  for (const std::string& path : paths) {
    const auto now = entries_.find(path);
    const auto before_it = durable_.find(path);
    NodePtr node = before_it == durable_.end() ? nullptr : before_it->second;
    const NodePtr changed = now == entries_.end() ? nullptr : now->second;
    if (changed != node && choice.entry(path)) node = changed;
    if (node == nullptr) continue;
    const std::string parent = ParentOf(path);
    if (parent != "/" && parent != "." && !image.directories.contains(parent)) {
      continue;
    }
    if (node->is_directory) {
      image.directories.insert(path);
    } else if (node->now == node->durable) {
      image.files[path] = node->now;
    } else {
      image.files[path] = Survives(node->durable, node->now, choice.data(path));
    }
  }
  return image;
}

DiskImage CrashFileSystem::Crash(const CrashChoice& choice) const {
  MutexLock lock(&mu_);
  return CrashLocked(choice);
}

DiskImage CrashFileSystem::Now() const {
  MutexLock lock(&mu_);
  return CrashLocked({[](const std::string&) { return Keep::kNew; },
                      [](const std::string&) { return true; }});
}

std::vector<CrashFileSystem::Outcome> CrashFileSystem::CrashOutcomes() const {
  MutexLock lock(&mu_);
  std::set<std::string> data;
  std::set<std::string> names;
  for (const Entries* entries : {&entries_, &durable_}) {
    for (const auto& [path, node] : *entries) {
      if (node->now != node->durable) data.insert(path);
      const auto now = entries_.find(path);
      const auto was = durable_.find(path);
      if (now == entries_.end() || was == durable_.end() ||
          now->second != was->second) {
        names.insert(path);
      }
    }
  }
  const auto removed = [this](const std::string& path) {
    mu_.AssertHeld();
    return !entries_.contains(path);
  };

  std::vector<Outcome> outcomes;
  std::set<std::string> seen;
  const auto add = [&](std::string name,
                       std::function<Keep(const std::string&)> keep,
                       std::function<bool(const std::string&)> entry) {
    mu_.AssertHeld();
    DiskImage image = CrashLocked({std::move(keep), std::move(entry)});
    if (seen.insert(image.Fingerprint()).second) {
      outcomes.push_back({std::move(name), std::move(image)});
    }
  };
  const auto old_data = [](const std::string&) { return Keep::kOld; };
  const auto new_data = [](const std::string&) { return Keep::kNew; };
  const auto no = [](const std::string&) { return false; };
  const auto yes = [](const std::string&) { return true; };
  const auto all_but_removals = [&](const std::string& path) {
    return !removed(path);
  };
  add("nothing kept", old_data, no);
  add("everything kept", new_data, yes);
  add("names kept, data lost", old_data, yes);
  add("data kept, names lost", new_data, no);
  add("removals undone", new_data, all_but_removals);
  add("removals undone, data lost", old_data, all_but_removals);
  for (const std::string& one : data) {
    const auto alone = [&one](Keep that, Keep others) {
      return [&one, that, others](const std::string& path) {
        return path == one ? that : others;
      };
    };
    const std::string name(NameOf(one));
    add("data kept of " + name, alone(Keep::kNew, Keep::kOld), yes);
    add("data lost of " + name, alone(Keep::kOld, Keep::kNew), yes);
    add("half kept of " + name, alone(Keep::kHalf, Keep::kNew), yes);
    add("half kept of only " + name, alone(Keep::kHalf, Keep::kOld), yes);
    add("zeros in " + name, alone(Keep::kZeros, Keep::kNew), yes);
  }
  for (const std::string& one : names) {
    const std::string name(NameOf(one));
    add("name kept of " + name, new_data,
        [&one](const std::string& path) { return path == one; });
    add("name lost of " + name, new_data,
        [&one](const std::string& path) { return path != one; });
  }
  return outcomes;
}

// --- Looking -----------------------------------------------------------------

void CrashFileSystem::Put(const std::string& path, const std::string& content) {
  MutexLock lock(&mu_);
  NodePtr& node = entries_[path];
  if (node == nullptr) node = std::make_shared<Node>();
  node->now = node->durable = content;
  durable_[path] = node;
}

std::string CrashFileSystem::Content(const std::string& path) const {
  MutexLock lock(&mu_);
  const auto it = entries_.find(path);
  HF_CHECK(it != entries_.end());
  return it->second->now;
}

bool CrashFileSystem::Has(const std::string& path) const {
  MutexLock lock(&mu_);
  return entries_.contains(path);
}

std::vector<std::string> CrashFileSystem::Names(
    const std::string& directory) const {
  MutexLock lock(&mu_);
  std::vector<std::string> names;
  for (const auto& [path, node] : entries_) {
    if (ParentOf(path) == directory) names.emplace_back(NameOf(path));
  }
  return names;
}

// --- The calls ---------------------------------------------------------------

absl::StatusOr<std::unique_ptr<WritableFile>> CrashFileSystem::CreateFile(
    std::string_view path) {
  const std::string name(path);
  NodePtr node;
  absl::Status status = Do({"create", name}, [&] {
    mu_.AssertHeld();
    if (entries_.contains(name)) {
      return absl::AlreadyExistsError(absl::StrCat("create ", name));
    }
    const std::string parent = ParentOf(name);
    if (parent != "/" && parent != "." && !entries_.contains(parent)) {
      return NotFound("create", name);
    }
    node = entries_[name] = std::make_shared<Node>();
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return std::make_unique<Writer>(this, name, std::move(node));
}

absl::StatusOr<std::unique_ptr<RandomAccessFile>> CrashFileSystem::OpenFile(
    std::string_view path) {
  const std::string name(path);
  NodePtr node;
  absl::Status status = Do({"open", name}, [&] {
    mu_.AssertHeld();
    const auto it = entries_.find(name);
    if (it == entries_.end()) return NotFound("open", name);
    node = it->second;
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return std::make_unique<Reader>(this, name, std::move(node));
}

absl::StatusOr<uint64_t> CrashFileSystem::FileSize(std::string_view path) {
  const std::string name(path);
  uint64_t size = 0;
  absl::Status status = Do({"stat", name}, [&] {
    mu_.AssertHeld();
    const auto it = entries_.find(name);
    if (it == entries_.end()) return NotFound("stat", name);
    size = it->second->now.size();
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return size;
}

absl::StatusOr<bool> CrashFileSystem::FileExists(std::string_view path) {
  const std::string name(path);
  bool exists = false;
  absl::Status status = Do({"exists", name}, [&] {
    mu_.AssertHeld();
    exists = entries_.contains(name);
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return exists;
}

absl::StatusOr<std::vector<std::string>> CrashFileSystem::ListDirectory(
    std::string_view path) {
  const std::string directory(path);
  std::vector<std::string> names;
  absl::Status status = Do({"list", directory}, [&] {
    mu_.AssertHeld();
    if (!entries_.contains(directory)) return NotFound("list", directory);
    for (const auto& [name, node] : entries_) {
      if (ParentOf(name) == directory) names.emplace_back(NameOf(name));
    }
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return names;
}

absl::Status CrashFileSystem::CreateDirectory(std::string_view path) {
  const std::string name(path);
  return Do({"mkdir", name}, [&] {
    mu_.AssertHeld();
    if (entries_.contains(name)) {
      return absl::AlreadyExistsError(absl::StrCat("mkdir ", name));
    }
    entries_[name] = std::make_shared<Node>(Node{true, "", ""});
    return absl::OkStatus();
  });
}

absl::Status CrashFileSystem::RemoveFile(std::string_view path) {
  const std::string name(path);
  return Do({"remove", name}, [&] {
    mu_.AssertHeld();
    return entries_.erase(name) > 0 ? absl::OkStatus()
                                    : NotFound("remove", name);
  });
}

absl::Status CrashFileSystem::RemoveDirectory(std::string_view path) {
  const std::string name(path);
  return Do({"rmdir", name}, [&] {
    mu_.AssertHeld();
    for (const auto& [other, node] : entries_) {
      if (ParentOf(other) == name) {
        return absl::FailedPreconditionError("rmdir: not empty");
      }
    }
    return entries_.erase(name) > 0 ? absl::OkStatus()
                                    : NotFound("rmdir", name);
  });
}

absl::Status CrashFileSystem::RenameFile(std::string_view from,
                                         std::string_view to) {
  const std::string old_name(from);
  const std::string new_name(to);
  return Do({"rename", new_name}, [&] {
    mu_.AssertHeld();
    const auto it = entries_.find(old_name);
    if (it == entries_.end()) return NotFound("rename", old_name);
    const NodePtr node = it->second;
    entries_.erase(it);
    entries_[new_name] = node;
    return absl::OkStatus();
  });
}

absl::Status CrashFileSystem::LinkFile(std::string_view from,
                                       std::string_view to) {
  const std::string old_name(from);
  const std::string new_name(to);
  return Do({"link", new_name}, [&] {
    mu_.AssertHeld();
    const auto it = entries_.find(old_name);
    if (it == entries_.end()) return NotFound("link", old_name);
    if (entries_.contains(new_name)) return absl::AlreadyExistsError(new_name);
    entries_[new_name] = it->second;
    return absl::OkStatus();
  });
}

absl::Status CrashFileSystem::SyncDirectory(std::string_view path) {
  const std::string directory(path);
  return Do({"syncdir", directory}, [&] {
    mu_.AssertHeld();
    for (auto it = durable_.begin(); it != durable_.end();) {
      const bool gone =
          ParentOf(it->first) == directory && !entries_.contains(it->first);
      it = gone ? durable_.erase(it) : std::next(it);
    }
    for (const auto& [name, node] : entries_) {
      if (ParentOf(name) == directory) durable_[name] = node;
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<std::unique_ptr<FileLock>> CrashFileSystem::LockFile(
    std::string_view path) {
  const std::string name(path);
  absl::Status status = Do({"lock", name}, [&] {
    mu_.AssertHeld();
    if (!locked_.insert(name).second) {
      return absl::UnavailableError(absl::StrCat("lock ", name));
    }
    if (!entries_.contains(name)) entries_[name] = std::make_shared<Node>();
    return absl::OkStatus();
  });
  if (!status.ok() && !absl::IsUnavailable(status)) {
    MutexLock lock(&mu_);
    locked_.erase(name);  // Whoever failed to get it does not hold it.
  }
  if (!status.ok()) return status;
  return std::make_unique<Lock>(this, name);
}

absl::StatusOr<uint64_t> CrashFileSystem::UniqueId() {
  absl::Status status = Do({"id", ""}, [] { return absl::OkStatus(); });
  if (!status.ok()) return status;
  return unique_id;
}

}  // namespace holdfast
