#include "chaos/explorer/call_sites.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/debugging/stacktrace.h"
#include "absl/debugging/symbolize.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/checksum.h"
#include "holdfast/testing/file_call.h"

namespace holdfast {
namespace {

// Deep enough for any program; frames below its start are not kept.
constexpr int kMaxDepth = 128;
// More frames than that do not tell sites apart that matter.
constexpr int kMaxFrames = 16;

// Layers between the program and the hook, by parts of their names.
constexpr std::string_view kLayers[] = {
    "std::", "absl::", "CallSites", "LifeWatcher",
    "::Sim", "Fault",  "Mortal",    "__invoke",
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The last component of a path with "*" for each run of digits.
std::string FileKind(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash != std::string_view::npos && slash + 1 < path.size()) {
    path.remove_prefix(slash + 1);
  }
  std::string kind;
  for (size_t i = 0; i < path.size(); ++i) {
    if (!IsDigit(path[i])) {
      kind.push_back(path[i]);
    } else if (i == 0 || !IsDigit(path[i - 1])) {
      kind.push_back('*');
    }
  }
  return kind;
}

}  // namespace

std::string CallKind(const FileCall& call) {
  std::string kind =
      absl::StrCat(FileOpName(call.op), " ", FileKind(call.path));
  if (!call.to.empty()) absl::StrAppend(&kind, " -> ", FileKind(call.to));
  return kind;
}

int CallSites::StackDepth() {
  std::array<void*, kMaxDepth> frames;
  return absl::GetStackTrace(frames.data(), kMaxDepth, 1);
}

SiteId CallSites::Find(const FileCall& call, int stack_depth) {
  std::array<void*, kMaxDepth> frames;
  const int depth = absl::GetStackTrace(frames.data(), kMaxDepth, 1);
  const int count = std::clamp(depth - stack_depth, 0, kMaxFrames);
  uint64_t hash = HashKey(CallKind(call));
  for (int i = 0; i < count; ++i) {
    hash = MixContext(hash, reinterpret_cast<uintptr_t>(frames[i]));
  }
  const auto it = by_hash_.find(hash);
  if (it != by_hash_.end()) return it->second;
  return Add(hash, CallKind(call),
             std::vector<void*>(frames.begin(), frames.begin() + count));
}

SiteId CallSites::FindEnd(std::string_view name) {
  const uint64_t hash = HashKey(name);
  const auto it = by_hash_.find(hash);
  return it != by_hash_.end() ? it->second : Add(hash, std::string(name), {});
}

SiteId CallSites::Add(uint64_t hash, std::string what,
                      std::vector<void*> frames) {
  const SiteId id = static_cast<SiteId>(sites_.size());
  sites_.push_back({std::move(what), std::move(frames)});
  by_hash_.emplace(hash, id);
  return id;
}

std::string CallSites::Name(SiteId site) const {
  const Site& s = sites_[site];
  for (void* frame : s.frames) {
    char name[1024];
    // A return address may lie behind the end of its function.
    void* call = static_cast<char*>(frame) - 1;
    if (!absl::Symbolize(call, name, sizeof(name))) continue;
    const bool layer = std::any_of(
        std::begin(kLayers), std::end(kLayers),
        [&](std::string_view l) { return absl::StrContains(name, l); });
    if (!layer) return absl::StrCat(s.what, " in ", name);
  }
  return s.what;
}

}  // namespace holdfast
