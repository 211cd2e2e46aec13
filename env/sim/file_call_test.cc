#include "holdfast/testing/file_call.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace holdfast {
namespace {

TEST(FileCallTest, NamesOfOperationsAreDifferentAndLeadBack) {
  std::set<std::string_view> names;
  for (int i = 0; i < kFileOps; ++i) {
    const auto op = static_cast<FileOp>(i);
    EXPECT_TRUE(names.insert(FileOpName(op)).second) << FileOpName(op);
    EXPECT_EQ(FileOpFromName(FileOpName(op)), op);
  }
  EXPECT_EQ(FileOpName(FileOp::kCreate), "create");
  EXPECT_EQ(FileOpName(FileOp::kPrepareSpace), "prepare");
  EXPECT_EQ(FileOpName(FileOp::kSyncDirectory), "syncdir");
  EXPECT_EQ(FileOpName(FileOp::kUniqueId), "id");
  EXPECT_EQ(FileOpFromName("sinc"), std::nullopt);
  EXPECT_EQ(FileOpFromName(""), std::nullopt);
}

TEST(FileCallTest, KnowsWhichOperationsChangeTheDisk) {
  std::string changing;
  for (int i = 0; i < kFileOps; ++i) {
    const auto op = static_cast<FileOp>(i);
    if (Changes(op)) changing += std::string(FileOpName(op)) + " ";
  }
  EXPECT_EQ(changing,
            "create write sync truncate prepare remove rename link syncdir "
            "mkdir rmdir lock ");
}

TEST(FileCallTest, PrintsWhatMattersOfACall) {
  const auto text = [](FileOp op, uint64_t offset, uint64_t bytes) {
    return FileCall{op, "/db/a", "/db/b", offset, bytes}.Text();
  };
  EXPECT_EQ(text(FileOp::kWrite, 4096, 512), "write /db/a 4096+512");
  EXPECT_EQ(text(FileOp::kRead, 0, 1), "read /db/a 0+1");
  EXPECT_EQ(text(FileOp::kPrepareSpace, 5, 6), "prepare /db/a 5+6");
  EXPECT_EQ(text(FileOp::kTruncate, 0, 77), "truncate /db/a 77");
  EXPECT_EQ(text(FileOp::kRename, 0, 0), "rename /db/a -> /db/b");
  EXPECT_EQ(text(FileOp::kLink, 0, 0), "link /db/a -> /db/b");
  EXPECT_EQ(text(FileOp::kSync, 1, 2), "sync /db/a");
  FileCall id;
  id.op = FileOp::kUniqueId;
  EXPECT_EQ(id.Text(), "id");
}

}  // namespace
}  // namespace holdfast
