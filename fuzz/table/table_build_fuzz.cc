// A table that TableBuilder wrote, read in every way. Properties: each answer
// of iterators and gets is that of the sorted list of the entries; properties
// and summary are true; Verify finds nothing; it is taken apart and put
// together again without a change; all of it with every option, with and
// without a cache.
//
// Input: options and entries as in table_input.h.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/check.h"
#include "engine/table/table_reader.h"
#include "fuzz/support/fuzz_input.h"
#include "fuzz/table/table_checks.h"
#include "fuzz/table/table_fuzzing.h"
#include "fuzz/table/table_input.h"
#include "fuzz/table/table_parts.h"

namespace {

using namespace holdfast;

void CheckSummary(const FuzzTable& table, const TableEntries& entries,
                  const TableProperties& properties) {
  const TableSummary& summary = table.summary;
  HF_CHECK(summary.number == kFuzzNumber);
  HF_CHECK(summary.identity == kFuzzIdentity);
  HF_CHECK(summary.smallest == entries.front().key);
  HF_CHECK(summary.largest == entries.back().key);
  HF_CHECK(summary.entries == entries.size());
  HF_CHECK(summary.tombstones == properties.tombstones);
  HF_CHECK(summary.smallest_sequence == properties.smallest_sequence);
  HF_CHECK(summary.largest_sequence == properties.largest_sequence);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  const TableChoices choices = ReadTableChoices(&input);
  const TableEntries entries = ReadTableEntries(&input, 96, 16 << 10);
  if (entries.empty()) return 0;
  const FuzzTable table = BuildFuzzTable(choices.options, entries);
  MeasuredFile::Counts counts;
  BlockCache cache(choices.cached ? 256 << 10 : 0);
  const auto reader =
      TableReader::Open({.tail_bytes = choices.tail_bytes},
                        std::make_unique<MeasuredFile>(table.bytes, &counts),
                        std::string(kFuzzPath), kFuzzNumber, table.bytes.size(),
                        kFuzzIdentity, choices.cached ? &cache : nullptr);
  HF_CHECK(reader.ok());
  HF_CHECK((*reader)->Verify().ok());
  CheckPropertiesOf(**reader, entries);
  CheckSummary(table, entries, (*reader)->properties());
  HF_CHECK(ReadEveryWay(**reader, entries).empty());
  if (choices.cached) {
    // Once more, out of the cache as far as it goes.
    HF_CHECK(ReadEveryWay(**reader, entries).empty());
    HF_CHECK(cache.charge() <= cache.capacity_bytes());
  }
  TableParts parts;
  HF_CHECK(TakeApart(table.bytes, &parts));
  HF_CHECK(PutTogether(parts) == table.bytes);
  return 0;
}
