#include "engine/db/wal_chain.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/status_util.h"
#include "engine/db/testing/crash_file_system.h"
#include "engine/db/testing/harness.h"
#include "engine/db/testing/status_testing.h"
#include "engine/format/file_names.h"
#include "engine/format/log_frame.h"
#include "engine/wal/log_reader.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

constexpr uint64_t kDbId = 77;
using Texts = std::vector<std::string>;

// A log as a reader finds it.
struct Found {
  std::vector<std::string> records;
  LogEnd end;
};

absl::StatusOr<Found> ReadLog(CrashFileSystem& fs, uint64_t number) {
  const std::string path = WalFileName(kDbDir, number);
  HF_ASSIGN_OR_RETURN(const auto file, fs.OpenFile(path));
  LogReader reader(file.get(), path, {kDbId, LogKind::kWal, number});
  HF_RETURN_IF_ERROR(reader.ReadHeader().status());
  Found found;
  std::string record;
  while (true) {
    HF_ASSIGN_OR_RETURN(const bool more, reader.ReadRecord(&record));
    if (!more) break;
    found.records.push_back(record);
  }
  found.end = reader.end();
  return found;
}

class WalChainTest : public testing::Test {
 protected:
  // Makes a log ahead of the one that follows the current one.
  absl::Status Ahead(uint64_t number, SequenceNumber next_sequence) {
    return chain_.PrepareNext(chain_.current_number(), number, next_sequence,
                              &names_in_doubt_);
  }

  // Before each call from now on: whatever a crash leaves, log 3 is whole, with
  // two records, when it is sealed, and log 5 is there then; else log 5 has no
  // record.
  void CheckEachCrash() {
    fs_.before = [this](const FsCall& call) {
      ExpectNoHole(call);
      return absl::OkStatus();
    };
  }
  void ExpectNoHole(const FsCall& call) {
    for (const auto& outcome : fs_.CrashOutcomes()) {
      ++images_;
      CrashFileSystem after(outcome.image);
      const auto first = ReadLog(after, 3);
      EXPECT_OK(first) << call.Text() << ", " << outcome.name;
      if (!first.ok()) continue;
      if (first->end.sealed) {
        EXPECT_EQ(first->records.size(), 2u) << outcome.name;
        EXPECT_EQ(first->end.successor, 5u);
        EXPECT_OK(ReadLog(after, 5)) << outcome.name;
      } else if (after.Has(WalFileName(kDbDir, 5))) {
        ++unsealed_beside_log5_;
        const auto second = ReadLog(after, 5);
        EXPECT_TRUE(!second.ok() || second->records.empty()) << outcome.name;
      }
    }
  }

  CrashFileSystem fs_{DiskImage{.files = {}, .directories = {kDbDir}}};
  WalChain chain_{&fs_, kDbDir, kDbId};
  bool names_in_doubt_ = false;
  size_t images_ = 0;
  size_t unsealed_beside_log5_ = 0;
};

TEST_F(WalChainTest, BeginMakesHeaderAndNameDurable) {
  ASSERT_OK(chain_.Begin(3, 1));
  EXPECT_EQ(fs_.Trace(), (Texts{"create 000003.wal", "write 000003.wal",
                                "sync 000003.wal", "syncdir db"}));
  EXPECT_EQ(chain_.current_number(), 3u);
  for (const auto& outcome : fs_.CrashOutcomes()) {
    CrashFileSystem after(outcome.image);
    EXPECT_OK(ReadLog(after, 3)) << outcome.name;
  }
}

TEST_F(WalChainTest, RotateSealsTheOldLogBeforeTheNewOneIsUsed) {
  ASSERT_OK(chain_.Begin(3, 1));
  ASSERT_OK(chain_.current().AddRecord("one"));
  fs_.ClearTrace();
  ASSERT_OK(chain_.Rotate(5, 2));
  EXPECT_EQ(fs_.Trace(),
            (Texts{"sync 000003.wal", "create 000005.wal", "write 000005.wal",
                   "sync 000005.wal", "syncdir db", "write 000003.wal",
                   "sync 000003.wal"}));
  EXPECT_EQ(chain_.current_number(), 5u);
  ASSERT_OK(chain_.current().AddRecord("two"));
  const auto old_log = ReadLog(fs_, 3);
  ASSERT_OK(old_log);
  EXPECT_EQ(old_log->records, (Texts{"one"}));
  EXPECT_TRUE(old_log->end.sealed);
  EXPECT_EQ(old_log->end.successor, 5u);
  EXPECT_EQ(ReadLog(fs_, 5)->records, (Texts{"two"}));
}

// Goal: a record in a log proves that the one before it is whole, whatever a
// crash leaves; and a log that a seal names is there.
TEST_F(WalChainTest, ACrashLeavesNoHole) {
  ASSERT_OK(chain_.Begin(3, 1));
  CheckEachCrash();
  ASSERT_OK(chain_.current().AddRecord("one"));
  ASSERT_OK(chain_.current().AddRecord("two"));
  ASSERT_OK(chain_.Rotate(5, 3));
  ASSERT_OK(chain_.current().AddRecord("three"));
  ASSERT_OK(chain_.current().Sync());
  ASSERT_OK(chain_.SealForClose());
  ExpectNoHole({"sync", "the end"});
  EXPECT_GT(images_, 20u);
}

TEST_F(WalChainTest, AFailedBeginLeavesNoFile) {
  for (const std::string op : {"create", "write", "sync", "syncdir"}) {
    fs_.before = FailNth(0, Calls(op));
    EXPECT_CODE(chain_.Begin(3, 1), kInternal) << op;
    fs_.before = nullptr;
    EXPECT_FALSE(fs_.Has(WalFileName(kDbDir, 3))) << op;
  }
  EXPECT_OK(chain_.Begin(3, 1));
}

TEST_F(WalChainTest, LeavesAFileThatWasThereAlone) {
  fs_.Put(WalFileName(kDbDir, 3), "of somebody else");
  EXPECT_CODE(chain_.Begin(3, 1), kAlreadyExists);
  EXPECT_EQ(fs_.Content(WalFileName(kDbDir, 3)), "of somebody else");
}

TEST_F(WalChainTest, AFailedCreationOfTheNextLogHarmsNothing) {
  ASSERT_OK(chain_.Begin(3, 1));
  uint64_t number = 10;
  for (const std::string op : {"create", "write", "sync", "syncdir"}) {
    // Not the sync of the old log, which comes first.
    fs_.before = FailNth(op == "sync" ? 1 : 0, Calls(op));
    EXPECT_CODE(chain_.Rotate(number, 1), kInternal) << op;
    fs_.before = nullptr;
    EXPECT_FALSE(chain_.sync_failed());
    EXPECT_EQ(chain_.current_number(), 3u);
    EXPECT_FALSE(fs_.Has(WalFileName(kDbDir, number))) << op;
    ASSERT_OK(chain_.current().AddRecord(op));
    ++number;
  }
  ASSERT_OK(chain_.Rotate(number, 5));
  const auto old_log = ReadLog(fs_, 3);
  ASSERT_OK(old_log);
  EXPECT_EQ(old_log->records, (Texts{"create", "write", "sync", "syncdir"}));
  EXPECT_EQ(old_log->end.successor, number);
}

// The seal may be on disk although writing it failed. So the log that it names
// stays, and is the one that the next attempt uses.
TEST_F(WalChainTest, ARetriedRotationUsesTheLogThatTheSealMayName) {
  for (const bool takes_effect : {false, true}) {
    CrashFileSystem fs(DiskImage{.files = {}, .directories = {kDbDir}});
    WalChain chain(&fs, kDbDir, kDbId);
    ASSERT_OK(chain.Begin(3, 1));
    ASSERT_OK(chain.current().AddRecord("one"));
    (takes_effect ? fs.after : fs.before) =
        FailNth(0, Calls("write", "000003.wal"));
    ASSERT_CODE(chain.Rotate(5, 2), kInternal);
    fs.before = fs.after = nullptr;
    EXPECT_FALSE(chain.sync_failed());
    EXPECT_TRUE(fs.Has(WalFileName(kDbDir, 5)));
    const auto between = ReadLog(fs, 3);
    ASSERT_OK(between);
    EXPECT_EQ(between->end.sealed, takes_effect);
    fs.ClearTrace();
    ASSERT_OK(chain.Rotate(6, 2));
    EXPECT_EQ(fs.Trace(), (Texts{"write 000003.wal", "sync 000003.wal"}));
    EXPECT_EQ(chain.current_number(), 5u);
    EXPECT_EQ(ReadLog(fs, 3)->end.successor, 5u);
  }
}

// When the old log went on, over the remains of the seal, that log's header
// tells too little of its length: another one is made, and is there before the
// first goes.
TEST_F(WalChainTest, ARotationAfterMoreRecordsMakesALogThatProvesThem) {
  for (const bool takes_effect : {false, true}) {
    CrashFileSystem fs(DiskImage{.files = {}, .directories = {kDbDir}});
    WalChain chain(&fs, kDbDir, kDbId);
    ASSERT_OK(chain.Begin(3, 1));
    ASSERT_OK(chain.current().AddRecord("one"));
    (takes_effect ? fs.after : fs.before) =
        FailNth(0, Calls("write", "000003.wal"));
    ASSERT_CODE(chain.Rotate(5, 2), kInternal);
    fs.before = fs.after = nullptr;
    ASSERT_OK(chain.current().AddRecord("two"));
    EXPECT_EQ(ReadLog(fs, 3)->records, (Texts{"one", "two"}));
    fs.ClearTrace();
    ASSERT_OK(chain.Rotate(6, 3));
    EXPECT_EQ(fs.Trace(),
              (Texts{"sync 000003.wal", "create 000006.wal", "write 000006.wal",
                     "sync 000006.wal", "syncdir db", "remove 000005.wal",
                     "write 000003.wal", "sync 000003.wal"}));
    EXPECT_EQ(chain.current_number(), 6u);
    EXPECT_EQ(ReadLog(fs, 3)->end.successor, 6u);
  }
}

TEST_F(WalChainTest, NothingIsWrittenAfterAFailedSyncOfTheSeal) {
  ASSERT_OK(chain_.Begin(3, 1));
  ASSERT_OK(chain_.current().AddRecord("one"));
  fs_.before = FailNth(1, Calls("sync", "000003.wal"));
  ASSERT_CODE(chain_.Rotate(5, 2), kInternal);
  EXPECT_TRUE(chain_.sync_failed());
  EXPECT_EQ(chain_.current_number(), 3u);
  fs_.ClearTrace();
  EXPECT_CODE(chain_.current().Sync(), kInternal);
  EXPECT_CODE(chain_.SealForClose(), kInternal);
  EXPECT_EQ(fs_.Trace(), Texts());
  // Resume: a new log beside it, without touching it.
  ASSERT_OK(chain_.Begin(7, 2));
  EXPECT_FALSE(chain_.sync_failed());
  EXPECT_EQ(fs_.Trace(), (Texts{"create 000007.wal", "write 000007.wal",
                                "sync 000007.wal", "syncdir db"}));
  EXPECT_TRUE(fs_.Has(WalFileName(kDbDir, 5)));  // A seal may name it.
}

TEST_F(WalChainTest, ACleanCloseSealsForGood) {
  ASSERT_OK(chain_.Begin(3, 1));
  ASSERT_OK(chain_.current().AddRecord("one"));
  ASSERT_OK(chain_.SealForClose());
  for (const auto& outcome : fs_.CrashOutcomes()) {
    CrashFileSystem after(outcome.image);
    const auto log = ReadLog(after, 3);
    ASSERT_OK(log);
    EXPECT_EQ(log->records, (Texts{"one"}));
    EXPECT_TRUE(log->end.sealed);
    EXPECT_EQ(log->end.successor, 0u);
  }
}

// --- A log made ahead ------------------------------------------------------

constexpr auto kAheadWillDo = WalChain::Next::kAheadWillDo;

TEST_F(WalChainTest, ARotationTakesTheLogMadeAheadAndWaitsForOneSync) {
  ASSERT_OK(chain_.Begin(3, 1));
  ASSERT_OK(chain_.current().AddRecord("one"));
  fs_.ClearTrace();
  ASSERT_OK(Ahead(5, 2));
  ASSERT_OK(Ahead(6, 2));  // There is one.
  EXPECT_EQ(fs_.Trace(), (Texts{"create 000005.wal", "write 000005.wal",
                                "sync 000005.wal", "syncdir db"}));
  ASSERT_OK(chain_.current().AddRecord("two"));
  fs_.ClearTrace();
  ASSERT_OK(chain_.Rotate(7, 3, kAheadWillDo));
  EXPECT_EQ(fs_.Trace(), (Texts{"write 000003.wal", "sync 000003.wal"}));
  EXPECT_EQ(chain_.current_number(), 5u);
  ASSERT_OK(chain_.current().AddRecord("three"));
  const auto old_log = ReadLog(fs_, 3);
  ASSERT_OK(old_log);
  EXPECT_EQ(old_log->records, (Texts{"one", "two"}));
  EXPECT_EQ(old_log->end.successor, 5u);
  EXPECT_EQ(ReadLog(fs_, 5)->records, (Texts{"three"}));
  // The next rotation has none.
  ASSERT_OK(chain_.Rotate(9, 4, kAheadWillDo));
  EXPECT_EQ(chain_.current_number(), 9u);
}

TEST_F(WalChainTest, ARotationThatMustProveAllTakesNoLogMadeAhead) {
  ASSERT_OK(chain_.Begin(3, 1));
  ASSERT_OK(Ahead(5, 1));
  ASSERT_OK(chain_.current().AddRecord("one"));
  ASSERT_OK(chain_.Rotate(7, 2));
  EXPECT_EQ(chain_.current_number(), 7u);
  EXPECT_FALSE(fs_.Has(WalFileName(kDbDir, 5)));
  EXPECT_EQ(ReadLog(fs_, 3)->end.successor, 7u);
}

// It has nothing to prove that the header of the log made ahead does not tell.
TEST_F(WalChainTest, ARotationThatMustProveAllTakesALogThatDoes) {
  ASSERT_OK(chain_.Begin(3, 1));
  ASSERT_OK(Ahead(5, 1));
  ASSERT_OK(chain_.Rotate(7, 1));
  EXPECT_EQ(chain_.current_number(), 5u);
  ASSERT_OK(chain_.current().AddRecord("one"));
  ASSERT_OK(chain_.current().Sync());
  ASSERT_OK(Ahead(9, 2));
  ASSERT_OK(chain_.Rotate(11, 2));
  EXPECT_EQ(chain_.current_number(), 9u);
}

// Its number is from before the rotation: the chain would go back.
TEST_F(WalChainTest, NoLogIsMadeAheadOfOneThatWasLeft) {
  ASSERT_OK(chain_.Begin(3, 1));
  ASSERT_OK(chain_.current().AddRecord("one"));
  ASSERT_OK(chain_.Rotate(7, 2));
  fs_.ClearTrace();
  ASSERT_OK(
      chain_.PrepareNext(/*follows=*/3, /*number=*/5, 2, &names_in_doubt_));
  EXPECT_EQ(fs_.Trace(), Texts{});
  EXPECT_FALSE(chain_.has_ahead());
  ASSERT_OK(chain_.Rotate(9, 2, kAheadWillDo));
  EXPECT_EQ(chain_.current_number(), 9u);
}

// Goal: as in ACrashLeavesNoHole; the log made ahead is there, or in the
// making, at any time before it is used.
TEST_F(WalChainTest, ACrashLeavesNoHoleBesideALogMadeAhead) {
  ASSERT_OK(chain_.Begin(3, 1));
  CheckEachCrash();
  ASSERT_OK(chain_.current().AddRecord("one"));
  ASSERT_OK(Ahead(5, 2));
  ASSERT_OK(chain_.current().AddRecord("two"));
  ASSERT_OK(chain_.Rotate(7, 3, kAheadWillDo));
  ASSERT_OK(chain_.current().AddRecord("three"));
  ASSERT_OK(chain_.current().Sync());
  ASSERT_OK(chain_.SealForClose());
  ExpectNoHole({"sync", "the end"});
  EXPECT_GT(images_, 20u);
  EXPECT_GT(unsealed_beside_log5_, 5u);
}

TEST_F(WalChainTest, ALogMadeAheadThatIsNotUsedGoes) {
  const std::string ahead = WalFileName(kDbDir, 5);
  ASSERT_OK(chain_.Begin(3, 1));
  ASSERT_OK(Ahead(5, 1));
  ASSERT_TRUE(fs_.Has(ahead));
  ASSERT_OK(chain_.Begin(7, 1));  // Resume.
  EXPECT_FALSE(fs_.Has(ahead));
  ASSERT_OK(Ahead(9, 1));
  ASSERT_OK(chain_.SealForClose());
  EXPECT_FALSE(fs_.Has(WalFileName(kDbDir, 9)));
}

// One that was made while a rotation went by follows the wrong log.
TEST_F(WalChainTest, ALogMadeAheadTooLateIsNotUsed) {
  ASSERT_OK(chain_.Begin(3, 1));
  ASSERT_OK(chain_.current().AddRecord("one"));
  bool rotated = false;
  fs_.before = [&](const FsCall& call) {
    if (!rotated && Calls("sync", "000005.wal")(call)) {
      rotated = true;
      EXPECT_OK(chain_.Rotate(7, 2, kAheadWillDo));
      EXPECT_EQ(chain_.current_number(), 7u);
    }
    return absl::OkStatus();
  };
  ASSERT_OK(Ahead(5, 2));
  EXPECT_TRUE(rotated);
  EXPECT_FALSE(fs_.Has(WalFileName(kDbDir, 5)));
  ASSERT_OK(chain_.Rotate(9, 2, kAheadWillDo));
  EXPECT_EQ(chain_.current_number(), 9u);
}

TEST_F(WalChainTest, ALogThatCannotBeMadeAheadHarmsNothing) {
  ASSERT_OK(chain_.Begin(3, 1));
  for (const std::string op : {"create", "write", "sync", "syncdir"}) {
    fs_.before = FailNth(0, Calls(op));
    EXPECT_CODE(Ahead(5, 1), kInternal) << op;
    EXPECT_EQ(names_in_doubt_, op == "syncdir");
    fs_.before = nullptr;
    EXPECT_FALSE(fs_.Has(WalFileName(kDbDir, 5))) << op;
  }
  ASSERT_OK(Ahead(5, 1));
  // The seal fails: the log that it may name is kept, as any other.
  fs_.after = FailNth(0, Calls("write", "000003.wal"));
  ASSERT_CODE(chain_.Rotate(7, 1, kAheadWillDo), kInternal);
  fs_.after = nullptr;
  EXPECT_TRUE(fs_.Has(WalFileName(kDbDir, 5)));
  ASSERT_OK(chain_.Rotate(8, 1, kAheadWillDo));
  EXPECT_EQ(chain_.current_number(), 5u);
}

}  // namespace
}  // namespace holdfast
