#include "engine/table/table_reader.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/checksum.h"
#include "base/random.h"
#include "engine/format/internal_key.h"
#include "engine/format/table_layout.h"
#include "engine/table/memory_files.h"
#include "engine/table/table_builder.h"
#include "engine/table/table_testing.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

std::shared_ptr<const TableReader> MustOpen(const BuiltTable& table,
                                            BlockCache* cache = nullptr) {
  auto reader = OpenTable(table.bytes, table.bytes.size(), cache);
  EXPECT_TRUE(reader.ok()) << reader.status();
  return reader.ok() ? *reader : nullptr;
}

// --- Against the model -------------------------------------------------------

// Few letters and short, so that prefixes are shared and keys meet.
rc::Gen<std::string> UserKeyGen() {
  return rc::gen::resize(6, rc::gen::container<std::string>(
                                rc::gen::element('a', 'b', '\0', '\xff')));
}

rc::Gen<std::string> InternalKeyGen() {
  return rc::gen::apply(
      [](const std::string& user, SequenceNumber sequence, bool deletion) {
        return MakeInternalKey(
            user, sequence,
            deletion ? ValueType::kDeletion : ValueType::kValue);
      },
      UserKeyGen(), rc::gen::inRange<SequenceNumber>(1, 20),
      rc::gen::weightedElement<bool>({{4, false}, {1, true}}));
}

TableModel ModelGen() {
  const auto entries = *rc::gen::nonEmpty(
      rc::gen::container<std::vector<std::pair<std::string, std::string>>>(
          rc::gen::pair(InternalKeyGen(),
                        rc::gen::map(rc::gen::inRange(0, 60), [](int n) {
                          return std::string(static_cast<size_t>(n), 'v') +
                                 std::to_string(n);
                        }))));
  TableModel model;
  for (const auto& [key, value] : entries) {
    // A tombstone and a value never have the same number.
    ParsedInternalKey parsed;
    EXPECT_TRUE(ParseInternalKey(key, &parsed));
    const std::string other =
        MakeInternalKey(parsed.user_key, parsed.sequence,
                        parsed.type == ValueType::kValue ? ValueType::kDeletion
                                                         : ValueType::kValue);
    if (!model.contains(other)) model[key] = value;
  }
  return model;
}

TableOptions OptionsGen() {
  TableOptions options;
  options.block_bytes = *rc::gen::element<size_t>(1, 64, 256, 4096);
  options.block_restart_interval = *rc::gen::element(1, 2, 16);
  options.compression = *rc::gen::element(Compression::kNone, Compression::kLz4,
                                          Compression::kZstd);
  options.bloom_bits_per_key = *rc::gen::element(0, 1, 10, 32);
  return options;
}

// Whether the iterator stands where the model's does.
bool Agrees(const TableModel& model, TableModel::const_iterator expected,
            const InternalIterator& it) {
  if (!it.status().ok()) return false;
  if (expected == model.end()) return !it.Valid();
  return it.Valid() && it.key() == expected->first &&
         it.value() == expected->second;
}

RC_GTEST_PROP(TableReaderTest, PointReadsAgreeWithTheModel, ()) {
  const TableModel model = ModelGen();
  BlockCache cache(*rc::gen::element<size_t>(0, 1 << 20));
  const auto table = MustOpen(BuildTable(OptionsGen(), model), &cache);
  RC_ASSERT(table != nullptr);
  std::vector<std::string> keys =
      *rc::gen::container<std::vector<std::string>>(UserKeyGen());
  for (const auto& [key, value] : model) {
    keys.emplace_back(ExtractUserKey(key));
  }
  for (const std::string& key : keys) {
    for (SequenceNumber s :
         {SequenceNumber{0}, SequenceNumber{1}, SequenceNumber{9},
          SequenceNumber{10}, SequenceNumber{19}, kMaxSequenceNumber}) {
      const auto found = TableGet(*table, key, s);
      RC_ASSERT(found.ok());
      RC_ASSERT(*found == ModelGet(model, key, s));
    }
  }
}

RC_GTEST_PROP(TableReaderTest, IteratorAgreesWithTheModel, ()) {
  const TableModel model = ModelGen();
  const auto table = MustOpen(BuildTable(OptionsGen(), model));
  RC_ASSERT(table != nullptr);
  const auto it = table->NewIterator({});
  auto expected = model.end();
  RC_ASSERT(!it->Valid());
  const auto steps =
      *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 10));
  for (const int step : steps) {
    if (step == 0) {
      it->SeekToFirst();
      expected = model.begin();
    } else if (step == 1) {
      it->SeekToLast();
      expected = std::prev(model.end());
    } else if (step <= 4) {
      const std::string target = *InternalKeyGen();
      it->Seek(target);
      expected = model.lower_bound(target);
    } else if (expected == model.end()) {
      continue;
    } else if (step <= 7) {
      it->Next();
      ++expected;
    } else {
      it->Prev();
      expected = expected == model.begin() ? model.end() : std::prev(expected);
    }
    RC_ASSERT(Agrees(model, expected, *it));
  }
}

RC_GTEST_PROP(TableReaderTest, SummaryAndPropertiesAgreeWithTheModel, ()) {
  const TableModel model = ModelGen();
  const BuiltTable built = BuildTable(OptionsGen(), model);
  uint64_t tombstones = 0;
  SequenceNumber smallest = kMaxSequenceNumber;
  SequenceNumber largest = 0;
  for (const auto& [key, value] : model) {
    ParsedInternalKey parsed;
    RC_ASSERT(ParseInternalKey(key, &parsed));
    tombstones += parsed.type == ValueType::kDeletion;
    smallest = std::min(smallest, parsed.sequence);
    largest = std::max(largest, parsed.sequence);
  }
  const TableSummary& summary = built.summary;
  RC_ASSERT(summary.number == kTestNumber);
  RC_ASSERT(summary.identity == kTestIdentity);
  RC_ASSERT(summary.bytes == built.bytes.size());
  RC_ASSERT(summary.entries == model.size());
  RC_ASSERT(summary.tombstones == tombstones);
  RC_ASSERT(summary.smallest == model.begin()->first);
  RC_ASSERT(summary.largest == model.rbegin()->first);
  RC_ASSERT(summary.smallest_sequence == smallest);
  RC_ASSERT(summary.largest_sequence == largest);
  const auto table = MustOpen(built);
  RC_ASSERT(table != nullptr);
  const TableProperties& properties = table->properties();
  RC_ASSERT(properties.entries == summary.entries);
  RC_ASSERT(properties.tombstones == summary.tombstones);
  RC_ASSERT(properties.smallest == summary.smallest);
  RC_ASSERT(properties.largest == summary.largest);
  RC_ASSERT(properties.smallest_sequence == smallest);
  RC_ASSERT(properties.largest_sequence == largest);
  RC_ASSERT(table->Verify().ok());
}

}  // namespace
}  // namespace holdfast
