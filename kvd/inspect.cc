#include "kvd/inspect.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_util.h"
#include "engine/format/current_file.h"
#include "engine/format/version_edit.h"
#include "engine/version/file_metadata.h"
#include "engine/version/manifest.h"
#include "engine/version/version.h"

namespace holdfast::kvd {
namespace {

std::string FileName(FileKind kind, std::string_view database,
                     uint64_t number) {
  switch (kind) {
    case FileKind::kManifest:
      return ManifestFileName(database, number);
    case FileKind::kWal:
      return WalFileName(database, number);
    default:
      return TableFileName(database, number);
  }
}

absl::Status VerifyTable(FileSystem& file_system, const std::string& database,
                         const FileMetadata& table) {
  std::string path = TableFileName(database, table.number);
  HF_ASSIGN_OR_RETURN(std::unique_ptr<RandomAccessFile> file,
                      file_system.OpenFile(path));
  HF_ASSIGN_OR_RETURN(
      const std::shared_ptr<const TableReader> reader,
      TableReader::Open({}, std::move(file), std::move(path), table.number,
                        table.bytes, table.identity, /*cache=*/nullptr));
  return reader->Verify();
}

}  // namespace

absl::StatusOr<std::string> FindFile(FileSystem& file_system, FileKind kind,
                                     const std::string& path,
                                     const std::string& number) {
  const bool is_directory = file_system.ListDirectory(path).ok();
  if (!is_directory) {
    if (!number.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, " is not a database; a number goes with one"));
    }
    return path;
  }
  if (number.empty()) {
    if (kind != FileKind::kManifest) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, " is a directory; name a file in it, or give its number too"));
    }
    HF_ASSIGN_OR_RETURN(const CurrentFile current,
                        ReadCurrent(&file_system, path));
    return ManifestFileName(path, current.manifest_number);
  }
  uint64_t parsed = 0;
  if (!absl::SimpleAtoi(number, &parsed)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", number, "\" is not the number of a file"));
  }
  return FileName(kind, path, parsed);
}

absl::StatusOr<std::shared_ptr<const TableReader>> OpenClaimedTable(
    FileSystem& file_system, const std::string& path, TableFooter* footer) {
  HF_ASSIGN_OR_RETURN(std::unique_ptr<RandomAccessFile> file,
                      file_system.OpenFile(path));
  HF_ASSIGN_OR_RETURN(const uint64_t bytes, file->Size());
  if (bytes < kFooterBytes) {
    return DataLoss(path, 0,
                    absl::StrCat("no table: only ", bytes, " bytes long"));
  }
  char buffer[kFooterBytes];
  std::string_view tail;
  HF_RETURN_IF_ERROR(
      file->Read(bytes - kFooterBytes, kFooterBytes, buffer, &tail));
  HF_ASSIGN_OR_RETURN(*footer, DecodeTableFooter(path, bytes, tail));
  return TableReader::Open({}, std::move(file), path, footer->number, bytes,
                           footer->identity, /*cache=*/nullptr);
}

absl::Status ExplainLogError(const absl::Status& status,
                             std::string_view path) {
  if (!absl::IsOutOfRange(status)) return status;
  return DataLoss(path, 0, absl::StrCat("no log: ", status.message()));
}

std::vector<std::string> FindDamage(FileSystem& file_system,
                                    const std::string& database) {
  std::vector<std::string> damage;
  const auto add = [&damage](const absl::Status& status) {
    if (!status.ok()) damage.emplace_back(status.message());
  };
  const absl::StatusOr<CurrentFile> current =
      ReadCurrent(&file_system, database);
  add(current.status());
  if (!current.ok()) return damage;
  const absl::StatusOr<ManifestState> state =
      ReadManifest(&file_system, database, *current);
  add(state.status());
  if (!state.ok()) return damage;
  for (int level = 0; level < kNumLevels; ++level) {
    for (const FilePtr& table : state->version->files(level)) {
      add(VerifyTable(file_system, database, *table));
    }
  }
  return damage;
}

std::string FormatChange(const NumberedChange& change, bool json, bool hex) {
  const bool is_put = change.type == ValueType::kValue;
  const char* const name = is_put ? "put" : "delete";
  if (json) {
    Json object = {{"sequence", change.sequence}, {"change", name}};
    SetBytes("key", change.key, hex, &object);
    if (is_put) SetBytes("value", change.value, hex, &object);
    return WriteJson(object) + "\n";
  }
  const Notation notation = hex ? Notation::kHex : Notation::kEscaped;
  return absl::StrCat(change.sequence, "\t", name, "\t",
                      EncodeText(notation, change.key), is_put ? "\t" : "",
                      is_put ? EncodeText(notation, change.value) : "", "\n");
}

std::string FormatIdentity(uint64_t identity) {
  return absl::StrFormat("%016x", identity);
}

std::string FormatInternalKey(Notation notation,
                              std::string_view internal_key) {
  ParsedInternalKey key;
  if (!ParseInternalKey(internal_key, &key)) return "not a key";
  return absl::StrCat(EncodeText(notation, key.user_key), " @ ", key.sequence);
}

Json InternalKeyToJson(std::string_view internal_key, bool hex) {
  Json object = Json::object();
  ParsedInternalKey key;
  if (!ParseInternalKey(internal_key, &key)) return object;
  SetBytes("key", key.user_key, hex, &object);
  object["sequence"] = key.sequence;
  return object;
}

}  // namespace holdfast::kvd
