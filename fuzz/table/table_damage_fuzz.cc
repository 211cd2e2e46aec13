// A table that TableBuilder wrote, damaged in one place. Properties: each
// answer is right, or kDataLoss that names the file and the offset of the part
// that was damaged; opening or Verify finds every change. When the checksums
// are made good again after the damage, as no disk does but an attacker: what
// CheckAnyTable (table_checks.h) says of any bytes.
//
// Input: what to damage: kind (1), two places (2 each), a byte (1), whether to
// mend the checksums (1); options and entries as in table_input.h.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/check.h"
#include "engine/format/table_layout.h"
#include "engine/table/table_reader.h"
#include "fuzz/support/fuzz_input.h"
#include "fuzz/table/table_checks.h"
#include "fuzz/table/table_fuzzing.h"
#include "fuzz/table/table_input.h"
#include "fuzz/table/table_parts.h"

namespace {

using namespace holdfast;

enum Kind : uint8_t {
  kByte,
  kBit,
  kSector,       // Zeros.
  kStaleSector,  // That of another place in the table.
  kSwap,         // Two blocks in each other's place.
  kOtherBlock,   // A block of another table at this place.
  kOtherTable,   // All of it.
  kTruncated,
  kAppended,
  kByteOfPart,  // And put together again: with good checksums by nature.
  kSwapOfParts,
  kKinds,
};

struct Damage {
  uint8_t kind = 0;
  size_t place = 0;
  size_t other_place = 0;
  uint8_t byte = 0;
  bool mended = false;
};

Damage ReadDamage(FuzzInput* input) {
  Damage damage;
  damage.kind = input->Byte() % kKinds;
  damage.place = input->Short();
  damage.other_place = input->Short();
  damage.byte = input->Byte();
  damage.mended = input->Bool();
  return damage;
}

// All blocks of a good table, and the footer.
std::vector<BlockHandle> PartsOf(std::string_view bytes) {
  TableFooter footer;
  HF_CHECK(ReadAnyFooter(bytes, &footer));
  std::vector<BlockHandle> parts = DataHandles(bytes, footer);
  if (footer.has_filter()) parts.push_back(footer.filter);
  parts.push_back(footer.index);
  parts.push_back(footer.properties);
  parts.push_back({.offset = bytes.size() - kFooterBytes,
                   .size = kFooterBytes - kBlockTrailerBytes});
  return parts;
}

// Puts [from, from + n) of `source` at `to`, as far as there is room.
void Copy(std::string_view source, size_t from, size_t to, size_t n,
          std::string* bytes) {
  n = std::min({n, source.size() - from, bytes->size() - to});
  if (n > 0) std::memcpy(bytes->data() + to, source.data() + from, n);
}

std::string SwapBlocks(const std::string& good, const BlockHandle& a,
                       const BlockHandle& b) {
  std::string bytes = good;
  Copy(good, a.offset, b.offset, a.size + kBlockTrailerBytes, &bytes);
  Copy(good, b.offset, a.offset, b.size + kBlockTrailerBytes, &bytes);
  return bytes;
}

std::string DamageParts(const std::string& good, const Damage& damage) {
  TableParts parts;
  HF_CHECK(TakeApart(good, &parts));
  const size_t n = parts.data.size();
  std::string* const payloads[] = {
      &parts.data[damage.other_place % n].payload,
      &parts.data[damage.other_place % n].index_key, &parts.properties,
      parts.filter.has_value() ? &*parts.filter : &parts.properties};
  if (damage.kind == kSwapOfParts) {
    TableParts::Data& a = parts.data[damage.place % n];
    TableParts::Data& b = parts.data[damage.other_place % n];
    if (damage.byte % 2 == 0) {
      std::swap(a.payload, b.payload);
      std::swap(a.type, b.type);
    } else {
      a.payload = b.payload;
      a.type = b.type;
    }
  } else {
    std::string& payload = *payloads[damage.byte % 4];
    if (payload.empty()) return good;
    char& byte = payload[damage.place % payload.size()];
    byte = static_cast<char>(byte ^ (damage.byte | 1));
  }
  return PutTogether(parts);
}

// `other` is a table of the same number and of another identity.
std::string Apply(const std::string& good, const std::string& other,
                  const Damage& damage) {
  constexpr size_t kSectorBytes = 512;
  std::string bytes = good;
  const std::vector<BlockHandle> parts = PartsOf(good);
  const size_t place = damage.place % good.size();
  switch (damage.kind) {
    case kByte:
      bytes[place] = static_cast<char>(damage.byte);
      break;
    case kBit:
      bytes[place] = static_cast<char>(bytes[place] ^ (1 << damage.byte % 8));
      break;
    case kSector: {
      const size_t begin = place / kSectorBytes * kSectorBytes;
      const size_t n = std::min(kSectorBytes, good.size() - begin);
      bytes.replace(begin, n, n, '\0');
      break;
    }
    case kStaleSector:
      Copy(good, damage.other_place % good.size() / kSectorBytes * kSectorBytes,
           place / kSectorBytes * kSectorBytes, kSectorBytes, &bytes);
      break;
    case kSwap:
      bytes = SwapBlocks(good, parts[damage.place % parts.size()],
                         parts[damage.other_place % parts.size()]);
      break;
    case kOtherBlock: {
      const BlockHandle& part = parts[damage.place % parts.size()];
      if (part.offset < other.size()) {
        Copy(other, part.offset, part.offset, part.size + kBlockTrailerBytes,
             &bytes);
      }
      break;
    }
    case kOtherTable:
      bytes = other;
      break;
    case kTruncated:
      bytes.resize(place);
      break;
    case kAppended:
      bytes.append(1 + damage.place % 1024, static_cast<char>(damage.byte));
      break;
    default:
      return DamageParts(good, damage);
  }
  if (damage.mended) MendChecksums(&bytes);
  return bytes;
}

// The offsets of all parts that are not the same in `bad`.
std::set<uint64_t> ChangedParts(std::string_view good, std::string_view bad) {
  std::set<uint64_t> changed;
  for (const BlockHandle& part : PartsOf(good)) {
    const size_t n = part.size + kBlockTrailerBytes;
    if (good.substr(part.offset, n) != bad.substr(part.offset, n)) {
      changed.insert(part.offset);
    }
  }
  return changed;
}

// Whoever opens the table looks for `file_bytes` of it.
void CheckFound(const std::string& good, const std::string& bad,
                uint64_t file_bytes, const TableChoices& choices,
                const TableEntries& entries) {
  MeasuredFile::Counts counts;
  BlockCache cache(choices.cached ? 256 << 10 : 0);
  const auto reader =
      TableReader::Open({.tail_bytes = choices.tail_bytes},
                        std::make_unique<MeasuredFile>(bad, &counts),
                        std::string(kFuzzPath), kFuzzNumber, file_bytes,
                        kFuzzIdentity, choices.cached ? &cache : nullptr);
  if (bad.size() != good.size()) {
    HF_CHECK(DamagedOffset(reader.status()) <=
             std::max(bad.size(), good.size()));
    return;
  }
  const std::set<uint64_t> changed = ChangedParts(good, bad);
  HF_CHECK(changed.empty() == (good == bad));
  if (!reader.ok()) {
    HF_CHECK(changed.contains(DamagedOffset(reader.status())));
    return;
  }
  const absl::Status verified = (*reader)->Verify();
  HF_CHECK(verified.ok() == changed.empty());
  if (!verified.ok()) HF_CHECK(changed.contains(DamagedOffset(verified)));
  for (int round = 0; round <= choices.cached; ++round) {
    const auto offsets = ReadEveryWay(**reader, entries);
    // Each data block is read on the way; the rest was at opening.
    HF_CHECK(offsets.empty() == changed.empty());
    for (const uint64_t offset : offsets) HF_CHECK(changed.contains(offset));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  const Damage damage = ReadDamage(&input);
  const TableChoices choices = ReadTableChoices(&input);
  TableEntries entries = ReadTableEntries(&input, 64, 12 << 10);
  if (entries.empty()) return 0;
  const std::string good = BuildFuzzTable(choices.options, entries).bytes;
  std::string other;
  if (damage.kind == kOtherBlock || damage.kind == kOtherTable) {
    // Of the same shape, with values that give it away.
    TableEntries changed = entries;
    for (TableEntry& entry : changed) {
      if (!entry.value.empty())
        entry.value[0] = static_cast<char>(~damage.byte);
    }
    other = BuildFuzzTable(choices.options, changed, kFuzzNumber,
                           kFuzzIdentity ^ (1 + damage.other_place))
                .bytes;
  }
  const std::string bad = Apply(good, other, damage);
  if (damage.mended || damage.kind >= kByteOfPart) {
    CheckAnyTable(bad, choices.tail_bytes);
    return 0;
  }
  CheckFound(good, bad, good.size(), choices, entries);
  if (bad.size() != good.size()) {
    CheckFound(good, bad, bad.size(), choices, entries);
  }
  return 0;
}
