// Golden bytes out of the format pages, for tests: what a page shows and what
// the code writes are the same bytes, or a test fails.
//
// A page holds its examples in fenced blocks:
//
//   ```golden seal_frame
//   0000: 1c 6b 0e 5d              # header checksum
//   0004: 08 00 00 06              # 8 bytes of payload, type 6: seal
//   ```
//
// Each line is an optional offset (hexadecimal, checked), bytes in hexadecimal,
// and an optional remark after "#". The page is a `data` dependency of the
// test.

#ifndef HOLDFAST_ENGINE_FORMAT_GOLDEN_PAGE_H_
#define HOLDFAST_ENGINE_FORMAT_GOLDEN_PAGE_H_

#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace holdfast {

// The bytes of block `name` of `page`, a path from the root of the tree. Makes
// the test fail and RETURNS "" when there is no such block, or two, or a line
// that cannot be read.
//   GoldenBytes("docs/formats/log.md", "seal_frame")
std::string GoldenBytes(std::string_view page, std::string_view name);

// OK when block `name` of `page` holds `bytes`; otherwise the failure shows
// `bytes` as such a block.
//   EXPECT_TRUE(MatchesGolden("docs/formats/log.md", "seal_frame", bytes));
testing::AssertionResult MatchesGolden(std::string_view page,
                                       std::string_view name,
                                       std::string_view bytes);

}  // namespace holdfast

#endif  // HOLDFAST_ENGINE_FORMAT_GOLDEN_PAGE_H_
