#include "engine/wal/log_reader.h"

#include <algorithm>
#include <functional>
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
#include "base/random.h"
#include "engine/format/format_version.h"
#include "engine/format/log_frame.h"
#include "engine/wal/log_writer.h"
#include "engine/wal/memory_file.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

constexpr std::string_view kPath = "/db/000007.wal";
constexpr LogIdentity kIdentity = {
    .db_id = 0x1122334455667788, .kind = LogKind::kWal, .number = 7};
constexpr size_t kSectorBytes = 512;

using Records = std::vector<std::string>;

LogHeader HeaderFor(const LogIdentity& identity) {
  return {.version = kFormatVersion,
          .kind = identity.kind,
          .db_id = identity.db_id,
          .number = identity.number,
          .previous_number = 5,
          .previous_bytes = 1000,
          .first_sequence = 42};
}

// What reading a log came to.
struct Outcome {
  absl::Status status;  // Of ReadHeader or ReadRecord.
  bool header = false;
  Records records;
  std::vector<uint64_t> offsets;
  std::vector<FrameInfo> frames;
  LogEnd end;  // When status is OK.
};

Outcome Read(const MemoryFile& file, const LogIdentity& identity = kIdentity,
             uint64_t required_bytes = 0) {
  Outcome outcome;
  const auto reader_file = file.NewReader();
  LogReader reader(reader_file.get(), std::string(kPath), identity,
                   required_bytes);
  reader.VisitFrames(
      [&outcome](const FrameInfo& frame) { outcome.frames.push_back(frame); });
  outcome.status = reader.ReadHeader().status();
  if (!outcome.status.ok()) return outcome;
  outcome.header = true;
  std::string record;
  while (true) {
    const absl::StatusOr<bool> more = reader.ReadRecord(&record);
    if (!more.ok() || !*more) {
      EXPECT_EQ(record, "");
      // It stays so.
      const absl::StatusOr<bool> again = reader.ReadRecord(&record);
      EXPECT_EQ(again.status(), more.status());
      outcome.status = more.status();
      if (more.ok()) outcome.end = reader.end();
      return outcome;
    }
    outcome.records.push_back(record);
    outcome.offsets.push_back(reader.record_offset());
  }
}

Outcome Read(std::string content, const LogIdentity& identity = kIdentity,
             uint64_t required_bytes = 0) {
  MemoryFile file;
  file.content = std::move(content);
  return Read(file, identity, required_bytes);
}

bool Damaged(const absl::Status& status) {
  return status.code() == absl::StatusCode::kDataLoss &&
         absl::StrContains(status.message(), kPath);
}

// Makes frames by hand, each bound to the one before.
class FrameMaker {
 public:
  explicit FrameMaker(const LogIdentity& identity = kIdentity)
      : context_(identity.context()) {}

  FrameMaker& Add(FrameType type, std::string_view payload,
                  uint64_t synced_bytes = 0) {
    previous_ = AppendFrame(&bytes_, context_, bytes_.size(), previous_, type,
                            synced_bytes, payload);
    return *this;
  }
  FrameMaker& AddHeader() {
    return Add(FrameType::kHeader, EncodeLogHeader(HeaderFor(kIdentity)));
  }
  const std::string& bytes() const { return bytes_; }

 private:
  const uint64_t context_;
  uint64_t previous_ = 0;
  std::string bytes_;
};

// A log and what is in it.
struct Sample {
  std::string content;
  Records records;
  std::vector<uint64_t> offsets;
  std::vector<FrameInfo> frames;
};

// A log with records of the given sizes; a negative one is a sync.
Sample MakeSample(const std::vector<int>& script, bool seal) {
  MemoryFile file;
  LogWriter log(file.NewWriter(), std::string(kPath), kIdentity);
  EXPECT_TRUE(log.AddHeader(HeaderFor(kIdentity)).ok());
  Random random(301);
  for (const int size : script) {
    if (size < 0) {
      EXPECT_TRUE(log.Sync().ok());
      continue;
    }
    std::string record;
    while (record.size() < static_cast<size_t>(size)) {
      record.push_back(static_cast<char>(random.Next64()));
    }
    EXPECT_TRUE(log.AddRecord(record).ok());
  }
  if (seal) EXPECT_TRUE(log.AddSeal(8).ok());
  Outcome outcome = Read(file);
  EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(outcome.end.bytes, log.bytes());
  // Without the zeros ahead: each test adds those that it wants.
  file.content.resize(log.bytes());
  return {file.content, outcome.records, outcome.offsets, outcome.frames};
}

size_t FrameEnd(const FrameInfo& frame) {
  return frame.offset + kFrameHeaderBytes + frame.header.payload_bytes;
}

bool Untouched(const Sample& sample, std::string_view now, size_t begin,
               size_t end) {
  return end <= now.size() &&
         now.substr(begin, end - begin) ==
             std::string_view(sample.content).substr(begin, end - begin);
}

// Checks what reading `now`, a changed `sample`, came to, against what the
// contract says: the log ends before the first record with a changed byte, and
// that is damage exactly if some untouched frame header knows better.
void CheckOutcome(const Sample& sample, const std::string& now,
                  const Outcome& outcome) {
  const auto broken = std::find_if(
      sample.frames.begin(), sample.frames.end(), [&](const FrameInfo& frame) {
        return !Untouched(sample, now, frame.offset, FrameEnd(frame));
      });
  if (broken == sample.frames.end()) {
    ASSERT_TRUE(outcome.status.ok()) << outcome.status;
    ASSERT_EQ(outcome.records, sample.records);
    return;
  }
  // Where the record of that frame begins.
  auto begin = broken;
  while (begin->header.type == FrameType::kMiddle ||
         begin->header.type == FrameType::kLast) {
    --begin;
  }
  const bool known = std::any_of(
      sample.frames.begin(), sample.frames.end(), [&](const FrameInfo& frame) {
        return frame.header.synced_bytes > begin->offset &&
               Untouched(sample, now, frame.offset,
                         frame.offset + kFrameHeaderBytes);
      });
  if (known) {
    ASSERT_TRUE(Damaged(outcome.status)) << outcome.status;
    ASSERT_TRUE(
        absl::StrContains(outcome.status.message(),
                          absl::StrCat("at offset ", broken->offset, ":")))
        << outcome.status;
  } else if (begin->offset == 0) {
    ASSERT_EQ(outcome.status.code(), absl::StatusCode::kOutOfRange)
        << outcome.status;
  } else {
    ASSERT_TRUE(outcome.status.ok()) << outcome.status;
    ASSERT_EQ(outcome.end.bytes, begin->offset);
    ASSERT_FALSE(outcome.end.sealed);
    const bool zeros =
        now.find_first_not_of('\0', begin->offset) == std::string::npos;
    ASSERT_EQ(outcome.end.torn, !zeros);
    ASSERT_EQ(outcome.end.torn_why.empty(), zeros);
    ASSERT_EQ(outcome.end.dropped_bytes,
              zeros ? 0 : now.size() - begin->offset);
  }
  // Whatever was returned before is right.
  ASSERT_LE(outcome.records.size(), sample.records.size());
  for (size_t i = 0; i < outcome.records.size(); ++i) {
    ASSERT_EQ(outcome.records[i], sample.records[i]);
    ASSERT_LT(outcome.offsets[i], begin->offset);
  }
  if (outcome.header) {
    const auto whole = static_cast<size_t>(
        std::lower_bound(sample.offsets.begin(), sample.offsets.end(),
                         begin->offset) -
        sample.offsets.begin());
    ASSERT_EQ(outcome.records.size(), whole);
  }
}

const std::vector<int>& SmallScript() {
  static const std::vector<int> script = {-1, 10, 0,  33, -1, 1,  20, 40,
                                          -1, 7,  19, 25, 3,  -1, 12};
  return script;
}

std::vector<Sample> SmallSamples() {
  std::vector<Sample> samples;
  for (const bool seal : {false, true}) {
    samples.push_back(MakeSample(SmallScript(), seal));
    // Never synced: nothing is ever damage. And synced after each record.
    samples.push_back(MakeSample({10, 0, 33, 1, 20}, seal));
    samples.push_back(MakeSample({-1, 10, -1, 0, -1, 33, -1, 1, -1}, seal));
  }
  return samples;
}

TEST(LogReaderTest, EveryBitFlipIsFoundOrTorn) {
  for (const Sample& sample : SmallSamples()) {
    for (size_t bit = 0; bit < 8 * sample.content.size(); ++bit) {
      SCOPED_TRACE(absl::StrCat("bit ", bit));
      std::string now = sample.content;
      now[bit / 8] = static_cast<char>(now[bit / 8] ^ (1 << (bit % 8)));
      ASSERT_NO_FATAL_FAILURE(CheckOutcome(sample, now, Read(now)));
    }
  }
}

TEST(LogReaderTest, EveryTruncationIsTornUnlessMoreIsRequired) {
  for (const Sample& sample : SmallSamples()) {
    for (size_t size = 0; size < sample.content.size(); ++size) {
      SCOPED_TRACE(absl::StrCat("size ", size));
      const std::string now = sample.content.substr(0, size);
      const Outcome outcome = Read(now);
      ASSERT_NO_FATAL_FAILURE(CheckOutcome(sample, now, outcome));
      ASSERT_FALSE(Damaged(outcome.status));
      const uint64_t end = outcome.status.ok() ? outcome.end.bytes : 0;
      // Known to be as long as it is, and one byte longer.
      ASSERT_EQ(Read(now, kIdentity, end).status, outcome.status);
      ASSERT_TRUE(Damaged(Read(now, kIdentity, end + 1).status));
    }
  }
}

TEST(LogReaderTest, EveryTruncationWithZerosOrGarbageAfterIt) {
  for (const Sample& sample : SmallSamples()) {
    Random random(17);
    for (size_t size = 0; size < sample.content.size(); ++size) {
      SCOPED_TRACE(absl::StrCat("size ", size));
      std::string now = sample.content.substr(0, size);
      now.resize(sample.content.size() + 100, '\0');
      ASSERT_NO_FATAL_FAILURE(CheckOutcome(sample, now, Read(now)));
      for (size_t i = size; i < now.size(); ++i) {
        now[i] = static_cast<char>(random.Next64());
      }
      ASSERT_NO_FATAL_FAILURE(CheckOutcome(sample, now, Read(now)));
    }
  }
}

TEST(LogReaderTest, EveryRangeOfZerosIsFoundOrTorn) {
  const Sample sample = MakeSample(SmallScript(), true);
  for (size_t begin = 0; begin < sample.content.size(); begin += 3) {
    for (const size_t length : {1, 8, 24, 64, 200}) {
      SCOPED_TRACE(absl::StrCat(length, " zeros from ", begin));
      std::string now = sample.content;
      for (size_t i = begin; i < std::min(begin + length, now.size()); ++i) {
        now[i] = '\0';
      }
      ASSERT_NO_FATAL_FAILURE(CheckOutcome(sample, now, Read(now)));
    }
  }
}

TEST(LogReaderTest, SectorsLostFromALargeLog) {
  // Goal: sectors zeroed, garbage or swapped in a log with records of several
  // fragments.
  const Sample sample =
      MakeSample({-1, 100, 3000, -1, 1 << 20, 5, 700, -1, 300000, 9}, true);
  Random random(99);
  for (int round = 0; round < 150; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    std::string now = sample.content;
    const size_t sectors = now.size() / kSectorBytes;
    for (uint64_t n = 1 + random.Uniform(3); n > 0; --n) {
      const size_t at = kSectorBytes * random.Uniform(sectors);
      switch (random.Uniform(3)) {
        case 0:
          now.replace(at, kSectorBytes, kSectorBytes, '\0');
          break;
        case 1:
          for (size_t i = at; i < at + kSectorBytes; ++i) {
            now[i] = static_cast<char>(random.Next64());
          }
          break;
        default:
          now.replace(at, kSectorBytes, sample.content,
                      kSectorBytes * random.Uniform(sectors), kSectorBytes);
      }
    }
    ASSERT_NO_FATAL_FAILURE(CheckOutcome(sample, now, Read(now)));
  }
}

RC_GTEST_PROP(LogReaderProperty, AnyDamageIsFoundOrTorn, ()) {
  const auto script =
      *rc::gen::container<std::vector<int>>(rc::gen::weightedOneOf<int>(
          {{1, rc::gen::just(-1)}, {3, rc::gen::inRange(0, 600)}}));
  const Sample sample = MakeSample(script, *rc::gen::arbitrary<bool>());
  std::string now = sample.content;
  const int changes = *rc::gen::inRange(1, 4);
  for (int i = 0; i < changes && !now.empty(); ++i) {
    const auto at = *rc::gen::inRange<size_t>(0, now.size());
    const auto length = *rc::gen::inRange<size_t>(0, 40);
    switch (*rc::gen::inRange(0, 4)) {
      case 0:  // Changed.
        now[at] = static_cast<char>(now[at] ^ *rc::gen::inRange(1, 256));
        break;
      case 1:  // Lost, what follows moved up.
        now.erase(at, length);
        break;
      case 2:  // In the way.
        now.insert(at, *rc::gen::container<std::string>(
                           length, rc::gen::arbitrary<char>()));
        break;
      default:
        now.resize(at);
    }
  }
  CheckOutcome(sample, now, Read(now));
  RC_ASSERT(!testing::Test::HasFatalFailure());
}

// A file of which each sector remembers all it has been since the last sync.
class CrashFile : public WritableFile {
 public:
  absl::Status Write(uint64_t offset, std::string_view data) override {
    const bool fails = fail_next_.has_value();
    if (fails) data = data.substr(0, *fail_next_);
    fail_next_.reset();
    const std::string before = now_;
    if (offset + data.size() > now_.size()) now_.resize(offset + data.size());
    data.copy(now_.data() + offset, data.size());
    for (size_t at = offset / kSectorBytes * kSectorBytes;
         at < offset + data.size(); at += kSectorBytes) {
      versions_[at].push_back(Sector(before, at));
    }
    return fails ? absl::ResourceExhaustedError("planned") : absl::OkStatus();
  }
  absl::Status Sync() override {
    versions_.clear();
    synced_bytes_ = now_.size();
    return absl::OkStatus();
  }
  absl::Status PrepareSpace(uint64_t offset, uint64_t length) override {
    const std::optional<size_t> fail_next = std::exchange(fail_next_, {});
    const absl::Status status =
        Write(offset, std::string(static_cast<size_t>(length), '\0'));
    fail_next_ = fail_next;
    return status;
  }
  absl::Status Truncate(uint64_t) override { return absl::OkStatus(); }
  absl::Status Close() override { return absl::OkStatus(); }

  // The next write fails after so many bytes.
  void FailNext(size_t bytes) { fail_next_ = bytes; }

  // Some content that a crash may leave.
  std::string Crash(Random* random) const {
    std::string after = now_;
    after.resize(now_.size() + kSectorBytes);
    for (const auto& [at, versions] : versions_) {
      std::string sector = Sector(now_, at);
      const uint64_t choice = random->Uniform(versions.size() + 4);
      if (choice < versions.size()) {
        sector = versions[choice];
      } else if (choice == versions.size()) {
        sector.assign(kSectorBytes, '\0');
      } else if (choice == versions.size() + 1) {
        for (char& c : sector) c = static_cast<char>(random->Next64());
      }
      // Inside the size that was synced it is one of the versions.
      if (at < synced_bytes_) {
        const size_t keep = std::min(synced_bytes_ - at, kSectorBytes);
        const uint64_t version = random->Uniform(versions.size() + 1);
        sector.replace(
            0, keep,
            version < versions.size() ? versions[version] : Sector(now_, at), 0,
            keep);
      }
      after.replace(at, std::min(kSectorBytes, after.size() - at), sector, 0,
                    std::min(kSectorBytes, after.size() - at));
    }
    if (random->OneIn(2)) {
      after.resize(now_.size());
    } else {
      after.resize(synced_bytes_ +
                   random->Uniform(after.size() - synced_bytes_ + 1));
    }
    return after;
  }

 private:
  static std::string Sector(const std::string& content, size_t at) {
    std::string sector =
        at < content.size() ? content.substr(at, kSectorBytes) : std::string();
    sector.resize(kSectorBytes, '\0');
    return sector;
  }

  std::string now_;
  size_t synced_bytes_ = 0;
  std::optional<size_t> fail_next_;
  std::map<size_t, std::vector<std::string>> versions_;
};

RC_GTEST_PROP(LogReaderProperty, ACrashLeavesAPrefix, (uint64_t seed)) {
  // Goal: writes, failed writes and syncs, then any choice of sectors: the log
  // holds all that was synced, then some of what was written, in order, then
  // perhaps the failed write that was tried at that point. Never damage.
  Random random(seed);
  auto owned = std::make_unique<CrashFile>();
  CrashFile* file = owned.get();
  LogWriter log(std::move(owned), std::string(kPath), kIdentity);
  RC_ASSERT(log.AddHeader(HeaderFor(kIdentity)).ok());
  RC_ASSERT(log.Sync().ok());
  Records written;
  std::vector<Records> failed(1);  // After so many written records.
  size_t synced = 0;
  const uint64_t steps = 1 + random.Uniform(30);
  for (uint64_t i = 0; i < steps; ++i) {
    // Mostly up to the end of a sector, so that failed and later writes have
    // the same length, and no sector in common with what follows.
    const size_t to_sector_end =
        kSectorBytes - (log.bytes() + kFrameHeaderBytes) % kSectorBytes;
    const size_t size = random.OneIn(4)
                            ? random.Uniform(1000)
                            : to_sector_end + kSectorBytes * random.Uniform(2);
    const std::string record(size, static_cast<char>('a' + i));
    switch (random.Uniform(5)) {
      case 0:
        RC_ASSERT(log.Sync().ok());
        synced = written.size();
        break;
      case 1:
        file->FailNext(random.OneIn(2) ? 10000 : random.Uniform(1100));
        RC_ASSERT(!log.AddRecord(record).ok());
        failed.back().push_back(record);
        break;
      default:
        RC_ASSERT(log.AddRecord(record).ok());
        written.push_back(record);
        failed.emplace_back();
    }
  }
  for (int i = 0; i < 100; ++i) {
    const Outcome outcome = Read(file->Crash(&random));
    if (!outcome.status.ok()) RC_FAIL(std::string(outcome.status.message()));
    Records found = outcome.records;
    size_t kept = 0;
    while (kept < found.size() && kept < written.size() &&
           found[kept] == written[kept]) {
      ++kept;
    }
    RC_ASSERT(kept >= synced);
    if (kept < found.size()) {
      RC_ASSERT(kept + 1 == found.size());
      const Records& tried = failed[kept];
      RC_ASSERT(std::find(tried.begin(), tried.end(), found[kept]) !=
                tried.end());
    }
  }
}

TEST(LogReaderTest, AFrameAfterAHoleIsNoRecord) {
  // Goal: a hole in what was never synced is the end, though good frames
  // follow.
  const Sample sample = MakeSample({-1, 30, -1, 30, 30, 30}, false);
  std::string now = sample.content;
  now[sample.offsets[1] + 30] ^= 1;
  const Outcome outcome = Read(now);
  EXPECT_TRUE(outcome.status.ok());
  EXPECT_EQ(outcome.records, Records({sample.records[0]}));
  EXPECT_TRUE(outcome.end.torn);
  EXPECT_TRUE(absl::StrContains(outcome.end.torn_why, "payload checksum"));
}

TEST(LogReaderTest, RefusesFilesOfOtherLogs) {
  const Sample sample = MakeSample({-1, 30, -1, 30, 30, 30}, true);
  LogIdentity other_db = kIdentity;
  other_db.db_id ^= 1;
  LogIdentity other_kind = kIdentity;
  other_kind.kind = LogKind::kManifest;
  LogIdentity other_number = kIdentity;
  other_number.number = 8;
  for (const LogIdentity& other : {other_db, other_kind, other_number}) {
    EXPECT_EQ(Read(sample.content, other).status.code(),
              absl::StatusCode::kOutOfRange);
    EXPECT_TRUE(
        Damaged(Read(sample.content, other, kLogHeaderFrameBytes).status));
  }
}

TEST(LogReaderTest, RefusesFramesOfOtherPlaces) {
  const Sample sample = MakeSample({30, 30, 30, 30}, false);
  const size_t frame_bytes = 30 + kFrameHeaderBytes;
  // The second record where the first was, and a log that begins anywhere else.
  std::string now = sample.content;
  now.replace(sample.offsets[0], frame_bytes, sample.content, sample.offsets[1],
              frame_bytes);
  EXPECT_EQ(Read(now).records, Records());
  EXPECT_TRUE(Read(now).end.torn);
  EXPECT_FALSE(Read("x" + sample.content).header);
  EXPECT_FALSE(Read(sample.content.substr(1)).header);
}

TEST(LogReaderTest, RefusesFramesInAWrongOrder) {
  const std::string one = "1";
  const auto log = [] { return FrameMaker().AddHeader(); };
  const std::vector<std::string> wrong = {
      log().Add(FrameType::kMiddle, one).bytes(),
      log().Add(FrameType::kLast, one).bytes(),
      log().Add(FrameType::kHeader, one).bytes(),
      log().Add(FrameType::kFirst, one).Add(FrameType::kFull, one).bytes(),
      log().Add(FrameType::kFirst, one).Add(FrameType::kFirst, one).bytes(),
      log().Add(FrameType::kFirst, one).Add(FrameType::kHeader, one).bytes(),
      log()
          .Add(FrameType::kFirst, one)
          .Add(FrameType::kSeal, EncodeLogSeal({}))
          .bytes(),
      log()
          .Add(FrameType::kFull, one)
          .Add(FrameType::kFull, one)
          .Add(FrameType::kLast, one)
          .bytes(),
      log().Add(FrameType::kSeal, "short").bytes(),
      FrameMaker().Add(FrameType::kFull, one).bytes(),
      FrameMaker()
          .Add(FrameType::kFull, EncodeLogHeader(HeaderFor(kIdentity)))
          .bytes(),
      FrameMaker().Add(FrameType::kHeader, "sh").bytes(),
      FrameMaker()
          .Add(FrameType::kHeader, EncodeLogHeader(HeaderFor(kIdentity)) + "x")
          .bytes(),
      FrameMaker()
          .Add(FrameType::kHeader, EncodeLogHeader(HeaderFor({1, {}, 2})))
          .bytes(),
  };
  for (size_t i = 0; i < wrong.size(); ++i) {
    EXPECT_TRUE(Damaged(Read(wrong[i]).status)) << i;
  }
}

TEST(LogReaderTest, RefusesTheHeaderOfAnotherLogUnderOurIdentity) {
  LogHeader header = HeaderFor(kIdentity);
  EXPECT_TRUE(
      Read(
          FrameMaker().Add(FrameType::kHeader, EncodeLogHeader(header)).bytes())
          .status.ok());
  const std::vector<std::function<void(LogHeader*)>> changes = {
      [](LogHeader* h) { ++h->db_id; },
      [](LogHeader* h) { h->kind = LogKind::kManifest; },
      [](LogHeader* h) { ++h->number; },
  };
  for (const auto& change : changes) {
    LogHeader changed = header;
    change(&changed);
    EXPECT_TRUE(
        Damaged(Read(FrameMaker()
                         .Add(FrameType::kHeader, EncodeLogHeader(changed))
                         .bytes())
                    .status));
  }
}

TEST(LogReaderTest, RefusesAnotherFormatVersionByName) {
  LogHeader header = HeaderFor(kIdentity);
  header.version = 77;
  const std::string content =
      FrameMaker().Add(FrameType::kHeader, EncodeLogHeader(header)).bytes();
  const absl::Status status = Read(content).status;
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_TRUE(absl::StrContains(status.message(), "77"));
  EXPECT_TRUE(absl::StrContains(status.message(), kPath));
}

TEST(LogReaderTest, ReadsNothingAfterASeal) {
  const std::string seal = EncodeLogSeal({.successor = 8});
  const std::string sealed = FrameMaker()
                                 .AddHeader()
                                 .Add(FrameType::kFull, "1")
                                 .Add(FrameType::kSeal, seal)
                                 .bytes();
  const std::string followed = FrameMaker()
                                   .AddHeader()
                                   .Add(FrameType::kFull, "1")
                                   .Add(FrameType::kSeal, seal)
                                   .Add(FrameType::kFull, "2")
                                   .bytes();
  for (const std::string& content :
       {sealed, sealed + "garbage", sealed + std::string(100, '\0'),
        followed}) {
    const Outcome outcome = Read(content);
    EXPECT_TRUE(outcome.status.ok()) << outcome.status;
    EXPECT_EQ(outcome.records, Records({"1"}));
    EXPECT_TRUE(outcome.end.sealed);
    EXPECT_FALSE(outcome.end.torn);
    EXPECT_EQ(outcome.end.successor, 8);
    EXPECT_EQ(outcome.end.bytes, sealed.size());
  }
  EXPECT_TRUE(Read(sealed, kIdentity, sealed.size()).status.ok());
  EXPECT_TRUE(Damaged(Read(sealed, kIdentity, sealed.size() + 1).status));
}

TEST(LogReaderTest, ASealThatTheLogOutgrewIsDamage) {
  // Goal: a stale sector brings back the seal that a failed write left, under
  // records that were synced.
  FrameMaker log;
  log.AddHeader().Add(FrameType::kSeal, EncodeLogSeal({.successor = 8}));
  const uint64_t end = log.bytes().size();
  EXPECT_TRUE(Read(log.Add(FrameType::kFull, "", end).bytes()).status.ok());
  log.Add(FrameType::kFull, "2", end + 1);
  const absl::Status status = Read(log.bytes()).status;
  EXPECT_TRUE(Damaged(status));
  // It names the seal, not what follows.
  const uint64_t seal = end - kLogSealFrameBytes;
  EXPECT_NE(status.message().find(absl::StrCat("at offset ", seal, ":")),
            std::string_view::npos)
      << status;
}

TEST(LogReaderTest, FindsTheWitnessWhereverItIs) {
  // Goal: the one frame header that proves damage is found at every place
  // around the borders of what the reader holds in memory.
  const std::string header = FrameMaker().AddHeader().bytes();
  const uint64_t hole = header.size();
  constexpr size_t kChunk = size_t{1} << 20;
  std::vector<size_t> places;
  for (size_t i = 1; i < 60; ++i) places.push_back(hole + i);
  for (size_t i = 0; i < 60; ++i) places.push_back(hole + kChunk - 40 + i);
  for (size_t i = 0; i < 60; ++i) places.push_back(hole + 2 * kChunk - 70 + i);
  for (const bool zeros : {true, false}) {
    for (const size_t place : places) {
      SCOPED_TRACE(place);
      std::string content = header;
      content.resize(place, zeros ? '\0' : '\x01');
      AppendFrame(&content, kIdentity.context(), place, 0, FrameType::kFull,
                  hole + 1, "");
      // The payload is not needed, nor that it is there.
      ASSERT_TRUE(Damaged(Read(content).status));
      content.resize(content.size() - 1);
      ASSERT_TRUE(Read(content).status.ok());
      content.resize(place);
      AppendFrame(&content, kIdentity.context(), place, 0, FrameType::kFull,
                  hole, "");
      ASSERT_TRUE(Read(content).status.ok());
    }
  }
}

TEST(LogReaderTest, AWitnessWhosePayloadIsGoneIsBelieved) {
  FrameMaker log;
  log.AddHeader().Add(FrameType::kFull, "1");
  const uint64_t synced = log.bytes().size();
  log.Add(FrameType::kFull, "22", synced).Add(FrameType::kFull, "3", synced);
  for (const bool cut : {false, true}) {
    std::string now = log.bytes();
    now[kLogHeaderFrameBytes] ^= 1;
    if (cut) now.resize(synced + kFrameHeaderBytes);
    const absl::Status status = Read(now).status;
    EXPECT_TRUE(Damaged(status));
    EXPECT_TRUE(absl::StrContains(status.message(),
                                  absl::StrCat("synced up to ", synced)));
  }
}

TEST(LogReaderTest, ReturnsReadErrorsAsTheyAre) {
  // Goal: whatever byte cannot be read, also in the tail that is only searched,
  // the log does not end there.
  MemoryFile file;
  file.content = MakeSample({-1, 3 << 20, 100, 2 << 20, 5}, false).content;
  file.content.resize(file.content.size() + (size_t{3} << 20));
  for (size_t at = 0; at < file.content.size(); at += 100'000) {
    file.unreadable_offset = at;
    const Outcome outcome = Read(file);
    ASSERT_EQ(outcome.status, absl::InternalError("planned read failure"))
        << at;
  }
}

TEST(LogReaderTest, ShortReadsAreGoneOnWith) {
  MemoryFile file;
  const Sample sample = MakeSample({-1, 100, 3000, -1, 1000}, true);
  file.content = sample.content;
  for (const size_t bytes : {1, 7, 100, 1000}) {
    file.max_read_bytes = bytes;
    const Outcome outcome = Read(file);
    EXPECT_EQ(outcome.records, sample.records);
    EXPECT_TRUE(outcome.end.sealed);
  }
  // Nothing at all, within the file, is an error and no end.
  file.max_read_bytes = 0;
  EXPECT_EQ(Read(file).status.code(), absl::StatusCode::kInternal);
}

TEST(LogReaderTest, ZerosAreACleanEnd) {
  for (const size_t zeros : {1, 23, 24, 4096, 3 << 20}) {
    Sample sample = MakeSample({10, 20}, false);
    const std::string now = sample.content + std::string(zeros, '\0');
    Outcome outcome = Read(now);
    EXPECT_EQ(outcome.records, sample.records);
    EXPECT_FALSE(outcome.end.torn);
    EXPECT_EQ(outcome.end.dropped_bytes, 0);
    EXPECT_EQ(outcome.end.bytes, sample.content.size());
    outcome = Read(now + "x");
    EXPECT_TRUE(outcome.end.torn);
    EXPECT_EQ(outcome.end.dropped_bytes, zeros + 1);
  }
}

TEST(LogReaderTest, AnEmptyOrForeignFileHasNoHeader) {
  for (const std::string& content :
       {std::string(), std::string(10, '\0'), std::string(10000, '\0'),
        std::string(10000, 'x')}) {
    EXPECT_EQ(Read(content).status.code(), absl::StatusCode::kOutOfRange);
    EXPECT_TRUE(Damaged(Read(content, kIdentity, kLogHeaderFrameBytes).status));
  }
}

TEST(PeekLogHeaderTest, SaysWhatTheFileClaimsToBe) {
  const Sample sample = MakeSample({10, 20}, true);
  MemoryFile file;
  file.content = sample.content;
  const absl::StatusOr<LogHeader> header =
      PeekLogHeader(*file.NewReader(), kPath);
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(header->number, kIdentity.number);
  EXPECT_EQ(header->db_id, kIdentity.db_id);
  EXPECT_EQ(header->kind, kIdentity.kind);
  EXPECT_EQ(header->previous_number, 5);
  EXPECT_EQ(header->first_sequence, 42);
}

TEST(PeekLogHeaderTest, RefusesEveryChangedBit) {
  const Sample sample = MakeSample({10}, true);
  for (size_t bit = 0; bit < 8 * kLogHeaderFrameBytes; ++bit) {
    MemoryFile file;
    file.content = sample.content;
    file.content[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    EXPECT_TRUE(Damaged(PeekLogHeader(*file.NewReader(), kPath).status()));
  }
  for (size_t size = 0; size < kLogHeaderFrameBytes; ++size) {
    MemoryFile file;
    file.content = sample.content.substr(0, size);
    EXPECT_EQ(PeekLogHeader(*file.NewReader(), kPath).status().code(),
              absl::StatusCode::kOutOfRange);
  }
}

TEST(PeekLogHeaderTest, NamesALaterVersion) {
  LogHeader header = HeaderFor(kIdentity);
  header.version = 77;
  MemoryFile file;
  file.content = FrameMaker()
                     .Add(FrameType::kHeader, EncodeLogHeader(header) + "more")
                     .bytes();
  EXPECT_EQ(PeekLogHeader(*file.NewReader(), kPath).status().code(),
            absl::StatusCode::kUnimplemented);
  file.content =
      FrameMaker().Add(FrameType::kFull, EncodeLogHeader(header)).bytes();
  EXPECT_TRUE(Damaged(PeekLogHeader(*file.NewReader(), kPath).status()));
}

}  // namespace
}  // namespace holdfast
