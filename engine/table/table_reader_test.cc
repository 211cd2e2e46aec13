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
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/checksum.h"
#include "base/coding.h"
#include "base/random.h"
#include "engine/format/internal_key.h"
#include "engine/iter/internal_iterator.h"
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

// --- Shapes ------------------------------------------------------------------

std::string Value(std::string_view user, SequenceNumber sequence) {
  return MakeInternalKey(user, sequence, ValueType::kValue);
}

std::string Noise(size_t n) {
  Random random(1);
  std::string bytes(n, '\0');
  for (size_t i = 0; i + 8 <= n; i += 8) {
    EncodeFixed64(&bytes[i], random.Next64());
  }
  return bytes;
}

// Keys key00000.. with values that do not compress.
TableModel LargeModel(int entries) {
  TableModel model;
  for (int i = 0; i < entries; ++i) {
    const std::string key = absl::StrFormat("key%05d", i);
    model[Value(key, 1)] = absl::StrCat(HashKey(key), "/", i);
  }
  return model;
}

TEST(TableReaderTest, HoldsHugeValuesBesideSmallOnes) {
  constexpr size_t kHuge = size_t{64} << 20;
  for (const Compression compression :
       {Compression::kNone, Compression::kLz4, Compression::kZstd}) {
    TableOptions options;
    options.compression = compression;
    const std::string huge = compression == Compression::kNone
                                 ? Noise(kHuge)
                                 : std::string(kHuge, 'x');
    const TableModel model = {
        {Value("a", 1), "small"}, {Value("b", 1), huge}, {Value("c", 1), "c"}};
    const BuiltTable built = BuildTable(options, model);
    if (compression != Compression::kNone) {
      EXPECT_LT(built.bytes.size(), kHuge / 100);
    }
    const auto table = MustOpen(built);
    ASSERT_NE(table, nullptr);
    EXPECT_EQ(table->properties().data_blocks, 3u);
    for (const auto& [key, value] : model) {
      const auto found =
          TableGet(*table, ExtractUserKey(key), kMaxSequenceNumber);
      ASSERT_TRUE(found.ok()) << found.status();
      EXPECT_TRUE(*found == "value@1:" + value);
    }
    EXPECT_TRUE(table->Verify().ok());
  }
}

TEST(TableReaderTest, HoldsLongestAndEmptyKeys) {
  const std::string longest(size_t{64} << 10, 'k');
  TableModel model = {{Value("", 3), "newer"}, {Value("", 1), "empty"}};
  for (char c = 'a'; c <= 'z'; ++c) {
    std::string key = longest;
    key.back() = c;
    model[Value(key, 1)] = std::string(1, c);
    key.front() = c;
    model[Value(key, 1)] = std::string(1, c);
  }
  const auto table = MustOpen(BuildTable({}, model));
  ASSERT_NE(table, nullptr);
  for (const auto& [key, value] : model) {
    const auto found =
        TableGet(*table, ExtractUserKey(key), ExtractSequence(key));
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(*found, absl::StrCat("value@", ExtractSequence(key), ":", value));
  }
  EXPECT_TRUE(table->Verify().ok());
}

TEST(TableReaderTest, FindsEachVersionOfAKeyAcrossBlocks) {
  TableOptions options;
  options.block_bytes = 256;
  TableModel model = {{Value("a", 1), "before"}, {Value("z", 1), "after"}};
  for (SequenceNumber s = 10; s <= 5000; s += 10) {
    model[Value("key", s)] = absl::StrCat("at ", s);
  }
  const auto table = MustOpen(BuildTable(options, model));
  ASSERT_NE(table, nullptr);
  EXPECT_GT(table->properties().data_blocks, 20u);
  for (SequenceNumber s = 0; s <= 5010; ++s) {
    const auto found = TableGet(*table, "key", s);
    ASSERT_TRUE(found.ok());
    ASSERT_EQ(*found, ModelGet(model, "key", s)) << s;
  }
}

// --- Reads, cache, filter ----------------------------------------------------

TEST(TableReaderTest, OpensSmallTableWithOneRead) {
  const BuiltTable built = BuildTable({}, LargeModel(1000));
  FaultCounter reads;
  ASSERT_TRUE(OpenTable(built.bytes, built.bytes.size(), nullptr, &reads).ok());
  EXPECT_EQ(reads.calls, 1);
}

TEST(TableReaderTest, OpensTableWithLargeTailWithTwoReads) {
  const TableModel model = LargeModel(1000);
  const BuiltTable built = BuildTable({}, model);
  for (const size_t tail_bytes : {0, 1, 500}) {
    FaultCounter reads;
    const auto table = OpenTable(built.bytes, built.bytes.size(), nullptr,
                                 &reads, {.tail_bytes = tail_bytes});
    ASSERT_TRUE(table.ok()) << table.status();
    EXPECT_EQ(reads.calls, 2);
    EXPECT_TRUE((*table)->Verify().ok());
  }
}

TEST(TableReaderTest, CachedBlockIsNotReadAgain) {
  const BuiltTable built = BuildTable({}, LargeModel(1000));
  FaultCounter reads;
  BlockCache cache(1 << 20);
  const auto table = OpenTable(built.bytes, built.bytes.size(), &cache, &reads);
  ASSERT_TRUE(table.ok());
  const int opened = reads.calls;
  const BlockReadOptions no_fill = {.fill_cache = false};
  ASSERT_TRUE(TableGet(**table, "key00500", 9, no_fill).ok());
  EXPECT_EQ(cache.charge(), 0u);
  EXPECT_EQ(reads.calls, opened + 1);
  ASSERT_TRUE(TableGet(**table, "key00500", 9).ok());
  EXPECT_EQ(reads.calls, opened + 2);
  EXPECT_GT(cache.charge(), 3000u);
  EXPECT_LT(cache.charge(), 5000u);
  ASSERT_TRUE(TableGet(**table, "key00500", 9).ok());
  ASSERT_TRUE(TableGet(**table, "key00500", 9, no_fill).ok());
  EXPECT_EQ(reads.calls, opened + 2);
}

TEST(TableReaderTest, AFullCacheTakesWhatIsWantedAgain) {
  const TableModel model = LargeModel(20'000);
  const BuiltTable built = BuildTable({}, model);
  FaultCounter reads;
  BlockCache cache(64 << 10);
  const auto table = OpenTable(built.bytes, built.bytes.size(), &cache, &reads);
  ASSERT_TRUE(table.ok());
  const auto get = [&](int i) {
    const std::string key = absl::StrFormat("key%05d", i);
    EXPECT_EQ(*TableGet(**table, key, 9), ModelGet(model, key, 9)) << i;
  };
  for (int i = 0; i < 10'000; i += 10) get(i);
  EXPECT_GT(cache.charge(), cache.capacity_bytes() * 9 / 10);
  const size_t entries = cache.entries();
  int before = reads.calls;
  get(15'000);  // Searched as it is stored, and forgotten.
  get(15'000);  // Stored.
  EXPECT_EQ(reads.calls, before + 2);
  get(15'000);
  get(15'001);
  EXPECT_EQ(reads.calls, before + 2);
  EXPECT_LE(cache.entries(), entries + 1);
}

TEST(TableReaderTest, ReadsAheadInALongScanOnly) {
  const BuiltTable built = BuildTable({}, LargeModel(20'000));
  FaultCounter reads;
  const auto table =
      OpenTable(built.bytes, built.bytes.size(), nullptr, &reads);
  ASSERT_TRUE(table.ok());
  const int blocks = static_cast<int>((*table)->properties().data_blocks);
  ASSERT_GT(blocks, 100);
  const auto scan = [&](const BlockReadOptions& options) {
    const int before = reads.calls;
    const auto it = (*table)->NewIterator(options);
    int entries = 0;
    for (it->SeekToFirst(); it->Valid(); it->Next()) ++entries;
    EXPECT_TRUE(it->status().ok()) << it->status();
    EXPECT_EQ(entries, 20'000);
    return reads.calls - before;
  };
  // Two blocks, then 16 KiB, 32 KiB and so on.
  EXPECT_LE(scan({}), 12);
  EXPECT_LE(scan({.whole_table = true}), 5);
  const auto it = (*table)->NewIterator({});
  for (int i = 0; i < 20; ++i) {
    const int before = reads.calls;
    it->Seek(Value(absl::StrFormat("key%05d", 900 * i), 9));
    ASSERT_TRUE(it->Valid());
    EXPECT_EQ(reads.calls, before + 1);
  }
}

// Goal: when the part that is read ahead cannot be read, that is reported, and
// who seeks again reaches every block that can be read.
TEST(TableReaderTest, ReadsBlockByBlockAfterReadingAheadFailed) {
  const TableModel model = LargeModel(2000);
  const BuiltTable built = BuildTable({}, model);
  FaultCounter reads;
  const auto table =
      OpenTable(built.bytes, built.bytes.size(), nullptr, &reads);
  ASSERT_TRUE(table.ok());
  const auto it = (*table)->NewIterator({});
  it->SeekToFirst();
  reads.fail_at = reads.calls + 2;  // Two blocks, then ahead.
  std::string last;
  for (; it->Valid(); it->Next()) last = it->key();
  ASSERT_FALSE(it->status().ok());
  reads.fail_at = -1;
  const int before = reads.calls;
  size_t entries = 0;
  for (it->Seek(last); it->Valid(); it->Next()) ++entries;
  ASSERT_TRUE(it->status().ok()) << it->status();
  EXPECT_EQ(entries,
            static_cast<size_t>(std::distance(model.find(last), model.end())));
  EXPECT_GT(reads.calls - before, 10);
}

TEST(TableReaderTest, ValueLivesAsLongAsItsPin) {
  const BuiltTable built = BuildTable({}, LargeModel(1000));
  TableLookup found;
  {
    BlockCache cache(1 << 20);
    const auto table = MustOpen(built, &cache);
    ASSERT_TRUE(
        table->Get({}, LookupKey("key00500", 9), HashKey("key00500"), &found)
            .ok());
  }
  ASSERT_EQ(found.kind, TableLookup::kValue);
  EXPECT_EQ(found.value, absl::StrCat(HashKey("key00500"), "/500"));
}

TEST(TableReaderTest, ValueOfABlockThatIsNotKeptLivesAsLongAsItsPin) {
  for (const Compression compression :
       {Compression::kNone, Compression::kLz4, Compression::kZstd}) {
    const BuiltTable built =
        BuildTable({.compression = compression}, LargeModel(1000));
    TableLookup found;
    {
      const auto table = MustOpen(built);
      ASSERT_TRUE(
          table->Get({}, LookupKey("key00500", 9), HashKey("key00500"), &found)
              .ok());
      TableLookup other;
      ASSERT_TRUE(
          table->Get({}, LookupKey("key00900", 9), HashKey("key00900"), &other)
              .ok());
      EXPECT_EQ(other.value, absl::StrCat(HashKey("key00900"), "/900"));
    }
    ASSERT_EQ(found.kind, TableLookup::kValue);
    EXPECT_EQ(found.value, absl::StrCat(HashKey("key00500"), "/500"));
  }
}

TEST(TableReaderTest, WhatTheFilterSaidLastChangesNoAnswer) {
  const TableModel model = LargeModel(1000);
  const auto table = MustOpen(BuildTable({}, model));
  Random random(301);
  for (int i = 0; i < 2000; ++i) {
    // Runs of present and of absent keys, and turns between them.
    const std::string key = absl::StrFormat(
        "key%05d%s", random.Uniform(1000),
        i / 10 % 3 == static_cast<int>(random.Uniform(3)) ? "x" : "");
    ASSERT_EQ(*TableGet(*table, key, 9), ModelGet(model, key, 9)) << key;
  }
}

TEST(TableReaderTest, FilterSavesTheReadOfMissingKeys) {
  const BuiltTable built = BuildTable({}, LargeModel(1000));
  FaultCounter reads;
  const auto table =
      OpenTable(built.bytes, built.bytes.size(), nullptr, &reads);
  ASSERT_TRUE(table.ok());
  const int opened = reads.calls;
  int skipped = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string key = absl::StrFormat("key%05dx", i);
    TableLookup found;
    (*table)->PrefetchFilter(HashKey(key));
    ASSERT_TRUE(
        (*table)->Get({}, LookupKey(key, 9), HashKey(key), &found).ok());
    EXPECT_EQ(found.kind, TableLookup::kAbsent);
    skipped += found.filter_skipped;
  }
  EXPECT_GT(skipped, 970);
  EXPECT_EQ(reads.calls - opened, 1000 - skipped);
}

TEST(TableReaderTest, IteratorRecoversByASeekAfterAFailedRead) {
  const TableModel model = LargeModel(1000);
  const BuiltTable built = BuildTable({}, model);
  FaultCounter reads;
  const auto table =
      OpenTable(built.bytes, built.bytes.size(), nullptr, &reads);
  ASSERT_TRUE(table.ok());
  const auto it = (*table)->NewIterator({});
  it->SeekToFirst();
  ASSERT_TRUE(it->Valid());
  reads.fail_at = reads.calls.load();
  while (it->Valid()) it->Next();
  EXPECT_EQ(it->status(), reads.error);
  it->Seek(model.rbegin()->first);
  ASSERT_TRUE(it->Valid());
  EXPECT_EQ(it->key(), model.rbegin()->first);
  it->Next();
  EXPECT_FALSE(it->Valid());
  EXPECT_TRUE(it->status().ok());
}

}  // namespace
}  // namespace holdfast
