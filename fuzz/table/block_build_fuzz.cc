// BlockBuilder and Block. Properties: bytes() is the size of what Finish gives
// and BytesWith never says too little; a restart point stands every so many
// entries; the block is accepted and has just these entries. With one byte
// changed, it is refused or still walked in order (see block_checks.h).
//
// Input: restart interval (1), what to change: place (2), mask (1), entries as
// in table_input.h.

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/coding.h"
#include "engine/format/internal_key.h"
#include "engine/table/block.h"
#include "engine/table/block_builder.h"
#include "fuzz/support/fuzz_input.h"
#include "fuzz/table/block_checks.h"
#include "fuzz/table/table_fuzzing.h"
#include "fuzz/table/table_input.h"

namespace {

using namespace holdfast;

std::string Build(const TableEntries& entries, size_t restart_interval) {
  BlockBuilder builder(static_cast<int>(restart_interval));
  // What Reset must forget.
  builder.Add(MakeInternalKey("before", 1, ValueType::kValue), "value");
  builder.Reset();
  HF_CHECK(builder.empty());
  for (const TableEntry& entry : entries) {
    const size_t limit = builder.BytesWith(entry.key, entry.value);
    builder.Add(entry.key, entry.value);
    HF_CHECK(builder.bytes() <= limit);
    HF_CHECK(builder.last_key() == entry.key);
  }
  const size_t bytes = builder.bytes();
  std::string payload = builder.Finish();
  HF_CHECK(payload.size() == bytes);
  const size_t restarts =
      DecodeFixed32(payload.data() + bytes - sizeof(uint32_t));
  HF_CHECK(restarts ==
           (entries.size() + restart_interval - 1) / restart_interval);
  return payload;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  const size_t restart_interval = size_t{1} + input.Byte() % 32;
  const size_t place = input.Short();
  const uint8_t mask = input.Byte();
  const TableEntries entries = ReadTableEntries(&input, 24, 4096);
  if (entries.empty()) return 0;
  std::string payload = Build(entries, restart_interval);
  const std::string& target = entries[place % entries.size()].key;
  const char* begin;
  const auto block = ParseMeasured(payload, 0, &begin);
  HF_CHECK(block.ok());
  HF_CHECK(CheckBlock(**block, begin, payload.size(), target) == entries);

  char& byte = payload[place % payload.size()];
  byte = static_cast<char>(byte ^ mask);
  const auto changed = ParseMeasured(payload, 7, &begin);
  if (changed.ok()) CheckBlock(**changed, begin, payload.size(), target);
  return 0;
}
