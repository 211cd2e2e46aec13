// What the targets of this room share: entries as a model, files in memory,
// and what an error about damage must say.

#ifndef HOLDFAST_FUZZ_TABLE_TABLE_FUZZING_H_
#define HOLDFAST_FUZZ_TABLE_TABLE_FUZZING_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/table/table_builder.h"
#include "holdfast/env/file_system.h"

namespace holdfast {

inline constexpr std::string_view kFuzzPath = "/db/000012.sst";
inline constexpr uint64_t kFuzzNumber = 12;
inline constexpr uint64_t kFuzzIdentity = 0x1122334455667788;

struct TableEntry {
  std::string key;  // An internal key.
  std::string value;

  bool operator==(const TableEntry&) const = default;
};
// Rising by key: the obviously correct block or table.
using TableEntries = std::vector<TableEntry>;

// The place of the first entry at or after the internal key `target`;
// entries.size() when there is none.
size_t LowerBound(const TableEntries& entries, std::string_view target);

// The internal keys next to `key` among all byte strings of at least eight
// bytes: nothing lies between. KeyBelow gives "" when there is no nearest one.
std::string KeyBelow(std::string_view key);
std::string KeyAbove(std::string_view key);

// Dies unless `status` is kDataLoss with a message that begins with the file
// and an offset in it, kFuzzPath " at offset N: ". RETURNS the offset.
uint64_t DamagedOffset(const absl::Status& status);

// Dies unless `status` says that a file of `file_bytes` is damaged, or was
// written by a later version.
void CheckRefusal(const absl::Status& status, uint64_t file_bytes);

// Reads a string, and counts.
class MeasuredFile final : public RandomAccessFile {
 public:
  struct Counts {
    size_t reads = 0;
    uint64_t bytes = 0;
  };

  // Both must outlive this.
  MeasuredFile(std::string_view bytes, Counts* counts)
      : bytes_(bytes), counts_(counts) {}

  absl::Status Read(uint64_t offset, size_t n, char* scratch,
                    std::string_view* result) const override;
  absl::StatusOr<uint64_t> Size() const override { return bytes_.size(); }

 private:
  const std::string_view bytes_;
  Counts* const counts_;
};

struct FuzzTable {
  TableSummary summary;
  std::string bytes;
};

// The table of `entries`, at least one.
FuzzTable BuildFuzzTable(const TableOptions& options,
                         const TableEntries& entries,
                         uint64_t number = kFuzzNumber,
                         uint64_t identity = kFuzzIdentity);

}  // namespace holdfast

#endif  // HOLDFAST_FUZZ_TABLE_TABLE_FUZZING_H_
