#include "engine/format/current_file.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/checksum.h"
#include "base/mutant.h"
#include "base/status_util.h"
#include "engine/format/file_names.h"
#include "engine/format/format_version.h"

namespace holdfast {
namespace {

constexpr std::string_view kMagic = "holdfast-current";
// Far above what EncodeCurrent can give (about 110), for later versions.
constexpr size_t kMaxCurrentBytes = 512;
constexpr size_t kHexDigits = 16;

// `line`, which ends with a space, with its checksum and the newline.
std::string Sealed(std::string_view line) {
  return absl::StrFormat("%s%016x\n", line, Checksum64(line, 0));
}

}  // namespace

std::string EncodeCurrent(const CurrentFile& current) {
  return Sealed(absl::StrFormat("%s %u %s %016x %u ", kMagic, current.version,
                                ManifestFileName("", current.manifest_number),
                                current.db_id, current.manifest_bytes));
}

absl::StatusOr<CurrentFile> DecodeCurrent(std::string_view path,
                                          std::string_view contents) {
  // What every version has in common: the magic, the version after it, and the
  // checksum at the end. So they are looked at before the rest.
  constexpr size_t kTailBytes = kHexDigits + 1;  // Checksum and newline.
  if (contents.size() > kMaxCurrentBytes) {
    return DataLoss(path, kMaxCurrentBytes, "longer than any CURRENT file");
  }
  if (contents.size() <= kTailBytes) {
    return DataLoss(path, contents.size(), "cut off");
  }
  const std::string_view line =
      contents.substr(0, contents.size() - kTailBytes);
  if (contents != Sealed(line) && !HF_MUTANT("current_file.checksum")) {
    return DataLoss(path, 0, "checksum mismatch in CURRENT");
  }
  const std::vector<std::string_view> words = absl::StrSplit(line, ' ');
  CurrentFile current;
  if (words.size() < 2 || words[0] != kMagic ||
      !absl::SimpleAtoi(words[1], &current.version)) {
    return DataLoss(path, 0, "not a CURRENT file");
  }
  HF_RETURN_IF_ERROR(CheckFormatVersion(path, current.version));
  FileKind kind;
  // Encoding it again must give the same bytes, so lax parsing does no harm.
  if (words.size() != 6 ||
      !ParseFileName(words[2], &kind, &current.manifest_number) ||
      !absl::SimpleHexAtoi(words[3], &current.db_id) ||
      !absl::SimpleAtoi(words[4], &current.manifest_bytes) ||
      EncodeCurrent(current) != contents) {
    return DataLoss(path, 0, "malformed CURRENT file");
  }
  return current;
}

}  // namespace holdfast
