#include "holdfast/testing/file_call.h"

#include <array>
#include <cstddef>

#include "absl/strings/str_cat.h"

namespace holdfast {
namespace {

constexpr std::array<std::string_view, kFileOps> kNames = {
    "create",  "open",  "read",   "write",  "sync", "truncate",
    "prepare", "close", "remove", "rename", "link", "syncdir",
    "list",    "stat",  "mkdir",  "rmdir",  "lock", "id",
};

}  // namespace

std::string_view FileOpName(FileOp op) {
  return kNames[static_cast<size_t>(op)];
}

std::optional<FileOp> FileOpFromName(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<FileOp>(i);
  }
  return std::nullopt;
}

bool Changes(FileOp op) {
  switch (op) {
    case FileOp::kCreate:
    case FileOp::kWrite:
    case FileOp::kSync:
    case FileOp::kTruncate:
    case FileOp::kPrepareSpace:
    case FileOp::kRemove:
    case FileOp::kRename:
    case FileOp::kLink:
    case FileOp::kSyncDirectory:
    case FileOp::kMakeDirectory:
    case FileOp::kRemoveDirectory:
    case FileOp::kLock:  // Creates its file.
      return true;
    case FileOp::kOpen:
    case FileOp::kRead:
    case FileOp::kClose:
    case FileOp::kList:
    case FileOp::kStat:
    case FileOp::kUniqueId:
      return false;
  }
  return false;
}

std::string FileCall::Text() const {
  std::string text(FileOpName(op));
  if (!path.empty()) absl::StrAppend(&text, " ", path);
  switch (op) {
    case FileOp::kRename:
    case FileOp::kLink:
      absl::StrAppend(&text, " -> ", to);
      break;
    case FileOp::kRead:
    case FileOp::kWrite:
    case FileOp::kPrepareSpace:
      absl::StrAppend(&text, " ", offset, "+", bytes);
      break;
    case FileOp::kTruncate:
      absl::StrAppend(&text, " ", bytes);
      break;
    default:
      break;
  }
  return text;
}

}  // namespace holdfast
