// Tables in memory for the tests of this room.

#ifndef HOLDFAST_ENGINE_TABLE_TABLE_TESTING_H_
#define HOLDFAST_ENGINE_TABLE_TABLE_TESTING_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "base/check.h"
#include "base/checksum.h"
#include "engine/format/internal_key.h"
#include "engine/table/block_cache.h"
#include "engine/table/memory_files.h"
#include "engine/table/table_builder.h"
#include "engine/table/table_reader.h"

namespace holdfast {

struct InternalKeyLess {
  bool operator()(const std::string& a, const std::string& b) const {
    return CompareInternalKeys(a, b) < 0;
  }
};
// Internal key to value: the obviously correct table.
using TableModel = std::map<std::string, std::string, InternalKeyLess>;

inline constexpr uint64_t kTestNumber = 12;
inline constexpr uint64_t kTestIdentity = 0xfeedfacecafebeef;
inline constexpr char kTestPath[] = "/db/000012.sst";

struct BuiltTable {
  TableSummary summary;
  std::string bytes;
};

inline BuiltTable BuildTable(const TableOptions& options,
                             const TableModel& model,
                             uint64_t number = kTestNumber,
                             uint64_t identity = kTestIdentity,
                             BlockCache* cache = nullptr) {
  WrittenFile file;
  TableBuilder builder(options, std::make_unique<MemoryWritableFile>(&file),
                       kTestPath, number, identity, cache);
  for (const auto& [key, value] : model) {
    HF_CHECK(builder.Add(key, value).ok());
  }
  absl::StatusOr<TableSummary> summary = builder.Finish();
  HF_CHECK(summary.ok());
  return {.summary = *summary, .bytes = file.bytes};
}

inline absl::StatusOr<std::shared_ptr<const TableReader>> OpenTable(
    std::string bytes, uint64_t size, BlockCache* cache = nullptr,
    FaultCounter* faults = nullptr, const TableReadOptions& options = {}) {
  return TableReader::Open(
      options,
      std::make_unique<MemoryReadFile>(
          std::make_shared<const std::string>(std::move(bytes)), faults),
      kTestPath, kTestNumber, size, kTestIdentity, cache);
}

// What a read of `user_key` as of `sequence` must find, in words.
inline std::string ModelGet(const TableModel& model, std::string_view user_key,
                            SequenceNumber sequence) {
  const LookupKey lookup(user_key, sequence);
  const auto it = model.lower_bound(std::string(lookup.internal_key()));
  if (it == model.end() || ExtractUserKey(it->first) != user_key) {
    return "absent";
  }
  ParsedInternalKey parsed;
  HF_CHECK(ParseInternalKey(it->first, &parsed));
  const std::string at = std::to_string(parsed.sequence);
  return parsed.type == ValueType::kDeletion ? "deleted@" + at
                                             : "value@" + at + ":" + it->second;
}

// The same from a table; or the status.
inline absl::StatusOr<std::string> TableGet(
    const TableReader& table, std::string_view user_key,
    SequenceNumber sequence, const BlockReadOptions& options = {}) {
  TableLookup found;
  const absl::Status status = table.Get(options, LookupKey(user_key, sequence),
                                        HashKey(user_key), &found);
  if (!status.ok()) return status;
  if (found.kind == TableLookup::kAbsent) return "absent";
  const std::string at = std::to_string(found.sequence);
  if (found.kind == TableLookup::kDeletion) return "deleted@" + at;
  return "value@" + at + ":" + std::string(found.value);
}

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_TABLE_TABLE_TESTING_H_
