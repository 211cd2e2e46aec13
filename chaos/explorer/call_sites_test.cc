#include "chaos/explorer/call_sites.h"

#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "holdfast/testing/file_call.h"

namespace holdfast {
namespace {

FileCall Call(FileOp op, std::string path, std::string to = "") {
  FileCall call;
  call.op = op;
  call.path = std::move(path);
  call.to = std::move(to);
  return call;
}

// Not inlined and no tail calls: the frames are what is tested.
[[gnu::noinline]] SiteId FromHere(CallSites* sites, const FileCall& call,
                                  int depth) {
  const SiteId site = sites->Find(call, depth);
  asm volatile("" ::: "memory");
  return site;
}
[[gnu::noinline]] SiteId FromThere(CallSites* sites, const FileCall& call,
                                   int depth) {
  const SiteId site = sites->Find(call, depth);
  asm volatile("" : : "r"(site) : "memory");
  return site;
}

TEST(CallSitesTest, TellsCallersOperationsAndKindsOfFilesApart) {
  CallSites sites;
  const int depth = CallSites::StackDepth();
  const FileCall sync = Call(FileOp::kSync, "/db/000012.wal");
  const FileCall other_number = Call(FileOp::kSync, "/db/000340.wal");
  const FileCall other_kind = Call(FileOp::kSync, "/db/000012.sst");
  const FileCall other_op = Call(FileOp::kWrite, "/db/000012.wal");
  EXPECT_EQ(sites.FindEnd("end of Run"), 0u);
  SiteId first = 0;
  for (const FileCall& call : {sync, other_number, sync}) {
    const SiteId site = FromHere(&sites, call, depth);
    if (first == 0) first = site;
    EXPECT_EQ(site, first);
  }
  EXPECT_EQ(first, 1u);
  EXPECT_EQ(FromThere(&sites, sync, depth), 2u);
  EXPECT_EQ(FromHere(&sites, other_kind, depth), 3u);
  EXPECT_EQ(FromHere(&sites, other_op, depth), 4u);
  EXPECT_EQ(sites.FindEnd("end of Run"), 0u);
  EXPECT_EQ(sites.size(), 5u);
}

TEST(CallSitesTest, NamesTheFunction) {
  CallSites sites;
  const int depth = CallSites::StackDepth();
  const SiteId site =
      FromThere(&sites, Call(FileOp::kSync, "/db/000012.wal"), depth);
  EXPECT_THAT(sites.Name(site), ::testing::StartsWith("sync *.wal in "));
  EXPECT_THAT(sites.Name(site), ::testing::HasSubstr("FromThere"));
}

TEST(CallSitesTest, KindsLeaveNumbersOut) {
  EXPECT_EQ(CallKind(Call(FileOp::kRename, "/db/000012.tmp", "/db/CURRENT")),
            "rename *.tmp -> CURRENT");
  EXPECT_EQ(CallKind(Call(FileOp::kWrite, "/db/MANIFEST-000005")),
            "write MANIFEST-*");
  EXPECT_EQ(CallKind(Call(FileOp::kSyncDirectory, "/")), "syncdir /");
}

}  // namespace
}  // namespace holdfast
