// Versions and level iterators, with real tables over files in memory.

#include "engine/version/version.h"

#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/checksum.h"
#include "engine/epoch/epoch.h"
#include "engine/format/file_names.h"
#include "engine/format/internal_key.h"
#include "engine/format/version_edit.h"
#include "engine/iter/internal_iterator.h"
#include "engine/iter/merging_iterator.h"
#include "engine/table/block.h"
#include "engine/table/table_builder.h"
#include "engine/table/table_cache.h"
#include "engine/table/table_reader.h"
#include "engine/version/fake_file_system.h"
#include "engine/version/level_iterator.h"
#include "engine/version/version_testing.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

struct KeyLess {
  bool operator()(const std::string& a, const std::string& b) const {
    return CompareInternalKeys(a, b) < 0;
  }
};
// Internal key to value.
using Entries = std::map<std::string, std::string, KeyLess>;

Entries MakeEntries(
    const std::vector<std::pair<std::string, SequenceNumber>>& keys) {
  Entries entries;
  for (const auto& [key, sequence] : keys) {
    entries[MakeInternalKey(key, sequence, ValueType::kValue)] =
        absl::StrCat(key, "@", sequence);
  }
  return entries;
}

struct Tables {
  FakeFileSystem fs;
  EpochDomain epochs;
  TableCache cache{&fs, "/db", nullptr, &epochs, 16};
  uint64_t next_number = 1;

  FilePtr Write(const Entries& entries) {
    const uint64_t number = next_number++;
    const std::string path = TableFileName("/db", number);
    TableOptions options;
    options.block_bytes = 256;
    TableBuilder builder(options, *fs.CreateFile(path), path, number, 1);
    for (const auto& [key, value] : entries) {
      HF_CHECK(builder.Add(key, value).ok());
    }
    const TableSummary made = *builder.Finish();
    TableRecord record;
    record.number = number;
    record.bytes = made.bytes;
    record.identity = made.identity;
    record.entries = made.entries;
    record.tombstones = made.tombstones;
    record.smallest = made.smallest;
    record.largest = made.largest;
    record.smallest_sequence = made.smallest_sequence;
    record.largest_sequence = made.largest_sequence;
    return std::make_shared<FileMetadata>(record);
  }

  // "value", "deleted", "absent" or the status.
  std::string Get(const Version& version, std::string_view key,
                  SequenceNumber as_of, GetResult* result) {
    const EpochDomain::Guard guard(&epochs);
    const absl::Status status =
        version.Get({}, LookupKey(key, as_of), HashKey(key), cache, result);
    if (!status.ok()) return status.ToString();
    switch (result->lookup.kind) {
      case TableLookup::kValue:
        return std::string(result->lookup.value);
      case TableLookup::kDeletion:
        return "deleted";
      case TableLookup::kAbsent:
        return "absent";
    }
    return "?";
  }
  std::string Get(const Version& version, std::string_view key,
                  SequenceNumber as_of) {
    GetResult result;
    return Get(version, key, as_of, &result);
  }
};

std::shared_ptr<const Version> VersionOf(
    const std::vector<FileList>& levels_from_0) {
  Version::Levels levels = Version().levels();
  for (size_t i = 0; i < levels_from_0.size(); ++i) {
    EXPECT_EQ(WhyNotALevel(static_cast<int>(i), levels_from_0[i]), "");
    levels[i] = std::make_shared<const FileList>(levels_from_0[i]);
  }
  return std::make_shared<const Version>(levels);
}

std::string Numbers(const FileList& files) {
  std::string text;
  for (const FilePtr& file : files) absl::StrAppend(&text, file->number, " ");
  return text;
}

TEST(VersionTest, FindsOverlappingTables) {
  const std::shared_ptr<const Version> version =
      MakeVersion("0 9 c e\n0 10 a d\n1 1 b c\n1 2 e e\n1 3 g k\n3 4 a z");
  const auto overlapping = [&](int level, std::optional<std::string_view> from,
                               std::optional<std::string_view> to) {
    return Numbers(version->FilesOverlapping(level, from, to));
  };
  EXPECT_EQ(overlapping(0, "e", "f"), "9 ");
  EXPECT_EQ(overlapping(0, "d", "d"), "10 9 ");
  EXPECT_EQ(overlapping(0, "f", {}), "");
  EXPECT_EQ(overlapping(1, {}, {}), "1 2 3 ");
  EXPECT_EQ(overlapping(1, "c", "e"), "1 2 ");
  EXPECT_EQ(overlapping(1, "ca", "d"), "");
  EXPECT_EQ(overlapping(1, "e", {}), "2 3 ");
  EXPECT_EQ(overlapping(1, {}, "a"), "");
  EXPECT_EQ(overlapping(1, "k", "k"), "3 ");
  EXPECT_EQ(overlapping(1, "l", {}), "");
  EXPECT_EQ(overlapping(2, {}, {}), "");

  EXPECT_TRUE(version->MayHoldAtOrBelow(0, "d"));
  EXPECT_TRUE(version->MayHoldAtOrBelow(1, "d"));
  EXPECT_TRUE(version->MayHoldAtOrBelow(3, "a"));
  EXPECT_FALSE(version->MayHoldAtOrBelow(4, "a"));
  EXPECT_FALSE(version->MayHoldAtOrBelow(0, "zz"));

  EXPECT_EQ(version->DeepestLevelOverlapping("a", "b"), 3);
  EXPECT_EQ(version->DeepestLevelOverlapping("zz", {}), std::nullopt);
}

TEST(VersionTest, LooksOnlyWhereTheKeyCanBe) {
  Tables tables;
  const FilePtr above = tables.Write(MakeEntries({{"b", 9}, {"d", 8}}));
  const FilePtr low = tables.Write(MakeEntries({{"a", 2}, {"b", 1}}));
  const FilePtr high = tables.Write(MakeEntries({{"d", 3}, {"e", 4}}));
  const auto version = VersionOf({{above}, {low, high}});
  GetResult result;
  EXPECT_EQ(tables.Get(*version, "b", 100, &result), "b@9");
  EXPECT_EQ(result.tables_searched, 1);
  EXPECT_EQ(tables.Get(*version, "b", 7, &result), "b@1");
  EXPECT_EQ(result.tables_searched, 1);  // The upper one is too new.
  EXPECT_EQ(tables.Get(*version, "a", 100, &result), "a@2");
  EXPECT_EQ(result.tables_searched, 1);
  EXPECT_EQ(tables.Get(*version, "e", 100, &result), "e@4");
  EXPECT_EQ(tables.Get(*version, "e", 2, &result), "absent");
  EXPECT_EQ(result.tables_searched, 0);  // All of it is too new.
  EXPECT_EQ(tables.Get(*version, "f", 100, &result), "absent");
  EXPECT_EQ(result.tables_searched, 0);
  EXPECT_EQ(tables.Get(*version, "c", 100, &result), "absent");
  EXPECT_EQ(result.tables_searched, 1);
  EXPECT_EQ(result.filter_skips, 1);
}

TEST(VersionTest, Level0TablesWithInterleavedNumbersGiveTheNewest) {
  Tables tables;
  const FilePtr wide = tables.Write(MakeEntries({{"m", 1}, {"z", 9}}));
  const FilePtr narrow = tables.Write(MakeEntries({{"m", 5}}));
  const auto version = VersionOf({{wide, narrow}});
  EXPECT_EQ(tables.Get(*version, "m", 100), "m@5");
  EXPECT_EQ(tables.Get(*version, "m", 4), "m@1");
}

TEST(VersionTest, DamagedOrMissingTableIsNeverSkipped) {
  Tables tables;
  const FilePtr newer = tables.Write(MakeEntries({{"m", 5}}));
  const FilePtr older = tables.Write(MakeEntries({{"m", 1}}));
  for (const bool level_0 : {true, false}) {
    const auto version = level_0 ? VersionOf({{newer, older}})
                                 : VersionOf({{}, {newer}, {older}});
    EXPECT_EQ(tables.Get(*version, "m", 100), "m@5");
    const std::string path = TableFileName("/db", newer->number);
    const std::string whole = tables.fs.names[path]->bytes;
    std::string damaged = whole;
    damaged[3] = static_cast<char>(damaged[3] ^ 1);
    tables.fs.Put(path, damaged);
    tables.cache.Evict(newer->slot);
    EXPECT_TRUE(absl::StartsWith(tables.Get(*version, "m", 100), "DATA_LOSS"));
    tables.fs.names.erase(path);
    tables.cache.Evict(newer->slot);
    EXPECT_TRUE(absl::StartsWith(tables.Get(*version, "m", 100), "DATA_LOSS"));
    // A scan must not leave it out, either.
    std::vector<std::unique_ptr<InternalIterator>> children;
    version->AppendIterators({}, tables.cache, &children);
    const auto it = NewMergingIterator(std::move(children));
    it->SeekToFirst();
    EXPECT_FALSE(it->Valid());
    EXPECT_TRUE(absl::IsDataLoss(it->status())) << it->status();
    tables.fs.Put(path, whole);
  }
}

TEST(LevelIteratorTest, MissingTableStopsItUntilTheNextSeek) {
  Tables tables;
  auto files = std::make_shared<FileList>();
  for (const char* key : {"a", "c", "e"}) {
    files->push_back(tables.Write(MakeEntries({{key, 1}})));
  }
  tables.fs.names.erase(TableFileName("/db", (*files)[1]->number));
  const auto it = NewLevelIterator(files, &tables.cache, {});
  EXPECT_FALSE(it->Valid());
  it->SeekToFirst();
  ASSERT_TRUE(it->Valid());
  it->Next();
  EXPECT_FALSE(it->Valid());
  EXPECT_TRUE(absl::IsDataLoss(it->status())) << it->status();
  it->SeekToLast();
  ASSERT_TRUE(it->Valid());
  EXPECT_TRUE(it->status().ok());
  EXPECT_EQ(ExtractUserKey(it->key()), "e");
  it->Prev();
  EXPECT_FALSE(it->Valid());
  EXPECT_TRUE(absl::IsDataLoss(it->status()));
  it->Seek(MakeInternalKey("d", 9, kValueTypeForSeek));
  ASSERT_TRUE(it->Valid());
  EXPECT_EQ(it->value(), "e@1");
}

TEST(LevelIteratorTest, OpensTablesOnlyWhenItGetsThere) {
  Tables tables;
  auto files = std::make_shared<FileList>();
  for (const char* key : {"a", "c", "e"}) {
    files->push_back(tables.Write(MakeEntries({{key, 1}})));
  }
  const auto it = NewLevelIterator(files, &tables.cache, {});
  EXPECT_EQ(tables.cache.open_tables(), 0u);
  it->Seek(MakeInternalKey("c", 1, kValueTypeForSeek));
  EXPECT_EQ(it->value(), "c@1");
  EXPECT_EQ(tables.cache.open_tables(), 1u);
}

// Goal: a value may be looked at until the move after the next, though nothing
// else keeps its block or its table.
TEST(LevelIteratorTest, ValueOutlivesOneMove) {
  Tables tables;
  auto files = std::make_shared<FileList>();
  for (const char* key : {"a", "c", "e"}) {
    files->push_back(tables.Write(MakeEntries({{key, 2}, {key, 1}})));
  }
  const auto it = NewLevelIterator(files, &tables.cache, {.fill_cache = false});
  for (const bool forward : {true, false}) {
    int entries = 0;
    forward ? it->SeekToFirst() : it->SeekToLast();
    while (it->Valid()) {
      const std::string copy(it->value());
      const std::string_view view = it->value();
      forward ? it->Next() : it->Prev();
      for (const FilePtr& file : *files) tables.cache.Evict(file->slot);
      EXPECT_EQ(view, copy);
      ++entries;
    }
    EXPECT_TRUE(it->status().ok());
    EXPECT_EQ(entries, 6);
  }
}

// Goal: who steps over a run itself ends before the entry of another source,
// and the sources go on from there in both directions.
TEST(LevelIteratorTest, LendsRuns) {
  Tables tables;
  const auto level = [&](const Entries& entries) {
    return NewLevelIterator(
        std::make_shared<FileList>(FileList{tables.Write(entries)}),
        &tables.cache, {});
  };
  std::vector<std::unique_ptr<InternalIterator>> levels;
  levels.push_back(level(MakeEntries({{"a", 1},
                                      {"bbb", 2},
                                      {"c", 3},
                                      {"dd", 4},
                                      {"e", 5},
                                      {"f", 6},
                                      {"h", 7}})));
  levels.push_back(level(MakeEntries({{"g", 9}})));
  const auto it = NewMergingIterator(std::move(levels));
  for (const bool forward : {true, false}) {
    ASSERT_TRUE(it->Seek(MakeInternalKey("bbb", 9, kValueTypeForSeek)));
    std::string_view before;
    EXPECT_EQ(it->BeginRun(6, &before), nullptr) << "h is newer";
    BlockIterator* const run = it->BeginRun(9, &before);
    ASSERT_NE(run, nullptr);
    EXPECT_EQ(before, MakeInternalKey("g", 9, ValueType::kValue));
    const uint32_t end = run->block().LowerBound(before);
    EXPECT_EQ(end - run->current(), 5u);
    std::string_view key;
    std::string_view value;
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(run->StepBefore(end, &key, &value));
    it->EndRun();
    EXPECT_EQ(ExtractUserKey(it->key()), "e");
    EXPECT_EQ(it->value(), "e@5");
    std::string rest;
    while (it->Valid()) {
      forward ? it->Next() : it->Prev();
      if (it->Valid()) rest += ExtractUserKey(it->key());
    }
    EXPECT_EQ(rest, forward ? "fgh" : "ddcbbba");
    EXPECT_TRUE(it->status().ok());
  }
}

TEST(LevelIteratorTest, NoTablesNoEntries) {
  Tables tables;
  const auto it =
      NewLevelIterator(std::make_shared<FileList>(), &tables.cache, {});
  it->SeekToFirst();
  EXPECT_FALSE(it->Valid());
  it->SeekToLast();
  EXPECT_FALSE(it->Valid());
  it->Seek(MakeInternalKey("a", 1, kValueTypeForSeek));
  EXPECT_FALSE(it->Valid());
  EXPECT_TRUE(it->status().ok());
}

// A level in any number of tables walks like one map of entries.
RC_GTEST_PROP(LevelIteratorProperty, WalksLikeOneMap, ()) {
  Tables tables;
  Entries all;
  auto files = std::make_shared<FileList>();
  Entries part;
  SequenceNumber sequence = 0;
  for (int i = *rc::gen::inRange(0, 30); i > 0; --i) {
    const std::string key = absl::StrCat("k", 100 - i);
    for (int n = *rc::gen::inRange(1, 4); n > 0; --n) {
      part.merge(MakeEntries({{key, ++sequence}}));
    }
    if (i == 1 || *rc::gen::inRange(0, 4) == 0) {
      files->push_back(tables.Write(part));
      all.merge(part);
      part.clear();
    }
  }
  const auto it = NewLevelIterator(files, &tables.cache, {});
  auto model = all.end();
  for (int step = *rc::gen::inRange(0, 60); step > 0; --step) {
    const int what = *rc::gen::inRange(0, 8);
    if (what == 0) {
      it->SeekToFirst();
      model = all.begin();
    } else if (what == 1) {
      it->SeekToLast();
      model = all.empty() ? all.end() : std::prev(all.end());
    } else if (what == 2 || model == all.end()) {
      const std::string target = MakeInternalKey(
          absl::StrCat("k", *rc::gen::inRange(65, 102)),
          *rc::gen::inRange<SequenceNumber>(0, 90), kValueTypeForSeek);
      it->Seek(target);
      model = all.lower_bound(target);
    } else if (what < 6) {
      it->Next();
      ++model;
    } else {
      it->Prev();
      model = model == all.begin() ? all.end() : std::prev(model);
    }
    RC_ASSERT(it->status().ok());
    RC_ASSERT(it->Valid() == (model != all.end()));
    if (model == all.end()) continue;
    RC_ASSERT(it->key() == model->first);
    RC_ASSERT(it->value() == model->second);
  }
}

}  // namespace
}  // namespace holdfast
