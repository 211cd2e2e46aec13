#include "engine/wal/log_writer.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/format/log_frame.h"
#include "engine/wal/log_reader.h"
#include "engine/wal/memory_file.h"
#include "gtest/gtest.h"

namespace holdfast {
namespace {

constexpr LogIdentity kIdentity = {
    .db_id = 0x1122334455667788, .kind = LogKind::kWal, .number = 7};
constexpr LogHeader kHeader = {.version = 1,
                               .kind = LogKind::kWal,
                               .db_id = kIdentity.db_id,
                               .number = kIdentity.number,
                               .previous_number = 5,
                               .previous_bytes = 1000,
                               .first_sequence = 42};

std::unique_ptr<LogWriter> NewLog(MemoryFile* file) {
  auto log =
      std::make_unique<LogWriter>(file->NewWriter(), "/db/7.wal", kIdentity);
  EXPECT_TRUE(log->AddHeader(kHeader).ok());
  return log;
}

struct Contents {
  std::vector<std::string> records;
  std::vector<FrameInfo> frames;
  LogEnd end;
};

// Reads a log that must not be damaged.
Contents ReadAll(const MemoryFile& file) {
  Contents contents;
  const auto reader_file = file.NewReader();
  LogReader reader(reader_file.get(), "/db/7.wal", kIdentity);
  reader.VisitFrames([&contents](const FrameInfo& frame) {
    contents.frames.push_back(frame);
  });
  EXPECT_TRUE(reader.ReadHeader().ok());
  std::string record;
  while (true) {
    const absl::StatusOr<bool> more = reader.ReadRecord(&record);
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok()) break;
    if (!*more) {
      contents.end = reader.end();
      break;
    }
    contents.records.push_back(record);
  }
  return contents;
}

using Records = std::vector<std::string>;

TEST(LogWriterTest, WritesWhatAReaderReads) {
  MemoryFile file;
  auto log = NewLog(&file);
  EXPECT_EQ(log->bytes(), kLogHeaderFrameBytes);
  EXPECT_TRUE(log->AddRecord("one").ok());
  EXPECT_TRUE(log->AddRecord("").ok());
  EXPECT_TRUE(log->AddRecord("tw", "o").ok());
  EXPECT_TRUE(log->AddSeal(9).ok());
  EXPECT_TRUE(log->Close().ok());

  const Contents contents = ReadAll(file);
  EXPECT_EQ(contents.records, Records({"one", "", "two"}));
  EXPECT_TRUE(contents.end.sealed);
  EXPECT_EQ(contents.end.successor, 9);
  EXPECT_FALSE(contents.end.torn);
  EXPECT_EQ(contents.end.bytes, log->bytes());
}

TEST(LogWriterTest, SplitsRecordsAtTheFragmentLimit) {
  for (const size_t bytes :
       {size_t{0}, size_t{1}, kMaxFragmentBytes - 1, kMaxFragmentBytes,
        kMaxFragmentBytes + 1, 2 * kMaxFragmentBytes, size_t{5} << 20}) {
    SCOPED_TRACE(bytes);
    std::string record(bytes, 'x');
    for (size_t i = 0; i < bytes; i += 1000) record[i] = static_cast<char>(i);
    // The pieces meet anywhere, also beyond the first fragment.
    for (const size_t cut : {size_t{0}, bytes / 3, bytes}) {
      MemoryFile file;
      auto log = NewLog(&file);
      const int writes = file.writes;
      const std::string_view whole = record;
      EXPECT_TRUE(log->AddRecord(whole.substr(0, cut), whole.substr(cut)).ok());
      EXPECT_EQ(file.writes, writes + 1);
      const Contents contents = ReadAll(file);
      ASSERT_EQ(contents.records.size(), 1);
      EXPECT_TRUE(contents.records[0] == record);
      const size_t fragments =
          bytes == 0 ? 1 : (bytes + kMaxFragmentBytes - 1) / kMaxFragmentBytes;
      EXPECT_EQ(contents.frames.size(), 1 + fragments);
    }
  }
}

TEST(LogWriterTest, FramesSayHowFarTheLogWasSynced) {
  MemoryFile file;
  auto log = NewLog(&file);
  EXPECT_EQ(log->synced_bytes(), 0);
  EXPECT_TRUE(log->AddRecord("a").ok());
  EXPECT_TRUE(log->Sync().ok());
  const uint64_t synced = log->bytes();
  EXPECT_EQ(log->synced_bytes(), synced);
  EXPECT_EQ(file.synced, file.content);
  EXPECT_TRUE(log->AddRecord("b").ok());
  EXPECT_EQ(log->synced_bytes(), synced);
  EXPECT_TRUE(log->AddSeal(0).ok());

  const Contents contents = ReadAll(file);
  ASSERT_EQ(contents.frames.size(), 4);
  EXPECT_EQ(contents.frames[0].header.synced_bytes, 0);
  EXPECT_EQ(contents.frames[1].header.synced_bytes, 0);
  EXPECT_EQ(contents.frames[2].header.synced_bytes, synced);
  EXPECT_EQ(contents.frames[2].offset, synced);
  EXPECT_EQ(contents.frames[3].header.synced_bytes, synced);
}

TEST(LogWriterTest, SyncsOnlyWhenThereIsSomethingNew) {
  MemoryFile file;
  auto log = NewLog(&file);
  EXPECT_TRUE(log->Sync().ok());
  EXPECT_TRUE(log->Sync().ok());
  EXPECT_EQ(file.syncs, 1);
  EXPECT_TRUE(log->AddRecord("a").ok());
  EXPECT_TRUE(log->Sync().ok());
  EXPECT_EQ(file.syncs, 2);
}

TEST(LogWriterTest, WritesOverAFailedWrite) {
  // Goal: for every amount that a failed write leaves behind, the log goes on
  // as if that write had not been tried.
  const std::string lost(100, 'L');
  for (size_t left = 0; left <= kFrameHeaderBytes + lost.size(); ++left) {
    MemoryFile file;
    auto log = NewLog(&file);
    EXPECT_TRUE(log->AddRecord("a").ok());
    const uint64_t bytes = log->bytes();
    file.fail_writes = 1;
    file.failed_write_bytes = left;
    EXPECT_EQ(log->AddRecord(lost).code(),
              absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(log->bytes(), bytes);
    EXPECT_TRUE(log->AddRecord("b").ok());
    EXPECT_TRUE(log->AddRecord("c").ok());
    EXPECT_EQ(ReadAll(file).records, Records({"a", "b", "c"}));
  }
}

TEST(LogWriterTest, AFailedHeaderAndAFailedSealCanBeTriedAgain) {
  MemoryFile file;
  LogWriter log(file.NewWriter(), "/db/7.wal", kIdentity);
  file.fail_writes = 1;
  file.failed_write_bytes = 30;
  EXPECT_FALSE(log.AddHeader(kHeader).ok());
  EXPECT_EQ(log.bytes(), 0);
  EXPECT_TRUE(log.AddHeader(kHeader).ok());
  file.fail_writes = 1;
  EXPECT_FALSE(log.AddSeal(8).ok());
  EXPECT_TRUE(log.AddRecord("a").ok());
  EXPECT_TRUE(log.AddSeal(8).ok());
  const Contents contents = ReadAll(file);
  EXPECT_EQ(contents.records, Records({"a"}));
  EXPECT_TRUE(contents.end.sealed);
}

TEST(LogWriterTest, NeverJoinsAFailedWriteWithALaterOne) {
  // Goal: a write that failed but reached the disk, then others over it, of
  // which a crash takes the first. Its length is that of the failed one, so
  // that the second follows the remains without a gap.
  MemoryFile file;
  auto log = NewLog(&file);
  file.fail_writes = 1;
  file.failed_write_bytes = 1000;
  EXPECT_FALSE(log->AddRecord("failed").ok());
  const std::string remains = file.content;
  EXPECT_TRUE(log->AddRecord("writte").ok());
  EXPECT_TRUE(log->AddRecord("second").ok());
  std::string crashed = file.content;
  crashed.replace(0, remains.size(), remains);
  file.content = crashed;
  // The failed write took place, what was written over it did not, and so
  // nothing that came later did.
  const Contents contents = ReadAll(file);
  EXPECT_EQ(contents.records, Records({"failed"}));
  EXPECT_TRUE(contents.end.torn);
}

TEST(LogWriterTest, NeverJoinsFragmentsOfTwoRecords) {
  // Goal: as above with the first fragment of one record and the last of
  // another, both whole.
  MemoryFile file;
  auto log = NewLog(&file);
  const std::string failed(kMaxFragmentBytes + 100, 'f');
  const std::string written(kMaxFragmentBytes + 100, 'w');
  file.fail_writes = 1;
  file.failed_write_bytes = SIZE_MAX;
  EXPECT_FALSE(log->AddRecord(failed).ok());
  const std::string remains = file.content;
  EXPECT_TRUE(log->AddRecord(written).ok());
  const size_t cut =
      kLogHeaderFrameBytes + kFrameHeaderBytes + kMaxFragmentBytes;
  const std::string written_file = file.content;
  file.content = remains.substr(0, cut) + written_file.substr(cut);
  EXPECT_EQ(ReadAll(file).records, Records());
  file.content = written_file.substr(0, cut) + remains.substr(cut);
  EXPECT_EQ(ReadAll(file).records, Records());
  EXPECT_EQ(ReadAll(file).end.bytes, kLogHeaderFrameBytes);
  EXPECT_TRUE(ReadAll(file).end.torn);
}

TEST(LogWriterTest, ARecordThatEndsAtALostFragmentIsNotFollowedByIt) {
  // Goal: a full frame that fits exactly where the first fragment of a failed
  // record was. The last fragment still lies after it: torn, not damaged.
  MemoryFile file;
  auto log = NewLog(&file);
  file.fail_writes = 1;
  file.failed_write_bytes = SIZE_MAX;
  EXPECT_FALSE(log->AddRecord(std::string(kMaxFragmentBytes + 9, 'f')).ok());
  const std::string record(kMaxFragmentBytes, 'w');
  EXPECT_TRUE(log->AddRecord(record).ok());
  const Contents contents = ReadAll(file);
  EXPECT_TRUE(contents.records == Records({record}));
  EXPECT_TRUE(contents.end.torn);
  EXPECT_EQ(contents.end.bytes, log->bytes());
}

TEST(LogWriterTest, AFailedSyncIsForEver) {
  MemoryFile file;
  auto log = NewLog(&file);
  EXPECT_TRUE(log->Sync().ok());
  const uint64_t synced = log->synced_bytes();
  EXPECT_TRUE(log->AddRecord("a").ok());
  file.fail_syncs = 1;
  const absl::Status error = log->Sync();
  EXPECT_EQ(error.code(), absl::StatusCode::kInternal);
  const int writes = file.writes;
  const int syncs = file.syncs;
  const int prepares = file.prepares;
  EXPECT_EQ(log->Sync(), error);
  EXPECT_EQ(log->AddRecord("b"), error);
  EXPECT_EQ(log->AddSeal(0), error);
  EXPECT_EQ(log->synced_bytes(), synced);
  EXPECT_EQ(file.writes, writes);
  EXPECT_EQ(file.syncs, syncs);
  EXPECT_EQ(file.prepares, prepares);
  // The file is closed all the same.
  EXPECT_EQ(log->Close(), error);
  EXPECT_EQ(file.closes, 1);
}

TEST(LogWriterTest, KeepsZerosAheadOfSmallRecords) {
  MemoryFile file;
  auto log = NewLog(&file);
  // A log without records is known by its size.
  EXPECT_EQ(file.content.size(), kLogHeaderFrameBytes);
  Records expected;
  size_t grown = 0;
  for (int i = 0; i < 10'000; ++i) {
    const size_t size = file.content.size();
    expected.push_back(std::string(static_cast<size_t>(100 + i % 7), 'r'));
    ASSERT_TRUE(log->AddRecord(expected.back()).ok());
    grown += file.content.size() != size;
    ASSERT_GT(file.content.size(), log->bytes());
    ASSERT_LE(file.content.size(), 2 * log->bytes() + 512);
    ASSERT_LE(file.content.size(), log->bytes() + (256 << 10));
  }
  const std::string ahead = file.content.substr(log->bytes());
  EXPECT_EQ(ahead.find_first_not_of('\0'), std::string::npos);
  // 1.3 MB in steps that double until they are 256 KiB.
  EXPECT_LT(grown, 20);
  EXPECT_EQ(file.prepares, static_cast<int>(grown));
  const Contents contents = ReadAll(file);
  EXPECT_TRUE(contents.records == expected);
  EXPECT_FALSE(contents.end.torn);
  EXPECT_EQ(contents.end.bytes, log->bytes());
}

TEST(LogWriterTest, KeepsNoZerosAheadOfLargeRecordsAndManifests) {
  MemoryFile file;
  auto log = NewLog(&file);
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(log->AddRecord(std::string(5000, 'x')).ok());
    EXPECT_EQ(file.content.size(), log->bytes());
  }
  MemoryFile manifest_file;
  LogIdentity identity = kIdentity;
  identity.kind = LogKind::kManifest;
  LogHeader header = kHeader;
  header.kind = LogKind::kManifest;
  LogWriter manifest(manifest_file.NewWriter(), "/db/MANIFEST-7", identity);
  EXPECT_TRUE(manifest.AddHeader(header).ok());
  EXPECT_TRUE(manifest.AddRecord("edit").ok());
  EXPECT_EQ(manifest_file.content.size(), manifest.bytes());
}

TEST(LogWriterTest, PreparingSpaceIsOnlyAHint) {
  MemoryFile file;
  file.fail_prepares = 1000;
  auto log = NewLog(&file);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(log->AddRecord(std::string(1000, 'x')).ok());
  }
  EXPECT_EQ(ReadAll(file).records.size(), 1000);
  EXPECT_GT(file.prepares, 1);
  EXPECT_LT(file.prepares, 20);
}

}  // namespace
}  // namespace holdfast
