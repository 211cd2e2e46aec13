// Block::Parse on any bytes. Properties: it accepts just what a plain reader of
// the page of the format accepts, with the same entries; it takes no more
// memory than the bytes justify and says where the damage is; what it accepts
// is walked in order, both ways, to the last entry, with every value within the
// block, and Seek agrees with the walk (see block_checks.h). A search in
// the bytes as they are stored refuses and finds the same. Built anew from what
// was read, a block has the same entries.
//
// Input: restart interval for the new block (1), length of a seek target (1),
// the target, the payload.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/check.h"
#include "engine/format/internal_key.h"
#include "engine/table/block.h"
#include "engine/table/block_builder.h"
#include "fuzz/support/fuzz_input.h"
#include "fuzz/table/block_checks.h"
#include "fuzz/table/plain_block.h"
#include "fuzz/table/table_fuzzing.h"

namespace {

using namespace holdfast;

void CheckSame(const TableEntries& entries,
               const std::vector<PlainEntry>& plain) {
  HF_CHECK(entries.size() == plain.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    HF_CHECK(entries[i].key == plain[i].key);
    HF_CHECK(entries[i].value == plain[i].value);
  }
}

// A search in the bytes as they are stored is the same by another way.
void CheckFindIn(std::string_view payload, std::string_view target,
                 const absl::StatusOr<std::shared_ptr<const Block>>& block) {
  BlockKeyBuffer buffer;
  Block::Found found;
  HF_CHECK(Block::FindIn(payload, target, kFuzzPath, 4096, &buffer, &found) ==
           block.status());
  if (!block.ok()) return;
  uint64_t trailer = 0;
  std::string_view value;
  HF_CHECK(found.answer == (*block)->Find(target, &trailer, &value));
  if (found.answer == Block::Answer::kFound) {
    HF_CHECK(found.trailer == trailer);
    HF_CHECK(found.value == value);
  }
  Block::Iterator it(block->get());
  it.SeekToFirst();
  HF_CHECK(found.smallest == it.key());
  it.SeekToLast();
  HF_CHECK(found.largest == it.key());
}

void CheckRebuilt(const TableEntries& entries, int restart_interval) {
  BlockBuilder builder(restart_interval);
  for (const TableEntry& entry : entries) builder.Add(entry.key, entry.value);
  const auto block = Block::Parse(builder.Finish(), kFuzzPath, 0);
  HF_CHECK(block.ok());
  HF_CHECK((*block)->entries() == entries.size());
  Block::Iterator it(block->get());
  it.SeekToFirst();
  for (const TableEntry& entry : entries) {
    HF_CHECK(it.Valid());
    HF_CHECK(it.key() == entry.key);
    HF_CHECK(it.value() == entry.value);
    it.Next();
  }
  HF_CHECK(!it.Valid());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  const int restart_interval = 1 + input.Byte() % 32;
  std::string target(input.Bytes(input.Byte() % 64));
  if (target.size() < kTrailerBytes) target.resize(kTrailerBytes);
  const std::string_view payload = input.Rest();
  const char* begin;
  const auto block = ParseMeasured(payload, 4096, &begin);
  const auto plain = ReadPlainBlock(payload);
  HF_CHECK(block.ok() == plain.has_value());
  CheckFindIn(payload, target, block);
  if (!block.ok()) return 0;
  const TableEntries entries =
      CheckBlock(**block, begin, payload.size(), target);
  CheckSame(entries, *plain);
  CheckRebuilt(entries, restart_interval);
  return 0;
}
