// The judge of damaged databases: what it expects of logs, and that it reports
// every way in which an engine may be wrong.

#include "chaos/damage/judge.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "chaos/damage/damage.h"
#include "chaos/damage/golden.h"
#include "chaos/damage/mutation.h"
#include "gtest/gtest.h"
#include "holdfast/db.h"

namespace holdfast {
namespace {

using Outcome = DamageVerdict::Outcome;

ChangedFiles ChangedBy(const Golden& golden, std::string_view text) {
  Goldens goldens;
  const absl::StatusOr<Damage> damage = Damage::Parse(text);
  EXPECT_TRUE(damage.ok()) << damage.status();
  absl::StatusOr<ChangedFiles> changed = Apply(golden, *damage, &goldens);
  EXPECT_TRUE(changed.ok()) << changed.status();
  return *std::move(changed);
}

std::string FlipOf(const std::string& file, uint64_t offset) {
  return absl::StrCat("flip:", file, ":", offset, ".0");
}

// --- What is expected of logs

TEST(ExpectedOfTest, AFrameIsProvenByALaterOneThatKnowsOfIt) {
  // The first four writes are covered by a sync, and the fifth says so.
  const Golden golden = MakeGolden("log-middle");
  const GoldenLog& log = golden.logs[0];
  for (size_t write = 0; write < golden.logged_writes; ++write) {
    const GoldenFrame& frame = log.frames[write + 1];
    const ExpectedLogs expected =
        ExpectedOf(golden, ChangedBy(golden, FlipOf(log.name, frame.begin)));
    EXPECT_EQ(expected.loss, write < 4) << write;
    if (!expected.loss) EXPECT_EQ(expected.writes, write);
  }
}

TEST(ExpectedOfTest, NobodyKnowsOfTheLastSync) {
  const Golden golden = MakeGolden("log-synced");
  const GoldenLog& log = golden.logs[0];
  const size_t last = golden.logged_writes;
  for (size_t write = 1; write <= last; ++write) {
    const ExpectedLogs expected = ExpectedOf(
        golden, ChangedBy(golden, FlipOf(log.name, log.frames[write].begin)));
    EXPECT_EQ(expected.loss, write < last) << write;
  }
}

// The limit that docs/durability.md states, and nothing wider: a bit that is
// lost without a proof lies in what the last sync covered and the one before it
// did not.
TEST(ExpectedOfTest, OneBitIsLostWithoutAProofOnlyAfterTheLastWitness) {
  Goldens goldens;
  for (const std::string& name : GoldenNames()) {
    const Golden& golden = goldens.Get(name);
    for (const GoldenLog& log : golden.logs) {
      uint64_t known = 0;
      for (const GoldenFrame& frame : log.frames) {
        known = std::max(known, frame.synced);
      }
      for (uint64_t at = 0; at < std::min<uint64_t>(log.bytes(), 4'096); ++at) {
        const ExpectedLogs expected =
            ExpectedOf(golden, ChangedBy(golden, FlipOf(log.name, at)));
        EXPECT_TRUE(expected.loss || at >= known) << name << " " << at;
        EXPECT_FALSE(expected.loss && at >= log.synced) << name << " " << at;
        EXPECT_TRUE(expected.loss || !golden.closed) << name << " " << at;
      }
    }
  }
}

TEST(ExpectedOfTest, AClosedLogIsKnownToItsEnd) {
  const Golden golden = MakeGolden("log");
  const GoldenLog& log = golden.logs[0];
  for (uint64_t at = 0; at < log.bytes(); at += 5) {
    EXPECT_TRUE(
        ExpectedOf(golden, ChangedBy(golden, FlipOf(log.name, at))).loss);
    EXPECT_TRUE(
        ExpectedOf(golden,
                   ChangedBy(golden, absl::StrCat("cut:", log.name, ":", at)))
            .loss);
  }
  EXPECT_FALSE(
      ExpectedOf(golden,
                 ChangedBy(golden, absl::StrCat("grow:", log.name, ":9:ff")))
          .loss);
}

TEST(ExpectedOfTest, ALogIsKnownByTheOneAfterIt) {
  const Golden golden = MakeGolden("chain");
  ASSERT_EQ(golden.logs.size(), 3U);
  for (size_t i = 0; i < 2; ++i) {
    const GoldenLog& log = golden.logs[i];
    for (const GoldenFrame& frame : log.frames) {
      const ExpectedLogs expected = ExpectedOf(
          golden, ChangedBy(golden, absl::StrCat("cut:", log.name, ":",
                                                 frame.end - 1)));
      EXPECT_TRUE(expected.loss) << log.name << " " << frame.begin;
    }
  }
}

// --- Engines that are wrong

// A database that answers like another one, but for what a test makes wrong.
class WrongDb : public DB {
 public:
  struct Wrong {
    std::function<void(absl::StatusOr<std::string>*)> get;
    std::function<absl::Status(absl::Status)> verify;
    // How many entries an iterator does not show.
    int hidden_entries = 0;
  };

  WrongDb(std::unique_ptr<DB> db, const Wrong& wrong)
      : db_(std::move(db)), wrong_(wrong) {}

  absl::Status Put(const WriteOptions& options, std::string_view key,
                   std::string_view value) override {
    return db_->Put(options, key, value);
  }
  absl::Status Delete(const WriteOptions& options,
                      std::string_view key) override {
    return db_->Delete(options, key);
  }
  absl::Status Write(const WriteOptions& options,
                     const WriteBatch& batch) override {
    return db_->Write(options, batch);
  }
  absl::StatusOr<std::string> Get(const ReadOptions& options,
                                  std::string_view key) override {
    absl::StatusOr<std::string> value = db_->Get(options, key);
    if (wrong_.get) wrong_.get(&value);
    return value;
  }
  absl::Status Get(const ReadOptions& options, std::string_view key,
                   PinnedValue* value) override {
    return db_->Get(options, key, value);
  }
  std::unique_ptr<Iterator> NewIterator(const ReadOptions& options) override {
    ReadOptions less = options;
    if (wrong_.hidden_entries > 0) less.lower_bound = "key02";
    return db_->NewIterator(less);
  }
  std::shared_ptr<const Snapshot> GetSnapshot() override {
    return db_->GetSnapshot();
  }
  absl::Status Flush() override { return db_->Flush(); }
  absl::Status SyncWal() override { return db_->SyncWal(); }
  absl::Status CompactRange(std::optional<std::string_view> begin,
                            std::optional<std::string_view> end) override {
    return db_->CompactRange(begin, end);
  }
  absl::Status WaitForBackgroundWork() override {
    return db_->WaitForBackgroundWork();
  }
  absl::Status Resume() override { return db_->Resume(); }
  absl::Status VerifyChecksums() override {
    const absl::Status status = db_->VerifyChecksums();
    return wrong_.verify ? wrong_.verify(status) : status;
  }
  absl::Status Close() override { return db_->Close(); }
  DbStats Stats() override { return db_->Stats(); }
  DbHealth Health() override { return db_->Health(); }

 private:
  const std::unique_ptr<DB> db_;
  const Wrong& wrong_;
};

// What RunDamage says of an engine that opens and reads like that.
DamageReport ReportOf(const std::string& replay, const WrongDb::Wrong& wrong) {
  DamageOptions options;
  options.replay = replay;
  options.open =
      [&](const Options& open,
          std::string_view path) -> absl::StatusOr<std::unique_ptr<DB>> {
    absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(open, path);
    if (!db.ok()) return db.status();
    return std::make_unique<WrongDb>(*std::move(db), wrong);
  };
  return RunDamage(options);
}

// The replay of a damage of the first block of the first table.
std::string TableDamage() {
  const Golden golden = MakeGolden("tables");
  for (const auto& [name, content] : golden.files) {
    if (absl::EndsWith(name, ".sst")) {
      return absl::StrCat("tables ", FlipOf(name, 20));
    }
  }
  return "";
}

void ExpectFailure(const DamageReport& report, std::string_view why) {
  ASSERT_EQ(report.failures.size(), 1U);
  EXPECT_TRUE(absl::StrContains(report.failures[0].why, why)) << report.Text();
}

TEST(JudgeDamageTest, AcceptsTheEngineAsItIs) {
  const DamageReport report = ReportOf(TableDamage(), {});
  EXPECT_TRUE(report.ok()) << report.Text();
  EXPECT_EQ(report.by_outcome.count("reading reports loss"), 1U);
}

// A damage that no reading notices, so that only what the test makes wrong is.
std::string Harmless() {
  const Golden golden = MakeGolden("tables");
  return absl::StrCat("tables grow:", golden.logs[0].name, ":3:00");
}

TEST(JudgeDamageTest, FindsAWrongValue) {
  WrongDb::Wrong wrong;
  wrong.get = [](absl::StatusOr<std::string>* value) {
    if (value->ok() && !(*value)->empty()) (**value)[0] ^= 1;
  };
  ExpectFailure(ReportOf(Harmless(), wrong), "wrong value");
}

TEST(JudgeDamageTest, FindsAMissingValue) {
  WrongDb::Wrong wrong;
  wrong.get = [](absl::StatusOr<std::string>* value) {
    *value = absl::NotFoundError("");
  };
  ExpectFailure(ReportOf(Harmless(), wrong), "missing");
}

TEST(JudgeDamageTest, FindsDamageThatIsTakenForAbsence) {
  WrongDb::Wrong wrong;
  wrong.get = [](absl::StatusOr<std::string>* value) {
    if (absl::IsDataLoss(value->status())) *value = absl::NotFoundError("");
  };
  ExpectFailure(ReportOf(TableDamage(), wrong), "missing");
}

TEST(JudgeDamageTest, FindsAnInventedValue) {
  WrongDb::Wrong wrong;
  wrong.get = [](absl::StatusOr<std::string>* value) {
    if (absl::IsNotFound(value->status())) *value = "invented";
  };
  ExpectFailure(ReportOf(Harmless(), wrong), "not absent");
}

TEST(JudgeDamageTest, FindsAnotherError) {
  WrongDb::Wrong wrong;
  wrong.get = [](absl::StatusOr<std::string>* value) {
    if (absl::IsDataLoss(value->status())) {
      *value = absl::InternalError(value->status().message());
    }
  };
  ExpectFailure(ReportOf(TableDamage(), wrong), "expected kDataLoss");
}

TEST(JudgeDamageTest, FindsAMessageWithoutAPlace) {
  WrongDb::Wrong wrong;
  for (const char* message :
       {"damaged", "/db/000005.sst is damaged", "/db/xyz at offset 7: damaged",
        "/db/000001.wal at offset 7: damaged", "/db at offset 7: damaged"}) {
    wrong.get = [&](absl::StatusOr<std::string>* value) {
      if (absl::IsDataLoss(value->status())) {
        *value = absl::DataLossError(message);
      }
    };
    const DamageReport report = ReportOf(TableDamage(), wrong);
    EXPECT_EQ(report.failures.size(), 1U) << message;
    ExpectFailure(report, "it names");
  }
}

TEST(JudgeDamageTest, FindsAPlaceBehindTheDamage) {
  WrongDb::Wrong wrong;
  const std::string damage = TableDamage();
  const std::string file =
      damage.substr(damage.find(':') + 1, std::string("000005.sst").size());
  wrong.get = [&](absl::StatusOr<std::string>* value) {
    if (absl::IsDataLoss(value->status())) {
      *value = absl::DataLossError(
          absl::StrCat("/db/", file, " at offset 700: damaged"));
    }
  };
  ExpectFailure(ReportOf(damage, wrong), "lies before that offset");
}

TEST(JudgeDamageTest, FindsAnErrorWithoutDamage) {
  WrongDb::Wrong wrong;
  const Golden golden = MakeGolden("tables");
  wrong.get = [&](absl::StatusOr<std::string>* value) {
    *value = absl::DataLossError(
        absl::StrCat("/db/", golden.logs[0].name, " at offset 1: damaged"));
  };
  ExpectFailure(ReportOf(Harmless(), wrong), "VerifyChecksums finds nothing");
}

TEST(JudgeDamageTest, FindsAVerificationThatSeesNothing) {
  WrongDb::Wrong wrong;
  wrong.verify = [](const absl::Status&) { return absl::OkStatus(); };
  ExpectFailure(ReportOf(TableDamage(), wrong),
                "VerifyChecksums finds nothing");
}

TEST(JudgeDamageTest, FindsAnIteratorThatSkips) {
  WrongDb::Wrong wrong;
  wrong.hidden_entries = 1;
  ExpectFailure(ReportOf(Harmless(), wrong), "walk forward");
}

// An engine that takes a damaged log for a torn one, and one that does the
// reverse.
TEST(JudgeDamageTest, FindsALossThatIsDroppedInSilence) {
  const Golden golden = MakeGolden("log-tail");
  const GoldenLog& log = golden.logs[0];
  // As if the log ended before the damage.
  DamageOptions options;
  options.replay =
      absl::StrCat("log-tail ", FlipOf(log.name, log.frames[2].begin));
  options.open =
      [](const Options& open,
         std::string_view path) -> absl::StatusOr<std::unique_ptr<DB>> {
    absl::StatusOr<std::unique_ptr<DB>> db = DB::Open(open, path);
    if (db.ok()) return db;
    // Cut the log off, as a careless recovery would.
    FileSystem& files = open.env->file_system();
    const std::vector<std::string> names = *files.ListDirectory(path);
    for (const std::string& name : names) {
      if (!absl::EndsWith(name, ".wal")) continue;
      const std::string wal = absl::StrCat(path, "/", name);
      char bytes[72];
      std::string_view header;
      {
        auto file = *files.OpenFile(wal);
        EXPECT_TRUE(file->Read(0, sizeof(bytes), bytes, &header).ok());
      }
      EXPECT_TRUE(files.RemoveFile(wal).ok());
      auto file = *files.CreateFile(wal);
      EXPECT_TRUE(file->Write(0, header).ok());
    }
    return DB::Open(open, path);
  };
  ExpectFailure(RunDamage(options), "it opened, but records are lost");
}

TEST(JudgeDamageTest, FindsATornTailThatIsReportedAsLoss) {
  const Golden golden = MakeGolden("log-tail");
  const GoldenLog& log = golden.logs[0];
  DamageOptions options;
  options.replay =
      absl::StrCat("log-tail cut:", log.name, ":", log.bytes() - 1);
  options.open = [&](const Options&,
                     std::string_view) -> absl::StatusOr<std::unique_ptr<DB>> {
    return absl::DataLossError(
        absl::StrCat("/db/", log.name, " at offset 72: torn"));
  };
  ExpectFailure(RunDamage(options), "nothing proves that anything is lost");
}

// --- What the engine's own work looks like

TEST(JudgeDamageTest, CountsACallTooMany) {
  const Golden golden = MakeGolden("log");
  JudgeDamageOptions options;
  EXPECT_GT(CallsOf(golden, options), 10U);
  options.most_calls = 10;
  EXPECT_NE(JudgeDamage(golden, {}, options).failure, "");
}

TEST(JudgeDamageTest, TellsTheFourGoodOutcomesApart) {
  const Golden golden = MakeGolden("log-tail");
  const GoldenLog& log = golden.logs[0];
  const auto outcome = [&](uint64_t at) {
    const DamageVerdict verdict =
        JudgeDamage(golden, ChangedBy(golden, FlipOf(log.name, at)), {});
    EXPECT_EQ(verdict.failure, "");
    return verdict.outcome;
  };
  EXPECT_EQ(outcome(100), Outcome::kOpenLoss);
  EXPECT_EQ(outcome(log.synced + 1), Outcome::kTornTail);
  const DamageVerdict right = JudgeDamage(golden, {}, {});
  EXPECT_EQ(right.failure, "");
  EXPECT_EQ(right.outcome, Outcome::kRight);
  const Golden synced = MakeGolden("log-synced");
  const DamageVerdict unproven = JudgeDamage(
      synced,
      ChangedBy(synced,
                FlipOf(synced.logs[0].name, synced.logs[0].bytes() - 1)),
      {});
  EXPECT_EQ(unproven.failure, "");
  EXPECT_EQ(unproven.outcome, Outcome::kUnproven);
}

}  // namespace
}  // namespace holdfast
