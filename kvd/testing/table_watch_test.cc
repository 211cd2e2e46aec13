#include "kvd/testing/table_watch.h"

#include <fstream>
#include <string>

#include "env/posix/temp_directory.h"
#include "gtest/gtest.h"

namespace holdfast::kvd {
namespace {

void Touch(const std::string& path) { std::ofstream(path) << "x"; }

TEST(TableWatchTest, SeesTablesAppear) {
  const TempDirectory directory;
  auto watch = TableWatch::Start(directory.path());
  ASSERT_TRUE(watch.ok()) << watch.status();
  EXPECT_FALSE(watch->SawNewTable());
  Touch(directory.File("000001.wal"));
  EXPECT_FALSE(watch->SawNewTable());
  Touch(directory.File("000002.sst"));
  EXPECT_TRUE(watch->SawNewTable());
  EXPECT_FALSE(watch->SawNewTable());
}

TEST(TableWatchTest, CountsTablesThatNoEditNames) {
  const TempDirectory directory;
  const std::string manifest =
      "{\"manifest\":\"" + directory.path() +
      "/MANIFEST-000005\"}\n"
      "{\"offset\":72,\"removed\":[],\"added\":[{\"number\":7}]}\n"
      "{\"offset\":99,\"removed\":[{\"level\":0,\"number\":7}],"
      "\"added\":[{\"number\":9}]}\n";
  // Older than the manifest: perhaps not removed yet. 7 and 9 were finished.
  for (const char* name :
       {"000004.sst", "000007.sst", "000009.sst", "000010.wal", "CURRENT"}) {
    Touch(directory.File(name));
  }
  EXPECT_EQ(*CountUnfinishedTables(directory.path(), manifest), 0u);
  Touch(directory.File("000011.sst"));
  EXPECT_EQ(*CountUnfinishedTables(directory.path(), manifest), 1u);
}

}  // namespace
}  // namespace holdfast::kvd
