#include "kvd/columns.h"

#include "gtest/gtest.h"

namespace holdfast::kvd {
namespace {

TEST(ColumnsTest, AlignsCells) {
  EXPECT_EQ(FormatColumns({Align::kLeft, Align::kRight},
                          {{"name", "n"}, {"a", "1,000"}, {"longer", "2"}}),
            "name        n\n"
            "a       1,000\n"
            "longer      2\n");
}

TEST(ColumnsTest, LeavesNoSpacesAtTheEnd) {
  EXPECT_EQ(FormatColumns({Align::kRight, Align::kLeft},
                          {{"n", "name"}, {"1", "a"}, {"20", ""}}),
            " n  name\n"
            " 1  a\n"
            "20\n");
}

}  // namespace
}  // namespace holdfast::kvd
