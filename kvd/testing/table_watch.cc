#include "kvd/testing/table_watch.h"

#include <dirent.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "kvd/json.h"

namespace holdfast::kvd {
namespace {

constexpr std::string_view kTableSuffix = ".sst";

}  // namespace

absl::StatusOr<TableWatch> TableWatch::Start(const std::string& directory) {
  const int descriptor = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (descriptor < 0) return absl::ErrnoToStatus(errno, "inotify");
  if (inotify_add_watch(descriptor, directory.c_str(), IN_CREATE) < 0) {
    const absl::Status status =
        absl::ErrnoToStatus(errno, absl::StrCat("watch ", directory));
    close(descriptor);
    return status;
  }
  return TableWatch(descriptor);
}

TableWatch::TableWatch(TableWatch&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

TableWatch::~TableWatch() {
  if (descriptor_ >= 0) close(descriptor_);
}

bool TableWatch::SawNewTable() {
  alignas(inotify_event) char buffer[4096];
  bool saw = false;
  ssize_t n;
  while ((n = read(descriptor_, buffer, sizeof(buffer))) > 0) {
    for (const char* at = buffer; at < buffer + n;) {
      const auto* event = reinterpret_cast<const inotify_event*>(at);
      if (event->len > 0) {
        saw |= std::string_view(event->name).ends_with(kTableSuffix);
      }
      at += sizeof(inotify_event) + event->len;
    }
  }
  return saw;
}

absl::StatusOr<size_t> CountUnfinishedTables(const std::string& directory,
                                             std::string_view manifest_json) {
  uint64_t manifest_number = 0;
  std::set<uint64_t> named;
  for (std::string_view line :
       absl::StrSplit(manifest_json, '\n', absl::SkipEmpty())) {
    absl::StatusOr<Json> object = ParseJson(line);
    if (!object.ok()) return object.status();
    if (object->contains("manifest")) {
      const std::string path = object->value("manifest", "");
      if (!absl::SimpleAtoi(path.substr(path.rfind('-') + 1),
                            &manifest_number)) {
        return absl::InternalError(absl::StrCat("no manifest: ", path));
      }
      continue;
    }
    for (const Json& table : (*object)["added"]) {
      named.insert(table.value("number", uint64_t{0}));
    }
  }
  DIR* const listing = opendir(directory.c_str());
  if (listing == nullptr) {
    return absl::ErrnoToStatus(errno, absl::StrCat("list ", directory));
  }
  size_t unfinished = 0;
  while (const dirent* entry = readdir(listing)) {
    std::string_view name(entry->d_name);
    uint64_t number = 0;
    if (!name.ends_with(kTableSuffix)) continue;
    name.remove_suffix(kTableSuffix.size());
    if (!absl::SimpleAtoi(name, &number)) continue;
    if (number > manifest_number && !named.contains(number)) ++unfinished;
  }
  closedir(listing);
  return unfinished;
}

}  // namespace holdfast::kvd
