#include "engine/format/file_names.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace holdfast {
namespace {

constexpr std::string_view kCurrentName = "CURRENT";
constexpr std::string_view kLockName = "LOCK";
constexpr std::string_view kManifestPrefix = "MANIFEST-";
constexpr std::string_view kWalSuffix = ".wal";
constexpr std::string_view kTableSuffix = ".sst";
constexpr std::string_view kTempSuffix = ".tmp";
// A uint64_t has at most 20 decimal digits.
constexpr size_t kMinDigits = 6;
constexpr size_t kMaxDigits = 20;

std::string NumberText(uint64_t number) {
  return absl::StrFormat("%06u", number);
}

// Parses what NumberText gives, and nothing else.
bool ParseNumber(std::string_view text, uint64_t* number) {
  if (text.size() < kMinDigits || text.size() > kMaxDigits) return false;
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    const auto digit = static_cast<uint64_t>(c - '0');
    if (value > (UINT64_MAX - digit) / 10) return false;
    value = value * 10 + digit;
  }
  if (text.size() > kMinDigits && text.front() == '0') return false;
  *number = value;
  return true;
}

}  // namespace

std::string JoinPath(std::string_view dir, std::string_view name) {
  if (dir.empty()) return std::string(name);
  return absl::StrCat(dir, dir.back() == '/' ? "" : "/", name);
}

std::string CurrentFileName(std::string_view dir) {
  return JoinPath(dir, kCurrentName);
}

std::string LockFileName(std::string_view dir) {
  return JoinPath(dir, kLockName);
}

std::string ManifestFileName(std::string_view dir, uint64_t number) {
  return JoinPath(dir, absl::StrCat(kManifestPrefix, NumberText(number)));
}

std::string WalFileName(std::string_view dir, uint64_t number) {
  return JoinPath(dir, absl::StrCat(NumberText(number), kWalSuffix));
}

std::string TableFileName(std::string_view dir, uint64_t number) {
  return JoinPath(dir, absl::StrCat(NumberText(number), kTableSuffix));
}

std::string TempFileName(std::string_view dir, uint64_t number) {
  return JoinPath(dir, absl::StrCat(NumberText(number), kTempSuffix));
}

bool ParseFileName(std::string_view name, FileKind* kind, uint64_t* number) {
  if (name == kCurrentName || name == kLockName) {
    *kind = name == kCurrentName ? FileKind::kCurrent : FileKind::kLock;
    *number = 0;
    return true;
  }
  FileKind found;
  if (absl::ConsumePrefix(&name, kManifestPrefix)) {
    found = FileKind::kManifest;
  } else if (absl::ConsumeSuffix(&name, kWalSuffix)) {
    found = FileKind::kWal;
  } else if (absl::ConsumeSuffix(&name, kTableSuffix)) {
    found = FileKind::kTable;
  } else if (absl::ConsumeSuffix(&name, kTempSuffix)) {
    found = FileKind::kTemp;
  } else {
    return false;
  }
  if (!ParseNumber(name, number)) return false;
  *kind = found;
  return true;
}

}  // namespace holdfast
