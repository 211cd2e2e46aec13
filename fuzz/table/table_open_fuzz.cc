// Any bytes as a table. Properties: see CheckAnyTable in table_checks.h: errors
// that name the file and an offset in it, or entries in order and the same on
// every way to read them, with little memory and few reads.
//
// Input: a file. The custom mutator mostly changes one part of it and puts the
// table together again with good checksums, so that more than those is tested;
// of what is no table it sometimes makes one.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/random.h"
#include "engine/format/internal_key.h"
#include "engine/table/table_builder.h"
#include "fuzz/support/mutator.h"
#include "fuzz/table/table_checks.h"
#include "fuzz/table/table_fuzzing.h"
#include "fuzz/table/table_parts.h"
#include "holdfast/options.h"

namespace {

using namespace holdfast;

unsigned SeedOf(Random* random) {
  return static_cast<unsigned>(random->Next64());
}

// Of four blocks: where the mutator begins without seeds.
const std::string& SmallTable() {
  static const std::string& bytes = *[] {
    TableEntries entries;
    for (char c = 'a'; c <= 'h'; ++c) {
      entries.push_back(
          {MakeInternalKey(std::string(2, c), 7, ValueType::kValue),
           std::string(1, c)});
    }
    TableOptions options;
    options.block_bytes = 30;
    options.compression = Compression::kNone;
    return new std::string(BuildFuzzTable(options, entries).bytes);
  }();
  return bytes;
}

// Changes one part. The others stay.
void MutatePart(Random* random, size_t max_size, TableParts* parts) {
  const size_t which = random->Uniform(parts->data.size() + 6);
  if (which < parts->data.size()) {
    TableParts::Data& data = parts->data[which];
    switch (random->Uniform(8)) {
      case 0:
        data.type = static_cast<uint8_t>(random->Uniform(4));
        return;
      case 1:
        std::swap(data.payload,
                  parts->data[random->Uniform(parts->data.size())].payload);
        return;
      case 2:
        data = parts->data[random->Uniform(parts->data.size())];
        return;
      case 3:
        return MutateBytes(&data.index_key, data.index_key.size() + 4,
                           SeedOf(random));
      default:
        return MutateBytes(&data.payload, max_size, SeedOf(random));
    }
  }
  switch (which - parts->data.size()) {
    case 0:
    case 1:
      return MutateBytes(&parts->properties, max_size, SeedOf(random));
    case 2:
      if (!parts->filter.has_value()) parts->filter.emplace();
      return MutateBytes(&*parts->filter, max_size, SeedOf(random));
    case 3:
      parts->filter.reset();
      return;
    case 4:
      parts->number += random->Uniform(3);
      parts->identity += random->Uniform(3);
      return;
    default:
      if (parts->data.empty()) return;
      parts->data.erase(
          parts->data.begin() +
          static_cast<ptrdiff_t>(random->Uniform(parts->data.size())));
      return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // The last byte is one of a checksum: as good as a choice.
  constexpr size_t kTailBytes[] = {size_t{64} << 10, 0, 200, 500};
  CheckAnyTable(bytes, kTailBytes[size == 0 ? 0 : data[size - 1] % 4]);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size,
                                          size_t max_size, unsigned seed) {
  Random random(seed);
  const size_t way = random.Uniform(8);
  if (way == 0) return Mutate(data, size, max_size, seed);
  std::string bytes(reinterpret_cast<const char*>(data), size);
  TableParts parts;
  const bool is_table = TakeApart(bytes, &parts);
  if (!is_table && way >= 6 && SmallTable().size() <= max_size) {
    bytes = SmallTable();
  } else if (way == 1 || !is_table) {
    MutateBytes(&bytes, max_size, seed);
    MendChecksums(&bytes);
  } else {
    MutatePart(&random, max_size, &parts);
    bytes = PutTogether(parts);
    // Cut, it would be no table any more.
    if (bytes.size() > max_size) return Mutate(data, size, max_size, seed);
  }
  return StoreInput(bytes, data, max_size);
}
