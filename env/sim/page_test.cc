// Pages, and that copies of a disk share them.

#include "env/sim/page.h"

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "holdfast/testing/sim_disk.h"

namespace holdfast {
namespace {

TEST(PageTest, AShortPageHashesLikeALongOneWithZeros) {
  PageRef small;
  std::memcpy(MutablePage(&small, 3), "abc", 3);
  PageRef large;
  std::memcpy(MutablePage(&large, kPageBytes), "abc", 3);
  EXPECT_EQ(small->capacity(), kSectorBytes);
  EXPECT_EQ(HashOf(small), HashOf(large));
  EXPECT_EQ(HashOf(Page::New(kPageBytes)), HashOf({}));
  EXPECT_NE(HashOf(small), HashOf({}));
  MutablePage(&small, 3)[1] = 'x';
  EXPECT_NE(HashOf(small), HashOf(large));
}

TEST(PageTest, WhatIsSharedIsNotChanged) {
  PageRef a = Page::New(kSectorBytes);
  const PageRef b = a;
  MutablePage(&a, 1)[0] = 'x';
  EXPECT_FALSE(a == b);
  EXPECT_EQ(b->bytes()[0], '\0');
  const Page* own = a.get();
  MutablePage(&a, kSectorBytes)[1] = 'y';
  EXPECT_EQ(a.get(), own);  // Alone: in place.
  EXPECT_EQ(a->bytes().substr(0, 2), "xy");
}

// The pages that a call adds to those that live.
template <typename Call>
int64_t PagesOf(const Call& call) {
  const int64_t before = Page::LiveCount();
  call();
  return Page::LiveCount() - before;
}

TEST(SharingTest, ACopyOfADiskHasNoPagesOfItsOwn) {
  SimDisk disk;
  disk.Put("/f", std::string(100 * kPageBytes, 'x'));
  SimDisk copy;
  EXPECT_EQ(PagesOf([&] { copy = disk; }), 0);
  // One page changes, one is copied.
  EXPECT_EQ(PagesOf([&] {
              copy.Write(copy.Lookup("/f").value(), 5 * kPageBytes, "y");
            }),
            1);
}

TEST(SharingTest, ACrashCopiesNothingThatItDoesNotMix) {
  SimDisk disk;
  disk.Put("/f", std::string(100 * kPageBytes, 'x'));
  const auto inode = disk.Lookup("/f").value();
  disk.Write(inode, 0, std::string(2 * kSectorBytes, 'y'));
  const auto units = disk.Pending();
  ASSERT_EQ(units.size(), 2u);
  for (const auto& [text, pages] :
       {std::pair("kept", 0), std::pair("none", 0), std::pair("kept 0=0", 1)}) {
    SimDisk after;
    const auto choice = CrashChoice::Parse(text, units).value();
    EXPECT_EQ(PagesOf([&] { after = disk.Crash(units, choice); }), pages)
        << text;
  }
}

TEST(SharingTest, SmallWritesWithACopyEachCopyAPageEach) {
  SimDisk disk;
  const auto inode = disk.Create("/f").value();
  const int kWrites = 512;
  std::vector<SimDisk> copies;
  const int64_t pages = PagesOf([&] {
    for (int i = 0; i < kWrites; ++i) {
      copies.push_back(disk);
      disk.Write(inode, static_cast<uint64_t>(i) * 128, std::string(128, 'x'));
    }
  });
  // The page, and the version of the sector that was the newest before.
  EXPECT_LE(pages, 2 * kWrites);
}

}  // namespace
}  // namespace holdfast
