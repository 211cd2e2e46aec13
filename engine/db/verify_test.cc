#include "engine/db/verify.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "engine/db/testing/harness.h"
#include "engine/db/testing/log_length.h"
#include "engine/db/testing/status_testing.h"
#include "engine/format/current_file.h"
#include "engine/format/file_names.h"
#include "engine/format/version_edit.h"
#include "engine/version/manifest.h"
#include "engine/version/version_builder.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

// An open database with a table, several edits in its manifest, and a log with
// records.
class VerifyTest : public testing::Test {
 protected:
  void SetUp() override {
    Options options = TinyOptions();
    options.disable_auto_compaction = true;
    options.max_memtables = 16;
    auto db = OpenDb(&env_, options);
    ASSERT_OK(db);
    db_ = *std::move(db);
    ASSERT_OK(db_->Put({}, "a", "1"));
    ASSERT_OK(db_->Flush());
    ASSERT_OK(db_->Put({}, "b", "2"));
    ASSERT_OK(db_->Flush());
    ASSERT_OK(db_->Put({.sync = true}, "c", "3"));
    ASSERT_OK(db_->Put({}, "d", "4"));
  }

  // The hooks may look at what goes with the test; closing calls them.
  void TearDown() override { env_.fs.before = env_.fs.after = nullptr; }

  std::vector<std::string> Files(std::string_view part) {
    std::vector<std::string> files;
    for (const auto& [path, content] : env_.fs.Now().files) {
      if (absl::StrContains(path, part)) files.push_back(path);
    }
    return files;
  }

  // Each byte of a file in turn is changed; each change must be found, and the
  // file named.
  void FlipEachByteOf(const std::string& path) {
    const std::string content = env_.fs.Content(path);
    ASSERT_FALSE(content.empty());
    // What lies ahead of a log in use is not its content.
    const size_t size =
        path.ends_with(".wal") ? LengthOfLog(content) : content.size();
    for (size_t i = 0; i < size; ++i) {
      std::string damaged = content;
      damaged[i] ^= 0x10;
      env_.fs.Put(path, damaged);
      const absl::Status status = db_->VerifyChecksums();
      ASSERT_FALSE(status.ok()) << path << " byte " << i;
      EXPECT_TRUE(absl::IsDataLoss(status) || absl::IsUnimplemented(status))
          << status;
      EXPECT_TRUE(Says(status, path)) << "byte " << i;
    }
    env_.fs.Put(path, content);
    EXPECT_OK(db_->VerifyChecksums());
  }

  ManualEnv env_;
  std::unique_ptr<DB> db_;
};

TEST_F(VerifyTest, AcceptsAWholeDatabase) { EXPECT_OK(db_->VerifyChecksums()); }

TEST_F(VerifyTest, FindsEachChangedByteOfCurrent) {
  FlipEachByteOf(CurrentFileName(kDbDir));
}

TEST_F(VerifyTest, FindsEachChangedByteOfTheManifest) {
  ASSERT_EQ(Files("MANIFEST").size(), 1u);
  FlipEachByteOf(Files("MANIFEST")[0]);
}

TEST_F(VerifyTest, FindsEachChangedByteOfTheLogInUse) {
  ASSERT_EQ(Files(".wal").size(), 1u);
  FlipEachByteOf(Files(".wal")[0]);
}

TEST_F(VerifyTest, FindsEachChangedByteOfASealedLog) {
  ASSERT_OK(db_->Put({}, "filler", BigValue("filler", 70'000)));
  ASSERT_OK(db_->Put({}, "e", "5"));  // In the next log.
  ASSERT_EQ(Files(".wal").size(), 2u);
  const std::string path = Files(".wal")[0];
  const std::string content = env_.fs.Content(path);
  // The header, places in between, and the seal.
  for (size_t i = 0; i < content.size();
       i += i < 300 || i + 100 > content.size() ? 1 : 97) {
    std::string damaged = content;
    damaged[i] ^= 0x10;
    env_.fs.Put(path, damaged);
    const absl::Status status = db_->VerifyChecksums();
    EXPECT_FALSE(status.ok()) << "byte " << i;
    EXPECT_TRUE(Says(status, path));
  }
}

TEST_F(VerifyTest, FindsEachChangedByteOfATable) {
  ASSERT_EQ(Files(".sst").size(), 2u);
  const std::string path = Files(".sst")[0];
  const DiskImage image = env_.fs.Now();
  const std::string content = env_.fs.Content(path);
  for (size_t i = 0; i < content.size(); ++i) {
    ManualEnv env(image);
    const auto db = OpenDb(&env);
    ASSERT_OK(db);
    std::string damaged = content;
    damaged[i] ^= 0x10;
    env.fs.Put(path, damaged);
    const absl::Status status = (*db)->VerifyChecksums();
    EXPECT_FALSE(status.ok()) << "byte " << i;
    EXPECT_TRUE(Says(status, path));
  }
}

// Goal: a table that is whole and not what the manifest counts is found. No
// damage of a file makes that, so the manifest is written anew.
TEST_F(VerifyTest, ComparesTablesWithTheManifest) {
  for (const bool tombstones : {false, true}) {
    ManualEnv env(env_.fs.Now());
    const auto current = ReadCurrent(&env.fs, kDbDir);
    ASSERT_OK(current);
    auto state = ReadManifest(&env.fs, kDbDir, *current);
    ASSERT_OK(state);
    TableRecord record = state->version->files(0)[0]->RecordAt(0);
    VersionEdit edit;
    edit.removed.emplace_back(0, record.number);
    VersionBuilder without(*state->version);
    ASSERT_OK(without.Apply(edit));
    const auto rest = without.Build();
    ASSERT_OK(rest);
    VersionBuilder with(**rest);
    ++(tombstones ? record.tombstones : record.entries);
    edit = VersionEdit();
    edit.added.push_back(record);
    ASSERT_OK(with.Apply(edit));
    const auto version = with.Build();
    ASSERT_OK(version);
    state->version = *version;
    const uint64_t number = state->next_file_number++;
    const auto manifest = CreateManifest(&env.fs, kDbDir, number, *state);
    ASSERT_OK(manifest);
    env.fs.Put(CurrentFileName(kDbDir),
               EncodeCurrent({.version = current->version,
                              .manifest_number = number,
                              .db_id = current->db_id,
                              .manifest_bytes = (*manifest)->synced_bytes()}));
    const auto db = OpenDb(&env, QuietOptions());
    ASSERT_OK(db);
    EXPECT_CODE((*db)->VerifyChecksums(), kDataLoss);
  }
}

TEST_F(VerifyTest, FindsMissingFiles) {
  const DiskImage image = env_.fs.Now();
  for (const std::string part : {"CURRENT", "MANIFEST", ".wal", ".sst"}) {
    const std::string path = Files(part)[0];
    const std::string content = env_.fs.Content(path);
    ASSERT_OK(env_.fs.RemoveFile(path));
    const absl::Status status = db_->VerifyChecksums();
    // An open table is still there to be read.
    if (part != ".sst") {
      EXPECT_FALSE(status.ok()) << path;
      EXPECT_TRUE(Says(status, path));
    }
    env_.fs.Put(path, content);
  }
}

TEST_F(VerifyTest, ReturnsReadErrorsAsTheyAre) {
  for (const std::string op : {"open", "read", "size"}) {
    env_.fs.before = FailNth(0, Calls(op));
    EXPECT_CODE(db_->VerifyChecksums(), kInternal) << op;
  }
}

// A log that a failed sync left without a seal is not damaged, nor is it when a
// Resume that failed has begun another one.
TEST_F(VerifyTest, TakesALogInDoubtForWhatItIs) {
  env_.fs.before = FailNth(0, Calls("sync", ".wal"));
  ASSERT_CODE(db_->Put({.sync = true}, "e", "5"), kInternal);
  EXPECT_OK(db_->VerifyChecksums());
  env_.fs.before = FailNth(0, Calls("create", ".sst"));
  ASSERT_FALSE(db_->Resume().ok());
  EXPECT_OK(db_->VerifyChecksums());
  env_.fs.before = nullptr;
  ASSERT_OK(db_->Resume());
  EXPECT_OK(db_->VerifyChecksums());
}

}  // namespace
}  // namespace holdfast
