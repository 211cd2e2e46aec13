#include "engine/version/obsolete_files.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace holdfast {
namespace {

using Names = std::vector<std::string>;

FilesInUse InUse() {
  FilesInUse in_use;
  in_use.manifest_number = 20;
  in_use.log_number = 15;
  in_use.next_file_number = 40;
  in_use.live_tables = {7, 21};
  in_use.pending = {18, 30};
  return in_use;
}

TEST(ObsoleteFilesTest, NamesOnlyWhatNothingNeeds) {
  struct Case {
    const char* name;
    bool obsolete;
    const char* why;
  };
  const Case cases[] = {
      {"000006.sst", true, "no version has it"},
      {"000007.sst", false, "live"},
      {"000021.sst", false, "live"},
      {"000018.sst", false, "pending"},
      {"000030.sst", false, "pending"},
      {"000022.sst", true, "a job that failed left it"},
      {"000040.sst", false, "made after the question"},
      {"000014.wal", true, "all in tables"},
      {"000015.wal", false, "the first log needed"},
      {"000016.wal", false, "needed"},
      {"MANIFEST-000019", true, "older"},
      {"MANIFEST-000018", false, "pending"},
      {"MANIFEST-000020", false, "in force"},
      {"MANIFEST-000031", false, "may be in the making"},
      {"000019.tmp", true, "left by a crash"},
      {"000018.tmp", false, "pending"},
      {"000031.tmp", false, "may be in the making"},
      {"CURRENT", false, "always"},
      {"LOCK", false, "always"},
      {"6.sst", false, "not our spelling"},
      {"000006.sst.bak", false, "not ours"},
      {"notes.txt", false, "not ours"},
      {"", false, "not ours"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(ObsoleteFiles(InUse(), {c.name}).size(), c.obsolete ? 1u : 0u)
        << c.name << ": " << c.why;
  }
}

TEST(ObsoleteFilesTest, NamesNothingWhileTheManifestIsUnknown) {
  FilesInUse in_use = InUse();
  in_use.manifest_state_unknown = true;
  EXPECT_EQ(ObsoleteFiles(in_use, {"000006.sst", "000014.wal"}), Names());
}

TEST(ObsoleteFilesTest, KeepsTheOrderOfTheNames) {
  EXPECT_EQ(ObsoleteFiles(InUse(), {"000014.wal", "CURRENT", "000006.sst"}),
            (Names{"000014.wal", "000006.sst"}));
}

}  // namespace
}  // namespace holdfast
