#include "engine/version/version_set.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/format/current_file.h"
#include "engine/format/file_names.h"
#include "engine/format/log_frame.h"
#include "engine/format/version_edit.h"
#include "engine/version/fake_file_system.h"
#include "engine/version/manifest.h"
#include "engine/version/obsolete_files.h"
#include "engine/version/version_testing.h"
#include "engine/wal/log_writer.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

constexpr uint64_t kDbId = 0x1234;
constexpr char kDir[] = "/db";
constexpr int kEdits = 6;

VersionSet::Options OptionsFor(FakeFileSystem* fs,
                               uint64_t roll_bytes = uint64_t{1} << 20) {
  return {.file_system = fs, .dir = kDir, .manifest_roll_bytes = roll_bytes};
}

// A table of the database, durable with the size that its record says.
void PutTable(FakeFileSystem* fs, const TableRecord& table) {
  fs->Put(TableFileName(kDir, table.number), std::string(table.bytes, 't'));
}

// The i-th edit of the test workload: adds table 100 + i.
VersionEdit NthEdit(FakeFileSystem* fs, int i) {
  const uint64_t number = 100 + static_cast<uint64_t>(i);
  const std::string key = absl::StrCat("key", number);
  VersionEdit edit;
  edit.added = {MakeTable(1, number, key, key + "z")};
  edit.log_number = static_cast<uint64_t>(i);
  PutTable(fs, edit.added[0]);
  return edit;
}

// All that recovery gives back but the file numbers.
std::string StateOf(const VersionSet& versions) {
  std::string text = absl::StrCat(
      "db ", versions.db_id(), " log ", versions.log_number(), " last ",
      versions.last_sequence(), "\n", versions.current()->DebugString());
  if (versions.sealed_log().has_value()) {
    absl::StrAppend(&text, "sealed ", versions.sealed_log()->number, " ",
                    versions.sealed_log()->bytes, "\n");
  }
  return text;
}

absl::StatusOr<std::string> Recovered(FakeFileSystem* fs) {
  VersionSet versions(OptionsFor(fs));
  const absl::Status status = versions.Recover();
  if (!status.ok()) return status;
  return StateOf(versions);
}

// A database after kEdits edits, and its state after each.
struct Built {
  FakeFileSystem fs;
  std::vector<std::string> states;  // [0] is after the first edit.
  std::vector<uint64_t> bytes;      // Of the manifest, after each edit.
  std::string manifest;             // Its path.
};

void Build(Built* built, bool close) {
  VersionSet versions(OptionsFor(&built->fs));
  versions.CreateNew(kDbId);
  versions.MarkFileNumberUsed(200);
  for (int i = 0; i < kEdits; ++i) {
    ASSERT_TRUE(versions.LogAndApply(NthEdit(&built->fs, i)).ok());
    built->states.push_back(StateOf(versions));
    built->bytes.push_back(versions.manifest_bytes());
  }
  built->manifest = ManifestFileName(kDir, versions.manifest_number());
  if (close) {
    ASSERT_TRUE(versions.Close().ok());
  }
}

TEST(VersionSetTest, NothingToRecoverIsNotFound) {
  FakeFileSystem fs;
  VersionSet versions(OptionsFor(&fs));
  EXPECT_TRUE(absl::IsNotFound(versions.Recover()));
}

// Goal: every durable step is there, in this order.
TEST(VersionSetTest, WritesEachStepInOrder) {
  FakeFileSystem fs;
  VersionSet versions(OptionsFor(&fs));
  versions.CreateNew(kDbId);
  EXPECT_TRUE(fs.trace.empty());
  ASSERT_TRUE(versions.LogAndApply(VersionEdit()).ok());
  EXPECT_EQ(absl::StrJoin(fs.trace, "\n"),
            "create MANIFEST-000001\n"
            "write MANIFEST-000001\n"
            "write MANIFEST-000001\n"
            "sync MANIFEST-000001\n"
            "syncdir\n"
            "create 000001.tmp\n"
            "write 000001.tmp\n"
            "sync 000001.tmp\n"
            "rename 000001.tmp CURRENT\n"
            "syncdir");
  fs.trace.clear();
  ASSERT_TRUE(versions.LogAndApply(VersionEdit()).ok());
  EXPECT_EQ(absl::StrJoin(fs.trace, "\n"),
            "write MANIFEST-000001\n"
            "sync MANIFEST-000001");
  fs.trace.clear();
  ASSERT_TRUE(versions.Close().ok());
  EXPECT_EQ(absl::StrJoin(fs.trace, "\n"),
            "write MANIFEST-000001\n"
            "sync MANIFEST-000001");
}

TEST(VersionSetTest, RecoversEveryField) {
  FakeFileSystem fs;
  std::string state;
  uint64_t next = 0;
  {
    VersionSet versions(OptionsFor(&fs));
    versions.CreateNew(kDbId);
    versions.MarkFileNumberUsed(150);
    VersionEdit edit = NthEdit(&fs, 3);
    edit.sealed_log = SealedLog{3, 4242, 77};
    edit.last_sequence = 5000;
    ASSERT_TRUE(versions.LogAndApply(edit).ok());
    EXPECT_EQ(versions.last_sequence(), 5000u);
    versions.NewFileNumber();
    ASSERT_TRUE(versions.LogAndApply(NthEdit(&fs, 4)).ok());
    state = StateOf(versions);
    next = versions.next_file_number();
  }
  VersionSet versions(OptionsFor(&fs));
  ASSERT_TRUE(versions.Recover().ok());
  EXPECT_EQ(StateOf(versions), state);
  EXPECT_EQ(versions.next_file_number(), next);
  EXPECT_EQ(versions.sealed_log()->last_sequence, 77u);
  // And through a snapshot.
  ASSERT_TRUE(versions.LogAndApply(VersionEdit()).ok());
  EXPECT_EQ(*Recovered(&fs), state);
}

TEST(VersionSetTest, RaisesLastSequenceToThatOfTheTables) {
  FakeFileSystem fs;
  VersionSet versions(OptionsFor(&fs));
  versions.CreateNew(kDbId);
  versions.MarkFileNumberUsed(200);
  ASSERT_TRUE(versions.LogAndApply(NthEdit(&fs, 0)).ok());
  EXPECT_EQ(versions.last_sequence(), 1009u);
}

TEST(VersionSetTest, RefusesEditsThatDoNotFitAndWritesNothing) {
  FakeFileSystem fs;
  VersionSet versions(OptionsFor(&fs));
  versions.CreateNew(kDbId);
  versions.MarkFileNumberUsed(200);
  ASSERT_TRUE(versions.LogAndApply(NthEdit(&fs, 5)).ok());
  const std::string state = StateOf(versions);
  fs.trace.clear();

  std::vector<VersionEdit> bad(6);
  bad[0].removed = {{1, 7}};
  bad[1].added = {MakeTable(1, 105, "a", "b")};
  bad[2].added = {MakeTable(1, 500, "a", "b")};
  bad[3].log_number = 4;
  bad[4].db_id = 7;
  bad[5].log_number = 1000;
  for (const VersionEdit& edit : bad) {
    EXPECT_TRUE(absl::IsInvalidArgument(versions.LogAndApply(edit)));
  }
  EXPECT_TRUE(fs.trace.empty());
  EXPECT_FALSE(versions.manifest_state_unknown());
  EXPECT_EQ(StateOf(versions), state);
  EXPECT_TRUE(versions.LogAndApply(NthEdit(&fs, 6)).ok());
}

TEST(VersionSetTest, GivesEachFileNumberOnce) {
  FakeFileSystem fs;
  uint64_t last = 0;
  for (int run = 0; run < 3; ++run) {
    VersionSet versions(OptionsFor(&fs));
    if (run == 0) {
      versions.CreateNew(kDbId);
    } else {
      ASSERT_TRUE(versions.Recover().ok());
    }
    const uint64_t number = versions.NewFileNumber();
    EXPECT_GT(number, last);
    versions.MarkFileNumberUsed(number + 10);
    versions.MarkFileNumberUsed(3);
    EXPECT_EQ(versions.NewFileNumber(), number + 11);
    ASSERT_TRUE(versions.LogAndApply(VersionEdit()).ok());
    EXPECT_GT(versions.manifest_number(), number);
    last = versions.next_file_number() - 1;
  }
}

TEST(VersionSetTest, BeginsANewManifestWhenTheOldOneIsLarge) {
  FakeFileSystem fs;
  VersionSet versions(OptionsFor(&fs, 600));
  versions.CreateNew(kDbId);
  versions.MarkFileNumberUsed(200);
  int rolls = 0;
  uint64_t number = 0;
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(versions.LogAndApply(NthEdit(&fs, i)).ok());
    if (versions.manifest_number() != number) ++rolls;
    number = versions.manifest_number();
    EXPECT_EQ(*Recovered(&fs), StateOf(versions));
  }
  // Doubling snapshots: a few, not one for each edit.
  EXPECT_GE(rolls, 3);
  EXPECT_LE(rolls, 8);
  std::vector<std::string> obsolete =
      ObsoleteFiles(versions.InUse(), *fs.ListDirectory(kDir));
  EXPECT_EQ(obsolete.size(), static_cast<size_t>(rolls - 1));
  for (const std::string& name : obsolete) {
    EXPECT_TRUE(absl::StartsWith(name, "MANIFEST-")) << name;
  }
}

TEST(VersionSetTest, KeepsTablesOfLiveVersions) {
  FakeFileSystem fs;
  VersionSet versions(OptionsFor(&fs));
  versions.CreateNew(kDbId);
  versions.MarkFileNumberUsed(200);
  ASSERT_TRUE(versions.LogAndApply(NthEdit(&fs, 1)).ok());
  std::shared_ptr<const Version> held = versions.current();
  VersionEdit removal;
  removal.removed = {{1, 101}};
  ASSERT_TRUE(versions.LogAndApply(removal).ok());
  EXPECT_TRUE(versions.InUse().live_tables.contains(101));
  EXPECT_TRUE(ObsoleteFiles(versions.InUse(), {"000101.sst"}).empty());
  held.reset();
  EXPECT_FALSE(versions.InUse().live_tables.contains(101));
  EXPECT_EQ(ObsoleteFiles(versions.InUse(), {"000101.sst"}).size(), 1u);
}

// What recovery read may not be durable, so nothing goes before the first edit.
TEST(VersionSetTest, RemovesNothingBetweenRecoveryAndTheFirstEdit) {
  Built built;
  Build(&built, false);
  VersionSet versions(OptionsFor(&built.fs));
  ASSERT_TRUE(versions.Recover().ok());
  EXPECT_TRUE(versions.InUse().manifest_state_unknown);
  EXPECT_FALSE(versions.manifest_state_unknown());
  ASSERT_TRUE(versions.LogAndApply(VersionEdit()).ok());
  EXPECT_FALSE(versions.InUse().manifest_state_unknown);
}

// Goal: recovery finds the last acknowledged state, or that and the edit under
// way. Method: the machine dies in its n-th call, for each n, in both ways, and
// keeps all or only what was synced.
TEST(VersionSetTest, SurvivesACrashInEveryCall) {
  for (const auto mode :
       {FakeFileSystem::kFailBefore, FakeFileSystem::kFailAfter}) {
    for (const auto keep :
         {FakeFileSystem::kKeepNone, FakeFileSystem::kKeepAll}) {
      bool died = true;
      for (int n = 0; died; ++n) {
        FakeFileSystem fs;
        std::vector<std::string> legal = {"none"};
        died = false;
        {
          VersionSet versions(OptionsFor(&fs, 700));
          versions.CreateNew(kDbId);
          versions.MarkFileNumberUsed(200);
          fs.fail_at = n;
          fs.fail_for_ever = true;
          fs.fail_mode = mode;
          for (int i = 0; i < 12 && !died; ++i) {
            // The state that the edit leads to, from a run without faults.
            FakeFileSystem good_fs;
            VersionSet good(OptionsFor(&good_fs));
            good.CreateNew(kDbId);
            good.MarkFileNumberUsed(200);
            for (int j = 0; j <= i; ++j) {
              ASSERT_TRUE(good.LogAndApply(NthEdit(&good_fs, j)).ok());
            }
            died = !versions.LogAndApply(NthEdit(&fs, i)).ok();
            if (died) {
              legal.push_back(StateOf(good));
            } else {
              legal = {StateOf(good)};
            }
          }
        }
        fs.Crash(keep);
        absl::StatusOr<std::string> state = Recovered(&fs);
        if (absl::IsNotFound(state.status())) state = "none";
        ASSERT_TRUE(state.ok()) << "call " << n << ": " << state.status();
        EXPECT_TRUE(std::find(legal.begin(), legal.end(), *state) !=
                    legal.end())
            << "call " << n << " keep " << keep << " mode " << mode << ": "
            << *state << " but legal: " << absl::StrJoin(legal, " or ");
        if (!died) EXPECT_GT(n, 30);
      }
    }
  }
}

// Goal: after a call that fails once, no manifest is appended to, no file goes
// while the state is unknown, and the next edit makes it known again.
TEST(VersionSetTest, GoesOnAfterAnyFailedCall) {
  for (const auto mode :
       {FakeFileSystem::kFailBefore, FakeFileSystem::kFailAfter}) {
    int unknowns = 0;
    bool failed = true;
    for (int n = 0; failed; ++n) {
      FakeFileSystem fs;
      VersionSet versions(OptionsFor(&fs, 700));
      versions.CreateNew(kDbId);
      versions.MarkFileNumberUsed(200);
      fs.fail_at = n;
      fs.fail_mode = mode;
      failed = false;
      for (int i = 0; i < 12; ++i) {
        const std::string before = StateOf(versions);
        const uint64_t manifest = versions.manifest_number();
        if (versions.LogAndApply(NthEdit(&fs, i)).ok()) {
          EXPECT_FALSE(versions.manifest_state_unknown());
          continue;
        }
        failed = true;
        EXPECT_EQ(StateOf(versions), before);
        if (versions.manifest_state_unknown()) {
          ++unknowns;
          EXPECT_TRUE(versions.InUse().manifest_state_unknown);
          EXPECT_TRUE(
              ObsoleteFiles(versions.InUse(), *fs.ListDirectory(kDir)).empty());
          fs.trace.clear();
          ASSERT_TRUE(versions.LogAndApply(VersionEdit()).ok());
          EXPECT_GT(versions.manifest_number(), manifest);
          for (const std::string& call : fs.trace) {
            EXPECT_NE(call,
                      absl::StrCat("write ", ManifestFileName("", manifest)));
          }
        } else if (manifest != 0) {
          // The edit is surely not on disk.
          EXPECT_EQ(*Recovered(&fs), before);
        }
      }
      FakeFileSystem after = fs;
      after.Crash(FakeFileSystem::kKeepNone);
      EXPECT_EQ(*Recovered(&after), StateOf(versions)) << "call " << n;
    }
    EXPECT_GT(unknowns, 5);
  }
}

// Goal: a manifest of unknown state is not even sealed.
TEST(VersionSetTest, CloseWritesNothingAfterAFailedEdit) {
  // Calls of an append: write, sync. Of a new manifest: 8 is the rename, 9 the
  // last sync of the directory; appends before it have fewer.
  for (const int call : {0, 1, 8, 9}) {
    FakeFileSystem fs;
    VersionSet versions(OptionsFor(&fs, 1));
    versions.CreateNew(kDbId);
    versions.MarkFileNumberUsed(200);
    absl::Status status = versions.LogAndApply(NthEdit(&fs, 0));
    ASSERT_TRUE(status.ok());
    for (int i = 1; status.ok(); ++i) {
      ASSERT_LT(i, 50);
      fs.fail_at = fs.calls + call;
      status = versions.LogAndApply(NthEdit(&fs, i));
    }
    EXPECT_TRUE(versions.manifest_state_unknown());
    fs.trace.clear();
    EXPECT_TRUE(versions.Close().ok());
    EXPECT_TRUE(fs.trace.empty()) << fs.trace[0];
  }
}

TEST(VersionSetTest, ReportsEveryFailedReadOfRecovery) {
  Built built;
  Build(&built, true);
  bool failed = true;
  for (int n = 0; failed; ++n) {
    built.fs.calls = 0;
    built.fs.fail_at = n;
    const absl::StatusOr<std::string> state = Recovered(&built.fs);
    failed = !state.ok();
    if (failed) {
      EXPECT_TRUE(absl::IsInternal(state.status())) << state.status();
    } else {
      EXPECT_EQ(*state, built.states.back());
      EXPECT_GT(n, 5);
    }
  }
}

// Goal: a manifest cut at any byte gives the last whole edit; cut within what
// CURRENT knows to be durable it is data loss.
TEST(VersionSetTest, TornTailKeepsTheLastWholeEdit) {
  Built built;
  Build(&built, false);
  const std::string whole = built.fs.names[built.manifest]->bytes;
  ASSERT_EQ(whole.size(), built.bytes.back());
  for (size_t n = 0; n <= whole.size(); ++n) {
    built.fs.Put(built.manifest, whole.substr(0, n));
    const absl::StatusOr<std::string> state = Recovered(&built.fs);
    if (n < built.bytes[0]) {
      EXPECT_TRUE(absl::IsDataLoss(state.status())) << n;
      EXPECT_TRUE(absl::StrContains(state.status().message(), built.manifest));
      continue;
    }
    size_t edits = 0;
    while (edits < built.bytes.size() && built.bytes[edits] <= n) ++edits;
    ASSERT_TRUE(state.ok()) << n << ": " << state.status();
    EXPECT_EQ(*state, built.states[edits - 1]) << n;
  }
}

// Goal: no flipped bit gives another state. Only the last edit, which nothing
// in the file proves to have been synced, may be taken for a torn tail; once
// the manifest was closed not even that.
TEST(VersionSetTest, FlippedBitsAreDataLoss) {
  for (const bool closed : {false, true}) {
    Built built;
    Build(&built, closed);
    const std::string whole = built.fs.names[built.manifest]->bytes;
    for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
      std::string bytes = whole;
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
      built.fs.Put(built.manifest, bytes);
      const absl::StatusOr<std::string> state = Recovered(&built.fs);
      if (bit / 8 >= built.bytes[kEdits - 1]) {
        EXPECT_EQ(*state, built.states.back()) << "in the seal, bit " << bit;
      } else if (!closed && bit / 8 >= built.bytes[kEdits - 2]) {
        EXPECT_EQ(*state, built.states[kEdits - 2]) << "bit " << bit;
      } else {
        ASSERT_TRUE(absl::IsDataLoss(state.status()))
            << "bit " << bit << ": " << state.status();
        EXPECT_TRUE(absl::StrContains(state.status().message(),
                                      built.manifest + " at offset "));
      }
    }
  }
}

TEST(VersionSetTest, FlippedBitsOfCurrentAreRefused) {
  Built built;
  Build(&built, false);
  const std::string path = CurrentFileName(kDir);
  const std::string whole = built.fs.names[path]->bytes;
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    built.fs.Put(path, bytes);
    const absl::StatusOr<std::string> state = Recovered(&built.fs);
    EXPECT_TRUE(absl::IsDataLoss(state.status()) ||
                absl::IsUnimplemented(state.status()))
        << "bit " << bit << ": " << state.status();
  }
  for (size_t n = 0; n < whole.size(); ++n) {
    built.fs.Put(path, whole.substr(0, n));
    EXPECT_TRUE(absl::IsDataLoss(Recovered(&built.fs).status())) << n;
  }
}

TEST(VersionSetTest, MissingManifestIsDataLoss) {
  Built built;
  Build(&built, false);
  built.fs.names.erase(built.manifest);
  const absl::Status status = Recovered(&built.fs).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "CURRENT names it"));
}

TEST(VersionSetTest, ManifestOfAnotherDatabaseIsDataLoss) {
  Built built;
  Build(&built, false);
  FakeFileSystem other_fs;
  VersionSet other(OptionsFor(&other_fs));
  other.CreateNew(kDbId + 1);
  other.MarkFileNumberUsed(200);
  for (int i = 0; i < kEdits; ++i) {
    ASSERT_TRUE(other.LogAndApply(NthEdit(&other_fs, i)).ok());
  }
  built.fs.Put(built.manifest, other_fs.names[built.manifest]->bytes);
  EXPECT_TRUE(absl::IsDataLoss(Recovered(&built.fs).status()));
}

TEST(VersionSetTest, MissingOrShortTableIsDataLoss) {
  Built built;
  Build(&built, false);
  const std::string path = TableFileName(kDir, 102);
  const std::string whole = built.fs.names[path]->bytes;
  for (const size_t size : {size_t{0}, whole.size() - 1, whole.size() + 1}) {
    built.fs.Put(path, std::string(size, 't'));
    const absl::Status status = Recovered(&built.fs).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), path)) << status;
  }
  built.fs.names.erase(path);
  const absl::Status status = Recovered(&built.fs).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "the manifest names it"));
}

// Records that are right as bytes and wrong as edits.
TEST(VersionSetTest, EditsThatDoNotFitAreDataLoss) {
  const auto with_record = [](const std::vector<VersionEdit>& edits) {
    FakeFileSystem fs;
    const CurrentFile current = {.version = 1,
                                 .manifest_number = 9,
                                 .db_id = kDbId,
                                 .manifest_bytes = 0};
    const std::string path = ManifestFileName(kDir, 9);
    LogWriter writer(*fs.CreateFile(path), path,
                     {kDbId, LogKind::kManifest, 9});
    LogHeader header;
    header.version = 1;
    header.kind = LogKind::kManifest;
    header.db_id = kDbId;
    header.number = 9;
    EXPECT_TRUE(writer.AddHeader(header).ok());
    for (const VersionEdit& edit : edits) {
      EXPECT_TRUE(writer.AddRecord(EncodeVersionEdit(edit)).ok());
    }
    EXPECT_TRUE(writer.Sync().ok());
    const absl::Status status = ReadManifest(&fs, kDir, current).status();
    EXPECT_TRUE(status.ok() || absl::IsDataLoss(status)) << status;
    return std::string(status.message());
  };
  ManifestState state;
  state.db_id = kDbId;
  state.next_file_number = 10;
  state.last_sequence = 60;
  const VersionEdit snapshot = SnapshotOf(state);
  EXPECT_EQ(with_record({snapshot}), "");
  EXPECT_TRUE(absl::StrContains(with_record({}), "no snapshot"));
  EXPECT_TRUE(absl::StrContains(with_record({VersionEdit()}),
                                "first record is not a snapshot"));
  EXPECT_TRUE(
      absl::StrContains(with_record({snapshot, snapshot}), "second snapshot"));
  VersionEdit edit = snapshot;
  edit.db_id = kDbId + 1;
  EXPECT_TRUE(absl::StrContains(with_record({edit}), "another database"));
  edit = VersionEdit();
  edit.next_file_number = 9;
  EXPECT_TRUE(absl::StrContains(with_record({snapshot, edit}),
                                "next file number goes back from 10 to 9"));
  edit = VersionEdit();
  edit.last_sequence = 59;
  EXPECT_TRUE(absl::StrContains(with_record({snapshot, edit}),
                                "last sequence number goes back"));
  edit = VersionEdit();
  edit.db_id = kDbId;
  EXPECT_TRUE(absl::StrContains(with_record({snapshot, edit}),
                                "the database id comes again"));
  edit = VersionEdit();
  edit.next_file_number = kMaxNextFileNumber;
  EXPECT_EQ(with_record({snapshot, edit}), "");
  edit.next_file_number = kMaxNextFileNumber + 1;
  EXPECT_TRUE(
      absl::StrContains(with_record({snapshot, edit}), "too few are left"));
  edit = VersionEdit();
  edit.last_sequence = kMaxRecoveredSequence;
  EXPECT_EQ(with_record({snapshot, edit}), "");
  edit.last_sequence = kMaxRecoveredSequence + 1;
  EXPECT_TRUE(
      absl::StrContains(with_record({snapshot, edit}), "too few are left"));
  edit = VersionEdit();
  edit.added = {MakeTable(1, 10, "a", "b")};
  EXPECT_TRUE(absl::StrContains(with_record({snapshot, edit}),
                                "not before the next file number"));
  edit.added = {MakeTable(1, 8, "a", "b")};
  EXPECT_TRUE(
      absl::StrContains(with_record({snapshot, edit}), "is after the last"));
  edit.added = {MakeTable(1, 4, "a", "b"), MakeTable(1, 5, "b", "c")};
  EXPECT_TRUE(absl::StrContains(with_record({snapshot, edit}), "overlap"));
  edit = VersionEdit();
  edit.removed = {{1, 3}};
  EXPECT_TRUE(absl::StrContains(with_record({snapshot, edit}),
                                "removed but not there"));
}

TEST(VersionSetTest, ForEachEditShowsEachRecord) {
  Built built;
  Build(&built, true);
  std::vector<uint64_t> offsets;
  ASSERT_TRUE(ForEachEdit(&built.fs, built.manifest,
                          [&](uint64_t offset, const VersionEdit& edit) {
                            EXPECT_EQ(edit.added.size(), 1u);
                            offsets.push_back(offset);
                            return absl::OkStatus();
                          })
                  .ok());
  ASSERT_EQ(offsets.size(), static_cast<size_t>(kEdits));
  EXPECT_EQ(offsets[0], kLogHeaderFrameBytes);
  for (int i = 1; i < kEdits; ++i) EXPECT_EQ(offsets[i], built.bytes[i - 1]);
}

// For ThreadSanitizer: readers of the state beside the writer.
TEST(VersionSetTest, StateIsReadBesideLogAndApply) {
  FakeFileSystem fs;
  VersionSet versions(OptionsFor(&fs, 700));
  versions.CreateNew(kDbId);
  versions.MarkFileNumberUsed(1000);
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      while (!stop.load()) {
        const std::shared_ptr<const Version> version = versions.current();
        const FilesInUse in_use = versions.InUse();
        for (const FilePtr& file : version->files(1)) {
          EXPECT_TRUE(in_use.live_tables.contains(file->number));
        }
        versions.NewFileNumber();
      }
    });
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(versions.LogAndApply(NthEdit(&fs, i)).ok());
  }
  stop.store(true);
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(versions.current()->file_count(), 100u);
}

}  // namespace
}  // namespace holdfast
