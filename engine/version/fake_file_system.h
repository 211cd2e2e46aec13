// A file system in memory for the tests of this room and the one above: it
// keeps what is durable apart from what is only written, records every call
// that changes something, and makes a chosen call fail.
//
//   FakeFileSystem fs;
//   fs.fail_at = 7; fs.fail_for_ever = true;   // the machine dies in call 7
//   ...
//   fs.Crash(FakeFileSystem::kKeepNone);       // and forgets what it may
//
// Thread-compatible. All files are in one directory.

#ifndef HOLDFAST_ENGINE_VERSION_FAKE_FILE_SYSTEM_H_
#define HOLDFAST_ENGINE_VERSION_FAKE_FILE_SYSTEM_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "holdfast/env/file_system.h"

namespace holdfast {

class FakeFileSystem final : public FileSystem {
 public:
  struct Inode {
    std::string bytes;
    std::string synced;
  };
  using InodePtr = std::shared_ptr<Inode>;

  enum Keep {
    kKeepNone,  // Only what was synced survives: the hardest power loss.
    kKeepAll,   // Everything written survives: only the process dies.
  };
  enum FailMode {
    kFailBefore,  // The call that fails does nothing.
    kFailAfter,   // It does its work, and says that it failed.
  };

  // Calls so far, reading ones included.
  int calls = 0;
  int fail_at = -1;
  bool fail_for_ever = false;
  FailMode fail_mode = kFailBefore;
  absl::Status error = absl::InternalError("injected fault");
  // "create NAME", "write NAME", "sync NAME", "rename A B", "remove NAME",
  // "syncdir": those that took effect.
  std::vector<std::string> trace;

  std::map<std::string, InodePtr, std::less<>> names;
  std::map<std::string, InodePtr, std::less<>> durable_names;

  // A durable file.
  void Put(const std::string& path, std::string bytes) {
    auto inode = std::make_shared<Inode>();
    inode->bytes = inode->synced = std::move(bytes);
    names[path] = durable_names[path] = inode;
  }

  void Crash(Keep keep) {
    fail_at = -1;
    fail_for_ever = false;
    if (keep == kKeepNone) names = durable_names;
    // Handles of the dead process keep the old inodes.
    std::map<const Inode*, InodePtr> copies;
    for (auto& [name, inode] : names) {
      InodePtr& copy = copies[inode.get()];
      if (copy == nullptr) {
        copy = std::make_shared<Inode>(*inode);
        if (keep == kKeepNone) copy->bytes = copy->synced;
      }
      inode = copy;
    }
    durable_names = names;
    for (auto& [name, inode] : names) inode->synced = inode->bytes;
  }

  absl::StatusOr<std::unique_ptr<WritableFile>> CreateFile(
      std::string_view path) override {
    absl::Status status = Do(absl::StrCat("create ", Base(path)), [&] {
      if (names.contains(path)) {
        return absl::AlreadyExistsError(absl::StrCat("create ", path));
      }
      names[std::string(path)] = std::make_shared<Inode>();
      return absl::OkStatus();
    });
    if (!status.ok()) return status;
    return std::make_unique<Writer>(this, Base(path), names.find(path)->second);
  }

  absl::StatusOr<std::unique_ptr<RandomAccessFile>> OpenFile(
      std::string_view path) override {
    absl::StatusOr<InodePtr> inode = Look("open", path);
    if (!inode.ok()) return inode.status();
    return std::make_unique<Reader>(this, *std::move(inode));
  }

  absl::StatusOr<uint64_t> FileSize(std::string_view path) override {
    const absl::StatusOr<InodePtr> inode = Look("stat", path);
    if (!inode.ok()) return inode.status();
    return (*inode)->bytes.size();
  }

  absl::StatusOr<bool> FileExists(std::string_view path) override {
    return names.contains(path);
  }

  absl::StatusOr<std::vector<std::string>> ListDirectory(
      std::string_view) override {
    std::vector<std::string> list;
    for (const auto& [name, inode] : names) list.push_back(Base(name));
    return list;
  }

  absl::Status RemoveFile(std::string_view path) override {
    return Do(absl::StrCat("remove ", Base(path)), [&] {
      const auto it = names.find(path);
      if (it == names.end()) return absl::NotFoundError(std::string(path));
      names.erase(it);
      return absl::OkStatus();
    });
  }

  absl::Status RenameFile(std::string_view from, std::string_view to) override {
    return Do(absl::StrCat("rename ", Base(from), " ", Base(to)), [&] {
      const auto it = names.find(from);
      if (it == names.end()) return absl::NotFoundError(std::string(from));
      const InodePtr inode = it->second;
      names.erase(it);
      names[std::string(to)] = inode;
      return absl::OkStatus();
    });
  }

  absl::Status SyncDirectory(std::string_view) override {
    return Do("syncdir", [&] {
      durable_names = names;
      return absl::OkStatus();
    });
  }

  absl::Status CreateDirectory(std::string_view) override { return No(); }
  absl::Status RemoveDirectory(std::string_view) override { return No(); }
  absl::Status LinkFile(std::string_view, std::string_view) override {
    return No();
  }
  absl::StatusOr<std::unique_ptr<FileLock>> LockFile(
      std::string_view) override {
    return No();
  }
  absl::StatusOr<uint64_t> UniqueId() override { return No(); }

 private:
  class Writer final : public WritableFile {
   public:
    Writer(FakeFileSystem* fs, std::string name, InodePtr inode)
        : fs_(*fs), name_(std::move(name)), inode_(std::move(inode)) {}

    absl::Status Write(uint64_t offset, std::string_view data) override {
      return fs_.Do(absl::StrCat("write ", name_), [&] {
        std::string& bytes = inode_->bytes;
        bytes.resize(std::max<size_t>(bytes.size(), offset + data.size()));
        std::memcpy(bytes.data() + offset, data.data(), data.size());
        return absl::OkStatus();
      });
    }
    absl::Status Sync() override {
      return fs_.Do(absl::StrCat("sync ", name_), [&] {
        inode_->synced = inode_->bytes;
        return absl::OkStatus();
      });
    }
    absl::Status PrepareSpace(uint64_t, uint64_t) override {
      return absl::OkStatus();  // Manifests ask for none.
    }
    absl::Status Truncate(uint64_t size) override {
      inode_->bytes.resize(size);
      return absl::OkStatus();
    }
    absl::Status Close() override { return absl::OkStatus(); }

   private:
    FakeFileSystem& fs_;
    const std::string name_;
    const InodePtr inode_;
  };

  class Reader final : public RandomAccessFile {
   public:
    Reader(FakeFileSystem* fs, InodePtr inode)
        : fs_(*fs), inode_(std::move(inode)) {}

    absl::Status Read(uint64_t offset, size_t n, char* scratch,
                      std::string_view* result) const override {
      if (fs_.Fails()) return fs_.error;
      const std::string& bytes = inode_->bytes;
      const size_t begin = std::min<uint64_t>(offset, bytes.size());
      const size_t length = std::min(n, bytes.size() - begin);
      std::memcpy(scratch, bytes.data() + begin, length);
      *result = std::string_view(scratch, length);
      return absl::OkStatus();
    }
    absl::StatusOr<uint64_t> Size() const override {
      return inode_->bytes.size();
    }

   private:
    FakeFileSystem& fs_;
    const InodePtr inode_;
  };

  static std::string Base(std::string_view path) {
    const size_t slash = path.rfind('/');
    return std::string(slash == path.npos ? path : path.substr(slash + 1));
  }
  static absl::Status No() { return absl::UnimplementedError("not here"); }

  bool Fails() {
    const int call = calls++;
    return fail_at >= 0 &&
           (call == fail_at || (fail_for_ever && call > fail_at));
  }

  template <typename Effect>
  absl::Status Do(std::string what, const Effect& effect) {
    const bool first = calls == fail_at;
    const bool fails = Fails();
    // Dead machines do nothing any more.
    if (fails && (fail_mode == kFailBefore || !first)) return error;
    absl::Status status = effect();
    if (status.ok()) trace.push_back(std::move(what));
    return fails ? error : status;
  }

  absl::StatusOr<InodePtr> Look(std::string_view what, std::string_view path) {
    if (Fails()) return error;
    const auto it = names.find(path);
    if (it == names.end()) {
      return absl::NotFoundError(absl::StrCat(what, " ", path));
    }
    return it->second;
  }
};

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_VERSION_FAKE_FILE_SYSTEM_H_
