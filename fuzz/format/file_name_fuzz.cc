// Names of files (engine/format/file_names.h). Property: a name that is
// accepted is the one that is made for its kind and number, so no file has two
// names; a name that is made is accepted, with its kind and number; what is
// refused leaves the results as they were; a directory changes nothing.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "engine/format/file_names.h"
#include "fuzz/support/fuzz_input.h"

namespace {

using namespace holdfast;

constexpr FileKind kKinds[] = {FileKind::kCurrent,  FileKind::kLock,
                               FileKind::kManifest, FileKind::kWal,
                               FileKind::kTable,    FileKind::kTemp};

std::string NameOf(std::string_view dir, FileKind kind, uint64_t number) {
  switch (kind) {
    case FileKind::kCurrent:
      return CurrentFileName(dir);
    case FileKind::kLock:
      return LockFileName(dir);
    case FileKind::kManifest:
      return ManifestFileName(dir, number);
    case FileKind::kWal:
      return WalFileName(dir, number);
    case FileKind::kTable:
      return TableFileName(dir, number);
    case FileKind::kTemp:
      return TempFileName(dir, number);
  }
  HF_CHECK(false);
  return "";
}

bool HasNumber(FileKind kind) {
  return kind != FileKind::kCurrent && kind != FileKind::kLock;
}

void CheckName(std::string_view name) {
  // None that any name has.
  constexpr auto kNoKind = static_cast<FileKind>(99);
  constexpr uint64_t kNoNumber = 0xa5a5a5a5a5a5a5a5;
  FileKind kind = kNoKind;
  uint64_t number = kNoNumber;
  if (!ParseFileName(name, &kind, &number)) {
    HF_CHECK(kind == kNoKind);
    HF_CHECK(number == kNoNumber);
    return;
  }
  HF_CHECK(NameOf("", kind, number) == name);
  HF_CHECK(HasNumber(kind) || number == 0);
}

void CheckNumber(FileKind kind, uint64_t number, std::string_view dir) {
  if (!HasNumber(kind)) number = 0;
  const std::string name = NameOf("", kind, number);
  FileKind parsed_kind;
  uint64_t parsed_number;
  HF_CHECK(ParseFileName(name, &parsed_kind, &parsed_number));
  HF_CHECK(parsed_kind == kind);
  HF_CHECK(parsed_number == number);

  const std::string path = NameOf(dir, kind, number);
  HF_CHECK(path == JoinPath(dir, name));
  HF_CHECK(path.starts_with(dir));
  HF_CHECK(path.ends_with(name));
  const size_t slash =
      dir.empty() || dir.ends_with('/') ? 0 : std::string_view("/").size();
  HF_CHECK(path.size() == dir.size() + slash + name.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  CheckName(std::string_view(reinterpret_cast<const char*>(data), size));
  FuzzInput input(data, size);
  // A number of any length.
  const uint64_t number = input.Long() >> input.Below(64);
  const std::string_view dir = input.Rest();
  for (const FileKind kind : kKinds) CheckNumber(kind, number, dir);
  return 0;
}
