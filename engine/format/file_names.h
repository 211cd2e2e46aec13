// The names of the files of a database directory, made and parsed.
//
//   CURRENT            names the manifest in force
//   LOCK               locked by the process that has the database open
//   MANIFEST-000005    a log of version edits
//   000012.wal         a write-ahead log
//   000012.sst         a sorted table
//   000012.tmp         a file under construction
//
// Numbers come from one space for all kinds and are never used twice; they are
// decimal, padded with zeros to six digits. Each file has exactly one name:
// ParseFileName refuses any other spelling. Format: docs/formats/file_names.md.

#ifndef HOLDFAST_ENGINE_FORMAT_FILE_NAMES_H_
#define HOLDFAST_ENGINE_FORMAT_FILE_NAMES_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast {

enum class FileKind {
  kCurrent,
  kLock,
  kManifest,
  kWal,
  kTable,
  kTemp,
};

// The path of `name` in `dir`. An empty `dir` gives `name`.
std::string JoinPath(std::string_view dir, std::string_view name);

std::string CurrentFileName(std::string_view dir);
std::string LockFileName(std::string_view dir);
std::string ManifestFileName(std::string_view dir, uint64_t number);
std::string WalFileName(std::string_view dir, uint64_t number);
std::string TableFileName(std::string_view dir, uint64_t number);
std::string TempFileName(std::string_view dir, uint64_t number);

// Parses a name without its directory. RETURNS false, leaving the results as
// they are, when it is not a name that the functions above make; CURRENT and
// LOCK have number 0.
bool ParseFileName(std::string_view name, FileKind* kind, uint64_t* number);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_FORMAT_FILE_NAMES_H_
