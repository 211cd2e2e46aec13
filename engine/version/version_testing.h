// Tables and versions from short texts, for tests.

#ifndef HOLDFAST_ENGINE_VERSION_VERSION_TESTING_H_
#define HOLDFAST_ENGINE_VERSION_VERSION_TESTING_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "engine/format/internal_key.h"
#include "engine/format/version_edit.h"
#include "engine/version/version.h"
#include "engine/version/version_builder.h"

namespace holdfast {

// A record of a table of 100 bytes with user keys [smallest, largest] and
// sequence numbers [number * 10, number * 10 + 9].
inline TableRecord MakeTable(int level, uint64_t number,
                             std::string_view smallest,
                             std::string_view largest, uint64_t bytes = 100) {
  TableRecord table;
  table.level = level;
  table.number = number;
  table.bytes = bytes;
  table.identity = number * 1000;
  table.entries = 2;
  table.smallest_sequence = number * 10;
  table.largest_sequence = number * 10 + 9;
  table.smallest =
      MakeInternalKey(smallest, table.largest_sequence, ValueType::kValue);
  table.largest =
      MakeInternalKey(largest, table.smallest_sequence, ValueType::kValue);
  return table;
}

// "LEVEL NUMBER SMALLEST LARGEST [BYTES]", one table a line; empty lines and
// lines that begin with # are left out.
inline std::vector<TableRecord> ParseTables(std::string_view text) {
  std::vector<TableRecord> tables;
  for (std::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<std::string> words =
        absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (words.empty() || words[0][0] == '#') continue;
    HF_CHECK(words.size() >= 4);
    int level = 0;
    uint64_t number = 0;
    uint64_t bytes = 100;
    HF_CHECK(absl::SimpleAtoi(words[0], &level));
    HF_CHECK(absl::SimpleAtoi(words[1], &number));
    if (words.size() > 4) HF_CHECK(absl::SimpleAtoi(words[4], &bytes));
    tables.push_back(MakeTable(level, number, words[2], words[3], bytes));
  }
  return tables;
}

inline std::shared_ptr<const Version> MakeVersion(std::string_view text) {
  VersionEdit edit;
  edit.added = ParseTables(text);
  VersionBuilder builder{Version()};
  HF_CHECK(builder.Apply(edit).ok());
  absl::StatusOr<std::shared_ptr<const Version>> version = builder.Build();
  HF_CHECK(version.ok());
  return *version;
}

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_VERSION_VERSION_TESTING_H_
