#include "engine/format/file_names.h"

#include <cstdint>
#include <string>

#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace holdfast {
namespace {

TEST(FileNamesTest, AreTheseNames) {
  EXPECT_EQ(CurrentFileName("/db"), "/db/CURRENT");
  EXPECT_EQ(LockFileName("/db/"), "/db/LOCK");
  EXPECT_EQ(ManifestFileName("/db", 5), "/db/MANIFEST-000005");
  EXPECT_EQ(WalFileName("", 12), "000012.wal");
  EXPECT_EQ(TableFileName("db", 999999), "db/999999.sst");
  EXPECT_EQ(TempFileName("/", 1000000), "/1000000.tmp");
  EXPECT_EQ(WalFileName("", UINT64_MAX), "18446744073709551615.wal");
}

TEST(FileNamesTest, RefusesEveryOtherSpelling) {
  for (const char* name : {"",
                           "current",
                           "CURRENT ",
                           "CURRENT.tmp",
                           "LOCK2",
                           "MANIFEST",
                           "MANIFEST-",
                           "MANIFEST-5",
                           "MANIFEST-00005",
                           "MANIFEST-0000005",
                           "MANIFEST-000005.wal",
                           "MANIFEST-000005 ",
                           "000012",
                           ".wal",
                           "12.wal",
                           "00012.wal",
                           "0000012.wal",
                           "000012.WAL",
                           "000012.wal.tmp",
                           "000012.log",
                           " 000012.wal",
                           "+00012.wal",
                           "-00012.wal",
                           "0x0012.wal",
                           "00001a.wal",
                           "000012.wal/",
                           "db/000012.wal",
                           "18446744073709551616.wal",
                           "99999999999999999999.wal",
                           "018446744073709551615.wal"}) {
    FileKind kind = FileKind::kTemp;
    uint64_t number = 77;
    EXPECT_FALSE(ParseFileName(name, &kind, &number)) << name;
    EXPECT_EQ(kind, FileKind::kTemp);
    EXPECT_EQ(number, 77);
  }
}

TEST(FileNamesTest, ParsesCurrentAndLock) {
  FileKind kind = FileKind::kTemp;
  uint64_t number = 77;
  EXPECT_TRUE(ParseFileName("CURRENT", &kind, &number));
  EXPECT_EQ(kind, FileKind::kCurrent);
  EXPECT_EQ(number, 0);
  EXPECT_TRUE(ParseFileName("LOCK", &kind, &number));
  EXPECT_EQ(kind, FileKind::kLock);
}

RC_GTEST_PROP(FileNamesProperty, RoundTrip, (uint64_t number)) {
  // Small numbers are the rule, large ones need their own chance.
  if (*rc::gen::arbitrary<bool>()) number %= 10'000'000;
  const struct {
    FileKind kind;
    std::string name;
  } cases[] = {
      {FileKind::kManifest, ManifestFileName("", number)},
      {FileKind::kWal, WalFileName("", number)},
      {FileKind::kTable, TableFileName("", number)},
      {FileKind::kTemp, TempFileName("", number)},
  };
  for (const auto& c : cases) {
    FileKind kind;
    uint64_t parsed;
    RC_ASSERT(ParseFileName(c.name, &kind, &parsed));
    RC_ASSERT(kind == c.kind);
    RC_ASSERT(parsed == number);
  }
}

RC_GTEST_PROP(FileNamesProperty, ANameIsWhatItsPartsGive,
              (const std::string& name)) {
  // Goal: whatever parses is the one name of its file.
  FileKind kind;
  uint64_t number;
  if (!ParseFileName(name, &kind, &number)) return;
  RC_ASSERT(
      name == CurrentFileName("") || name == LockFileName("") ||
      name == ManifestFileName("", number) || name == WalFileName("", number) ||
      name == TableFileName("", number) || name == TempFileName("", number));
}

}  // namespace
}  // namespace holdfast
