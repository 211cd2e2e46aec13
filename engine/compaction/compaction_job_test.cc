// Flush and compaction jobs with real tables, over a file system in memory.

#include "engine/compaction/compaction_job.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/checksum.h"
#include "engine/compaction/flush_job.h"
#include "engine/compaction/leveled_policy.h"
#include "engine/compaction/policy.h"
#include "engine/compaction/table_sink.h"
#include "engine/epoch/epoch.h"
#include "engine/format/file_names.h"
#include "engine/format/internal_key.h"
#include "engine/format/version_edit.h"
#include "engine/iter/internal_iterator.h"
#include "engine/iter/merging_iterator.h"
#include "engine/table/table_cache.h"
#include "engine/version/fake_file_system.h"
#include "engine/version/obsolete_files.h"
#include "engine/version/version.h"
#include "engine/version/version_set.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

constexpr char kDir[] = "/db";
constexpr uint64_t kDbId = 77;

struct KeyLess {
  bool operator()(const std::string& a, const std::string& b) const {
    return CompareInternalKeys(a, b) < 0;
  }
};
// Internal key to value: every change ever made, or a memtable.
using Entries = std::map<std::string, std::string, KeyLess>;

class EntriesIterator final : public InternalIterator {
 public:
  explicit EntriesIterator(const Entries* entries, absl::Status at_end = {})
      : entries_(*entries), at_end_(std::move(at_end)), it_(entries_.end()) {}
  bool SeekToFirst() override {
    it_ = entries_.begin();
    return Stand();
  }
  bool SeekToLast() override { return Stand(); }
  bool Seek(std::string_view) override { return Stand(); }
  bool Next() override {
    ++it_;
    return Stand();
  }
  bool Prev() override { return Stand(); }
  absl::Status status() const override {
    return Valid() ? absl::OkStatus() : at_end_;
  }

 private:
  bool Stand() {
    return it_ != entries_.end() ? StandOn(it_->first, it_->second)
                                 : StandNowhere();
  }

  const Entries& entries_;
  const absl::Status at_end_;
  Entries::const_iterator it_;
};

// The parts of a database that jobs need.
struct Tree {
  FakeFileSystem fs;
  EpochDomain epochs;
  BlockCache blocks{size_t{1} << 20};
  TableCache tables{&fs, kDir, &blocks, &epochs, 100};
  VersionSet versions{{.file_system = &fs, .dir = kDir}};
  std::vector<uint64_t> pending;
  std::vector<SequenceNumber> snapshots;
  Entries all;
  SequenceNumber last = 0;

  Tree() { versions.CreateNew(kDbId); }

  static TableOptions Table() {
    TableOptions options;
    options.block_bytes = 256;
    return options;
  }
  std::function<uint64_t()> Numbers() {
    return [this] {
      pending.push_back(versions.NewFileNumber());
      return pending.back();
    };
  }
  FlushOptions Flush() {
    return {.file_system = &fs,
            .dir = kDir,
            .identity_seed = kDbId,
            .table = Table(),
            .new_file_number = Numbers(),
            .snapshots = snapshots,
            .expected_entries = {}};
  }
  CompactionOptions Compaction() {
    return {.file_system = &fs,
            .dir = kDir,
            .identity_seed = kDbId,
            .table = Table(),
            .table_cache = &tables,
            .table_bytes = 600,
            .max_grandparent_bytes = 6000,
            .new_file_number = Numbers(),
            .snapshots = snapshots,
            .version = versions.current()};
  }

  // Adds a change to `memtable` and to the history.
  void Put(Entries* memtable, std::string_view key, ValueType type) {
    const std::string internal = MakeInternalKey(key, ++last, type);
    const std::string value =
        type == ValueType::kDeletion
            ? ""
            : absl::StrCat("value ", last, std::string(20, 'v'));
    (*memtable)[internal] = value;
    all[internal] = value;
  }

  absl::Status FlushToLevel0(const Entries& memtable) {
    EntriesIterator it(&memtable);
    auto table = RunFlush(Flush(), it);
    if (!table.ok()) return table.status();
    if (!table->has_value()) return absl::OkStatus();
    VersionEdit edit;
    edit.added = {**table};
    return versions.LogAndApply(edit);
  }

  absl::Status Carry(const Decision& decision) {
    if (const Move* move = std::get_if<Move>(&decision)) {
      return versions.LogAndApply(EditOf(*move));
    }
    auto result = RunCompaction(Compaction(), std::get<Merge>(decision));
    if (!result.ok()) return result.status();
    return versions.LogAndApply(result->edit);
  }

  // Everything in the tree, merged.
  std::string Scan() {
    std::vector<std::unique_ptr<InternalIterator>> children;
    const std::shared_ptr<const Version> version = versions.current();
    version->AppendIterators({}, tables, &children);
    const auto it = NewMergingIterator(std::move(children));
    std::string text;
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      ParsedInternalKey key;
      EXPECT_TRUE(ParseInternalKey(it->key(), &key));
      absl::StrAppend(&text, key.user_key, "@", key.sequence,
                      key.type == ValueType::kDeletion ? "-" : "", " ");
    }
    EXPECT_TRUE(it->status().ok()) << it->status();
    return text;
  }

  std::string Get(std::string_view key, SequenceNumber as_of) {
    const EpochDomain::Guard guard(&epochs);
    GetResult result;
    const absl::Status status = versions.current()->Get(
        {}, LookupKey(key, as_of), HashKey(key), tables, &result);
    if (!status.ok()) return status.ToString();
    if (result.lookup.kind != TableLookup::kValue) return "none";
    return std::string(result.lookup.value);
  }

  // The same from the history.
  std::string Expected(std::string_view key, SequenceNumber as_of) const {
    const LookupKey lookup(key, as_of);
    const auto it = all.lower_bound(std::string(lookup.internal_key()));
    if (it == all.end() || ExtractUserKey(it->first) != key) return "none";
    ParsedInternalKey parsed;
    EXPECT_TRUE(ParseInternalKey(it->first, &parsed));
    return parsed.type == ValueType::kDeletion ? "none" : it->second;
  }

  size_t TableFiles() const {
    return static_cast<size_t>(std::count_if(
        fs.names.begin(), fs.names.end(),
        [](const auto& file) { return absl::EndsWith(file.first, ".sst"); }));
  }
};

LeveledOptions SmallLevels() {
  return {.level0_compaction_trigger = 2,
          .level1_bytes = 1500,
          .level_size_multiplier = 2,
          .table_bytes = 600};
}

// Two overlapping tables of level 0 over one of level 1.
void BuildThree(Tree* tree) {
  Entries memtable;
  for (int i = 0; i < 20; ++i) {
    tree->Put(&memtable, absl::StrCat("k", 10 + i), ValueType::kValue);
  }
  ASSERT_TRUE(tree->FlushToLevel0(memtable).ok());
  Move down;
  down.file = tree->versions.current()->files(0)[0];
  ASSERT_TRUE(tree->versions.LogAndApply(EditOf(down)).ok());
  for (int round = 0; round < 2; ++round) {
    memtable.clear();
    for (int i = 0; i < 20; i += 2 + round) {
      tree->Put(&memtable, absl::StrCat("k", 10 + i),
                round == 0 ? ValueType::kValue : ValueType::kDeletion);
    }
    ASSERT_TRUE(tree->FlushToLevel0(memtable).ok());
  }
}

Merge PickMerge(const Tree& tree) {
  return std::get<Merge>(
      PickCompaction(SmallLevels(), *tree.versions.current(), {}, {}));
}

TEST(FlushJobTest, WritesOneTableOfWhatIsSeen) {
  Tree tree;
  tree.snapshots = {2};
  Entries memtable;
  tree.Put(&memtable, "a", ValueType::kValue);
  tree.Put(&memtable, "a", ValueType::kValue);
  tree.Put(&memtable, "a", ValueType::kValue);
  tree.Put(&memtable, "b", ValueType::kDeletion);
  FlushOptions options = tree.Flush();
  options.expected_entries = 4;
  EntriesIterator it(&memtable);
  const auto table = RunFlush(options, it);
  ASSERT_TRUE(table.ok()) << table.status();
  ASSERT_TRUE(table->has_value());
  EXPECT_EQ((*table)->level, 0);
  EXPECT_EQ((*table)->number, tree.pending[0]);
  EXPECT_EQ((*table)->identity, TableIdentity(kDbId, tree.pending[0]));
  EXPECT_EQ((*table)->entries, 3u);  // Not the first of "a".
  EXPECT_EQ((*table)->tombstones, 1u);
  EXPECT_EQ((*table)->smallest_sequence, 2u);
  EXPECT_EQ((*table)->largest_sequence, 4u);
  EXPECT_EQ((*table)->bytes,
            *tree.fs.FileSize(TableFileName(kDir, (*table)->number)));
  VersionEdit edit;
  edit.added = {**table};
  ASSERT_TRUE(tree.versions.LogAndApply(edit).ok());
  EXPECT_EQ(tree.Scan(), "a@3 a@2 b@4- ");
}

TEST(FlushJobTest, SyncsTheTableThenItsName) {
  Tree tree;
  Entries memtable;
  tree.Put(&memtable, "a", ValueType::kValue);
  EntriesIterator it(&memtable);
  ASSERT_TRUE(RunFlush(tree.Flush(), it).ok());
  EXPECT_EQ(absl::StrJoin(tree.fs.trace, "\n"),
            "create 000001.sst\n"
            "write 000001.sst\n"
            "sync 000001.sst\n"
            "syncdir");
}

TEST(FlushJobTest, MakesNoFileOfNothing) {
  Tree tree;
  const Entries memtable;
  EntriesIterator it(&memtable);
  const auto table = RunFlush(tree.Flush(), it);
  ASSERT_TRUE(table.ok());
  EXPECT_FALSE(table->has_value());
  EXPECT_TRUE(tree.fs.trace.empty());
}

TEST(FlushJobTest, LeavesNoFileAfterAnyFailedCall) {
  for (const auto mode :
       {FakeFileSystem::kFailBefore, FakeFileSystem::kFailAfter}) {
    bool failed = true;
    for (int n = 0; failed; ++n) {
      Tree tree;
      Entries memtable;
      for (int i = 0; i < 100; ++i) {
        tree.Put(&memtable, absl::StrCat("k", i), ValueType::kValue);
      }
      tree.fs.fail_at = n;
      tree.fs.fail_mode = mode;
      EntriesIterator it(&memtable);
      const auto table = RunFlush(tree.Flush(), it);
      failed = !table.ok();
      if (failed) EXPECT_TRUE(absl::IsInternal(table.status()));
      // A creation that says it failed leaves a file: nobody's, obsolete.
      const bool created = mode == FakeFileSystem::kFailAfter && n == 0;
      EXPECT_EQ(tree.TableFiles(), failed && !created ? 0u : 1u) << n;
    }
  }
}

TEST(FlushJobTest, ErrorOrMissingEntriesFailIt) {
  Tree tree;
  Entries memtable;
  tree.Put(&memtable, "a", ValueType::kValue);
  EntriesIterator broken(&memtable, absl::DataLossError("broken"));
  EXPECT_TRUE(absl::IsDataLoss(RunFlush(tree.Flush(), broken).status()));
  FlushOptions options = tree.Flush();
  options.expected_entries = 2;
  EntriesIterator it(&memtable);
  EXPECT_TRUE(absl::IsInternal(RunFlush(options, it).status()));
  EXPECT_EQ(tree.TableFiles(), 0u);
}

TEST(CompactionJobTest, MergesAndCounts) {
  Tree tree;
  BuildThree(&tree);
  const Merge merge = PickMerge(tree);
  ASSERT_EQ(merge.inputs.size(), 2u);
  ASSERT_EQ(merge.output_inputs.size(), 1u);
  const auto result = RunCompaction(tree.Compaction(), merge);
  ASSERT_TRUE(result.ok()) << result.status();
  const CompactionStats& stats = result->stats;
  EXPECT_EQ(stats.entries_read, 37u);
  // Of 20 keys 7 end deleted, for good, as there is no level below.
  EXPECT_EQ(stats.tombstones_dropped, 7u);
  EXPECT_EQ(stats.entries_written, 13u);
  EXPECT_EQ(stats.shadowed_dropped, 17u);
  EXPECT_EQ(stats.bytes_read, merge.input_bytes());
  EXPECT_GT(stats.bytes_written, 0u);
  EXPECT_EQ(result->edit.removed.size(), 3u);
  ASSERT_TRUE(tree.versions.LogAndApply(result->edit).ok());
  EXPECT_TRUE(tree.versions.current()->files(0).empty());
  for (int i = 0; i < 20; ++i) {
    const std::string key = absl::StrCat("k", 10 + i);
    EXPECT_EQ(tree.Get(key, tree.last), tree.Expected(key, tree.last));
  }
}

TEST(CompactionJobTest, KeepsTombstonesOverOlderVersionsBelow) {
  Tree tree;
  BuildThree(&tree);
  // The table of level 1 goes to level 3: below the output, not in the merge.
  const FilePtr old = tree.versions.current()->files(1)[0];
  VersionEdit edit;
  edit.removed = {{1, old->number}};
  edit.added = {old->RecordAt(3)};
  ASSERT_TRUE(tree.versions.LogAndApply(edit).ok());
  ASSERT_TRUE(tree.Carry(PickMerge(tree)).ok());
  for (int i = 0; i < 20; ++i) {
    const std::string key = absl::StrCat("k", 10 + i);
    EXPECT_EQ(tree.Get(key, tree.last), tree.Expected(key, tree.last));
  }
}

TEST(CompactionJobTest, CutsTablesBetweenUserKeysOnly) {
  Tree tree;
  Entries memtable;
  for (SequenceNumber s = 0; s < 400; ++s) tree.snapshots.push_back(s);
  for (int i = 0; i < 6; ++i) {
    for (int version = 0; version < 60; ++version) {
      tree.Put(&memtable, absl::StrCat("k", i), ValueType::kValue);
    }
  }
  ASSERT_TRUE(tree.FlushToLevel0(memtable).ok());
  Merge merge;
  merge.inputs = tree.versions.current()->files(0);
  const auto result = RunCompaction(tree.Compaction(), merge);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->stats.entries_written, 360u);
  // Each key alone is larger than a table should be.
  EXPECT_EQ(result->edit.added.size(), 6u);
  EXPECT_TRUE(tree.versions.LogAndApply(result->edit).ok());
}

TEST(CompactionJobTest, CutsTablesByGrandparents) {
  Tree tree;
  BuildThree(&tree);
  const std::shared_ptr<const Version> version = tree.versions.current();
  Merge merge = PickMerge(tree);
  std::vector<TableRecord> below;
  for (int i = 0; i < 10; ++i) {
    TableRecord table = version->files(1)[0]->RecordAt(2);
    table.bytes = 100;
    table.smallest =
        MakeInternalKey(absl::StrCat("k", 10 + 2 * i), table.smallest_sequence,
                        ValueType::kValue);
    table.largest = MakeInternalKey(absl::StrCat("k", 10 + 2 * i, "z"),
                                    table.smallest_sequence, ValueType::kValue);
    merge.grandparents.push_back(std::make_shared<FileMetadata>(table));
  }
  CompactionOptions options = tree.Compaction();
  options.table_bytes = 1 << 20;
  options.max_grandparent_bytes = 300;
  const auto result = RunCompaction(options, merge);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->edit.added.size(), 3u);
  for (const TableRecord& table : result->edit.added) {
    int overlaps = 0;
    for (const FilePtr& file : merge.grandparents) {
      if (file->smallest_user_key() <= ExtractUserKey(table.largest) &&
          file->largest_user_key() >= ExtractUserKey(table.smallest)) {
        ++overlaps;
      }
    }
    EXPECT_LE(overlaps, 4);
  }
}

TEST(CompactionJobTest, CutsTablesWhereThoseBelowEnd) {
  Tree tree;
  Entries memtable;
  for (int i = 0; i < 1000; ++i) {
    tree.Put(&memtable, absl::StrCat("k", 1000 + i), ValueType::kValue);
  }
  ASSERT_TRUE(tree.FlushToLevel0(memtable).ok());
  Merge merge;
  merge.inputs = tree.versions.current()->files(0);
  const uint64_t bytes = merge.inputs[0]->bytes;
  for (int i = 1000; i < 2000; i += 100) {
    TableRecord table = merge.inputs[0]->RecordAt(2);
    table.smallest =
        MakeInternalKey(absl::StrCat("k", i), 1, ValueType::kValue);
    table.largest =
        MakeInternalKey(absl::StrCat("k", i + 99), 1, ValueType::kValue);
    merge.grandparents.push_back(std::make_shared<FileMetadata>(table));
  }
  CompactionOptions options = tree.Compaction();
  options.max_grandparent_bytes = uint64_t{1} << 40;
  const auto tables = [&](uint64_t table_bytes) {
    options.table_bytes = table_bytes;
    const auto result = RunCompaction(options, merge);
    EXPECT_TRUE(result.ok()) << result.status();
    std::string text;
    for (const TableRecord& table : result->edit.added) {
      absl::StrAppend(&text, ExtractUserKey(table.smallest), "-",
                      ExtractUserKey(table.largest), " ");
    }
    return text;
  };
  // One could take all, but is half full at five eighths.
  EXPECT_EQ(tables(bytes * 5 / 4), "k1000-k1699 k1700-k1999 ");
  // One is never half full.
  EXPECT_EQ(tables(bytes * 3), "k1000-k1999 ");
}

TEST(CompactionJobTest, StopsWhenCancelled) {
  Tree tree;
  BuildThree(&tree);
  const size_t files = tree.TableFiles();
  const std::atomic<bool> cancelled{true};
  CompactionOptions options = tree.Compaction();
  options.cancelled = &cancelled;
  EXPECT_TRUE(
      absl::IsCancelled(RunCompaction(options, PickMerge(tree)).status()));
  EXPECT_EQ(tree.TableFiles(), files);
}

// Goal: any failed call gives an error, leaves no output and loses nothing.
TEST(CompactionJobTest, LeavesNoOutputAfterAnyFailedCall) {
  for (const auto mode :
       {FakeFileSystem::kFailBefore, FakeFileSystem::kFailAfter}) {
    bool failed = true;
    int n = 0;
    for (; failed; ++n) {
      Tree tree;
      BuildThree(&tree);
      const Merge merge = PickMerge(tree);
      const std::string before = tree.Scan();
      const size_t files = tree.TableFiles();
      tree.fs.trace.clear();
      tree.fs.fail_at = tree.fs.calls + n;
      tree.fs.fail_mode = mode;
      const auto result = RunCompaction(tree.Compaction(), merge);
      failed = !result.ok();
      if (!failed) break;
      EXPECT_TRUE(absl::IsInternal(result.status())) << result.status();
      EXPECT_EQ(tree.Scan(), before);
      if (mode == FakeFileSystem::kFailBefore) {
        EXPECT_EQ(tree.TableFiles(), files) << n;
      }
    }
    EXPECT_GT(n, 5);
  }
}

// Goal: damage in an input fails the job; it never comes out as less data.
TEST(CompactionJobTest, DamagedInputIsDataLoss) {
  Tree built;
  BuildThree(&built);
  const Merge merge = PickMerge(built);
  const std::string path = TableFileName(kDir, merge.inputs[1]->number);
  const std::string whole = built.fs.names[path]->bytes;
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string bytes = whole;
    bytes[i] = static_cast<char>(bytes[i] ^ 0x10);
    built.fs.Put(path, bytes);
    built.tables.Evict(merge.inputs[1]->slot);
    const auto result = RunCompaction(built.Compaction(), merge);
    if (result.ok()) {
      // A byte that nothing reads (of the filter, say): the right answer.
      EXPECT_EQ(result->stats.entries_read, 37u);
      continue;
    }
    EXPECT_TRUE(absl::IsDataLoss(result.status())) << result.status();
    EXPECT_TRUE(absl::StrContains(result.status().message(), path))
        << result.status();
  }
}

TEST(CompactionJobTest, FewerEntriesThanTheManifestSaysIsDataLoss) {
  Tree tree;
  BuildThree(&tree);
  Merge merge = PickMerge(tree);
  TableRecord record = merge.output_inputs[0]->RecordAt(1);
  ++record.entries;
  merge.output_inputs[0] = std::make_shared<FileMetadata>(record);
  const absl::Status status = RunCompaction(tree.Compaction(), merge).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "gave 37 entries")) << status;
}

TEST(CompactionJobTest, EntriesOutOfOrderAreDataLoss) {
  Tree tree;
  for (const char* key : {"b", "a"}) {
    Entries memtable;
    tree.Put(&memtable, key, ValueType::kValue);
    ASSERT_TRUE(tree.FlushToLevel0(memtable).ok());
  }
  Merge merge;
  merge.level = 1;  // Where tables do not overlap and go from left to right.
  merge.output_level = 2;
  const FileList files = tree.versions.current()->files(0);
  merge.inputs = {files[1], files[0]};
  ASSERT_EQ(merge.inputs[0]->smallest_user_key(), "b");
  const absl::Status status = RunCompaction(tree.Compaction(), merge).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "out of order")) << status;
}

// Goal: whatever is written, flushed and compacted, every snapshot and the
// present read the same, by Get and by scanning; no file is left over, and
// recovery finds the same tree.
RC_GTEST_PROP(CompactionProperty, NoReaderSeesADifference, ()) {
  Tree tree;
  RoundRobin pointers;
  const auto key_of = [](int i) { return absl::StrCat("key", 100 + i); };
  for (int step = *rc::gen::inRange(1, 14); step > 0; --step) {
    Entries memtable;
    for (int n = *rc::gen::inRange(1, 40); n > 0; --n) {
      tree.Put(&memtable, key_of(*rc::gen::inRange(0, 30)),
               *rc::gen::inRange(0, 3) == 0 ? ValueType::kDeletion
                                            : ValueType::kValue);
      if (*rc::gen::inRange(0, 25) == 0) tree.snapshots.push_back(tree.last);
    }
    RC_ASSERT(tree.FlushToLevel0(memtable).ok());
    for (int i = 0; i < 10; ++i) {
      const std::shared_ptr<const Version> version = tree.versions.current();
      Decision decision = PickCompaction(SmallLevels(), *version, {}, pointers);
      if (std::holds_alternative<Nothing>(decision)) {
        if (*rc::gen::inRange(0, 4) != 0) break;
        bool blocked = false;
        const int level = *rc::gen::inRange(0, 4);
        const int down = level == 0 ? 1 : *rc::gen::inRange(0, 2);
        decision = PickManual(SmallLevels(), *version, {}, level, level + down,
                              {}, &blocked);
        if (std::holds_alternative<Nothing>(decision)) break;
      }
      RememberPick(decision, &pointers);
      const absl::Status status = tree.Carry(decision);
      if (!status.ok()) RC_FAIL(std::string(status.message()));
    }
    if (*rc::gen::inRange(0, 5) == 0) tree.snapshots.clear();
  }
  std::vector<SequenceNumber> readers = tree.snapshots;
  readers.push_back(tree.last);
  for (const SequenceNumber as_of : readers) {
    for (int i = 0; i < 30; ++i) {
      RC_ASSERT(tree.Get(key_of(i), as_of) == tree.Expected(key_of(i), as_of));
    }
  }
  // All that is live is there, and the rest can go.
  for (const std::string& name :
       ObsoleteFiles(tree.versions.InUse(), *tree.fs.ListDirectory(kDir))) {
    RC_ASSERT(tree.fs.RemoveFile(JoinPath(kDir, name)).ok());
  }
  RC_ASSERT(tree.TableFiles() == tree.versions.current()->file_count());
  tree.fs.Crash(FakeFileSystem::kKeepNone);
  VersionSet again({.file_system = &tree.fs, .dir = kDir});
  RC_ASSERT(again.Recover().ok());
  RC_ASSERT(again.current()->DebugString() ==
            tree.versions.current()->DebugString());
}

}  // namespace
}  // namespace holdfast
