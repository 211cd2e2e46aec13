// What Open and the writes refuse, and how they say it.

#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/format/current_file.h"
#include "env/posix/temp_directory.h"
#include "gtest/gtest.h"
#include "holdfast/db.h"
#include "tests/util/contents.h"
#include "tests/util/directory.h"
#include "tests/util/open.h"
#include "tests/util/status_testing.h"

namespace holdfast {
namespace {

Options Creating() {
  Options options;
  options.create_if_missing = true;
  return options;
}

TEST(OptionsTest, DefaultsAreInRange) { EXPECT_OK(ValidateOptions({})); }

TEST(OptionsTest, OutOfRangeIsRefusedByName) {
  struct Case {
    const char* name;
    std::function<void(Options*)> spoil;
  };
  const std::vector<Case> cases = {
      {"memtable_bytes",
       [](Options* o) { o->memtable_bytes = (size_t{64} << 10) - 1; }},
      {"memtable_bytes",
       [](Options* o) { o->memtable_bytes = (size_t{4} << 30) + 1; }},
      {"max_memtables", [](Options* o) { o->max_memtables = 1; }},
      {"max_memtables", [](Options* o) { o->max_memtables = 17; }},
      {"max_memtables", [](Options* o) { o->max_memtables = -1; }},
      {"block_bytes", [](Options* o) { o->block_bytes = 255; }},
      {"block_bytes",
       [](Options* o) { o->block_bytes = (size_t{4} << 20) + 1; }},
      {"block_restart_interval",
       [](Options* o) { o->block_restart_interval = 0; }},
      {"block_restart_interval",
       [](Options* o) { o->block_restart_interval = 1025; }},
      {"block_cache_bytes",
       [](Options* o) { o->block_cache_bytes = (size_t{1} << 40) + 1; }},
      {"compression",
       [](Options* o) { o->compression = static_cast<Compression>(3); }},
      {"bloom_bits_per_key", [](Options* o) { o->bloom_bits_per_key = -1; }},
      {"bloom_bits_per_key", [](Options* o) { o->bloom_bits_per_key = 33; }},
      {"background_threads", [](Options* o) { o->background_threads = 0; }},
      {"background_threads", [](Options* o) { o->background_threads = 65; }},
      {"max_open_tables", [](Options* o) { o->max_open_tables = 15; }},
      {"max_open_tables", [](Options* o) { o->max_open_tables = 1'000'001; }},
      {"table_bytes",
       [](Options* o) { o->table_bytes = (size_t{64} << 10) - 1; }},
      {"table_bytes",
       [](Options* o) { o->table_bytes = (size_t{4} << 30) + 1; }},
      {"level0_compaction_trigger",
       [](Options* o) { o->level0_compaction_trigger = 0; }},
      {"level0_slowdown_trigger",
       [](Options* o) { o->level0_slowdown_trigger = 1001; }},
      // In range, but not in rising order.
      {"level0_slowdown_trigger",
       [](Options* o) { o->level0_slowdown_trigger = 3; }},
      {"level0_stop_trigger", [](Options* o) { o->level0_stop_trigger = 19; }},
      {"level0_stop_trigger",
       [](Options* o) { o->level0_stop_trigger = 1001; }},
      {"level1_bytes",
       [](Options* o) { o->level1_bytes = (uint64_t{64} << 10) - 1; }},
      {"level1_bytes",
       [](Options* o) { o->level1_bytes = (uint64_t{1} << 40) + 1; }},
      {"level_size_multiplier",
       [](Options* o) { o->level_size_multiplier = 1; }},
      {"level_size_multiplier",
       [](Options* o) { o->level_size_multiplier = 101; }},
      {"manifest_roll_bytes",
       [](Options* o) { o->manifest_roll_bytes = 4095; }},
      {"manifest_roll_bytes",
       [](Options* o) { o->manifest_roll_bytes = (uint64_t{1} << 30) + 1; }},
  };
  TempDirectory directory;
  for (const Case& c : cases) {
    Options options = Creating();
    c.spoil(&options);
    EXPECT_CODE(ValidateOptions(options), kInvalidArgument) << c.name;
    const auto db = DB::Open(options, directory.File("db"));
    EXPECT_CODE(db, kInvalidArgument) << c.name;
    EXPECT_TRUE(Says(db.status(), c.name));
  }
  EXPECT_TRUE(FileNames(directory.path()).empty());  // Nothing was made.
}

TEST(OptionsTest, SmallestAndLargestWork) {
  Options smallest = Creating();
  smallest.memtable_bytes = size_t{64} << 10;
  smallest.max_memtables = 2;
  smallest.block_bytes = 256;
  smallest.block_restart_interval = 1;
  smallest.block_cache_bytes = 0;
  smallest.bloom_bits_per_key = 0;
  smallest.background_threads = 1;
  smallest.max_open_tables = 16;
  smallest.table_bytes = size_t{64} << 10;
  smallest.level0_compaction_trigger = 1;
  smallest.level0_slowdown_trigger = 1;
  smallest.level0_stop_trigger = 1;
  smallest.level1_bytes = uint64_t{64} << 10;
  smallest.level_size_multiplier = 2;
  smallest.manifest_roll_bytes = uint64_t{4} << 10;
  Options largest = Creating();
  largest.memtable_bytes = size_t{4} << 30;
  largest.max_memtables = 16;
  largest.block_bytes = size_t{4} << 20;
  largest.block_restart_interval = 1024;
  largest.block_cache_bytes = size_t{1} << 40;
  largest.compression = Compression::kZstd;
  largest.bloom_bits_per_key = 32;
  largest.background_threads = 64;
  largest.max_open_tables = 1'000'000;
  largest.table_bytes = size_t{4} << 30;
  largest.level0_compaction_trigger = 1000;
  largest.level0_slowdown_trigger = 1000;
  largest.level0_stop_trigger = 1000;
  largest.level1_bytes = uint64_t{1} << 40;
  largest.level_size_multiplier = 100;
  largest.manifest_roll_bytes = uint64_t{1} << 30;
  TempDirectory directory;
  Contents expected;
  for (const Options& options : {smallest, largest, smallest}) {
    const auto db = OpenOrDie(options, directory.File("db"));
    EXPECT_TRUE(Holds(*db, expected));
    for (int i = 0; i < 300; ++i) {
      const std::string key = absl::StrCat("key", i);
      expected[key] = absl::StrCat(expected.size(), std::string(1000, 'x'), i);
      ASSERT_OK(db->Put({}, key, expected[key]));
    }
    ASSERT_OK(db->CompactRange({}, {}));
    EXPECT_TRUE(Holds(*db, expected));
    ASSERT_OK(db->Close());
  }
}

TEST(OptionsTest, MissingDatabaseIsNotFound) {
  TempDirectory directory;
  const auto db = DB::Open({}, directory.File("db"));
  EXPECT_CODE(db, kNotFound);
  EXPECT_TRUE(Says(db.status(), directory.File("db")));
  // An empty directory is no database either, and stays empty.
  EXPECT_CODE(DB::Open({}, directory.path()), kNotFound);
  EXPECT_TRUE(FileNames(directory.path()).empty());
}

TEST(OptionsTest, ParentDirectoryMustExist) {
  TempDirectory directory;
  EXPECT_CODE(DB::Open(Creating(), directory.File("no/db")), kNotFound);
  EXPECT_TRUE(FileNames(directory.path()).empty());
}

TEST(OptionsTest, EmptyPathIsRefused) {
  EXPECT_CODE(DB::Open(Creating(), ""), kInvalidArgument);
}

TEST(OptionsTest, CreatesInAnEmptyDirectory) {
  TempDirectory directory;
  EXPECT_OK(OpenOrDie(Creating(), directory.path())->Put({}, "a", "1"));
}

TEST(OptionsTest, TrailingSlashesDoNotMatter) {
  TempDirectory directory;
  EXPECT_OK(OpenOrDie(Creating(), directory.File("db///"))->Put({}, "a", "1"));
  EXPECT_TRUE(Holds(*OpenOrDie({}, directory.File("db")), {{"a", "1"}}));
}

TEST(OptionsTest, ErrorIfExistsRefusesADatabase) {
  TempDirectory directory;
  Options options = Creating();
  options.error_if_exists = true;
  OpenOrDie(options, directory.File("db")).reset();
  EXPECT_CODE(DB::Open(options, directory.File("db")), kAlreadyExists);
  OpenOrDie({}, directory.File("db")).reset();  // It was not harmed.
}

TEST(OptionsTest, AFileIsNoDatabase) {
  TempDirectory directory;
  WriteFileBytes(directory.File("db"), "a file");
  EXPECT_FALSE(DB::Open({}, directory.File("db")).ok());
  const auto db = DB::Open(Creating(), directory.File("db"));
  EXPECT_FALSE(db.ok());
  EXPECT_TRUE(Says(db.status(), directory.File("db")));
  EXPECT_EQ(ReadFileBytes(directory.File("db")), "a file");
}

TEST(OptionsTest, PathWithoutPermissionIsReported) {
  if (geteuid() == 0) GTEST_SKIP() << "root may do everything";
  TempDirectory directory;
  ASSERT_EQ(chmod(directory.path().c_str(), 0500), 0);
  EXPECT_CODE(DB::Open(Creating(), directory.File("db")), kPermissionDenied);
  ASSERT_EQ(chmod(directory.path().c_str(), 0700), 0);
}

TEST(OptionsTest, UnknownFormatVersionIsRefusedByName) {
  TempDirectory directory;
  OpenOrDie(Creating(), directory.File("db")).reset();
  const std::string path = directory.File("db/CURRENT");
  auto current = DecodeCurrent(path, ReadFileBytes(path));
  ASSERT_OK(current);
  current->version = 7654;
  WriteFileBytes(path, EncodeCurrent(*current));
  const auto before = FileNames(directory.File("db"));
  const auto db = DB::Open(Creating(), directory.File("db"));
  EXPECT_CODE(db, kUnimplemented);
  EXPECT_TRUE(Says(db.status(), path));
  EXPECT_TRUE(Says(db.status(), "7654"));
  EXPECT_EQ(FileNames(directory.File("db")), before);
}

TEST(OptionsTest, SyncAndDisableWalExcludeEachOther) {
  TempDirectory directory;
  const auto db = OpenOrDie(Creating(), directory.File("db"));
  WriteOptions both;
  both.sync = true;
  both.disable_wal = true;
  const absl::Status status = db->Put(both, "a", "1");
  EXPECT_CODE(status, kInvalidArgument);
  EXPECT_TRUE(Says(status, "sync"));
  EXPECT_TRUE(Says(status, "disable_wal"));
  EXPECT_CODE(db->Get({}, "a"), kNotFound);
}

TEST(OptionsTest, OversizeKeyIsRefused) {
  TempDirectory directory;
  const auto db = OpenOrDie(Creating(), directory.File("db"));
  const std::string largest(kMaxKeyBytes, 'k');
  const std::string too_large(kMaxKeyBytes + 1, 'k');
  ASSERT_OK(db->Put({}, largest, "fits"));
  EXPECT_CODE(db->Put({}, too_large, ""), kInvalidArgument);
  EXPECT_CODE(db->Delete({}, too_large), kInvalidArgument);
  WriteBatch batch;
  batch.Put("in the same batch", "1");
  batch.Put(too_large, "");
  EXPECT_CODE(batch.CheckLimits(), kInvalidArgument);
  EXPECT_CODE(db->Write({}, batch), kInvalidArgument);
  batch.Clear();  // Forgets what was too large.
  batch.Put("b", "2");
  EXPECT_OK(db->Write({}, batch));
  // To ask for it is no mistake: it is not there.
  EXPECT_CODE(db->Get({}, too_large), kNotFound);
  const auto it = db->NewIterator({});
  it->Seek(too_large);
  EXPECT_FALSE(it->Valid());
  EXPECT_OK(it->status());
  it->SeekForPrev(too_large);
  ASSERT_TRUE(it->Valid());
  EXPECT_EQ(it->key(), largest);
}

TEST(OptionsTest, OversizeValueIsRefused) {
#ifdef HOLDFAST_SANITIZER
  GTEST_SKIP() << "needs several GiB under a sanitizer";
#endif
  TempDirectory directory;
  const auto db = OpenOrDie(Creating(), directory.File("db"));
  WriteBatch batch;
  batch.Put("a", std::string(kMaxValueBytes + 1, 'v'));
  const absl::Status status = db->Write({}, batch);
  EXPECT_CODE(status, kInvalidArgument);
  EXPECT_TRUE(Holds(*db, {}));
}

}  // namespace
}  // namespace holdfast
